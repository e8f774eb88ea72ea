"""The deploying roles may touch one environment's own names; everything else is listed with its reason."""

from __future__ import annotations

import re

import pytest

from shotwise_tools.cloudformation.placeholders import ACCOUNT, REGION
from shotwise_tools.cloudformation.stacks import resolve_file

from .policies import Grant, grants, managed_policies
from .transformed import ROOT

PARAMETERS = {"GitHubOrg": "plant@1234", "GitHubRepository": "shotwise@5678", "HostedZoneId": "Z0123"}
STACK = resolve_file(ROOT / "infra/account.yaml", PARAMETERS, "shotwise-account")
# An environment's name, from the tag of the role or written into its policy.
OWN = re.compile(r"(shotwise-(\$\{aws:PrincipalTag/scenario\}|staging|prod)|/\$\{aws:PrincipalTag/scenario\}/)")
HERE = f"{REGION}:{ACCOUNT}"
# (policy, resource, services) → why the resource has no environment's name.
BEYOND: dict[tuple[str, str, str], str] = {
    ("BuildRole", "*", "ecr"): "a login to the registry knows no resource level",
    ("Deploying", f"arn:aws:cloudformation:{REGION}:aws:transform/*", "cloudformation"):
        "AWS's own macros, SAM's among them",
    ("MakesApplication", f"arn:aws:cloudformation:{REGION}:aws:transform/*", "cloudformation"):
        "AWS's own macros, SAM's among them",
    ("MakesApplication", "*", "application-autoscaling ecs elasticloadbalancing states"):
        "task definitions and validation know no resource level; names of balancers and targets are cut or AWS's",
    ("MakesApplication", f"arn:aws:apigateway:{REGION}::/*", "apigateway"):
        "an API's id is not known before it is there",
    ("MakesApplication", f"arn:aws:codedeploy:{HERE}:deploymentconfig:*", "codedeploy"):
        "CodeDeploy's own ways to roll out are named without an environment",
    ("MakesApplication", f"arn:aws:lambda:{HERE}:event-source-mapping:*", "lambda"): "its id is made by Lambda",
    ("MakesApplication", f"arn:aws:lambda:{HERE}:layer:*Layer", "lambda"): "a layer is named by the template alone",
    ("MakesApplication", f"arn:aws:lambda:{HERE}:layer:*Layer:*", "lambda"): "a layer is named by the template alone",
    ("MakesApplication", f"arn:aws:lambda:{REGION}:753240598075:layer:LambdaAdapterLayerX86:*", "lambda"):
        "versions of the web adapter, which its publisher numbers",
    ("MakesApplication", f"arn:aws:states:{HERE}:stateMachine:DiagnoseStateMachine-*", "states"):
        "CloudFormation names a workflow without its stack",
    ("MakesNetwork", "*", "ec2 route53 wafv2"):
        "networks have ids that are not known before, zones of endpoints and rules of the firewall are AWS's names",
    ("MakesRoles", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/*", "iam"): "service-linked roles have AWS's names",
    ("MakesStores", "*", "aoss bedrock cloudwatch kms logs s3vectors"):
        "making knows no resource level there, or ids are AWS's",
    ("MakesStores", f"arn:aws:budgets::{ACCOUNT}:budget/*", "budgets"): "CloudFormation names a budget by itself",
    ("MakesStores", f"arn:aws:kms:{HERE}:key/*", "kms"): "a key's id is not known before it is there",
}


def beyond(all_grants: list[Grant]) -> dict[tuple[str, str], set[str]]:
    """(policy, resource) → services, of the wildcards that reach beyond one environment's names."""
    rows: dict[tuple[str, str], set[str]] = {}
    for grant in all_grants:
        if grant.wild and not OWN.search(grant.resource):
            rows.setdefault((grant.where.rpartition(".")[2], grant.resource), set()).add(grant.action.partition(":")[0])
    return rows


def test_no_permission_reaches_further_than_listed() -> None:
    """Every wildcard beyond an environment's names is listed with a reason, and no entry is unused."""
    assert beyond(grants(STACK)) == {(policy, resource): set(services.split())
                                     for policy, resource, services in BEYOND}
    assert managed_policies(STACK) == set() and all(len(reason.split()) >= 5 for reason in BEYOND.values())


@pytest.mark.parametrize("resource", ["*", f"arn:aws:sqs:{HERE}:*", f"arn:aws:s3:::shotwise-*/{ACCOUNT}"])
def test_a_permission_that_reaches_further_is_found(resource: str) -> None:
    """A planted permission on other resources is reported."""
    planted = Grant("shotwise-account.MakesStores", "sqs:SendMessage", resource)
    assert ("MakesStores", resource) in beyond([planted])


def test_no_role_may_do_everything() -> None:
    """There is no `*:*`, and no wildcard among the actions of IAM, STS and KMS."""
    for grant in grants(STACK):
        assert grant.action != "*" and not grant.action.startswith("*:"), grant
        assert not ("*" in grant.action and grant.action.startswith(("iam:", "sts:", "kms:"))), grant
