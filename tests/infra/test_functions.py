"""Each function is what it promises: its handler, its size, its settings, its alias, what it is built of."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from shotwise.settings import SettingError, Settings
from shotwise_local.template import load_yaml, read_template
from shotwise_tools.cloudformation.stacks import Stack

from .systems import ALL, SCENARIOS, system
from .transformed import ROOT, definition

NAMES = {"PredictFunction": "predict", "ImportanceFunction": "importance", "RagQueryFunction": "rag_query",
         "StreamQueryFunction": "stream_query", "EmbedDocumentsFunction": "embed_documents"}
ASKED = ("PredictFunction", "ImportanceFunction", "RagQueryFunction")  # by the workflow


def functions(found: Stack) -> dict[str, dict[str, Any]]:
    """Logical id → properties."""
    return found.of_type("AWS::Lambda::Function")


def variables(found: Stack, name: str) -> dict[str, str]:
    """The environment that a function gets."""
    return dict(functions(found)[name]["Environment"]["Variables"])


def test_every_function_has_its_handler() -> None:
    """The folder that is packaged has an app.py with a requirements.txt beside it; what streams has an app, and a
    script that can be executed to start it."""
    found = functions(system("dev"))
    assert {name: one["Code"]["S3Key"] for name, one in found.items()} == {
        name: f"functions/{folder}" for name, folder in NAMES.items()}
    for function in found.values():
        folder = ROOT / function["Code"]["S3Key"]
        names = re.findall(r"^(\w+) = ", (folder / "app.py").read_text("utf-8"), re.MULTILINE)
        assert (folder / "requirements.txt").is_file() and function["Runtime"] == "python3.13"
        if function["Handler"] == "app.handler":
            assert "handler" in names
        else:
            script = folder / function["Handler"]
            assert "app" in names and script.read_text("utf-8").startswith("#!/bin/sh") and os.access(script, os.X_OK)
            assert "uvicorn app:app" in script.read_text("utf-8")


def test_the_functions_that_stream_are_found_by_the_local_stack() -> None:
    """They are apps there, and all others are handlers."""
    found = read_template(ROOT / "template.yaml")
    assert list(found.apps) == ["StreamQueryFunction"]
    assert found.functions | found.apps == {name: ROOT / "functions" / folder / "app.py" for name, folder in NAMES.items()}


def test_what_streams_runs_behind_the_web_adapter() -> None:
    """The adapter is a layer, wraps the start, streams, waits for a route that there is, and finds the packages."""
    function, given = functions(system("dev"))["StreamQueryFunction"], variables(system("dev"), "StreamQueryFunction")
    assert [layer for layer in function["Layers"] if "LambdaAdapterLayer" in layer]
    assert given["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert given["AWS_LWA_INVOKE_MODE"] == "response_stream" and given["PYTHONPATH"] == "/opt/python"
    assert given["AWS_LWA_READINESS_CHECK_PATH"] == "/health"
    assert "${AWS_LWA_PORT:-" in (ROOT / function["Code"]["S3Key"] / "run.sh").read_text("utf-8")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_sizes_are_the_promised_ones(scenario: str) -> None:
    """T1 2048 MB / 30 s, T2 3008 MB / 60 s, T3 1024 MB / 30 s; streaming 60 s, embedding the longest that there is."""
    sizes = {name: (one["MemorySize"], one["Timeout"]) for name, one in functions(system(scenario)).items()}
    assert sizes == {"PredictFunction": (2048, 30), "ImportanceFunction": (3008, 60), "RagQueryFunction": (1024, 30),
                     "StreamQueryFunction": (1024, 60), "EmbedDocumentsFunction": (2048, 900)}


def test_the_workflow_gets_every_substitution_it_names() -> None:
    """No ${…} of the ASL file is left open, and none is given in vain."""
    (machine,) = system("dev").of_type("AWS::StepFunctions::StateMachine").values()
    text = (ROOT / machine["DefinitionS3Location"]["Key"]).read_text("utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])
    assert set(read_template(ROOT / "template.yaml").substitutions.values()) == set(ASKED)


def test_the_workflows_steps_fit_into_api_gateways_29_seconds() -> None:
    """predict 3 s, importance 10 s, rag_query 13 s one after another, the whole machine 28 s; a function is given longer than its step."""
    (machine,) = system("dev").of_type("AWS::StepFunctions::StateMachine").values()
    asl = json.loads(definition(machine))
    steps = {name: asl["States"][name]["TimeoutSeconds"] for name in ("Predict", "Importance", "Knowledge")}
    assert steps == {"Predict": 3, "Importance": 10, "Knowledge": 13}
    assert sum(steps.values()) < asl["TimeoutSeconds"] < 29
    assert float(variables(system("dev"), "RagQueryFunction")["SHOTWISE_ANSWER_SECONDS"]) < steps["Knowledge"]


def test_every_setting_of_a_function_is_one_that_is_read() -> None:
    """A misspelt setting would be a default in silence; what searches and what embeds are set alike."""
    read = (ROOT / "src/shotwise/settings.py").read_text("utf-8")
    rag, embed, stream = (variables(system("prod"), f"{name}Function")
                          for name in ("RagQuery", "EmbedDocuments", "StreamQuery"))
    given = {key for name in NAMES for key in variables(system("prod"), name) if key.startswith(("SHOTWISE_", "OPENS"))}
    assert not [key for key in given if f'"{key}"' not in read] and len(given) > 15
    assert rag["SHOTWISE_INDEX_READ_ONLY"] == "true" and embed == {**rag, "SHOTWISE_INDEX_READ_ONLY": "false"}
    assert {**stream, **rag, "SHOTWISE_ANSWER_SECONDS": "50"} == stream


@pytest.mark.parametrize(("scenario", "choice"), ALL)
def test_every_function_starts_with_the_settings_it_gets(scenario: str, choice: str) -> None:
    """What a choice resolves to is accepted by the code that reads it, in every system."""
    for name in NAMES:
        assert Settings.from_mapping(variables(system(scenario, choice), name)), name


def test_settings_that_do_not_fit_are_found() -> None:
    """The companion: without its bucket the index of dev would not start."""
    given = {**variables(system("dev", "s3vectors"), "RagQueryFunction"), "SHOTWISE_VECTOR_BUCKET": ""}
    with pytest.raises(SettingError, match="SHOTWISE_VECTOR_BUCKET"):
        Settings.from_mapping(given)


def test_each_function_has_an_alias_that_moves_with_the_release(any_system: Stack) -> None:
    """`live` points at the version of this release, and is moved by CodeDeploy, which an alarm can stop."""
    aliases = any_system.of_type("AWS::Lambda::Alias")
    groups = any_system.of_type("AWS::CodeDeploy::DeploymentGroup")
    alarms = {name.replace(".", "-") for name in any_system.all_of_type("AWS::CloudWatch::Alarm")}
    for name in NAMES:
        assert aliases[f"{name}Aliaslive"]["Name"] == "live"
        assert any_system.resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = groups[f"{name}DeploymentGroup"]
        assert group["AlarmConfiguration"]["Enabled"] is True
        assert {one["Name"] for one in group["AlarmConfiguration"]["Alarms"]} <= alarms
        assert [one["Name"] for one in group["AlarmConfiguration"]["Alarms"] if NAMES[name].split("_")[0] in
                one["Name"].lower()], name
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def test_prod_rolls_out_by_parts_and_dev_at_once() -> None:
    """A canary where it matters; staging tries the release at once."""
    ways = {scenario: {group["DeploymentConfigName"] for group in
                       system(scenario).of_type("AWS::CodeDeploy::DeploymentGroup").values()} for scenario in SCENARIOS}
    assert ways["dev"] == ways["staging"] == {"CodeDeployDefault.LambdaAllAtOnce"}
    assert all("Canary" in way or "Linear" in way for way in ways["prod"]) and ways["prod"]


@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_what_is_done_against_cold_starts_is_a_choice(scenario: str) -> None:
    """Provisioned concurrency on the alias, or SnapStart on versions, of the three functions that are waited for."""
    warm, snapped = system(scenario, "warm"), system(scenario, "snapped")
    provisioned = {name for name in NAMES if "ProvisionedConcurrencyConfig" in
                   warm.of_type("AWS::Lambda::Alias")[f"{name}Aliaslive"]}
    assert provisioned == set(ASKED)
    on = {name for name, one in functions(snapped).items()
          if one.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"}
    assert on == set(ASKED)
    assert not [one for one in functions(warm).values() if one.get("SnapStart", {}).get("ApplyOn") != "None"
                and "SnapStart" in one]


def test_functions_are_traced_and_log_into_one_group(any_system: Stack) -> None:
    """JSON lines in a group with a retention, traces of every call."""
    groups = {group["LogGroupName"]: group for group in any_system.all_of_type("AWS::Logs::LogGroup").values()
              if "LogGroupName" in group}
    for name, function in functions(any_system).items():
        assert function["TracingConfig"] == {"Mode": "Active"} and function["LoggingConfig"]["LogFormat"] == "JSON"
        assert int(groups[function["LoggingConfig"]["LogGroup"]]["RetentionInDays"]) >= 7, name


def test_nothing_logs_for_ever(any_system: Stack) -> None:
    """Every log group of the system has a retention."""
    for name, group in any_system.all_of_type("AWS::Logs::LogGroup").items():
        assert group.get("RetentionInDays"), name


def test_layers_are_shared_as_they_are_built() -> None:
    """Functions name layers of the template and the adapter alone; the serving package is in each of them."""
    root = load_yaml(ROOT / "template.yaml")["Resources"]
    for name in NAMES:
        layers = [layer.get("Ref", "adapter") for layer in root[name]["Properties"]["Layers"]]
        assert "CoreLayer" in layers and set(layers) - {"adapter"} <= set(root)
