"""Routes, workflow, buckets and queues call aliases that permit them, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shotwise_tools.cloudformation.placeholders import ACCOUNT, REGION
from shotwise_tools.cloudformation.stacks import Stack

from .systems import system
from .transformed import definition

ALIAS = re.compile(rf"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shotwise-(\w+Function)(:\w+)?")
METHODS = {"get", "post", "put", "delete", "options"}


def routes(stack: Stack) -> dict[tuple[str, str], dict[str, Any]]:
    """(path, method) → operation, of the expanded API description."""
    (api,) = stack.of_type("AWS::ApiGateway::RestApi").values()
    return {(path, method): operations[method] for path, operations in api["Body"]["paths"].items()
            for method in set(operations) & METHODS}


def called(node: Any) -> set[tuple[str, str]]:
    """(function, qualifier) of every function ARN in a part of a template."""
    return set(ALIAS.findall(json.dumps(node)))


def callers(stack: Stack) -> dict[str, list[dict[str, Any]]]:
    """Function → its permissions; each is for an alias."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for permission in stack.of_type("AWS::Lambda::Permission").values():
        ((name, qualifier),) = called(permission["FunctionName"])
        assert qualifier == ":live", "a permission on the function alone does not hold for its alias"
        rows.setdefault(name, []).append(permission)
    return rows


def test_routes_call_aliases(any_system: Stack) -> None:
    """A route that calls a function without its alias would bypass canary, SnapStart and provisioned concurrency."""
    targets = {target for route in routes(any_system).values()
               for target in called(route["x-amazon-apigateway-integration"])}
    assert targets == {(f"{name}Function", ":live") for name in ("Predict", "Importance", "RagQuery", "StreamQuery")}


def test_functions_permit_the_api_that_calls_them(any_system: Stack) -> None:
    """Each function with a route permits this API; the one that embeds documents is called by its queue alone."""
    (api,) = any_system.of_type("AWS::ApiGateway::RestApi")
    with_route = {name for route in routes(any_system).values()
             for name, _ in called(route["x-amazon-apigateway-integration"])}
    permitting = {name for name, permissions in callers(any_system).items()
              if any(permission["Principal"] == "apigateway.amazonaws.com" for permission in permissions)}
    assert permitting == with_route and "EmbedDocumentsFunction" not in with_route and api == "Api"
    stage = any_system.of_type("AWS::ApiGateway::Stage")["ApiStage"]
    for permissions in callers(any_system).values():
        for permission in permissions:
            if permission["Principal"] == "apigateway.amazonaws.com":
                assert f":{stage['RestApiId']}/" in permission["SourceArn"]


def test_only_a_signed_caller_reaches_a_function(any_system: Stack) -> None:
    """Every route but OPTIONS requires IAM, which a browser's preflight cannot have."""
    (api,) = any_system.of_type("AWS::ApiGateway::RestApi").values()
    for (path, method), route in routes(any_system).items():
        security = route.get("security")  # API Gateway ignores a requirement at the top of the description
        assert security == ([] if method == "options" else [{"sigv4": []}]), (path, method)
        assert (route["x-amazon-apigateway-integration"]["type"] == "mock") == (method == "options"), (path, method)


@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_the_workflow_calls_aliases_that_it_may_call(scenario: str) -> None:
    """It calls the three functions by `live`, and its role may call these and nothing else."""
    stack = system(scenario)
    (machine,) = stack.of_type("AWS::StepFunctions::StateMachine").values()
    expected = {(f"{name}Function", ":live") for name in ("Predict", "Importance", "RagQuery")}
    role = stack.of_type("AWS::IAM::Role")[machine["RoleArn"].rpartition("shotwise-")[2]]
    permitting = [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]
           if "lambda:InvokeFunction" in json.dumps(statement["Action"])]
    assert called(definition(machine)) == called(permitting) == expected
    assert machine["TracingConfiguration"] == {"Enabled": True} and machine["StateMachineType"] == "EXPRESS"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_the_api_may_start_this_workflow_alone() -> None:
    """API Gateway may assume the integration's role, which may start this workflow and nothing else."""
    stack = system("prod")
    route = routes(stack)["/diagnose", "post"]["x-amazon-apigateway-integration"]
    role = stack.of_type("AWS::IAM::Role")[route["credentials"].rpartition("shotwise-")[2]]
    ((statement,),) = (policy["PolicyDocument"]["Statement"] for policy in role["Policies"])
    assert statement["Action"] == "states:StartSyncExecution" and statement["Resource"].endswith("DiagnoseStateMachine")
    assert statement["Resource"] in route["requestTemplates"]["application/json"]


def test_an_alias_that_is_bypassed_is_found() -> None:
    """A route to the function itself differs from a route to its alias."""
    route = routes(system("dev"))["/predict", "post"]["x-amazon-apigateway-integration"]
    bypassing = {**route, "uri": route["uri"].replace(":live", "")}
    assert called(route) == {("PredictFunction", ":live")} and called(bypassing) == {("PredictFunction", "")}


def test_the_api_is_throttled_traced_and_logged(any_system: Stack) -> None:
    """All routes are limited to 1,000 requests a second with a higher burst.

    The access log has a retention, and holds no paths with names.
    """
    stage = any_system.of_type("AWS::ApiGateway::Stage")["ApiStage"]
    assert ("/*", "*") in {(setting["ResourcePath"], setting["HttpMethod"]) for setting in stage["MethodSettings"]}
    for setting in stage["MethodSettings"]:
        assert setting["ThrottlingRateLimit"] == 1000 and setting["ThrottlingBurstLimit"] >= 1000
        # CloudFormation wants every slash but the first as ~1: /documents/{name} is /~1documents~1{name}.
        assert re.fullmatch(r"/\*|(/~1[^/~]+(~1[^/~]+)*)", setting["ResourcePath"]), setting["ResourcePath"]
    assert stage["TracingEnabled"] is True
    group = stage["AccessLogSetting"]["DestinationArn"].split("log-group:")[1].removesuffix(":*")
    assert group in {setting.get("LogGroupName") for setting in any_system.all_of_type("AWS::Logs::LogGroup").values()}
    line = json.loads(re.sub(r"\$context[.\w]+", "x", stage["AccessLogSetting"]["Format"]))
    assert {"status", "route", "ms", "trace_id"} <= set(line) and "$context.path" not in str(stage["AccessLogSetting"])


def test_only_dev_has_a_function_url() -> None:
    """The URL has RESPONSE_STREAM and is signed unless StreamAuth is NONE; prod streams through the API."""
    for choice, auth_type in (("as it is", "AWS_IAM"), ("open stream", "NONE")):
        stack = system("dev", choice)
        (url,) = stack.of_type("AWS::Lambda::Url").values()
        assert (url["AuthType"], url["InvokeMode"], url["Qualifier"]) == (auth_type, "RESPONSE_STREAM", "live")
        open_actions = {permission["Action"] for permission in stack.of_type("AWS::Lambda::Permission").values()
                        if permission["Principal"] == "*"}
        assert open_actions == ({"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} if auth_type == "NONE" else set())
    with_origins = system("dev", "with mail").of_type("AWS::Lambda::Url")["StreamUrl"]
    assert with_origins["Cors"]["AllowOrigins"] == ["https://quality.example.com"]
    assert not system("prod").all_of_type("AWS::Lambda::Url")
    integration = routes(system("prod"))["/query", "post"]["x-amazon-apigateway-integration"]
    assert integration["responseTransferMode"] == "STREAM" and "response-streaming-invocations" in integration["uri"]


def test_every_change_of_a_document_reaches_the_embedding_function(scenario: Stack) -> None:
    """Created and removed documents go from bucket to queue to alias.

    Only failed messages come back, and not before the function has had its time; after the last try they are stored for
    as long as a queue can.
    """
    data = scenario.nested["Data"]
    (source,) = scenario.of_type("AWS::Lambda::EventSourceMapping").values()
    queues = data.of_type("AWS::SQS::Queue")
    bucket = data.of_type("AWS::S3::Bucket")["DocumentsBucket"]
    notifications = bucket["NotificationConfiguration"]["QueueConfigurations"]
    assert {notification["Event"] for notification in notifications} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
    assert {notification["Queue"] for notification in notifications} == {source["EventSourceArn"]}
    assert source["EventSourceArn"].endswith("Queue")
    assert called(source["FunctionName"]) == {("EmbedDocumentsFunction", ":live")}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    timeout = scenario.of_type("AWS::Lambda::Function")["EmbedDocumentsFunction"]["Timeout"]
    queue = queues["DocumentsQueue"]
    assert queue["VisibilityTimeout"] >= 6 * timeout
    assert queue["RedrivePolicy"]["deadLetterTargetArn"].endswith("DocumentsDeadLetters")
    assert queues["DocumentsDeadLetters"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert all(each_queue["SqsManagedSseEnabled"] for each_queue in queues.values())
    (statement,) = data.of_type("AWS::SQS::QueuePolicy")["DocumentsQueuePolicy"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Resource"] == source["EventSourceArn"]
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
    assert data.resources["DocumentsBucket"]["DependsOn"] == "DocumentsQueuePolicy"  # S3 tries the way out
