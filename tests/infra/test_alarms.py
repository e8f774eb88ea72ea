"""Alarms and the dashboard look at metrics that something sends: their names and dimensions exist in the system."""

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
    """Everything that sends metrics."""
    return "\n".join(path.read_text("utf-8") for folder in ("src", "functions")
                     for path in sorted((ROOT / folder).rglob("*.py")))


def metrics(alarm: dict[str, Any]) -> Iterator[Metric]:
    """The metrics that an alarm reads."""
    stats = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    for one in stats or [alarm]:
        dimensions = sorted((dimension["Name"], str(dimension["Value"])) for dimension in one["Dimensions"])
        yield one["Namespace"], one["MetricName"], tuple(dimensions)


def shown(row: list[Any], before: list[Any]) -> list[Any]:
    """A dashboard's metric in full: "..." stands for the beginning of the row before, "." for its item there."""
    items = [one for one in row if not isinstance(one, dict)]
    if items and items[0] == "...":
        items = before[:len(before) - len(items) + 1] + items[1:]
    return [before[place] if one == "." else one for place, one in enumerate(items)]


def of_dashboard(body: dict[str, Any]) -> Iterator[Metric]:
    """The metrics that a dashboard shows by name; expressions look for theirs."""
    for widget in body["widgets"]:
        before: list[Any] = []
        for row in widget["properties"].get("metrics", []):
            items = shown(row, before)
            if items:
                before = items
                yield items[0], items[1], tuple(sorted(zip(items[2::2], items[3::2], strict=True)))


def sent(found: Stack) -> dict[str, set[tuple[tuple[str, str], ...]]]:
    """Namespace → sets of dimensions under which AWS's services send metrics in this system."""
    (api,), (stage,) = (found.of_type(f"AWS::ApiGateway::{kind}").values() for kind in ("RestApi", "Stage"))
    whole = (("ApiName", api["Body"]["info"]["title"] if "Name" not in api else api["Name"]),
             ("Stage", stage["StageName"]))
    own = {tuple(sorted((*whole, ("Resource", path), ("Method", method.upper())))) for path, method in routes(found)
           if any(one.get("MetricsEnabled") and one["ResourcePath"] in ("/*", "/" + path.replace("/", "~1"))
                  and one["HttpMethod"] in ("*", method.upper()) for one in stage["MethodSettings"])}
    names = [f"{found.name}-{name}" for name in functions(found)]
    machine = ARNS["AWS::StepFunctions::StateMachine"](f"{found.name}-DiagnoseStateMachine", None)
    return {
        "AWS/ApiGateway": {whole, *own},
        "AWS/Lambda": {(("FunctionName", name),) for name in names} | {
            (("ExecutedVersion", "1"), ("FunctionName", name), ("Resource", f"{name}:live")) for name in names},
        "AWS/States": {(("StateMachineArn", machine),)},
        "AWS/SQS": {(("QueueName", name.replace(".", "-")),) for name in found.all_of_type("AWS::SQS::Queue")},
        **page(found)}


def page(found: Stack) -> dict[str, set[tuple[tuple[str, str], ...]]]:
    """The same of the page's service and its balancer, where there are."""
    if "Frontend" not in found.nested:
        return {}
    outputs = found.nested["Frontend"].outputs
    rows = {"AWS/ECS": {(("ClusterName", outputs["ClusterName"]), ("ServiceName", outputs["ServiceName"]))}}
    if "Balancer" in found.nested:
        balancer = found.nested["Balancer"].outputs
        one = ("LoadBalancer", balancer["LoadBalancerName"])
        rows["AWS/ApplicationELB"] = {(one,), *((one, ("TargetGroup", balancer[f"{colour}TargetGroupName"]))
                                                for colour in ("Blue", "Green"))}
    return rows


def unsent(found: Stack, wanted: Iterator[Metric]) -> list[Metric]:
    """Those of `wanted` that nothing in this system sends."""
    by_services, namespace = sent(found), found.name
    missing = []
    for metric in wanted:
        where, name, dimensions = metric
        ours = where == namespace and f'"{name}"' in source() and dict(dimensions).get("service") in NAMES.values()
        if not ours and dimensions not in by_services.get(where, set()):
            missing.append(metric)
    return missing


def test_every_alarm_looks_at_something_that_is_sent(any_system: Stack) -> None:
    """Names of functions, API, stage, workflow, queues, page and balancer; metrics of ours by name and service."""
    alarms = any_system.all_of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) > 15
    for name, alarm in alarms.items():
        assert unsent(any_system, metrics(alarm)) == [], name


def test_the_dashboard_shows_what_is_sent(any_system: Stack) -> None:
    """Its body is JSON, within CloudWatch's limits, and each metric in it exists."""
    (dashboard,) = any_system.all_of_type("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"])
    assert unsent(any_system, of_dashboard(body)) == []
    assert len(body["widgets"]) <= 500 and all(one["width"] <= 24 for one in body["widgets"])


@pytest.mark.parametrize("change", [{"Value": "shotwise-PredictFunctions"}, {"Name": "Function"}])
def test_an_alarm_that_looks_at_nothing_is_found(change: dict[str, str]) -> None:
    """The companion: a misspelt function and a misspelt dimension."""
    found = system("dev")
    alarm = found.all_of_type("AWS::CloudWatch::Alarm")["shotwise-Observability.EmbedErrors"]
    assert not unsent(found, metrics(alarm))
    assert unsent(found, metrics({**alarm, "Dimensions": [{**alarm["Dimensions"][0], **change}]}))


def test_every_alarm_tells_somebody_what_to_do(any_system: Stack) -> None:
    """All go to the topic, those that stop a roll-out to who rolls out; each says in words what it is about."""
    topic = ARNS["AWS::SNS::Topic"](f"{any_system.name}-Observability-Topic", None)
    assert any_system.all_of_type("AWS::SNS::Topic").keys() == {f"{any_system.name}-Observability.Topic"}
    stopping = {one["Name"] for group in any_system.of_type("AWS::CodeDeploy::DeploymentGroup").values()
                for one in group["AlarmConfiguration"]["Alarms"]}
    for service in any_system.all_of_type("AWS::ECS::Service").values():
        stopping |= set(service["DeploymentConfiguration"].get("Alarms", {}).get("AlarmNames", []))
    for name, alarm in any_system.all_of_type("AWS::CloudWatch::Alarm").items():
        assert alarm.get("AlarmActions") == [topic] or name.replace(".", "-") in stopping, name
        assert len(alarm["AlarmDescription"].split()) >= 6 and alarm["TreatMissingData"], name


def thresholds(found: Stack) -> dict[str, float]:
    """Alarm → its threshold."""
    return {name.rpartition(".")[2]: float(alarm["Threshold"])
            for name, alarm in found.all_of_type("AWS::CloudWatch::Alarm").items()}


def test_the_promises_are_watched() -> None:
    """P50 100 ms and P99 500 ms of /predict and of the prediction in /diagnose, availability 99.9 %, the first token
    of a worded answer within 3 s."""
    found = thresholds(system("prod"))
    assert (found["PredictMedian"], found["PredictTail"]) == (found["BranchMedian"], found["BranchTail"]) == (100, 500)
    assert found["Availability"] == pytest.approx(0.1) and found["FirstToken"] == 3000
    assert "FirstToken" not in thresholds(system("prod", "words alone"))


def test_rates_are_said_of_enough_requests_and_counts_of_three() -> None:
    """An error rate over 1,000 requests or more, else three errors in 15 minutes."""
    alarms = {name.rpartition(".")[2]: alarm for name, alarm in
              system("prod").all_of_type("AWS::CloudWatch::Alarm").items()}
    assert re.search(r"requests >= 1000", str(alarms["Availability"]["Metrics"]))
    for name in ("ApiErrors", "FunctionErrors", "WorkflowErrors", "Throttles"):
        periods = {alarms[name].get("Period")} | {one["MetricStat"]["Period"] for one in alarms[name].get("Metrics", [])
                                                  if "MetricStat" in one}
        assert periods - {None} == {900} and alarms[name]["Threshold"] == 3, name


@pytest.mark.parametrize("choice", ["as it is", "told"])
def test_a_budget_speaks_up(choice: str) -> None:
    """At 80 % of it, to whoever is told of alarms; an address that is given gets both."""
    found = system("dev", choice)
    (budget,) = found.all_of_type("AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetLimit"] == {"Amount": "35", "Unit": "USD"}
    told = [one["Address"] for row in budget.get("NotificationsWithSubscribers", []) for one in row["Subscribers"]
            if row["Notification"]["Threshold"] == 80]
    mailed = [one["Endpoint"] for one in found.all_of_type("AWS::SNS::Subscription").values()]
    assert told == mailed == (["quality@example.com"] if choice == "told" else [])


def test_the_settings_of_metrics_agree(any_system: Stack) -> None:
    """Functions send under the name that alarms ask for: two systems in one account do not mix."""
    for function in functions(any_system).values():
        assert function["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] == any_system.name
