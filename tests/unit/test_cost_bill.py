"""The lines of a bill against sums worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from shotwise_tools.cost.bill import ESTIMATED_GROUPS, FREE_KINDS, GROUPS, RULES, make_bill
from shotwise_tools.cost.models import (
    HOURS,
    Bill,
    CostError,
    CostInputs,
    FunctionUsage,
    PriceTable,
    RequestUsage,
    Resource,
    UsageProfile,
)
from shotwise_tools.cost.prices import read_prices
from shotwise_tools.cost.usage import cold_share, invocations, read_usage

PRICES = read_prices()
PARAMETERS = {"Index": "embedded", "KnowledgeBase": "off", "Embedder": "", "Writer": "", "WriterModel": "",
              "EmbeddingModel": "amazon.titan-embed-text-v2:0", "GuardrailId": ""}


def resource(kind: str, path: str = "shotwise.One", **properties: Any) -> Resource:
    """Make a resource, its type given without AWS::."""
    return Resource(path, f"AWS::{kind}", properties)


def function(name: str = "predict", **properties: Any) -> Resource:
    """Make a function that is built from the folder of this name."""
    return resource("Serverless::Function", CodeUri=f"functions/{name}",
                    **{"MemorySize": 2048, "Architectures": ["x86_64"], **properties})


def usage(**changes: Any) -> UsageProfile:
    """Make a month with round figures, for `predict` and `rag_query`."""
    per_call = FunctionUsage(init_ms=300, first_ms=12, billed_ms=2, log_bytes=1024, log_events=2,
                             reply_bytes=2048, metrics=("A", "B"))
    requests = {"predict": RequestUsage(100_000, {"predict": 1}),
                "diagnose": RequestUsage(10_000, {"predict": 1, "rag_query": 1}, workflow=True),
                "chart": RequestUsage(0, {})}
    return UsageProfile(**{**vars(read_usage()), "functions": {"predict": per_call, "rag_query": per_call},
                           "requests": requests, **changes})


def bill(*resources: Resource, parameters: dict[str, str] | None = None, prices: PriceTable | None = None,
         month: UsageProfile | None = None) -> Bill:
    """Compute the bill of these resources."""
    inputs = CostInputs(resources, {**PARAMETERS, **(parameters or {})}, month or usage(), prices or PRICES)
    return make_bill("dev", inputs)


def usd(month_bill: Bill, description: str) -> float:
    """The cost of the one line that begins with this description."""
    (line,) = (line for line in month_bill.lines if line.description.startswith(description))
    return line.usd


def page(**service: Any) -> list[Resource]:
    """Make the page's task definition and service."""
    return [resource("ECS::TaskDefinition", Cpu="512", Memory="1024", RuntimePlatform={"CpuArchitecture": "ARM64"}),
            resource("ECS::Service", **{"DesiredCount": 1, **service})]


def test_a_function_is_billed_for_its_time_and_its_starts() -> None:
    """110,000 calls of 2 ms at 2 GB; 1 % of them start a container: 300 ms more, and 10 ms more for a first call."""
    computed = bill(function())
    assert usd(computed, "predict, 2048 MB") == pytest.approx(110_000 * (0.002 + 0.01 * 0.310) * 2 * 0.0000166667)
    assert usd(computed, "calls of functions") == pytest.approx(110_000 * 0.0000002)


def test_half_the_memory_costs_the_same() -> None:
    """Below 1,769 MB a function has a share of a vCPU and takes longer: its gigabyte-seconds stay the same."""
    small, large = (bill(function(MemorySize=memory)) for memory in (884.5, 1769))
    assert usd(small, "predict, 884.5 MB") == pytest.approx(usd(large, "predict, 1769 MB"))


def test_the_page_is_billed_for_all_hours() -> None:
    """Half a vCPU and 1 GB on ARM for 730 hours."""
    computed = bill(*page())
    assert usd(computed, "Fargate 1 × 0.5 vCPU / 1 GB, ARM64, vCPU") == pytest.approx(730 * 0.5 * 0.03725)
    assert usd(computed, "Fargate 1 × 0.5 vCPU / 1 GB, ARM64, memory") == pytest.approx(730 * 0.00409)


def test_two_nat_gateways_cost_twice_one() -> None:
    """Hours are billed for each of them, the data once."""
    single, double = (bill(*[resource("EC2::NatGateway")] * number) for number in (1, 2))
    assert usd(single, "NAT gateways") == pytest.approx(730 * 0.059)
    assert double.total - single.total == pytest.approx(730 * 0.059)


def test_a_type_without_a_price_is_an_error() -> None:
    """A new resource cannot be forgotten: the error names its type and its path."""
    with pytest.raises(CostError, match=r"AWS::RDS::DBCluster has no price \(shotwise.Cluster\)"):
        bill(function(), resource("RDS::DBCluster", "shotwise.Cluster"))


def test_a_type_is_priced_or_free_and_not_both() -> None:
    """No type is in both tables, each free type has a reason, and the estimated groups are groups."""
    assert not RULES.keys() & FREE_KINDS.keys()
    assert set(ESTIMATED_GROUPS) <= set(GROUPS) and all(FREE_KINDS.values())


def test_a_function_without_measurements_is_an_error() -> None:
    """The error says where to measure it."""
    with pytest.raises(CostError, match="benchmarks/usage has no figures for the function forecast"):
        bill(function("forecast"))


def test_a_model_without_a_price_is_an_error() -> None:
    """The error names the key that the price table lacks."""
    with pytest.raises(CostError, match="no price 'some.model-v1 input'"):
        bill(function("rag_query"), parameters={"Writer": "bedrock", "WriterModel": "apac.some.model-v1"})


def test_an_inference_profile_costs_what_its_model_costs() -> None:
    """The prefix of the profile is not part of the key in the price table."""
    computed = bill(function("rag_query"),
                    parameters={"Writer": "bedrock", "WriterModel": "apac.amazon.nova-lite-v1:0"})
    assert usd(computed, "amazon.nova-lite-v1:0, output tokens") == pytest.approx(10_000 * 500 * 0.00000024)


@pytest.mark.parametrize(("standby", "units"), [("ENABLED", 2), ("DISABLED", 1), (None, 2)])
def test_standby_doubles_opensearch(standby: str | None, units: int) -> None:
    """Standby replicas are on by default."""
    properties = {"StandbyReplicas": standby} if standby else {}
    assert bill(resource("OpenSearchServerless::Collection", **properties)).total == pytest.approx(units * 730 * 0.293)


def test_interface_endpoints_are_billed_for_each_zone() -> None:
    """The gateway endpoint of S3 is free."""
    computed = bill(resource("EC2::VPCEndpoint", VpcEndpointType="Gateway", ServiceName="com.amazonaws.x.s3"),
                 resource("EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"],
                          ServiceName="com.amazonaws.x.bedrock-runtime"))
    assert usd(computed, "bedrock-runtime, 2 zones") == pytest.approx(2 * 730 * 0.013)
    assert not [line for line in computed.lines if line.description.startswith("s3")]


def test_every_public_address_is_billed() -> None:
    """That of the NAT gateway, those of the balancer in each zone, and that of a task."""
    computed = bill(resource("EC2::EIP"), resource("ElasticLoadBalancingV2::LoadBalancer", Subnets=["a", "b"]),
                 *page(NetworkConfiguration={"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}))
    addresses = [line.quantity for line in computed.lines if line.group == "public addresses"]
    assert sum(addresses) == 4 * HOURS


def test_an_alarm_is_billed_for_each_metric() -> None:
    """An expression over metrics is not a metric of its own."""
    metrics = [{"Expression": "a/b"}, {"MetricStat": {}}, {"MetricStat": {}}]
    on_two_metrics = resource("CloudWatch::Alarm", Metrics=metrics)
    computed = bill(on_two_metrics, resource("CloudWatch::Alarm", MetricName="Errors"))
    assert computed.total == pytest.approx(3 * 0.1)


def test_measures_against_cold_starts_replace_the_cost_of_starts() -> None:
    """A snapshot is billed by the second and by each restore, a provisioned container by the second."""
    plain = bill(function())
    snapshot = bill(function(SnapStart={"ApplyOn": "PublishedVersions"}))
    provisioned = bill(function(ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": "1"}))
    assert usd(snapshot, "predict, snapshot stored") == pytest.approx(2 * 730 * 3600 * 0.0000015046)
    assert usd(provisioned, "predict, 1 kept warm") == pytest.approx(2 * 730 * 3600 * 0.0000051254)
    assert usd(snapshot, "predict, 2048") == usd(provisioned, "predict, 2048") < usd(plain, "predict, 2048")


def test_metrics_of_single_methods_are_billed_where_they_are_on() -> None:
    """A setting for all methods counts every route that is called; a stream with a function URL is not one."""
    requests = {"predict": RequestUsage(10, {}), "chart": RequestUsage(0, {}),
                "query": RequestUsage(5, {}, streams=True)}
    api = resource("Serverless::Api", MethodSettings=[{"HttpMethod": "*", "MetricsEnabled": True}])
    quiet = resource("Serverless::Api", MethodSettings=[{"HttpMethod": "*", "MetricsEnabled": False}])
    for resources, metrics in [([api], 15), ([api, resource("Lambda::Url")], 10), ([quiet], 0)]:
        computed = bill(*resources, month=usage(requests=requests))
        assert sum(line.quantity for line in computed.lines if line.price.key == "metric_month") == metrics


def test_logs_without_retention_are_an_error() -> None:
    """Logs that are kept for ever have no price for a month."""
    with pytest.raises(CostError, match="shotwise.Logs keeps its logs for ever"):
        bill(resource("Logs::LogGroup", "shotwise.Logs"))


def test_lines_at_the_same_price_share_the_always_free_units() -> None:
    """Ten alarms are free in an account, not ten of each kind; a bill is never negative."""
    alarms = [resource("CloudWatch::Alarm", MetricName="Errors")] * 9
    scaling = resource("ApplicationAutoScaling::ScalingPolicy", PolicyType="TargetTrackingScaling")
    computed = bill(*alarms, scaling)
    assert computed.total == pytest.approx(1.1) and computed.free == pytest.approx(1.0)
    assert bill(*alarms).total == pytest.approx(bill(*alarms).free)


def test_rare_calls_start_more_containers() -> None:
    """The share of cold starts follows from the pauses between calls, and has a minimum."""
    rare = usage(requests={"predict": RequestUsage(1000, {"predict": 1})})
    pause = 730 * 3600 / 1000
    assert cold_share(rare, "predict") == pytest.approx(math.exp(-rare.assumed["kept_warm_seconds"] / pause))
    assert cold_share(usage(), "predict") == usage().assumed["min_cold_share"]


def test_the_traffic_is_that_of_document_a() -> None:
    """Predict 100,000; importance 10,000, and as many charts fetched; rag_query 5,000 with streamed answers."""
    month = read_usage()
    assert invocations(month, "predict") == 100_000 and invocations(month, "importance") == 10_000 + 10_000
    assert invocations(month, "rag_query") + invocations(month, "stream_query") == 5_000


def test_every_price_has_a_source() -> None:
    """Each has AWS's page, a day, and how it is known; prices that are not known for Seoul are weak."""
    for price in PRICES.values():
        assert price.source.startswith("https://aws.amazon.com/") and "/pricing/" in price.source
        known_for_seoul = price.basis.startswith(("Seoul list", "a Seoul bill",
                                                  "AWS's page names one price for all regions"))
        assert "2025" <= price.date < "2027" and price.weak != known_for_seoul, price
