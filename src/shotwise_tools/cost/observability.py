"""Pricing rules for observability: logs, metrics, alarms, dashboards."""

from __future__ import annotations

from collections.abc import Iterator

from shotwise_tools.cost.compute import function_folder, gateway_requests
from shotwise_tools.cost.models import GB, CostError, CostInputs, LineItem, Resource, line_item, resources_of_kind
from shotwise_tools.cost.usage import function_usage, invocations

GROUP = "observability"


def price_log_groups(inputs: CostInputs, groups: list[Resource]) -> Iterator[LineItem]:
    """Price ingested and stored logs, and the functions' metrics, which are sent in their logs.

    Raises CostError for a group without retention.
    """
    unlimited = [group.path for group in groups if not group.properties.get("RetentionInDays")]
    if unlimited:
        raise CostError(f"{', '.join(unlimited)} keeps its logs for ever, so a month has no price: set RetentionInDays")
    logged = _logged_gb(inputs)
    days = max(float(group.properties["RetentionInDays"]) for group in groups)
    yield line_item(inputs, GROUP, "logs, ingested", "log_gb", logged)
    yield line_item(inputs, GROUP, f"logs, stored for {days:.0f} days", "log_gb_month", logged * days / 30)
    metrics = {metric for function in resources_of_kind(inputs, "AWS::Serverless::Function")
               for metric in function_usage(inputs.usage, function_folder(function)).metrics}
    yield line_item(inputs, GROUP, "metrics of the functions", "metric_month", len(metrics))


def _logged_gb(inputs: CostInputs) -> float:
    usage, assumed = inputs.usage, inputs.usage.assumed
    total = 0.0
    for function in resources_of_kind(inputs, "AWS::Serverless::Function"):
        per_call = function_usage(usage, function_folder(function))
        events = per_call.log_events + assumed["platform_log_events"]
        total += invocations(usage, function_folder(function)) * (
            per_call.log_bytes + assumed["platform_log_bytes"] + events * assumed["log_event_bytes"])
    if any("AccessLogSetting" in api.properties for api in resources_of_kind(inputs, "AWS::Serverless::Api")):
        total += gateway_requests(inputs) * (assumed["access_log_bytes"] + assumed["log_event_bytes"])
    return total / GB + (assumed["page_log_gb"] if resources_of_kind(inputs, "AWS::ECS::Service") else 0)


def price_metric_filters(inputs: CostInputs, filters: list[Resource]) -> Iterator[LineItem]:
    """Price one metric for each filter."""
    yield line_item(inputs, GROUP, "metrics from log filters", "metric_month", len(filters))


def price_alarms(inputs: CostInputs, alarms: list[Resource]) -> Iterator[LineItem]:
    """Price an alarm for every metric that it reads."""
    metrics = sum(sum("MetricStat" in query for query in alarm.properties.get("Metrics", [])) or 1 for alarm in alarms)
    yield line_item(inputs, GROUP, f"alarms, {len(alarms)}, on {metrics} metrics", "alarm_metric_month", metrics)


def price_composite_alarms(inputs: CostInputs, alarms: list[Resource]) -> Iterator[LineItem]:
    """Price alarms that combine other alarms."""
    yield line_item(inputs, GROUP, f"composite alarms, {len(alarms)}", "composite_alarm_month", len(alarms))


def price_scaling_policies(inputs: CostInputs, policies: list[Resource]) -> Iterator[LineItem]:
    """Price the alarms that target tracking creates by itself."""
    tracking = sum(policy.properties.get("PolicyType") == "TargetTrackingScaling" for policy in policies)
    yield line_item(inputs, GROUP, "alarms of autoscaling", "alarm_metric_month",
                    tracking * inputs.usage.assumed["scaling_alarms"])


def price_dashboards(inputs: CostInputs, dashboards: list[Resource]) -> Iterator[LineItem]:
    """Price each dashboard, whatever it shows."""
    yield line_item(inputs, GROUP, f"dashboards, {len(dashboards)}", "dashboard_month", len(dashboards))


def price_flow_logs(inputs: CostInputs, flow_logs: list[Resource]) -> Iterator[LineItem]:
    """Price flow logs as ingested logs."""
    yield line_item(inputs, GROUP, "flow logs, ingested", "log_gb",
                    len(flow_logs) * inputs.usage.assumed["flow_log_gb"])


RULES = {"AWS::Logs::LogGroup": price_log_groups, "AWS::Logs::MetricFilter": price_metric_filters,
         "AWS::CloudWatch::Alarm": price_alarms, "AWS::CloudWatch::CompositeAlarm": price_composite_alarms,
         "AWS::ApplicationAutoScaling::ScalingPolicy": price_scaling_policies,
         "AWS::CloudWatch::Dashboard": price_dashboards, "AWS::EC2::FlowLog": price_flow_logs}
