"""The functions: handlers, sizes, settings, aliases, layers."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from shotwise.limits import (
    API_ANSWER_SECONDS,
    EMBEDDING_SECONDS,
    EXTRACTION_SECONDS,
    WORKFLOW_ANSWER_SECONDS,
)
from shotwise.settings import SettingError, Settings
from shotwise_local.template import load_yaml, read_template
from shotwise_tools.cloudformation.stacks import Stack

from .systems import ALL, SCENARIOS, system
from .transformed import ROOT, definition

NAMES = {"PredictFunction": "predict", "ImportanceFunction": "importance", "RagQueryFunction": "rag_query",
         "StreamQueryFunction": "stream_query", "EmbedDocumentsFunction": "embed_documents"}
WORKFLOW_FUNCTIONS = ("PredictFunction", "ImportanceFunction", "RagQueryFunction")


def functions(stack: Stack) -> dict[str, dict[str, Any]]:
    """Logical id → properties."""
    return stack.of_type("AWS::Lambda::Function")


def variables(stack: Stack, name: str) -> dict[str, str]:
    """The environment of a function."""
    return dict(functions(stack)[name]["Environment"]["Variables"])


def test_every_function_has_its_handler() -> None:
    """Every function's folder has an app.py and a requirements.txt.

    The streaming function has an ASGI app and an executable script that starts it, all others a handler.
    """
    deployed = functions(system("dev"))
    assert {name: function["Code"]["S3Key"] for name, function in deployed.items()} == {
        name: f"functions/{folder}" for name, folder in NAMES.items()}
    for function in deployed.values():
        folder = ROOT / function["Code"]["S3Key"]
        names = re.findall(r"^(\w+) = ", (folder / "app.py").read_text("utf-8"), re.MULTILINE)
        assert (folder / "requirements.txt").is_file() and function["Runtime"] == "python3.13"
        if function["Handler"] == "app.handler":
            assert "handler" in names
        else:
            script = folder / function["Handler"]
            assert "app" in names and script.read_text("utf-8").startswith("#!/bin/sh") and os.access(script, os.X_OK)
            assert "uvicorn app:app" in script.read_text("utf-8")


def test_the_local_stack_finds_the_streaming_function() -> None:
    """The local stack reads them as apps, and all others as handlers."""
    template = read_template(ROOT / "template.yaml")
    assert list(template.apps) == ["StreamQueryFunction"]
    assert template.functions | template.apps == {
        name: ROOT / "functions" / folder / "app.py" for name, folder in NAMES.items()}


def test_the_streaming_function_runs_behind_the_web_adapter() -> None:
    """The adapter is a layer, wraps the start, streams, checks an existing route, and finds the packages."""
    function = functions(system("dev"))["StreamQueryFunction"]
    environment = variables(system("dev"), "StreamQueryFunction")
    assert [layer for layer in function["Layers"] if "LambdaAdapterLayer" in layer]
    assert environment["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert environment["AWS_LWA_INVOKE_MODE"] == "response_stream" and environment["PYTHONPATH"] == "/opt/python"
    assert environment["AWS_LWA_READINESS_CHECK_PATH"] == "/health"
    assert "${AWS_LWA_PORT:-" in (ROOT / function["Code"]["S3Key"] / "run.sh").read_text("utf-8")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_sizes_are_the_promised_ones(scenario: str) -> None:
    """Predict has 2048 MB and 30 s, importance 3008 MB and 60 s, rag_query 1024 MB and 30 s."""
    sizes = {name: (function["MemorySize"], function["Timeout"])
             for name, function in functions(system(scenario)).items()}
    assert sizes == {"PredictFunction": (2048, 30), "ImportanceFunction": (3008, 60), "RagQueryFunction": (1024, 30),
                     "StreamQueryFunction": (1024, 60), "EmbedDocumentsFunction": (2048, 900)}


def test_the_workflow_gets_every_substitution() -> None:
    """Every ${…} of the ASL file is substituted, and there is no unused substitution."""
    (machine,) = system("dev").of_type("AWS::StepFunctions::StateMachine").values()
    text = (ROOT / machine["DefinitionS3Location"]["Key"]).read_text("utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])
    assert set(read_template(ROOT / "template.yaml").substitutions.values()) == set(WORKFLOW_FUNCTIONS)


def test_the_workflows_steps_fit_into_api_gateways_29_seconds() -> None:
    """The steps take 3 s, 10 s and 13 s one after another, and the whole workflow 28 s.

    Side by side they have the same limits. A function may run longer than its step, except for generating an answer,
    which must end within it.
    """
    (machine,) = system("dev").of_type("AWS::StepFunctions::StateMachine").values()
    asl = json.loads(definition(machine))
    steps = {name: asl["States"][name]["TimeoutSeconds"] for name in ("Predict", "Importance", "Knowledge")}
    assert steps == {"Predict": 3, "Importance": 10, "Knowledge": 13}
    assert sum(steps.values()) < asl["TimeoutSeconds"] < 29
    importance, answer = (branch["States"] for branch in asl["States"]["SideBySide"]["Branches"])
    assert importance["ImportanceBeside"]["TimeoutSeconds"] == steps["Importance"]
    assert answer["AnswerQuestion"]["TimeoutSeconds"] == steps["Knowledge"]
    assert float(variables(system("dev"), "RagQueryFunction")["SHOTWISE_ANSWER_SECONDS"]) < steps["Knowledge"]
    # On one machine the setting is for streams; a step has the time limit of the code, and time to be started and sent.
    assert steps["Knowledge"] > WORKFLOW_ANSWER_SECONDS + 2


def test_an_answer_ends_before_what_waits_for_it() -> None:
    """API Gateway cuts off at 29 s, a function at its time-out; both allow for the start of a function."""
    timeouts = {name: system("dev").resources[name]["Properties"]["Timeout"]
                for name in ("RagQueryFunction", "StreamQueryFunction")}
    assert API_ANSWER_SECONDS + 3 < 29 < timeouts["RagQueryFunction"]
    seconds = float(variables(system("dev"), "StreamQueryFunction")["SHOTWISE_ANSWER_SECONDS"])
    assert seconds + 5 < timeouts["StreamQueryFunction"]
    assert EMBEDDING_SECONDS + EXTRACTION_SECONDS <= WORKFLOW_ANSWER_SECONDS / 2, "a model would have no time to write"


def test_every_setting_is_one_that_the_code_reads() -> None:
    """A misspelt setting would silently be a default; functions that search and embed have the same settings."""
    settings_source = (ROOT / "src/shotwise/settings.py").read_text("utf-8")
    rag, embed, stream = (variables(system("prod"), f"{name}Function")
                          for name in ("RagQuery", "EmbedDocuments", "StreamQuery"))
    names = {key for name in NAMES for key in variables(system("prod"), name) if key.startswith(("SHOTWISE_", "OPENS"))}
    assert not [key for key in names if f'"{key}"' not in settings_source] and len(names) > 15
    assert rag["SHOTWISE_INDEX_READ_ONLY"] == "true" and embed == {**rag, "SHOTWISE_INDEX_READ_ONLY": "false"}
    assert {**stream, **rag, "SHOTWISE_ANSWER_SECONDS": "50"} == stream


@pytest.mark.parametrize(("scenario", "choice"), ALL)
def test_every_function_accepts_its_settings(scenario: str, choice: str) -> None:
    """The code accepts the settings of every function, in every system."""
    for name in NAMES:
        assert Settings.from_mapping(variables(system(scenario, choice), name)), name


def test_settings_that_contradict_each_other_are_found() -> None:
    """Without its bucket the index of dev would not start."""
    environment = {**variables(system("dev", "s3vectors"), "RagQueryFunction"), "SHOTWISE_VECTOR_BUCKET": ""}
    with pytest.raises(SettingError, match="SHOTWISE_VECTOR_BUCKET"):
        Settings.from_mapping(environment)


def test_each_function_has_an_alias_that_moves_with_the_release(any_system: Stack) -> None:
    """`live` points to the version of this release; CodeDeploy moves it, and an alarm can stop that."""
    aliases = any_system.of_type("AWS::Lambda::Alias")
    groups = any_system.of_type("AWS::CodeDeploy::DeploymentGroup")
    alarms = {name.replace(".", "-") for name in any_system.all_of_type("AWS::CloudWatch::Alarm")}
    for name in NAMES:
        assert aliases[f"{name}Aliaslive"]["Name"] == "live"
        assert any_system.resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = groups[f"{name}DeploymentGroup"]
        assert group["AlarmConfiguration"]["Enabled"] is True
        assert {alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]} <= alarms
        assert [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"] if NAMES[name].split("_")[0] in
                alarm["Name"].lower()], name
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def test_prod_rolls_out_by_parts_and_dev_at_once() -> None:
    """Prod has a canary or a linear roll-out; dev and staging move all traffic at once."""
    configurations = {
        scenario: {group["DeploymentConfigName"] for group in
                   system(scenario).of_type("AWS::CodeDeploy::DeploymentGroup").values()} for scenario in SCENARIOS}
    assert configurations["dev"] == configurations["staging"] == {"CodeDeployDefault.LambdaAllAtOnce"}
    assert configurations["prod"]
    assert all("Canary" in name or "Linear" in name for name in configurations["prod"])


@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_cold_starts_can_be_reduced_in_two_ways(scenario: str) -> None:
    """Either provisioned concurrency or SnapStart, for predict, importance and rag_query."""
    provisioned, snapstart = system(scenario, "provisioned"), system(scenario, "snapstart")
    provisioned_names = {name for name in NAMES if "ProvisionedConcurrencyConfig" in
                         provisioned.of_type("AWS::Lambda::Alias")[f"{name}Aliaslive"]}
    assert provisioned_names == set(WORKFLOW_FUNCTIONS)
    snapstart_names = {name for name, function in functions(snapstart).items()
                       if function.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"}
    assert snapstart_names == set(WORKFLOW_FUNCTIONS)
    assert not [function for function in functions(provisioned).values()
                if function.get("SnapStart", {}).get("ApplyOn") != "None" and "SnapStart" in function]


def test_functions_are_traced_and_log_into_one_group(any_system: Stack) -> None:
    """Logs are JSON in a group with a retention, and every call is traced."""
    groups = {group["LogGroupName"]: group for group in any_system.all_of_type("AWS::Logs::LogGroup").values()
              if "LogGroupName" in group}
    for name, function in functions(any_system).items():
        assert function["TracingConfig"] == {"Mode": "Active"} and function["LoggingConfig"]["LogFormat"] == "JSON"
        assert int(groups[function["LoggingConfig"]["LogGroup"]]["RetentionInDays"]) >= 7, name


def test_every_log_group_has_a_retention(any_system: Stack) -> None:
    """Every log group of the system has a retention."""
    for name, group in any_system.all_of_type("AWS::Logs::LogGroup").items():
        assert group.get("RetentionInDays"), name


def test_functions_use_the_layers_of_the_template() -> None:
    """Functions use layers of the template and the web adapter; all of them have the serving package."""
    root = load_yaml(ROOT / "template.yaml")["Resources"]
    for name in NAMES:
        layers = [layer.get("Ref", "adapter") for layer in root[name]["Properties"]["Layers"]]
        assert "CoreLayer" in layers and set(layers) - {"adapter"} <= set(root)
