"""The template, the API description and the workflow file name the same things."""

from __future__ import annotations

import json
import os
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
    """CodeUri leads to an app.py with a requirements.txt beside it; what streams has an app, and a script that can be
    executed to start it."""
    assert template["Globals"]["Function"]["Handler"] == "app.handler"
    for function in of_type(template, "AWS::Serverless::Function").values():
        folder = ROOT / function["CodeUri"]
        names = re.findall(r"^(\w+) = ", (folder / "app.py").read_text("utf-8"), re.MULTILINE)
        assert (folder / "requirements.txt").is_file()
        if "Handler" not in function:
            assert "handler" in names
        else:
            script = folder / function["Handler"]
            assert "app" in names and script.read_text("utf-8").startswith("#!/bin/sh") and os.access(script, os.X_OK)
            assert "uvicorn app:app" in script.read_text("utf-8")


def test_the_functions_that_stream_are_found_by_the_local_stack() -> None:
    """They are apps there, and all others are handlers."""
    found = read_template(ROOT / "template.yaml")
    assert found.apps == {"StreamQueryFunction": "functions.stream_query.app"}
    assert found.functions == {f"{name}Function": f"functions.{module}.app" for name, module in (
        ("Predict", "predict"), ("Importance", "importance"), ("RagQuery", "rag_query"),
        ("EmbedDocuments", "embed_documents"))}


def test_what_streams_runs_behind_the_web_adapter(template: dict[str, Any]) -> None:
    """The adapter is a layer, wraps the start, streams, waits for a route that there is, and finds the packages."""
    function = of_type(template, "AWS::Serverless::Function")["StreamQueryFunction"]
    variables = function["Environment"]["Variables"]
    assert [layer for layer in function["Layers"] if "LambdaAdapterLayer" in json.dumps(layer)]
    assert variables["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bootstrap"
    assert variables["AWS_LWA_INVOKE_MODE"] == "response_stream" and variables["PYTHONPATH"] == "/opt/python"
    assert variables["AWS_LWA_READINESS_CHECK_PATH"] == "/health"
    assert "${AWS_LWA_PORT:-" in (ROOT / function["CodeUri"] / "run.sh").read_text("utf-8")


def test_the_api_integrates_with_functions_that_exist_and_may_be_called(template: dict[str, Any],
                                                                        api: dict[str, Any]) -> None:
    """Each function that the description names exists and permits API Gateway; what embeds documents is called by
    its queue alone."""
    named = set(re.findall(r"functions/\$\{(\w+)\.Arn\}", json.dumps(api)))
    assert named == set(of_type(template, "AWS::Serverless::Function")) - {"EmbedDocumentsFunction"}
    permissions = of_type(template, "AWS::Lambda::Permission").values()
    assert named == {permission["FunctionName"]["Ref"] for permission in permissions}
    assert {permission["Principal"] for permission in permissions} == {"apigateway.amazonaws.com"}


def test_every_change_of_a_document_reaches_the_embedding_function(template: dict[str, Any]) -> None:
    """Bucket → queue → function: created and removed; only failed messages come back, and not before the function has
    had its time; after the last try they are kept as long as a queue keeps anything."""
    embed = of_type(template, "AWS::Serverless::Function")["EmbedDocumentsFunction"]
    (source,) = (event["Properties"] for event in embed["Events"].values())
    queues = of_type(template, "AWS::SQS::Queue")
    queue = queues["DocumentsQueue"]
    told = of_type(template, "AWS::S3::Bucket")["DocumentsBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    assert {one["Event"] for one in told} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
    assert {one["Queue"]["Fn::GetAtt"] for one in told} == {source["Queue"]["Fn::GetAtt"]} == {"DocumentsQueue.Arn"}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["VisibilityTimeout"] >= 6 * embed["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": "DocumentsDeadLetters.Arn"}
    assert queues["DocumentsDeadLetters"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert all(found["SqsManagedSseEnabled"] for found in queues.values())
    (statement,) = of_type(template, "AWS::SQS::QueuePolicy")["DocumentsQueuePolicy"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"} and "aws:SourceAccount" in str(statement)
    assert template["Resources"]["DocumentsBucket"]["DependsOn"] == "DocumentsQueuePolicy"  # S3 tries the way out


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
    """T1 2048 MB / 30 s, T2 3008 MB / 60 s, T3 1024 MB / 30 s; streaming 60 s, embedding the longest that there is."""
    functions = of_type(template, "AWS::Serverless::Function")
    sizes = {name: (function["MemorySize"], function["Timeout"]) for name, function in functions.items()}
    assert sizes == {"PredictFunction": (2048, 30), "ImportanceFunction": (3008, 60), "RagQueryFunction": (1024, 30),
                     "StreamQueryFunction": (1024, 60), "EmbedDocumentsFunction": (2048, 900)}


def test_buckets_are_private_and_encrypted(template: dict[str, Any]) -> None:
    """No public access, encryption, TLS only, and no bucket that a deleted stack would take along."""
    buckets = of_type(template, "AWS::S3::Bucket")
    policies = of_type(template, "AWS::S3::BucketPolicy").values()
    assert {policy["Bucket"]["Ref"] for policy in policies} == set(buckets)
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True} and bucket["BucketEncryption"]
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"


def statements(template: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """(action, resource as JSON) of everything that a function may do beside running."""
    managed = of_type(template, "AWS::IAM::ManagedPolicy")
    found = []
    for policy in of_type(template, "AWS::Serverless::Function")[name].get("Policies", []):
        document = managed[policy["Ref"]]["PolicyDocument"] if "Ref" in policy else policy
        for statement in document["Statement"]:
            statement = statement.get("Fn::If", [None, statement])[1]
            actions, resources = (statement[key] if isinstance(statement[key], list) else [statement[key]]
                                  for key in ("Action", "Resource"))
            found += [(action, json.dumps(resource)) for action in actions for resource in resources]
    return found


def test_no_function_may_do_everything(template: dict[str, Any]) -> None:
    """Function policies name their actions and their resources."""
    for name in of_type(template, "AWS::Serverless::Function"):
        for action, resource in statements(template, name):
            assert "*" not in action and resource != '"*"', (name, action)


def test_each_function_may_write_what_it_makes_and_nothing_else(template: dict[str, Any]) -> None:
    """Documents are signed and removed by T3, the library and vectors are written by the embedding function alone."""
    allowed = {name: {(action, re.search(r"\$?\{?(\w*Bucket)", resource)[1])  # type: ignore[index]
                      for action, resource in statements(template, name)
                      if action in ("s3:PutObject", "s3:DeleteObject")}
               for name in of_type(template, "AWS::Serverless::Function")}
    assert allowed == {
        "PredictFunction": set(), "StreamQueryFunction": set(),
        "ImportanceFunction": {("s3:PutObject", "ChartsBucket")},
        "RagQueryFunction": {("s3:PutObject", "DocumentsBucket"), ("s3:DeleteObject", "DocumentsBucket")},
        "EmbedDocumentsFunction": {("s3:PutObject", "LibraryBucket"), ("s3:DeleteObject", "LibraryBucket")}}
    for name in ("RagQueryFunction", "StreamQueryFunction"):
        actions = [action for action, _ in statements(template, name)]
        assert not [action for action in actions if re.search("PutVectors|DeleteVectors|Ingest|KnowledgeBaseDocuments",
                                                              action)], name
    for bucket in ("DocumentsBucket", "LibraryBucket"):  # else S3 answers 403, not 404, for what is not there
        assert [resource for action, resource in statements(template, "EmbedDocumentsFunction")
                if action == "s3:ListBucket" and bucket in resource]


def test_every_parameter_and_condition_is_used(template: dict[str, Any]) -> None:
    """None is asked for in vain."""
    text = json.dumps({part: template[part] for part in ("Conditions", "Resources", "Outputs")})
    assert not [name for name in template["Parameters"] if not re.search(rf'"{name}"|\${{{name}}}', text)]
    assert not [name for name in template["Conditions"] if f'["{name}"' not in json.dumps(template["Resources"])]


def test_every_setting_of_a_function_is_one_that_is_read(template: dict[str, Any]) -> None:
    """A misspelt setting would be a default in silence; what searches and what embeds are set alike."""
    read = (ROOT / "src/shotwise/settings.py").read_text("utf-8")
    functions = of_type(template, "AWS::Serverless::Function")
    variables = {name: function.get("Environment", {}).get("Variables", {}) for name, function in functions.items()}
    given = {key for found in (template["Globals"]["Function"]["Environment"]["Variables"], *variables.values())
             for key in found if key.startswith(("SHOTWISE_", "OPENSEARCH_"))}
    assert not [key for key in given if f'"{key}"' not in read] and len(given) > 15
    rag, embed, stream = (variables[f"{name}Function"] for name in ("RagQuery", "EmbedDocuments", "StreamQuery"))
    assert rag["SHOTWISE_INDEX_READ_ONLY"] == "true" and embed == {**rag, "SHOTWISE_INDEX_READ_ONLY": "false"}
    assert {**stream, **rag, "SHOTWISE_ANSWER_SECONDS": "50"} == stream
