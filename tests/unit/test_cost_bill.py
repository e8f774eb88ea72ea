"""Lines of a month's bill, against sums done by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from shotwise_tools.cost.bill import FREE, GROUPS, NAMED, RULES, make_bill
from shotwise_tools.cost.models import HOURS, Bill, Calls, CostError, Month, Price, Requests, Resource, Usage
from shotwise_tools.cost.prices import read_prices
from shotwise_tools.cost.usage import cold_share, invocations, read_usage

PRICES = read_prices()
PARAMETERS = {"Index": "embedded", "KnowledgeBase": "off", "Embedder": "", "Writer": "", "WriterModel": "",
              "EmbeddingModel": "amazon.titan-embed-text-v2:0", "GuardrailId": ""}


def resource(kind: str, path: str = "shotwise.One", **properties: Any) -> Resource:
    return Resource(path, f"AWS::{kind}", properties)


def function(name: str = "predict", **properties: Any) -> Resource:
    return resource("Serverless::Function", CodeUri=f"functions/{name}",
                    **{"MemorySize": 2048, "Architectures": ["x86_64"], **properties})


def usage(**changes: Any) -> Usage:
    calls = Calls(init_ms=300, first_ms=12, billed_ms=2, log_bytes=1024, log_events=2, reply_bytes=2048,
                  metrics=("A", "B"))
    return Usage(**{**vars(read_usage()), "functions": {"predict": calls, "rag_query": calls},
                    "requests": {"predict": Requests(100_000, {"predict": 1}),
                                 "diagnose": Requests(10_000, {"predict": 1, "rag_query": 1}, workflow=True),
                                 "chart": Requests(0, {})}, **changes})


def bill(*resources: Resource, parameters: dict[str, str] | None = None, prices: dict[str, Price] | None = None,
         used: Usage | None = None) -> Bill:
    return make_bill("dev", Month(resources, {**PARAMETERS, **(parameters or {})}, used or usage(), prices or PRICES))


def usd(found: Bill, what: str) -> float:
    (line,) = (line for line in found.lines if line.what.startswith(what))
    return line.usd


def page(**service: Any) -> list[Resource]:
    return [resource("ECS::TaskDefinition", Cpu="512", Memory="1024", RuntimePlatform={"CpuArchitecture": "ARM64"}),
            resource("ECS::Service", **{"DesiredCount": 1, **service})]


def test_a_function_is_billed_for_its_time_and_its_starts() -> None:
    """110,000 calls of 2 ms at 2 GB; 1 % of them start: 300 ms more, and their first call 10 ms more."""
    found = bill(function())
    assert usd(found, "predict, 2048 MB") == pytest.approx(110_000 * (0.002 + 0.01 * 0.310) * 2 * 0.0000166667)
    assert usd(found, "calls of functions") == pytest.approx(110_000 * 0.0000002)


def test_half_the_memory_takes_longer_not_less() -> None:
    """Below 1,769 MB a function has a part of a vCPU: its gigabyte-seconds stay the same."""
    small, whole = (bill(function(MemorySize=memory)) for memory in (884.5, 1769))
    assert usd(small, "predict, 884.5 MB") == pytest.approx(usd(whole, "predict, 1769 MB"))


def test_the_page_is_billed_for_all_hours() -> None:
    """Half a vCPU and 1 GB on ARM for 730 hours."""
    found = bill(*page())
    assert usd(found, "Fargate 1 × 0.5 vCPU / 1 GB, ARM64, vCPU") == pytest.approx(730 * 0.5 * 0.03725)
    assert usd(found, "Fargate 1 × 0.5 vCPU / 1 GB, ARM64, memory") == pytest.approx(730 * 0.00409)


def test_two_nat_gateways_cost_twice_one() -> None:
    """Hours are billed for each, what goes through them once."""
    one, two = (bill(*[resource("EC2::NatGateway")] * number) for number in (1, 2))
    assert usd(one, "NAT gateways") == pytest.approx(730 * 0.059)
    assert two.total - one.total == pytest.approx(730 * 0.059)


def test_a_type_that_nobody_priced_is_refused() -> None:
    """The next engineer's new resource cannot be forgotten: its type and its place are named."""
    with pytest.raises(CostError, match=r"AWS::RDS::DBCluster has no price \(shotwise.Cluster\)"):
        bill(function(), resource("RDS::DBCluster", "shotwise.Cluster"))


def test_a_type_is_priced_or_free_and_not_both() -> None:
    """Else a price could be hidden; every group of a line is known to the report."""
    assert not RULES.keys() & FREE.keys()
    assert set(NAMED) <= set(GROUPS) and all(FREE.values())


def test_a_function_that_was_never_measured_is_refused() -> None:
    """There is no figure to make up for it."""
    with pytest.raises(CostError, match="benchmarks/usage has no figures for the function forecast"):
        bill(function("forecast"))


def test_a_model_without_a_price_is_refused() -> None:
    """The price table is named as the place to add it."""
    with pytest.raises(CostError, match="no price 'some.model-v1 input'"):
        bill(function("rag_query"), parameters={"Writer": "bedrock", "WriterModel": "apac.some.model-v1"})


def test_an_inference_profile_costs_what_its_model_costs() -> None:
    """The prefix of the profile is no part of the name in the price table."""
    found = bill(function("rag_query"), parameters={"Writer": "bedrock", "WriterModel": "apac.amazon.nova-lite-v1:0"})
    assert usd(found, "written by amazon.nova-lite-v1:0") == pytest.approx(10_000 * 500 * 0.00000024)


@pytest.mark.parametrize(("standby", "units"), [("ENABLED", 2), ("DISABLED", 1), (None, 2)])
def test_standby_doubles_opensearch(standby: str | None, units: int) -> None:
    """AWS keeps a standby unless it is told not to."""
    given = {"StandbyReplicas": standby} if standby else {}
    assert bill(resource("OpenSearchServerless::Collection", **given)).total == pytest.approx(units * 730 * 0.293)


def test_only_interface_endpoints_cost_and_for_each_zone() -> None:
    """The gateway to S3 is free."""
    found = bill(resource("EC2::VPCEndpoint", VpcEndpointType="Gateway", ServiceName="com.amazonaws.x.s3"),
                 resource("EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"],
                          ServiceName="com.amazonaws.x.bedrock-runtime"))
    assert usd(found, "bedrock-runtime, 2 zones") == pytest.approx(2 * 730 * 0.013)
    assert not [line for line in found.lines if line.what.startswith("s3")]


def test_an_address_is_billed_wherever_one_is_public() -> None:
    """Of NAT, of the balancer in each zone, of a task that has one."""
    found = bill(resource("EC2::EIP"), resource("ElasticLoadBalancingV2::LoadBalancer", Subnets=["a", "b"]),
                 *page(NetworkConfiguration={"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}))
    addresses = [line.quantity for line in found.lines if line.group == "public addresses"]
    assert sum(addresses) == 4 * HOURS


def test_an_alarm_is_billed_for_each_metric() -> None:
    """Mathematics over metrics is no metric."""
    metrics = [{"Expression": "a/b"}, {"MetricStat": {}}, {"MetricStat": {}}]
    looks_at_two = resource("CloudWatch::Alarm", Metrics=metrics)
    found = bill(looks_at_two, resource("CloudWatch::Alarm", MetricName="Errors"))
    assert found.total == pytest.approx(3 * 0.1)


def test_starts_that_are_bought_are_not_billed_again() -> None:
    """A snapshot is kept by the second and restored by the start; a warm container is kept by the second."""
    plain = bill(function())
    snaps = bill(function(SnapStart={"ApplyOn": "PublishedVersions"}))
    warm = bill(function(ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": "1"}))
    assert usd(snaps, "predict, snapshot kept") == pytest.approx(2 * 730 * 3600 * 0.0000015046)
    assert usd(warm, "predict, 1 kept warm") == pytest.approx(2 * 730 * 3600 * 0.0000051254)
    assert usd(snaps, "predict, 2048") == usd(warm, "predict, 2048") < usd(plain, "predict, 2048")


def test_metrics_of_single_methods_are_billed_as_ones_own() -> None:
    """All methods that the traffic calls, where the setting is for all; a stream with its own address is none."""
    requests = {"predict": Requests(10, {}), "chart": Requests(0, {}), "query": Requests(5, {}, streams=True)}
    api = resource("Serverless::Api", MethodSettings=[{"HttpMethod": "*", "MetricsEnabled": True}])
    quiet = resource("Serverless::Api", MethodSettings=[{"HttpMethod": "*", "MetricsEnabled": False}])
    for resources, metrics in [([api], 15), ([api, resource("Lambda::Url")], 10), ([quiet], 0)]:
        found = bill(*resources, used=usage(requests=requests))
        assert sum(line.quantity for line in found.lines if line.price.key == "metric_month") == metrics


def test_logs_that_are_kept_for_ever_are_refused() -> None:
    """They have no price of a month."""
    with pytest.raises(CostError, match="shotwise.Logs keeps its logs for ever"):
        bill(resource("Logs::LogGroup", "shotwise.Logs"))


def test_lines_at_one_price_share_what_is_always_free() -> None:
    """Ten alarms are free in an account, not ten of each kind; a bill is never below nothing."""
    alarms = [resource("CloudWatch::Alarm", MetricName="Errors")] * 9
    scaling = resource("ApplicationAutoScaling::ScalingPolicy", PolicyType="TargetTrackingScaling")
    found = bill(*alarms, scaling)
    assert found.total == pytest.approx(1.1) and found.free == pytest.approx(1.0)
    assert bill(*alarms).total == pytest.approx(bill(*alarms).free)


def test_pauses_make_starts() -> None:
    """A function that is called now and then starts more often than one that is never left alone."""
    rare = usage(requests={"predict": Requests(1000, {"predict": 1})})
    pause = 730 * 3600 / 1000
    assert cold_share(rare, "predict") == pytest.approx(math.exp(-rare.assumed["kept_warm_seconds"] / pause))
    assert cold_share(usage(), "predict") == usage().assumed["least_cold_share"]


def test_the_traffic_is_document_as() -> None:
    """T1 100,000, T2 10,000 and as many pictures fetched, T3 5,000 with those that stream."""
    found = read_usage()
    assert invocations(found, "predict") == 100_000 and invocations(found, "importance") == 10_000 + 10_000
    assert invocations(found, "rag_query") + invocations(found, "stream_query") == 5_000


def test_every_price_says_where_it_is_from() -> None:
    """AWS's page, a day, and how it is known; what is not known for Seoul is marked."""
    for price in PRICES.values():
        assert price.source.startswith("https://aws.amazon.com/") and "/pricing/" in price.source
        known = price.basis.startswith(("Seoul list", "a Seoul bill", "AWS's page names one price for all regions"))
        assert "2025" <= price.date < "2027" and price.weak != known, price
