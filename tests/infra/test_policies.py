"""Least privilege in every scenario: each wildcard of a resolved policy is listed here with its reason."""

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
# (policy, resource, actions) → why it cannot be narrower. A wildcard that is not listed fails, and so does an entry
# that no scenario needs any more.
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
        "a chart is named after its shot",
    ("shotwise-Roles.QueryRole", f"{BUCKETS}documentsbucket/*", "s3:DeleteObject s3:GetObject s3:PutObject"):
        "senders choose the names of documents; this bucket holds nothing else",
    ("shotwise-Roles.QueryRole", f"{BUCKETS}librarybucket/library/*", "s3:GetObject"):
        "indexed documents are named after their documents",
    ("shotwise-Roles.StreamRole", f"{BUCKETS}librarybucket/library/*", "s3:GetObject"):
        "indexed documents are named after their documents",
    ("shotwise-Roles.EmbedRole", f"{BUCKETS}documentsbucket/*", "s3:GetObject"):
        "senders choose the names of documents",
    ("shotwise-Roles.EmbedRole", f"{BUCKETS}librarybucket/library/*", "s3:DeleteObject s3:GetObject s3:PutObject"):
        "indexed documents are named after their documents",
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
# AWS managed policies have wildcards too: each is listed_wildcards with what it is needed for.
MANAGED = {
    "AWSLambdaBasicExecutionRole": "functions of dev write their logs",
    "AWSLambdaVPCAccessExecutionRole": "functions in a network of ours write their logs and get an interface there",
    "AWSXRayDaemonWriteAccess": "functions write traces, which know no resource level",
    "AWSXrayWriteOnlyAccess": "the workflow writes traces; SAM adds it",
    "AWSCodeDeployRoleForLambda": "CodeDeploy moves aliases and reads alarms; SAM adds it",
    "AmazonAPIGatewayPushToCloudWatchLogs": "the account's APIs write access logs",
}


def wildcards(all_grants: Iterable[Grant]) -> dict[tuple[str, str], set[str]]:
    """(policy, resource) → actions, of the grants with a wildcard; the scenario's name of a stage is left out."""
    rows: dict[tuple[str, str], set[str]] = {}
    for grant in all_grants:
        if grant.wild:
            resource = re.sub("/(dev|staging|prod)/", "/STAGE/", grant.resource)
            rows.setdefault((grant.where, resource), set()).add(grant.action)
    return rows


def listed_wildcards() -> dict[tuple[str, str], set[str]]:
    """The list above in the same form."""
    rows: dict[tuple[str, str], set[str]] = {}
    for where, resource, actions in WIDE:
        rows.setdefault((where, resource), set()).update(actions.split())
    return rows


def unlisted_wildcards(all_grants: Iterable[Grant]) -> dict[tuple[str, str], set[str]]:
    """The wildcards that are not on the list."""
    on_list = listed_wildcards()
    return {key: actions - on_list.get(key, set()) for key, actions in wildcards(all_grants).items()
            if actions - on_list.get(key, set())}


def test_no_policy_is_wider_than_listed(any_system: Stack) -> None:
    """No action, resource or principal has a wildcard except those listed, whatever is chosen."""
    assert unlisted_wildcards(grants(any_system)) == {} and managed_policies(any_system) <= set(MANAGED)


def test_every_entry_of_the_list_is_needed() -> None:
    """Every entry is needed in some scenario, with all its actions, and has a reason."""
    needed: dict[tuple[str, str], set[str]] = {}
    for scenario, choice in ALL:
        for key, actions in wildcards(grants(system(scenario, choice))).items():
            needed.setdefault(key, set()).update(actions)
    assert not [(key, actions - needed.get(key, set())) for key, actions in listed_wildcards().items()
                if actions - needed.get(key, set())]
    assert set().union(*(managed_policies(system(*pair)) for pair in ALL)) == set(MANAGED)
    assert all(len(reason.split()) >= 4 for reason in WIDE.values())


PLANTED = [{"Action": "s3:*", "Resource": f"{BUCKETS}chartsbucket"}, {"Action": ["s3:GetObject"], "Resource": "*"},
           {"Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:{REGION}:123456789012:*"},
           {"Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/charts/x"}}]


@pytest.mark.parametrize("statement", PLANTED, ids=lambda statement: json.dumps(statement["Action"]))
def test_a_planted_wildcard_is_caught(statement: dict[str, object]) -> None:
    """A wildcard in an action, a resource, a service or a bucket name is reported."""
    template = load_yaml(ROOT / "template.yaml")
    template["Resources"]["StartDiagnoseRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", **statement})
    reported = unlisted_wildcards(grants(full_system(parameters("dev"), template=template)))
    assert {where for where, _ in reported} == {"shotwise.StartDiagnoseRole"}


def test_not_action_is_refused() -> None:
    """NotAction allows what nobody has named, so it is always refused."""
    role = copy.deepcopy(system("dev").resources["StartDiagnoseRole"])
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0].pop("Action")
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["NotAction"] = "iam:*"
    with pytest.raises(AssertionError, match="NotAction"):
        grants(Stack("shotwise", {}, {}, {"StartDiagnoseRole": role}, {}))


def role_of(stack: Stack, function: str) -> str:
    """The name of a function's role."""
    return str(stack.of_type("AWS::Lambda::Function")[function]["Role"].rpartition("/")[2])


SEARCH = {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"}
DOCUMENTS = {"s3:PutObject", "s3:DeleteObject", "kms:GenerateDataKey"}
EMBED = SEARCH | DOCUMENTS | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
CHARTS = {"s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey"}
WRITE = {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}
FIND = {"s3vectors:QueryVectors", "s3vectors:GetVectors"}
KEEP = {"s3vectors:PutVectors", "s3vectors:DeleteVectors", "s3vectors:ListVectors", "s3vectors:GetVectors"}
INGEST = {"bedrock:IngestKnowledgeBaseDocuments", "bedrock:GetKnowledgeBaseDocuments",
          "bedrock:ListKnowledgeBaseDocuments", "bedrock:DeleteKnowledgeBaseDocuments", "bedrock:StartIngestionJob"}
# Choice → what rag_query and stream_query may do beside SEARCH, and what embed_documents may do beside EMBED.
ADDITIONAL: dict[str, tuple[set[str], set[str]]] = {
    "words alone": (set(), set()),
    "s3vectors": (WRITE | FIND, {"bedrock:InvokeModel"} | KEEP),
    "opensearch": (WRITE | {"aoss:APIAccessAll"}, {"bedrock:InvokeModel", "aoss:APIAccessAll"}),
    "knowledge base": (WRITE | {"bedrock:Retrieve"}, INGEST),
    "models elsewhere": (FIND, KEEP),
}


@pytest.mark.parametrize("choice", ADDITIONAL)
@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_each_function_may_do_what_it_does_and_nothing_else(scenario: str, choice: str) -> None:
    """Each function has exactly the permissions that its work needs."""
    stack, (asking, embedding) = system(scenario, choice), ADDITIONAL[choice]
    actions = {name: set(rights(stack, role_of(stack, f"{name}Function"))) for name in (
        "Predict", "Importance", "RagQuery", "StreamQuery", "EmbedDocuments")}
    assert actions == {"Predict": set(), "Importance": CHARTS, "RagQuery": SEARCH | DOCUMENTS | asking,
                       "StreamQuery": SEARCH | asking, "EmbedDocuments": EMBED | embedding}


def test_each_function_has_a_role_of_its_own(any_system: Stack) -> None:
    """No two functions share a role, and each role trusts Lambda alone."""
    roles = [role_of(any_system, name) for name in any_system.of_type("AWS::Lambda::Function")]
    assert len(set(roles)) == len(roles) == 5
    for name, role in any_system.nested["Roles"].of_type("AWS::IAM::Role").items():
        (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"} and f"shotwise-Roles-{name}" in roles


def test_who_writes_where() -> None:
    """Only importance writes charts, only rag_query documents, only embed_documents the document store."""
    stack = system("prod")
    writers = {(name, resource.removeprefix(BUCKETS)) for name in stack.of_type("AWS::Lambda::Function")
               for action, resources in rights(stack, role_of(stack, name)).items()
               if action in ("s3:PutObject", "s3:DeleteObject") for resource in resources}
    assert writers == {("ImportanceFunction", "chartsbucket/charts/*"), ("RagQueryFunction", "documentsbucket/*"),
                       ("EmbedDocumentsFunction", "librarybucket/library/*")}


def test_a_missing_object_is_not_forbidden() -> None:
    """Who reads a bucket may list it: otherwise S3 answers 403 instead of 404 for a missing object."""
    stack = system("prod")
    for name in stack.of_type("AWS::Lambda::Function"):
        allowed = rights(stack, role_of(stack, name))
        read = {resource.split("/")[0] for resource in allowed.get("s3:GetObject", set())}
        assert read <= allowed.get("s3:ListBucket", set()), name


def test_models_of_other_regions_are_reached_through_a_profile_alone() -> None:
    """A wildcard for the region is limited to the configured regions and to calls of the profile."""
    for name, policy in system("prod").nested["Roles"].of_type("AWS::IAM::ManagedPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            if "*" in json.dumps(statement["Resource"]):
                assert statement["Condition"]["ArnEquals"]["bedrock:InferenceProfileArn"].startswith("arn:"), name
                assert "ap-northeast-2" in statement["Condition"]["StringEquals"]["aws:RequestedRegion"]
