"""Rules for what computes: functions, the API before them, the workflow, the page, the models."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from shotwise_tools.cost.models import GB, HOURS, SECONDS, CostError, Line, Month, Resource, line, of_kind
from shotwise_tools.cost.usage import calls_of, cold_share, invocations

ONE_VCPU_MB = 1769  # the memory that comes with one vCPU; less memory, less of it
ANSWERING = ("rag_query", "stream_query")  # the functions that search, and word an answer where there is a writer
PROFILE = re.compile(r"(apac|us|eu|jp|au|ca|global)\.")  # what an inference profile puts before a model's name


def functions(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Time and calls; what is done against cold starts; the traces that begin without the API; the models they ask."""
    for resource in found:
        yield from _function(month, resource)
    calls = sum(invocations(month.usage, name_of(resource)) for resource in found)
    yield line(month, "functions", "calls of functions", "lambda_request", calls)
    yield from _models(month)


def name_of(function: Resource) -> str:
    """The folder that a function is built from."""
    return PurePosixPath(function.properties["CodeUri"]).name


def _function(month: Month, function: Resource) -> Iterator[Line]:
    name = name_of(function)
    gigabytes = function.properties["MemorySize"] / 1024
    architecture = function.properties.get("Architectures", ["x86_64"])[0]
    calls = invocations(month.usage, name)
    snaps = function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
    warm = function.properties.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions", 0)
    cold = 0.0 if warm else cold_share(month.usage, name)
    seconds = calls * billed_ms(month, name, 0.0 if snaps else cold) / 1000
    yield line(month, "functions", f"{name}, {function.properties['MemorySize']} MB",
               f"lambda_gb_second_{architecture}", seconds * gigabytes)
    if snaps:
        yield line(month, "functions", f"{name}, snapshot kept", "snapstart_cached_gb_second", gigabytes * SECONDS)
        yield line(month, "functions", f"{name}, snapshot restored", "snapstart_restored_gb", calls * cold * gigabytes)
    if warm:
        yield line(month, "functions", f"{name}, {int(warm)} kept warm", "lambda_provisioned_gb_second",
                   int(warm) * gigabytes * SECONDS)


def billed_ms(month: Month, name: str, cold: float) -> float:
    """Mean milliseconds that a call is billed, starts included (Lambda bills INIT since August 2025)."""
    measured = calls_of(month.usage, name)
    start = measured.init_ms + max(measured.first_ms - measured.billed_ms, 0)
    own = (measured.billed_ms + cold * start) * _stretch(month, name)
    return own + (_remote_ms(month) if name in ANSWERING else 0)


def _stretch(month: Month, name: str) -> float:
    """How much longer a function takes with its share of a vCPU than on a whole one, as measured."""
    memory = [one.properties["MemorySize"] for one in of_kind(month, "AWS::Serverless::Function")
              if name_of(one) == name]
    return max(1.0, ONE_VCPU_MB / memory[0]) if memory else 1.0


def _remote_ms(month: Month) -> float:
    """What an answer waits for outside of its function."""
    assumed = month.usage.assumed
    by_meaning = month.parameters["Index"] != "embedded" or month.parameters["KnowledgeBase"] == "on"
    return ((assumed["vectors_ms"] + assumed["embed_ms"] if by_meaning else 0)
            + (assumed["write_ms"] if month.parameters["Writer"] else 0))


def _models(month: Month) -> Iterator[Line]:
    """Tokens on Bedrock; a server of one's own sends no bill here."""
    assumed = month.usage.assumed
    asked = sum(invocations(month.usage, name) for name in ANSWERING)
    if month.parameters["Embedder"] == "bedrock" or month.parameters["KnowledgeBase"] == "on":
        questions = asked * 40 / assumed["bytes_per_token"]
        read = assumed["documents_changed"] * month.usage.passages * assumed["vector_metadata_bytes"]
        yield line(month, "models", "questions and passages embedded",
                   f"{month.parameters['EmbeddingModel']} input", questions + read / assumed["bytes_per_token"])
    if month.parameters["Writer"] == "bedrock":
        model = PROFILE.sub("", month.parameters["WriterModel"], count=1)
        yield line(month, "models", f"read by {model}", f"{model} input",
                   asked * month.usage.prompt_bytes / assumed["bytes_per_token"])
        yield line(month, "models", f"written by {model}", f"{model} output", asked * assumed["answer_tokens"])
        if month.parameters["GuardrailId"]:
            characters = month.usage.prompt_bytes + assumed["answer_tokens"] * assumed["bytes_per_token"]
            yield line(month, "models", "checked by the guardrail", "guardrail_text_unit",
                       asked * math.ceil(characters / assumed["bytes_per_token"] / 1000))


def gateway_requests(month: Month) -> float:
    """Requests that come through API Gateway: all but streams, where the stream has an address of its own."""
    direct = bool(of_kind(month, "AWS::Lambda::Url"))
    return sum(kind.count for kind in month.usage.requests.values() if not (kind.streams and direct))


def apis(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Requests, their traces, and the metrics of single methods where they are switched on."""
    requests = gateway_requests(month)
    yield line(month, "API", "requests", "api_request", requests)
    for api in found:
        if api.properties.get("TracingEnabled"):
            # Below one request a second X-Ray's own rule keeps every trace.
            yield line(month, "watching", "traces", "trace", sum(one.count for one in month.usage.requests.values()))
        methods = _detailed_methods(month, api)
        if methods:
            yield line(month, "watching", f"metrics of single API methods, {methods}", "metric_month",
                       methods * month.usage.assumed["detailed_metrics"])


def _detailed_methods(month: Month, api: Resource) -> int:
    """Methods with metrics of their own that are called in most hours; a metric is billed for hours with values."""
    settings = [one for one in api.properties.get("MethodSettings", []) if one.get("MetricsEnabled") in (True, "true")]
    direct = bool(of_kind(month, "AWS::Lambda::Url"))
    busy = sum(not (kind.streams and direct) for kind in month.usage.requests.values())
    return busy if any(one.get("HttpMethod") == "*" for one in settings) else min(len(settings), busy)


def workflows(month: Month, found: list[Resource]) -> Iterator[Line]:
    """An Express workflow is billed by requests and by 100 ms of 64 MB."""
    for machine in found:
        if machine.properties.get("Type") != "EXPRESS":
            raise CostError(f"{machine.path} is a standard workflow, which is billed by transitions: add a rule")
        for kind in (one for one in month.usage.requests.values() if one.workflow):
            ms = month.usage.assumed["workflow_ms"] + sum(
                billed_ms(month, name, cold_share(month.usage, name)) * runs for name, runs in kind.runs.items())
            yield line(month, "workflow", "executions", "express_request", kind.count)
            yield line(month, "workflow", "time of executions", "express_gb_second",
                       kind.count * math.ceil(ms / 100) / 10 * 64 / 1024)


def services(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Tasks on Fargate, all month; the least that autoscaling keeps, or the desired count."""
    for service in found:
        (task,) = of_kind(month, "AWS::ECS::TaskDefinition")
        tasks = _tasks(month, service)
        platform = task.properties.get("RuntimePlatform", {}).get("CpuArchitecture", "X86_64")
        cpu, memory = int(task.properties["Cpu"]) / 1024, int(task.properties["Memory"]) / 1024
        spot = any(one.get("CapacityProvider") == "FARGATE_SPOT"
                   for one in service.properties.get("CapacityProviderStrategy", []))
        vcpu, gigabyte = (("fargate_spot_vcpu_hour", "fargate_spot_gb_hour") if spot else
                          (f"fargate_vcpu_hour_{platform}", f"fargate_gb_hour_{platform}"))
        size = f"{tasks} × {cpu:g} vCPU / {memory:g} GB, {'Spot' if spot else platform}"
        yield line(month, "page", f"Fargate {size}, vCPU", vcpu, tasks * cpu * HOURS)
        yield line(month, "page", f"Fargate {size}, memory", gigabyte, tasks * memory * HOURS)
        network = service.properties.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
        if network.get("AssignPublicIp") == "ENABLED":
            yield line(month, "public addresses", "of the page's tasks", "public_ipv4_hour", tasks * HOURS)
        yield line(month, "page", "image kept", "image_gb_month", month.usage.assumed["image_gb"])


def _tasks(month: Month, service: Resource) -> int:
    least = [int(one.properties["MinCapacity"])
             for one in of_kind(month, "AWS::ApplicationAutoScaling::ScalableTarget")
             if one.properties.get("ServiceNamespace") == "ecs"]
    return max([*least, int(service.properties.get("DesiredCount", 1))])


def clusters(month: Month, found: list[Resource]) -> Iterator[Line]:
    """A cluster costs nothing, but what Container Insights reports of it does."""
    for cluster in found:
        settings = {one["Name"]: one["Value"] for one in cluster.properties.get("ClusterSettings", [])}
        if settings.get("containerInsights", "disabled") != "disabled":
            yield line(month, "watching", "metrics of Container Insights", "metric_month",
                       month.usage.assumed["insights_metrics"])


def reply_gb(month: Month) -> float:
    """What functions answer in a month."""
    usage = month.usage
    sent = sum(invocations(usage, name) * found.reply_bytes for name, found in usage.functions.items())
    return (sent + usage.requests["chart"].count * usage.chart_bytes) / GB


RULES = {"AWS::Serverless::Function": functions, "AWS::Serverless::Api": apis,
         "AWS::Serverless::StateMachine": workflows, "AWS::ECS::Service": services, "AWS::ECS::Cluster": clusters}
