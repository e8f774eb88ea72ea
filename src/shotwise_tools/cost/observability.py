"""Rules for what watches: logs, the metrics in them, alarms, the dashboard."""

from __future__ import annotations

from collections.abc import Iterator

from shotwise_tools.cost.compute import gateway_requests, name_of
from shotwise_tools.cost.models import GB, CostError, Line, Month, Resource, line, of_kind
from shotwise_tools.cost.usage import calls_of, invocations


def log_groups(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Logs are billed when they come and while they are kept; the functions' metrics come in their logs."""
    forever = [group.path for group in found if not group.properties.get("RetentionInDays")]
    if forever:
        raise CostError(f"{', '.join(forever)} keeps its logs for ever, which has no price of a month: "
                        "set RetentionInDays")
    logged = _logged_gb(month)
    days = max(float(group.properties["RetentionInDays"]) for group in found)
    yield line(month, "watching", "logs, taken in", "log_gb", logged)
    yield line(month, "watching", f"logs, kept {days:.0f} days", "log_gb_month", logged * days / 30)
    metrics = {metric for function in of_kind(month, "AWS::Serverless::Function")
               for metric in calls_of(month.usage, name_of(function)).metrics}
    yield line(month, "watching", "metrics of the functions", "metric_month", len(metrics))


def _logged_gb(month: Month) -> float:
    usage, assumed = month.usage, month.usage.assumed
    total = 0.0
    for function in of_kind(month, "AWS::Serverless::Function"):
        calls = calls_of(usage, name_of(function))
        events = calls.log_events + assumed["platform_log_events"]
        total += invocations(usage, name_of(function)) * (
            calls.log_bytes + assumed["platform_log_bytes"] + events * assumed["log_event_bytes"])
    if any("AccessLogSetting" in api.properties for api in of_kind(month, "AWS::Serverless::Api")):
        total += gateway_requests(month) * (assumed["access_log_bytes"] + assumed["log_event_bytes"])
    return total / GB + (assumed["page_log_gb"] if of_kind(month, "AWS::ECS::Service") else 0)


def metric_filters(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Each makes a metric."""
    yield line(month, "watching", "metrics made of logs", "metric_month", len(found))


def alarms(month: Month, found: list[Resource]) -> Iterator[Line]:
    """An alarm is billed for every metric that it looks at."""
    metrics = sum(sum("MetricStat" in one for one in alarm.properties.get("Metrics", [])) or 1 for alarm in found)
    yield line(month, "watching", f"alarms, {len(found)}, on {metrics} metrics", "alarm_metric_month", metrics)


def composite_alarms(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Alarms over alarms."""
    yield line(month, "watching", f"composite alarms, {len(found)}", "composite_alarm_month", len(found))


def scaling_policies(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Target tracking makes alarms of its own, which are billed as others are."""
    tracking = sum(one.properties.get("PolicyType") == "TargetTrackingScaling" for one in found)
    yield line(month, "watching", "alarms of autoscaling", "alarm_metric_month",
               tracking * month.usage.assumed["scaling_alarms"])


def dashboards(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Each, whatever is on it."""
    yield line(month, "watching", f"dashboards, {len(found)}", "dashboard_month", len(found))


def flow_logs(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Taken in as other logs are."""
    yield line(month, "watching", "flow logs, taken in", "log_gb", len(found) * month.usage.assumed["flow_log_gb"])


RULES = {"AWS::Logs::LogGroup": log_groups, "AWS::Logs::MetricFilter": metric_filters,
         "AWS::CloudWatch::Alarm": alarms, "AWS::CloudWatch::CompositeAlarm": composite_alarms,
         "AWS::ApplicationAutoScaling::ScalingPolicy": scaling_policies, "AWS::CloudWatch::Dashboard": dashboards,
         "AWS::EC2::FlowLog": flow_logs}
