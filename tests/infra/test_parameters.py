"""Bad parameters are refused before anything is created, and the error says what to do."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.intrinsics import TemplateError
from shotwise_tools.cloudformation.parameters import check_rules, resolve_parameters

from .systems import ALL, CERTIFICATE, IMAGE, OWN, PAGE, parameters
from .test_scenarios import FILES
from .transformed import ROOT

TEMPLATE = load_yaml(ROOT / "template.yaml")


def check(overrides: dict[str, str]) -> None:
    """Check constraints and rules of the root template."""
    check_rules(TEMPLATE, resolve_parameters(TEMPLATE, overrides))


BAD_VALUES = [
    ("Scenario", "production", "dev, staging or prod"), ("Scenario", "", "dev, staging or prod"),
    ("VpcCidr", "10.0.0.0", "/16"), ("VpcCidr", "10.0.0.256/16", "/16"), ("VpcCidr", "10.0.0.0/8", "/16"),
    ("VpcCidr", "10.0.0.0/28", "/16"), ("VpcCidr", "10.0.0.0/16, 10.1.0.0/16", "/16"),
    ("AllowedCidrs", "203.0.113.0", "AllowedCidrs"), ("AllowedCidrs", "203.0.113.0/24,everyone", "AllowedCidrs"),
    ("AllowedCidrs", "0.0.0.0/0", "AllowedCidrs"), ("AllowedCidrs", "203.0.113.0/33", "AllowedCidrs"),
    ("NatGateways", "3", "1 or 2"), ("NatGateways", "0", "1 or 2"),
    ("CertificateArn", "1a2b", "CertificateArn"), ("ApiCertificateArn", "arn:aws:iam::123456789012:role/x", "ACM"),
    ("DefaultVpcId", "default", "DefaultVpcId"), ("DefaultSubnetIds", "subnet-0a1b,vpc-0a1b", "DefaultSubnetIds"),
    ("FrontendImage", "shotwise-page", "FrontendImage"), ("FrontendImage", "docker.io/x/page:1", "ECR"),
    ("AllowedOrigins", "quality.example.com", "AllowedOrigins"),
    ("AllowedOrigins", "https://quality.example.com/page", "AllowedOrigins"),
    ("StreamAuth", "none", "AWS_IAM"), ("StartMode", "warm", "snapstart or provisioned"),
    ("ProvisionedConcurrency", "0", "ProvisionedConcurrency"), ("ProvisionedConcurrency", "many", "a number"),
    ("Rollout", "Canary", "Rollout"), ("Index", "faiss", "opensearch or s3vectors"),
    ("OpenSearchStandby", "on", "OpenSearchStandby"),
    ("KnowledgeBase", "yes", "on or off"), ("Embedder", "titan", "Embedder"), ("Writer", "claude", "Writer"),
    ("EmbeddingDimensions", "-1", "EmbeddingDimensions"), ("AlarmEmail", "quality", "AlarmEmail"),
    ("MonthlyBudget", "0", "MonthlyBudget"), ("LogDays", "31", "LogDays"), ("Release", "me!", "make build"),
]


@pytest.mark.parametrize(("name", "text", "advice"), BAD_VALUES)
@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_a_bad_value_is_refused(scenario: str, name: str, text: str, advice: str) -> None:
    """Patterns, allowed values and bounds refuse it, and the error says what is right."""
    with pytest.raises(TemplateError) as error:
        check({**parameters(scenario), name: text})
    assert name in str(error.value) and advice in str(error.value)
    assert "nothing describes" not in str(error.value)


CONTRADICTIONS = [
    ("prod", {"CertificateArn": ""}, "CertificateArn"), ("staging", {"CertificateArn": ""}, "CertificateArn"),
    ("prod", {"AllowedCidrs": ""}, "AllowedCidrs"), ("prod", {"StreamAuth": "NONE"}, "StreamAuth"),
    ("dev", {"FrontendImage": IMAGE, "DefaultVpcId": ""}, "DefaultVpcId"),
    ("dev", {"FrontendImage": IMAGE, "DefaultSubnetIds": ""}, "DefaultSubnetIds"),
    ("dev", {"FrontendImage": IMAGE, "AllowedCidrs": ""}, "AllowedCidrs"),
    ("dev", {"Index": "s3vectors", "Embedder": ""}, "Embedder"),
    ("dev", {"Index": "embedded", "Embedder": "bedrock"}, "Embedder|Index"),
    ("dev", {"KnowledgeBase": "on", "Index": "s3vectors", "Embedder": "bedrock"}, "Index"),
    ("dev", {"KnowledgeBase": "on", "Index": "embedded", "Embedder": "bedrock"}, "Embedder"),
    ("dev", {"Writer": "bedrock", "WriterModel": ""}, "WriterModel"),
    ("prod", {"Writer": "https://models.example.com/v1", "WriterModel": ""}, "WriterModel"),
    ("prod", {"ApiDomain": "api.example.com", "ApiCertificateArn": ""}, "ApiCertificateArn"),
    ("dev", {"ApiDomain": "api.example.com", "ApiCertificateArn": CERTIFICATE}, "ApiDomain"),
]


@pytest.mark.parametrize(("scenario", "change", "to_set"), CONTRADICTIONS)
def test_a_contradiction_is_refused(scenario: str, change: dict[str, str], to_set: str) -> None:
    """Each value is valid alone; a rule refuses their combination and names the parameter to set."""
    with pytest.raises(TemplateError) as error:
        check({**parameters(scenario), **change})
    assert re.search(to_set, str(error.value)), error.value
    assert "Parameter " not in str(error.value), "a constraint spoke, not a rule"


def test_all_that_is_missing_is_named_at_once() -> None:
    """Deploying prod with nothing but samconfig.toml names every missing parameter in one error."""
    with pytest.raises(TemplateError) as error:
        check({key: value for key, value in parameters("prod", page=False).items()
               if key == "Release" or key not in OWN["prod"]})
    for name in ("CertificateArn", "AllowedCidrs"):
        assert f"set {name}" in str(error.value)


@pytest.mark.parametrize(("scenario", "choice"), ALL)
def test_a_good_choice_is_accepted(scenario: str, choice: str) -> None:
    """The choices of parameters that the tests use are accepted."""
    check(parameters(scenario, choice))


GOOD_VALUES = [("VpcCidr", "172.16.0.0/16"), ("VpcCidr", "10.0.4.0/24"), ("AllowedCidrs", "203.0.113.7/32"),
               ("AllowedCidrs", "203.0.113.0/24,198.51.100.0/24"), ("AllowedOrigins", "http://127.0.0.1:8501"),
               ("FrontendImage", f"{IMAGE.split(':')[0]}@sha256:{'0a' * 32}"), ("AlarmEmail", "q.a@plant.example.com"),
               ("CertificateArn", "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/1a-2b"),
               ("Writer", "https://models.example.com/v1"), ("Release", "f" * 64)]


@pytest.mark.parametrize(("name", "text"), GOOD_VALUES)
def test_a_good_value_is_accepted(name: str, text: str) -> None:
    """Patterns are not narrower than what they stand for."""
    check({**parameters("prod"), **PAGE["prod"], name: text})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_constraint_says_what_to_do(path: Path) -> None:
    """Every parameter with a constraint has a description of it."""
    for name, declaration in load_yaml(path).get("Parameters", {}).items():
        if {"AllowedPattern", "AllowedValues", "MinValue", "MaxValue", "MinLength", "MaxLength"} & set(declaration):
            assert declaration.get("ConstraintDescription"), name


def test_every_rule_is_tested() -> None:
    """Without one of the rules, one of the contradictions above would be accepted."""
    for rule in TEMPLATE["Rules"]:
        without = copy.deepcopy(TEMPLATE)
        del without["Rules"][rule]
        accepted = 0
        for scenario, change, _ in CONTRADICTIONS:
            try:
                check_rules(without, resolve_parameters(without, {**parameters(scenario), **change}))
                accepted += 1
            except TemplateError:
                continue
        assert accepted, rule
