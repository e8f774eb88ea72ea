"""What calls what: routes, workflow, buckets and queues lead to aliases that let them in, and to nothing else."""

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


def routes(found: Stack) -> dict[tuple[str, str], dict[str, Any]]:
    """(path, method) → what the expanded description says of it."""
    (api,) = found.of_type("AWS::ApiGateway::RestApi").values()
    return {(path, method): item[method] for path, item in api["Body"]["paths"].items()
            for method in set(item) & METHODS}


def called(value: Any) -> set[tuple[str, str]]:
    """(function, qualifier) of every function ARN that stands in something."""
    return set(ALIAS.findall(json.dumps(value)))


def callers(found: Stack) -> dict[str, list[dict[str, Any]]]:
    """Function → its permissions; each names an alias."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for permission in found.of_type("AWS::Lambda::Permission").values():
        ((name, qualifier),) = called(permission["FunctionName"])
        assert qualifier == ":live", "a permission on the function alone does not hold for its alias"
        rows.setdefault(name, []).append(permission)
    return rows


def test_routes_call_aliases(any_system: Stack) -> None:
    """A route that calls a function without its alias would bypass canary, SnapStart and provisioned concurrency."""
    found = {one for route in routes(any_system).values() for one in called(route["x-amazon-apigateway-integration"])}
    assert found == {(f"{name}Function", ":live") for name in ("Predict", "Importance", "RagQuery", "StreamQuery")}


def test_exactly_what_is_called_lets_the_api_in(any_system: Stack) -> None:
    """Each function with a route permits this API; what embeds documents is called by its queue alone."""
    (api,) = any_system.of_type("AWS::ApiGateway::RestApi")
    named = {name for route in routes(any_system).values()
             for name, _ in called(route["x-amazon-apigateway-integration"])}
    let_in = {name for name, found in callers(any_system).items()
              if any(one["Principal"] == "apigateway.amazonaws.com" for one in found)}
    assert let_in == named and "EmbedDocumentsFunction" not in named and api == "Api"
    stage = any_system.of_type("AWS::ApiGateway::Stage")["ApiStage"]
    for found in callers(any_system).values():
        for one in found:
            if one["Principal"] == "apigateway.amazonaws.com":
                assert f":{stage['RestApiId']}/" in one["SourceArn"]


def test_only_a_signed_caller_reaches_a_function(any_system: Stack) -> None:
    """Every route but OPTIONS asks for IAM, which a browser's preflight cannot give."""
    (api,) = any_system.of_type("AWS::ApiGateway::RestApi").values()
    for (path, method), route in routes(any_system).items():
        asked = route.get("security")  # what stands at the top, API Gateway overlooks
        assert asked == ([] if method == "options" else [{"sigv4": []}]), (path, method)
        assert (route["x-amazon-apigateway-integration"]["type"] == "mock") == (method == "options"), (path, method)


@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_the_workflow_calls_aliases_that_it_may_call(scenario: str) -> None:
    """T1, T2 and T3 by `live`, and its role has the right to these and to nothing else of Lambda."""
    found = system(scenario)
    (machine,) = found.of_type("AWS::StepFunctions::StateMachine").values()
    wanted = {(f"{name}Function", ":live") for name in ("Predict", "Importance", "RagQuery")}
    role = found.of_type("AWS::IAM::Role")[machine["RoleArn"].rpartition("shotwise-")[2]]
    may = [one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]
           if "lambda:InvokeFunction" in json.dumps(one["Action"])]
    assert called(definition(machine)) == called(may) == wanted
    assert machine["TracingConfiguration"] == {"Enabled": True} and machine["StateMachineType"] == "EXPRESS"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_the_api_may_start_this_workflow_alone() -> None:
    """The integration's role is one that API Gateway may take, with the right to start this one workflow."""
    found = system("prod")
    route = routes(found)["/diagnose", "post"]["x-amazon-apigateway-integration"]
    role = found.of_type("AWS::IAM::Role")[route["credentials"].rpartition("shotwise-")[2]]
    ((statement,),) = (policy["PolicyDocument"]["Statement"] for policy in role["Policies"])
    assert statement["Action"] == "states:StartSyncExecution" and statement["Resource"].endswith("DiagnoseStateMachine")
    assert statement["Resource"] in route["requestTemplates"]["application/json"]


def test_an_alias_that_is_bypassed_is_found() -> None:
    """The companion: a route to the function itself is another pair than a route to its alias."""
    route = routes(system("dev"))["/predict", "post"]["x-amazon-apigateway-integration"]
    bypassing = {**route, "uri": route["uri"].replace(":live", "")}
    assert called(route) == {("PredictFunction", ":live")} and called(bypassing) == {("PredictFunction", "")}


def test_the_api_is_throttled_traced_and_logged(any_system: Stack) -> None:
    """1,000 requests a second with a burst above, for all routes and for those with settings of their own; an access
    log with a retention, without what was asked for."""
    stage = any_system.of_type("AWS::ApiGateway::Stage")["ApiStage"]
    assert ("/*", "*") in {(one["ResourcePath"], one["HttpMethod"]) for one in stage["MethodSettings"]}
    for one in stage["MethodSettings"]:
        assert one["ThrottlingRateLimit"] == 1000 and one["ThrottlingBurstLimit"] >= 1000
        # CloudFormation wants every slash but the first as ~1: /documents/{name} is /~1documents~1{name}.
        assert re.fullmatch(r"/\*|(/~1[^/~]+(~1[^/~]+)*)", one["ResourcePath"]), one["ResourcePath"]
    assert stage["TracingEnabled"] is True
    group = stage["AccessLogSetting"]["DestinationArn"].split("log-group:")[1].removesuffix(":*")
    assert group in {one.get("LogGroupName") for one in any_system.all_of_type("AWS::Logs::LogGroup").values()}
    line = json.loads(re.sub(r"\$context[.\w]+", "x", stage["AccessLogSetting"]["Format"]))
    assert {"status", "route", "ms", "trace_id"} <= set(line) and "$context.path" not in str(stage["AccessLogSetting"])


def test_the_stream_has_an_address_of_its_own_in_dev_alone() -> None:
    """RESPONSE_STREAM on the alias, signed unless a parameter says NONE; prod streams through the API."""
    for choice, kind in (("as it is", "AWS_IAM"), ("open stream", "NONE")):
        found = system("dev", choice)
        (url,) = found.of_type("AWS::Lambda::Url").values()
        assert (url["AuthType"], url["InvokeMode"], url["Qualifier"]) == (kind, "RESPONSE_STREAM", "live")
        everyone = {one["Action"] for one in found.of_type("AWS::Lambda::Permission").values()
                    if one["Principal"] == "*"}
        assert everyone == ({"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} if kind == "NONE" else set())
    told = system("dev", "told").of_type("AWS::Lambda::Url")["StreamUrl"]
    assert told["Cors"]["AllowOrigins"] == ["https://quality.example.com"]
    assert not system("prod").all_of_type("AWS::Lambda::Url")
    streaming = routes(system("prod"))["/query", "post"]["x-amazon-apigateway-integration"]
    assert streaming["responseTransferMode"] == "STREAM" and "response-streaming-invocations" in streaming["uri"]


def test_every_change_of_a_document_reaches_the_embedding_function(scenario: Stack) -> None:
    """Bucket → queue → alias: created and removed; only failed messages come back, and not before the function has
    had its time; after the last try they are kept as long as a queue keeps anything."""
    data = scenario.nested["Data"]
    (source,) = scenario.of_type("AWS::Lambda::EventSourceMapping").values()
    queues = data.of_type("AWS::SQS::Queue")
    told = data.of_type("AWS::S3::Bucket")["DocumentsBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    assert {one["Event"] for one in told} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
    assert {one["Queue"] for one in told} == {source["EventSourceArn"]} and source["EventSourceArn"].endswith("Queue")
    assert called(source["FunctionName"]) == {("EmbedDocumentsFunction", ":live")}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    timeout = scenario.of_type("AWS::Lambda::Function")["EmbedDocumentsFunction"]["Timeout"]
    queue = queues["DocumentsQueue"]
    assert queue["VisibilityTimeout"] >= 6 * timeout
    assert queue["RedrivePolicy"]["deadLetterTargetArn"].endswith("DocumentsDeadLetters")
    assert queues["DocumentsDeadLetters"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert all(found["SqsManagedSseEnabled"] for found in queues.values())
    (statement,) = data.of_type("AWS::SQS::QueuePolicy")["DocumentsQueuePolicy"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Resource"] == source["EventSourceArn"]
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
    assert data.resources["DocumentsBucket"]["DependsOn"] == "DocumentsQueuePolicy"  # S3 tries the way out
