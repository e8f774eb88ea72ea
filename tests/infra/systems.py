"""The systems that the templates create: each scenario of samconfig.toml, with each choice of parameters."""

from __future__ import annotations

import functools

from shotwise_tools.cloudformation.stacks import Stack, scenario_parameters

from .transformed import full_system

SCENARIOS = ("dev", "staging", "prod")
# What belongs to one account and one company: it is added at deployment, and is not in this project.
RELEASE = {"Release": "0123456789abcdef"}
CERTIFICATE = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1a2b"
OWN = {
    "dev": RELEASE,
    "staging": {**RELEASE, "AllowedCidrs": "203.0.113.0/24", "CertificateArn": CERTIFICATE},
    "prod": {**RELEASE, "AllowedCidrs": "203.0.113.0/24,198.51.100.16/28", "CertificateArn": CERTIFICATE},
}
IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shotwise-page:0123456789abcdef"
PAGE = {
    "dev": {"FrontendImage": IMAGE, "DefaultVpcId": "vpc-0a1b2c3d", "AllowedCidrs": "203.0.113.0/24",
            "DefaultSubnetIds": "subnet-0a1b2c3d,subnet-4e5f6a7b"},
    "staging": {"FrontendImage": IMAGE},
    "prod": {"FrontendImage": IMAGE},
}
CHOICES: dict[str, dict[str, str]] = {
    "as it is": {},
    "words alone": {"Index": "embedded", "Embedder": "", "Writer": "", "WriterModel": ""},
    "s3vectors": {"Index": "s3vectors", "Embedder": "bedrock"},
    "opensearch": {"Index": "opensearch", "Embedder": "bedrock"},
    "opensearch without vectors": {"Index": "opensearch", "Embedder": ""},
    "knowledge base": {"Index": "embedded", "Embedder": "", "KnowledgeBase": "on"},
    "guarded": {"Writer": "bedrock", "WriterModel": "apac.amazon.nova-lite-v1:0", "GuardrailId": "gr0123456789"},
    "models elsewhere": {"Writer": "https://models.example.com/v1", "WriterModel": "small",
                         "Embedder": "https://models.example.com/v1", "Index": "s3vectors"},
    "provisioned": {"StartMode": "provisioned", "ProvisionedConcurrency": "2"},
    "snapstart": {"StartMode": "snapstart"},
    "with mail": {"AlarmEmail": "quality@example.com", "AllowedOrigins": "https://quality.example.com"},
}
ONE_SCENARIO = {
    ("dev", "open stream"): {"StreamAuth": "NONE"},
    ("prod", "two gateways"): {"NatGateways": "2"},
    ("prod", "named"): {"ApiDomain": "api.example.com", "UiDomain": "shotwise.example.com",
                        "HostedZoneId": "Z0123456789", "ApiCertificateArn": CERTIFICATE},
}
# Staging has the resources of prod, so its choices are tested there.
ALL = [(scenario, choice) for scenario in ("dev", "prod") for choice in CHOICES] \
    + [("staging", "as it is"), *ONE_SCENARIO]


def parameters(scenario: str, choice: str = "as it is", *, page: bool = True) -> dict[str, str]:
    """The parameters of the root template."""
    chosen = CHOICES[choice] if choice in CHOICES else ONE_SCENARIO[scenario, choice]
    no_image = {"FrontendImage": ""}  # a build may have left an image in .aws-sam
    return {**scenario_parameters(scenario), **no_image, **OWN[scenario], **(PAGE[scenario] if page else {}), **chosen}


@functools.cache
def system(scenario: str, choice: str = "as it is", *, page: bool = True) -> Stack:
    """The whole system, resolved once."""
    return full_system(parameters(scenario, choice, page=page))
