"""The template, the API description and the workflow file name the same things."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from local.template import read_template

ROOT = Path(__file__).parents[2]


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → properties of the resources of a type."""
    return {name: resource["Properties"] for name, resource in template["Resources"].items()
            if resource["Type"] == kind}


def test_every_function_has_its_handler(template: dict[str, Any]) -> None:
    """CodeUri leads to an app.py with a requirements.txt beside it."""
    assert template["Globals"]["Function"]["Handler"] == "app.handler"
    for function in of_type(template, "AWS::Serverless::Function").values():
        folder = ROOT / function["CodeUri"]
        assert (folder / "app.py").is_file() and (folder / "requirements.txt").is_file()


def test_the_api_integrates_with_functions_that_exist_and_may_be_called(template: dict[str, Any],
                                                                        api: dict[str, Any]) -> None:
    """Each function that the description names exists and permits API Gateway."""
    named = set(re.findall(r"functions/\$\{(\w+)\.Arn\}", json.dumps(api)))
    assert named == set(of_type(template, "AWS::Serverless::Function"))
    permissions = of_type(template, "AWS::Lambda::Permission").values()
    assert named == {permission["FunctionName"]["Ref"] for permission in permissions}


def test_the_api_names_only_resources_of_the_template(template: dict[str, Any], api: dict[str, Any]) -> None:
    """Every ${…} and GetAtt of the description is a resource or a pseudo parameter."""
    text = json.dumps(api)
    names = {name.split(".")[0] for name in re.findall(r"\$\{([\w.:]+)\}", text)} \
        | {name for name, _ in re.findall(r'"Fn::GetAtt": \["(\w+)", "(\w+)"\]', text)}
    assert {name for name in names if not name.startswith("AWS::")} <= set(template["Resources"])


def test_the_workflow_gets_every_substitution_it_names(template: dict[str, Any]) -> None:
    """No ${…} of the ASL file is left open, and none is given in vain."""
    machine = next(iter(of_type(template, "AWS::Serverless::StateMachine").values()))
    text = (ROOT / machine["DefinitionUri"]).read_text("utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])
    assert set(read_template(ROOT / "template.yaml").substitutions.values()) <= set(template["Resources"])


def test_the_workflows_steps_fit_into_api_gateways_29_seconds(template: dict[str, Any]) -> None:
    """T1 3 s, T2 10 s, T3 13 s one after another, the whole machine 28 s."""
    machine = json.loads((ROOT / "statemachine/diagnose.asl.json").read_text("utf-8"))
    steps = {name: machine["States"][name]["TimeoutSeconds"] for name in ("Predict", "Importance", "Knowledge")}
    assert steps == {"Predict": 3, "Importance": 10, "Knowledge": 13}
    assert sum(steps.values()) < machine["TimeoutSeconds"] < 29


def test_sizes_are_the_promised_ones(template: dict[str, Any]) -> None:
    """T1 2048 MB / 30 s, T2 3008 MB / 60 s, T3 1024 MB / 30 s."""
    functions = of_type(template, "AWS::Serverless::Function")
    sizes = {name: (function["MemorySize"], function["Timeout"]) for name, function in functions.items()}
    assert sizes == {"PredictFunction": (2048, 30), "ImportanceFunction": (3008, 60), "RagQueryFunction": (1024, 30)}


def test_buckets_are_private_and_encrypted(template: dict[str, Any]) -> None:
    """No public access, encryption, TLS only, and no bucket that a deleted stack would take along."""
    buckets = of_type(template, "AWS::S3::Bucket")
    policies = of_type(template, "AWS::S3::BucketPolicy").values()
    assert {policy["Bucket"]["Ref"] for policy in policies} == set(buckets)
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True} and bucket["BucketEncryption"]
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"


def test_no_function_may_do_everything(template: dict[str, Any]) -> None:
    """Function policies name their actions and their resources."""
    for name, function in of_type(template, "AWS::Serverless::Function").items():
        statements = [statement for policy in function.get("Policies", []) for statement in policy["Statement"]]
        for statement in statements:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [action for action in actions if "*" in action] and statement["Resource"] != "*", name
