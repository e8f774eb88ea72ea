"""Alarms and the dashboard read metrics that exist: something sends them under these names and dimensions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from shotwise_tools.cloudformation.placeholders import ARNS
from shotwise_tools.cloudformation.stacks import Stack

from .systems import system
from .test_functions import NAMES, functions
from .test_wiring import routes
from .transformed import ROOT

Metric = tuple[str, str, tuple[tuple[str, str], ...]]  # namespace, name, dimensions in order of their names


@cache
def source() -> str:
    """The source of everything that sends metrics."""
    return "\n".join(path.read_text("utf-8") for folder in ("src", "functions")
                     for path in sorted((ROOT / folder).rglob("*.py")))


def metrics(alarm: dict[str, Any]) -> Iterator[Metric]:
    """The metrics that an alarm reads."""
    stats = [metric["MetricStat"]["Metric"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
    for metric in stats or [alarm]:
        dimensions = sorted((dimension["Name"], str(dimension["Value"])) for dimension in metric["Dimensions"])
        yield metric["Namespace"], metric["MetricName"], tuple(dimensions)


def expanded_row(row: list[Any], previous: list[Any]) -> list[Any]:
    """Expand a row of a dashboard to a full metric.

    "..." stands for the beginning of the row before, "." for the member at the same position of that row.
    """
    members = [member for member in row if not isinstance(member, dict)]
    if members and members[0] == "...":
        members = previous[:len(previous) - len(members) + 1] + members[1:]
    return [previous[position] if member == "." else member for position, member in enumerate(members)]


def dashboard_metrics(body: dict[str, Any]) -> Iterator[Metric]:
    """The metrics that a dashboard shows by name; those that expressions search for are left out."""
    for widget in body["widgets"]:
        previous: list[Any] = []
        for row in widget["properties"].get("metrics", []):
            members = expanded_row(row, previous)
            if members:
                previous = members
                yield members[0], members[1], tuple(sorted(zip(members[2::2], members[3::2], strict=True)))


def sent_by_services(stack: Stack) -> dict[str, set[tuple[tuple[str, str], ...]]]:
    """Namespace → sets of dimensions under which AWS services send metrics in this system."""
    (api,), (stage,) = (stack.of_type(f"AWS::ApiGateway::{kind}").values() for kind in ("RestApi", "Stage"))
    api_dimensions = (("ApiName", api["Body"]["info"]["title"] if "Name" not in api else api["Name"]),
             ("Stage", stage["StageName"]))
    single_methods = {
        tuple(sorted((*api_dimensions, ("Resource", path), ("Method", method.upper()))))
        for path, method in routes(stack)
        if any(setting.get("MetricsEnabled") and setting["ResourcePath"] in ("/*", "/" + path.replace("/", "~1"))
               and setting["HttpMethod"] in ("*", method.upper()) for setting in stage["MethodSettings"])}
    names = [f"{stack.name}-{name}" for name in functions(stack)]
    machine = ARNS["AWS::StepFunctions::StateMachine"](f"{stack.name}-DiagnoseStateMachine", None)
    return {
        "AWS/ApiGateway": {api_dimensions, *single_methods},
        "AWS/Lambda": {(("FunctionName", name),) for name in names} | {
            (("ExecutedVersion", "1"), ("FunctionName", name), ("Resource", f"{name}:live")) for name in names},
        "AWS/States": {(("StateMachineArn", machine),)},
        "AWS/SQS": {(("QueueName", name.replace(".", "-")),) for name in stack.all_of_type("AWS::SQS::Queue")},
        **sent_by_page(stack)}


def sent_by_page(stack: Stack) -> dict[str, set[tuple[tuple[str, str], ...]]]:
    """The same for the sent_by_page's service and its balancer, where they exist."""
    if "Frontend" not in stack.nested:
        return {}
    outputs = stack.nested["Frontend"].outputs
    rows = {"AWS/ECS": {(("ClusterName", outputs["ClusterName"]), ("ServiceName", outputs["ServiceName"]))}}
    if "Balancer" in stack.nested:
        balancer = stack.nested["Balancer"].outputs
        load_balancer = ("LoadBalancer", balancer["LoadBalancerName"])
        groups = [("TargetGroup", balancer[f"{colour}TargetGroupName"]) for colour in ("Blue", "Green")]
        rows["AWS/ApplicationELB"] = {(load_balancer,), *((load_balancer, group) for group in groups)}
    return rows


def unsent(stack: Stack, wanted: Iterator[Metric]) -> list[Metric]:
    """The metrics that nothing in this system sends."""
    by_services, namespace = sent_by_services(stack), stack.name
    missing = []
    for metric in wanted:
        metric_namespace, name, dimensions = metric
        ours = (metric_namespace == namespace and f'"{name}"' in source()
                and dict(dimensions).get("service") in NAMES.values())
        if not ours and dimensions not in by_services.get(metric_namespace, set()):
            missing.append(metric)
    return missing


def test_every_alarm_reads_a_metric_that_is_sent(any_system: Stack) -> None:
    """Metrics of AWS services by name and dimensions, our own by name and service."""
    alarms = any_system.all_of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) > 15
    for name, alarm in alarms.items():
        assert unsent(any_system, metrics(alarm)) == [], name


def test_the_dashboard_shows_what_is_sent(any_system: Stack) -> None:
    """Its body is JSON within CloudWatch's limits, and every metric in it exists."""
    (dashboard,) = any_system.all_of_type("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"])
    assert unsent(any_system, dashboard_metrics(body)) == []
    assert len(body["widgets"]) <= 500 and all(widget["width"] <= 24 for widget in body["widgets"])


@pytest.mark.parametrize("change", [{"Value": "shotwise-PredictFunctions"}, {"Name": "Function"}])
def test_an_alarm_on_a_metric_that_nothing_sends_is_found(change: dict[str, str]) -> None:
    """A misspelt function and a misspelt dimension are reported."""
    stack = system("dev")
    alarm = stack.all_of_type("AWS::CloudWatch::Alarm")["shotwise-Observability.EmbedErrors"]
    assert not unsent(stack, metrics(alarm))
    assert unsent(stack, metrics({**alarm, "Dimensions": [{**alarm["Dimensions"][0], **change}]}))


def test_every_alarm_has_a_receiver_and_a_description(any_system: Stack) -> None:
    """Every alarm notifies the topic or stops a roll-out, and its description says what to do."""
    topic = ARNS["AWS::SNS::Topic"](f"{any_system.name}-Observability-Topic", None)
    assert any_system.all_of_type("AWS::SNS::Topic").keys() == {f"{any_system.name}-Observability.Topic"}
    stopping = {alarm["Name"] for group in any_system.of_type("AWS::CodeDeploy::DeploymentGroup").values()
                for alarm in group["AlarmConfiguration"]["Alarms"]}
    for service in any_system.all_of_type("AWS::ECS::Service").values():
        stopping |= set(service["DeploymentConfiguration"].get("Alarms", {}).get("AlarmNames", []))
    for name, alarm in any_system.all_of_type("AWS::CloudWatch::Alarm").items():
        assert alarm.get("AlarmActions") == [topic] or name.replace(".", "-") in stopping, name
        assert alarm["AlarmDescription"] and alarm["TreatMissingData"], name


def thresholds(stack: Stack) -> dict[str, float]:
    """Alarm → its threshold."""
    return {name.rpartition(".")[2]: float(alarm["Threshold"])
            for name, alarm in stack.all_of_type("AWS::CloudWatch::Alarm").items()}


def test_the_targets_have_alarms() -> None:
    """There are alarms on the promised latencies and on availability.

    P50 100 ms and P99 500 ms of /predict and of the prediction in /diagnose, availability 99.9 %, the first token of a
    generated answer within 3 s.
    """
    limits = thresholds(system("prod"))
    assert (limits["PredictMedian"], limits["PredictTail"]) == (100, 500)
    assert (limits["BranchMedian"], limits["BranchTail"]) == (100, 500)
    assert limits["Availability"] == pytest.approx(0.1) and limits["FirstToken"] == 3000
    assert "FirstToken" not in thresholds(system("prod", "words alone"))


def test_rates_are_said_of_enough_requests_and_counts_of_three() -> None:
    """An error rate needs 1,000 requests or more; other alarms count three errors in 15 minutes."""
    alarms = {name.rpartition(".")[2]: alarm for name, alarm in
              system("prod").all_of_type("AWS::CloudWatch::Alarm").items()}
    assert re.search(r"requests >= 1000", str(alarms["Availability"]["Metrics"]))
    for name in ("ApiErrors", "FunctionErrors", "WorkflowErrors", "Throttles"):
        periods = {alarms[name].get("Period")} | {
            metric["MetricStat"]["Period"] for metric in alarms[name].get("Metrics", []) if "MetricStat" in metric}
        assert periods - {None} == {900} and alarms[name]["Threshold"] == 3, name


@pytest.mark.parametrize("choice", ["as it is", "with mail"])
def test_the_budget_sends_a_mail(choice: str) -> None:
    """At 80 % of the budget a mail goes to AlarmEmail, which is also subscribed to the alarms."""
    stack = system("dev", choice)
    (budget,) = stack.all_of_type("AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetLimit"] == {"Amount": "35", "Unit": "USD"}
    notified = [subscriber["Address"] for row in budget.get("NotificationsWithSubscribers", [])
                for subscriber in row["Subscribers"] if row["Notification"]["Threshold"] == 80]
    subscribed = [subscriber["Endpoint"] for subscriber in stack.all_of_type("AWS::SNS::Subscription").values()]
    assert notified == subscribed == (["quality@example.com"] if choice == "with mail" else [])


def test_functions_send_in_the_namespace_of_the_alarms(any_system: Stack) -> None:
    """Functions send under the namespace that alarms read, so that two systems in one account do not mix."""
    for function in functions(any_system).values():
        assert function["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] == any_system.name
