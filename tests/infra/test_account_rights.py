"""The rights of who deploys reach one environment's own names, and beyond them only what is listed with its reason."""

from __future__ import annotations

import re

import pytest

from shotwise_tools.cloudformation.placeholders import ACCOUNT, REGION
from shotwise_tools.cloudformation.stacks import resolve_file

from .policies import Grant, grants, managed
from .transformed import ROOT

GIVEN = {"GitHubOrg": "plant@1234", "GitHubRepository": "shotwise@5678", "HostedZoneId": "Z0123"}
STACK = resolve_file(ROOT / "infra/account.yaml", GIVEN, "shotwise-account")
# An environment's name, given by the tag of the role that asks or by the role's own policy.
OWN = re.compile(r"(shotwise-(\$\{aws:PrincipalTag/scenario\}|staging|prod)|/\$\{aws:PrincipalTag/scenario\}/)")
HERE = f"{REGION}:{ACCOUNT}"
# (policy, resource, services) → why no environment's name stands there.
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


def beyond(found: list[Grant]) -> dict[tuple[str, str], set[str]]:
    """(policy, resource) → services, of wide grants that reach beyond one environment's names."""
    rows: dict[tuple[str, str], set[str]] = {}
    for one in found:
        if one.wild and not OWN.search(one.resource):
            rows.setdefault((one.where.rpartition(".")[2], one.resource), set()).add(one.action.partition(":")[0])
    return rows


def test_no_right_reaches_further_than_listed() -> None:
    """By policy, resource and service, each with its reason, and none listed in vain."""
    assert beyond(grants(STACK)) == {(policy, resource): set(services.split())
                                     for policy, resource, services in BEYOND}
    assert managed(STACK) == set() and all(len(reason.split()) >= 5 for reason in BEYOND.values())


@pytest.mark.parametrize("resource", ["*", f"arn:aws:sqs:{HERE}:*", f"arn:aws:s3:::shotwise-*/{ACCOUNT}"])
def test_a_right_that_reaches_further_is_found(resource: str) -> None:
    """The companion: nothing of these is an environment's own."""
    planted = Grant("shotwise-account.MakesStores", "sqs:SendMessage", resource)
    assert ("MakesStores", resource) in beyond([planted])


def test_nobody_may_do_everything_of_iam_or_of_everything() -> None:
    """No `*:*`, no wildcard among the actions of IAM and STS, whatever the resource."""
    for one in grants(STACK):
        assert one.action != "*" and not one.action.startswith("*:"), one
        assert not ("*" in one.action and one.action.startswith(("iam:", "sts:", "kms:"))), one
