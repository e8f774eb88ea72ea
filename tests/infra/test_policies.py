"""Least privilege, read off the resolved policies of every scenario: what is wide is listed here with its reason."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable

import pytest

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.placeholders import REGION, stable_id
from shotwise_tools.cloudformation.stacks import Stack

from .policies import Grant, grants, managed_policies, rights
from .systems import ALL, parameters, system
from .transformed import ROOT, full_system

API = stable_id("shotwise-Api")
BUCKETS = "arn:aws:s3:::shotwise-data-"
# (who holds it, what it leaves open, which actions) → why it cannot be narrower. A wildcard that is not here fails; an
# entry that no scenario needs any more fails too.
WIDE: dict[tuple[str, str, str], str] = {
    ("shotwise.DiagnoseStateMachineRole", "*",
     "logs:CreateLogDelivery logs:DeleteLogDelivery logs:DescribeLogGroups logs:DescribeResourcePolicies "
     "logs:GetLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery"):
        "log delivery of a workflow knows no resource level",
    ("shotwise-Data.Key", "*", "kms:*"):
        "a key's policy speaks of that key alone; this statement hands who may use it to IAM",
    ("shotwise-Data.Key", "*", "kms:Decrypt"):
        "a key's policy speaks of that key alone; S3 Vectors indexes what was encrypted with it",
    ("shotwise-Roles.ImportanceRole", f"{BUCKETS}chartsbucket/charts/*", "s3:GetObject s3:PutObject"):
        "a chart is named for its shot",
    ("shotwise-Roles.QueryRole", f"{BUCKETS}documentsbucket/*", "s3:DeleteObject s3:GetObject s3:PutObject"):
        "documents are named by who sends them; this bucket holds nothing else",
    ("shotwise-Roles.QueryRole", f"{BUCKETS}librarybucket/library/*", "s3:GetObject"):
        "volumes of the library are named for their documents",
    ("shotwise-Roles.StreamRole", f"{BUCKETS}librarybucket/library/*", "s3:GetObject"):
        "volumes of the library are named for their documents",
    ("shotwise-Roles.EmbedRole", f"{BUCKETS}documentsbucket/*", "s3:GetObject"):
        "documents are named by who sends them",
    ("shotwise-Roles.EmbedRole", f"{BUCKETS}librarybucket/library/*", "s3:DeleteObject s3:GetObject s3:PutObject"):
        "volumes of the library are named for their documents",
    ("shotwise-Roles.EmbeddingPolicy", "arn:aws:bedrock:*::foundation-model/*", "bedrock:InvokeModel"):
        "an inference profile leads to models of other regions: by condition in ModelRegions and through it alone",
    ("shotwise-Roles.WritingPolicy", "arn:aws:bedrock:*::foundation-model/*",
     "bedrock:InvokeModel bedrock:InvokeModelWithResponseStream"):
        "an inference profile leads to models of other regions: by condition in ModelRegions and through it alone",
    ("shotwise-Network.FlowLogRole", f"arn:aws:logs:{REGION}:123456789012:log-group:shotwise-Network-FlowLogs:*",
     "logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents"):
        "the streams of one group; the service names them",
    ("shotwise-Network.S3Endpoint", "*", "s3:*"):
        "the way to S3 is open to buckets of this account alone, by condition; what is done there, roles say",
    ("shotwise-Network.S3Endpoint", f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/*", "s3:GetObject"):
        "where ECR keeps the layers of images, named by their digests",
    ("shotwise-Network.S3Endpoint", f"arn:aws:s3:::cloudformation-custom-resource-response-{REGION.replace('-', '')}/*",
     "s3:PutObject"):
        "where CloudFormation waits for the answer of a resource of ours, at an address that it signs",
    ("shotwise-Network.FlowLogRole", "*", "logs:DescribeLogGroups"):
        "it looks for its group among all; the action knows no single one",
    ("shotwise-OpenSearch.DataPolicy", "index/shotwise/*",
     "aoss:CreateIndex aoss:DescribeIndex aoss:ReadDocument aoss:UpdateIndex aoss:WriteDocument"):
        "the collection is ours alone; an index is named for its dimensions",
    ("shotwise-Balancer.LogsPolicy", "arn:aws:s3:::shotwise-balancer-logs/AWSLogs/123456789012/*", "s3:PutObject"):
        "the balancer names its logs",
    ("shotwise-Balancer.RolloutRole", "*",
     "elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeRules "
     "elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeTargetHealth"):
        "what describes balancers knows no resource level",
    ("shotwise-Frontend.ExecutionRole", "*", "ecr:GetAuthorizationToken"):
        "a login to the registry knows no resource level",
    ("shotwise-Frontend.ExecutionRole", f"arn:aws:logs:{REGION}:123456789012:log-group:shotwise-Frontend-Logs:*",
     "logs:CreateLogStream logs:PutLogEvents"):
        "the streams of one group; ECS names them",
    **{("shotwise-Frontend.TaskRole", f"arn:aws:execute-api:{REGION}:123456789012:{API}/STAGE/{route}/*",
        "execute-api:Invoke"): "the last part of the path is a name" for route in (
            "GET/charts", "GET/documents", "DELETE/documents")},
}
# AWS's own policies hold wildcards too: each is here for what it is needed for.
MANAGED = {
    "AWSLambdaBasicExecutionRole": "functions of dev write their logs",
    "AWSLambdaVPCAccessExecutionRole": "functions in a network of ours write their logs and get an interface there",
    "AWSXRayDaemonWriteAccess": "functions write traces, which know no resource level",
    "AWSXrayWriteOnlyAccess": "the workflow writes traces; SAM adds it",
    "AWSCodeDeployRoleForLambda": "CodeDeploy moves aliases and reads alarms; SAM adds it",
    "AmazonAPIGatewayPushToCloudWatchLogs": "the account's APIs write access logs",
}


def wide(found: Iterable[Grant]) -> dict[tuple[str, str], set[str]]:
    """(who holds it, what it leaves open) → actions, of the grants that leave something open. A stage is named for its
    scenario."""
    rows: dict[tuple[str, str], set[str]] = {}
    for one in found:
        if one.wild:
            resource = re.sub("/(dev|staging|prod)/", "/STAGE/", one.resource)
            rows.setdefault((one.where, resource), set()).add(one.action)
    return rows


def listed() -> dict[tuple[str, str], set[str]]:
    """The list above in the same form."""
    rows: dict[tuple[str, str], set[str]] = {}
    for where, resource, actions in WIDE:
        rows.setdefault((where, resource), set()).update(actions.split())
    return rows


def unlisted(found: Iterable[Grant]) -> dict[tuple[str, str], set[str]]:
    """What is wide and is not on the list."""
    known = listed()
    return {key: actions - known.get(key, set()) for key, actions in wide(found).items()
            if actions - known.get(key, set())}


def test_no_policy_is_wider_than_listed(any_system: Stack) -> None:
    """No action, resource or principal with a wildcard but those listed, whatever is chosen."""
    assert unlisted(grants(any_system)) == {} and managed_policies(any_system) <= set(MANAGED)


def test_the_list_holds_nothing_in_vain() -> None:
    """Every entry is met in some scenario, with all its actions, and has a reason."""
    met: dict[tuple[str, str], set[str]] = {}
    for scenario, choice in ALL:
        for key, actions in wide(grants(system(scenario, choice))).items():
            met.setdefault(key, set()).update(actions)
    assert not [(key, actions - met.get(key, set())) for key, actions in listed().items()
                if actions - met.get(key, set())]
    assert set().union(*(managed_policies(system(*one)) for one in ALL)) == set(MANAGED)
    assert all(len(reason.split()) >= 4 for reason in WIDE.values())


PLANTED = [{"Action": "s3:*", "Resource": f"{BUCKETS}chartsbucket"}, {"Action": ["s3:GetObject"], "Resource": "*"},
           {"Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:{REGION}:123456789012:*"},
           {"Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/charts/x"}}]


@pytest.mark.parametrize("statement", PLANTED, ids=lambda one: json.dumps(one["Action"]))
def test_a_planted_wildcard_is_caught(statement: dict[str, object]) -> None:
    """In a role of the root: an action, everything, a service, a bucket."""
    template = load_yaml(ROOT / "template.yaml")
    template["Resources"]["StartDiagnoseRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", **statement})
    found = unlisted(grants(full_system(parameters("dev"), template=template)))
    assert {where for where, _ in found} == {"shotwise.StartDiagnoseRole"}


def test_all_but_something_is_caught() -> None:
    """NotAction allows what nobody has named: it is refused at sight."""
    role = copy.deepcopy(system("dev").resources["StartDiagnoseRole"])
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0].pop("Action")
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["NotAction"] = "iam:*"
    with pytest.raises(AssertionError, match="NotAction"):
        grants(Stack("shotwise", {}, {}, {"StartDiagnoseRole": role}, {}))


def role_of(found: Stack, function: str) -> str:
    """The name of a function's role."""
    return str(found.of_type("AWS::Lambda::Function")[function]["Role"].rpartition("/")[2])


SEARCH = {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"}
DOCUMENTS = {"s3:PutObject", "s3:DeleteObject", "kms:GenerateDataKey"}
EMBED = SEARCH | DOCUMENTS | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
CHARTS = {"s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey"}
WRITE = {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}
FIND = {"s3vectors:QueryVectors", "s3vectors:GetVectors"}
KEEP = {"s3vectors:PutVectors", "s3vectors:DeleteVectors", "s3vectors:ListVectors", "s3vectors:GetVectors"}
INGEST = {"bedrock:IngestKnowledgeBaseDocuments", "bedrock:GetKnowledgeBaseDocuments",
          "bedrock:ListKnowledgeBaseDocuments", "bedrock:DeleteKnowledgeBaseDocuments", "bedrock:StartIngestionJob"}
# choice → what T3 and the stream have beside SEARCH, what the embedding function has beside EMBED
MORE: dict[str, tuple[set[str], set[str]]] = {
    "words alone": (set(), set()),
    "s3vectors": (WRITE | FIND, {"bedrock:InvokeModel"} | KEEP),
    "opensearch": (WRITE | {"aoss:APIAccessAll"}, {"bedrock:InvokeModel", "aoss:APIAccessAll"}),
    "knowledge base": (WRITE | {"bedrock:Retrieve"}, INGEST),
    "models elsewhere": (FIND, KEEP),
}


@pytest.mark.parametrize("choice", MORE)
@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_each_function_may_do_what_it_does_and_nothing_else(scenario: str, choice: str) -> None:
    """T1 nothing, T2 charts, T3 documents and search, the stream search, the embedding function the library."""
    found, (asking, embedding) = system(scenario, choice), MORE[choice]
    actions = {name: set(rights(found, role_of(found, f"{name}Function"))) for name in (
        "Predict", "Importance", "RagQuery", "StreamQuery", "EmbedDocuments")}
    assert actions == {"Predict": set(), "Importance": CHARTS, "RagQuery": SEARCH | DOCUMENTS | asking,
                       "StreamQuery": SEARCH | asking, "EmbedDocuments": EMBED | embedding}


def test_each_function_has_a_role_of_its_own(any_system: Stack) -> None:
    """No two share one, and each role trusts Lambda alone."""
    roles = [role_of(any_system, name) for name in any_system.of_type("AWS::Lambda::Function")]
    assert len(set(roles)) == len(roles) == 5
    for name, role in any_system.nested["Roles"].of_type("AWS::IAM::Role").items():
        (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"} and f"shotwise-Roles-{name}" in roles


def test_who_writes_where() -> None:
    """Charts are written by T2, documents by T3, the library by the embedding function: each by nobody else."""
    found = system("prod")
    writers = {(name, resource.removeprefix(BUCKETS)) for name in found.of_type("AWS::Lambda::Function")
               for action, resources in rights(found, role_of(found, name)).items()
               if action in ("s3:PutObject", "s3:DeleteObject") for resource in resources}
    assert writers == {("ImportanceFunction", "chartsbucket/charts/*"), ("RagQueryFunction", "documentsbucket/*"),
                       ("EmbedDocumentsFunction", "librarybucket/library/*")}


def test_what_is_missing_is_missing_and_not_forbidden() -> None:
    """Whoever reads a bucket may list it: else S3 answers 403, not 404, for what is not there."""
    found = system("prod")
    for name in found.of_type("AWS::Lambda::Function"):
        may = rights(found, role_of(found, name))
        read = {resource.split("/")[0] for resource in may.get("s3:GetObject", set())}
        assert read <= may.get("s3:ListBucket", set()), name


def test_models_of_other_regions_are_reached_through_a_profile_alone() -> None:
    """The statement with `*` for a region holds only in the regions given, and only for calls of that profile."""
    for name, policy in system("prod").nested["Roles"].of_type("AWS::IAM::ManagedPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            if "*" in json.dumps(statement["Resource"]):
                assert statement["Condition"]["ArnEquals"]["bedrock:InferenceProfileArn"].startswith("arn:"), name
                assert "ap-northeast-2" in statement["Condition"]["StringEquals"]["aws:RequestedRegion"]
