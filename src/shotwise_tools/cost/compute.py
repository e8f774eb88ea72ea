"""Pricing rules for compute: functions, API, workflow, page, models."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from shotwise_tools.cost.models import (
    GB,
    HOURS,
    SECONDS,
    CostError,
    CostInputs,
    LineItem,
    Resource,
    line_item,
    resources_of_kind,
)
from shotwise_tools.cost.usage import cold_share, function_usage, invocations

ONE_VCPU_MB = 1769  # Lambda gives one vCPU with this much memory, and proportionally less with less
ANSWERING = ("rag_query", "stream_query")  # the functions that search and answer
PROFILE = re.compile(r"(apac|us|eu|jp|au|ca|global)\.")  # the prefix of an inference profile before a model's name


def price_functions(inputs: CostInputs, functions: list[Resource]) -> Iterator[LineItem]:
    """Price the functions' time and calls, measures against cold starts, and the models that they call."""
    for function in functions:
        yield from _price_function(inputs, function)
    calls = sum(invocations(inputs.usage, function_folder(function)) for function in functions)
    yield line_item(inputs, "functions", "calls of functions", "lambda_request", calls)
    yield from _price_models(inputs)


def function_folder(function: Resource) -> str:
    """The name of the folder that a function is built from, which is the key of its usage."""
    return PurePosixPath(function.properties["CodeUri"]).name


def _price_function(inputs: CostInputs, function: Resource) -> Iterator[LineItem]:
    name = function_folder(function)
    gigabytes = function.properties["MemorySize"] / 1024
    architecture = function.properties.get("Architectures", ["x86_64"])[0]
    calls = invocations(inputs.usage, name)
    has_snapshot = function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
    provisioned = function.properties.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions", 0)
    cold = 0.0 if provisioned else cold_share(inputs.usage, name)
    seconds = calls * billed_ms(inputs, name, 0.0 if has_snapshot else cold) / 1000
    yield line_item(inputs, "functions", f"{name}, {function.properties['MemorySize']} MB",
                    f"lambda_gb_second_{architecture}", seconds * gigabytes)
    if has_snapshot:
        yield line_item(inputs, "functions", f"{name}, snapshot stored", "snapstart_cached_gb_second",
                        gigabytes * SECONDS)
        yield line_item(inputs, "functions", f"{name}, snapshot restored", "snapstart_restored_gb",
                        calls * cold * gigabytes)
    if provisioned:
        yield line_item(inputs, "functions", f"{name}, {int(provisioned)} kept warm", "lambda_provisioned_gb_second",
                        int(provisioned) * gigabytes * SECONDS)


def billed_ms(inputs: CostInputs, name: str, cold: float) -> float:
    """Mean billed milliseconds of a call, where a share `cold` of all calls starts a container.

    Lambda bills the start (INIT) since August 2025.
    """
    measured = function_usage(inputs.usage, name)
    start = measured.init_ms + max(measured.first_ms - measured.billed_ms, 0)
    computing = (measured.billed_ms + cold * start) * _slowdown(inputs, name)
    return computing + (_remote_ms(inputs) if name in ANSWERING else 0)


def _slowdown(inputs: CostInputs, name: str) -> float:
    """How many times longer a function takes with its share of a vCPU than with a full one, as it was measured."""
    memory = [function.properties["MemorySize"] for function in resources_of_kind(inputs, "AWS::Serverless::Function")
              if function_folder(function) == name]
    return max(1.0, ONE_VCPU_MB / memory[0]) if memory else 1.0


def _remote_ms(inputs: CostInputs) -> float:
    """Milliseconds that an answer waits for other services."""
    assumed = inputs.usage.assumed
    uses_vectors = inputs.parameters["Index"] != "embedded" or inputs.parameters["KnowledgeBase"] == "on"
    return ((assumed["vectors_ms"] + assumed["embed_ms"] if uses_vectors else 0)
            + (assumed["generation_ms"] if inputs.parameters["Writer"] else 0))


def _price_models(inputs: CostInputs) -> Iterator[LineItem]:
    """Price tokens on Bedrock; models on other servers are not billed by AWS."""
    assumed = inputs.usage.assumed
    questions = sum(invocations(inputs.usage, name) for name in ANSWERING)
    if inputs.parameters["Embedder"] == "bedrock" or inputs.parameters["KnowledgeBase"] == "on":
        question_tokens = questions * 40 / assumed["bytes_per_token"]
        passage_bytes = assumed["documents_changed"] * inputs.usage.passages * assumed["vector_metadata_bytes"]
        yield line_item(inputs, "models", "questions and passages embedded",
                        f"{inputs.parameters['EmbeddingModel']} input",
                        question_tokens + passage_bytes / assumed["bytes_per_token"])
    if inputs.parameters["Writer"] == "bedrock":
        model = PROFILE.sub("", inputs.parameters["WriterModel"], count=1)
        yield line_item(inputs, "models", f"{model}, input tokens", f"{model} input",
                        questions * inputs.usage.prompt_bytes / assumed["bytes_per_token"])
        yield line_item(inputs, "models", f"{model}, output tokens", f"{model} output",
                        questions * assumed["answer_tokens"])
        if inputs.parameters["GuardrailId"]:
            characters = inputs.usage.prompt_bytes + assumed["answer_tokens"] * assumed["bytes_per_token"]
            yield line_item(inputs, "models", "guardrail checks", "guardrail_text_unit",
                            questions * math.ceil(characters / assumed["bytes_per_token"] / 1000))


def gateway_requests(inputs: CostInputs) -> float:
    """Requests through API Gateway: all, except streams if they have a function URL."""
    has_url = bool(resources_of_kind(inputs, "AWS::Lambda::Url"))
    return sum(kind.count for kind in inputs.usage.requests.values() if not (kind.streams and has_url))


def price_apis(inputs: CostInputs, apis: list[Resource]) -> Iterator[LineItem]:
    """Price requests, their traces, and the metrics of single methods if they are switched on."""
    requests = gateway_requests(inputs)
    yield line_item(inputs, "API", "requests", "api_request", requests)
    for api in apis:
        if api.properties.get("TracingEnabled"):
            # Below one request a second, X-Ray's default rule samples every request.
            yield line_item(inputs, "observability", "traces", "trace",
                            sum(kind.count for kind in inputs.usage.requests.values()))
        methods = _detailed_methods(inputs, api)
        if methods:
            yield line_item(inputs, "observability", f"metrics of single API methods, {methods}", "metric_month",
                            methods * inputs.usage.assumed["detailed_metrics"])


def _detailed_methods(inputs: CostInputs, api: Resource) -> int:
    """Count the methods with their own metrics that are called in most hours; metrics are billed by hours with data."""
    settings = [setting for setting in api.properties.get("MethodSettings", [])
                if setting.get("MetricsEnabled") in (True, "true")]
    has_url = bool(resources_of_kind(inputs, "AWS::Lambda::Url"))
    busy = sum(not (kind.streams and has_url) for kind in inputs.usage.requests.values())
    return busy if any(setting.get("HttpMethod") == "*" for setting in settings) else min(len(settings), busy)


def price_workflows(inputs: CostInputs, machines: list[Resource]) -> Iterator[LineItem]:
    """Price Express workflows by requests and by 100 ms of 64 MB. Raises CostError for a standard workflow."""
    for machine in machines:
        if machine.properties.get("Type") != "EXPRESS":
            raise CostError(f"{machine.path} is a standard workflow, which is billed by state transitions: add a rule")
        for kind in (kind for kind in inputs.usage.requests.values() if kind.workflow):
            ms = inputs.usage.assumed["workflow_ms"] + sum(
                billed_ms(inputs, name, cold_share(inputs.usage, name)) * runs for name, runs in kind.runs.items())
            yield line_item(inputs, "workflow", "executions", "express_request", kind.count)
            yield line_item(inputs, "workflow", "time of executions", "express_gb_second",
                            kind.count * math.ceil(ms / 100) / 10 * 64 / 1024)


def price_services(inputs: CostInputs, services: list[Resource]) -> Iterator[LineItem]:
    """Price tasks on Fargate for a whole month: the desired count, or the minimum of autoscaling if that is larger."""
    for service in services:
        (task,) = resources_of_kind(inputs, "AWS::ECS::TaskDefinition")
        tasks = _tasks(inputs, service)
        platform = task.properties.get("RuntimePlatform", {}).get("CpuArchitecture", "X86_64")
        cpu, memory = int(task.properties["Cpu"]) / 1024, int(task.properties["Memory"]) / 1024
        spot = any(strategy.get("CapacityProvider") == "FARGATE_SPOT"
                   for strategy in service.properties.get("CapacityProviderStrategy", []))
        vcpu, gigabyte = (("fargate_spot_vcpu_hour", "fargate_spot_gb_hour") if spot else
                          (f"fargate_vcpu_hour_{platform}", f"fargate_gb_hour_{platform}"))
        size = f"{tasks} × {cpu:g} vCPU / {memory:g} GB, {'Spot' if spot else platform}"
        yield line_item(inputs, "page", f"Fargate {size}, vCPU", vcpu, tasks * cpu * HOURS)
        yield line_item(inputs, "page", f"Fargate {size}, memory", gigabyte, tasks * memory * HOURS)
        network = service.properties.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
        if network.get("AssignPublicIp") == "ENABLED":
            yield line_item(inputs, "public addresses", "of the page's tasks", "public_ipv4_hour", tasks * HOURS)
        yield line_item(inputs, "page", "image stored", "image_gb_month", inputs.usage.assumed["image_gb"])


def _tasks(inputs: CostInputs, service: Resource) -> int:
    minimums = [int(target.properties["MinCapacity"])
                for target in resources_of_kind(inputs, "AWS::ApplicationAutoScaling::ScalableTarget")
                if target.properties.get("ServiceNamespace") == "ecs"]
    return max([*minimums, int(service.properties.get("DesiredCount", 1))])


def price_clusters(inputs: CostInputs, clusters: list[Resource]) -> Iterator[LineItem]:
    """Price the metrics of Container Insights; a cluster itself is free."""
    for cluster in clusters:
        settings = {setting["Name"]: setting["Value"] for setting in cluster.properties.get("ClusterSettings", [])}
        if settings.get("containerInsights", "disabled") != "disabled":
            yield line_item(inputs, "observability", "metrics of Container Insights", "metric_month",
                            inputs.usage.assumed["insights_metrics"])


def reply_gb(inputs: CostInputs) -> float:
    """The size of all replies and charts of a month, in GB."""
    usage = inputs.usage
    reply_bytes = sum(invocations(usage, name) * per_call.reply_bytes for name, per_call in usage.functions.items())
    return (reply_bytes + usage.requests["chart"].count * usage.chart_bytes) / GB


RULES = {"AWS::Serverless::Function": price_functions, "AWS::Serverless::Api": price_apis,
         "AWS::Serverless::StateMachine": price_workflows, "AWS::ECS::Service": price_services,
         "AWS::ECS::Cluster": price_clusters}
