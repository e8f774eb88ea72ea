"""Read a month of usage: requests and assumptions from usage.toml, usage per call from benchmarks/usage."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

from shotwise_tools.cost.models import SECONDS, CostError, FunctionUsage, RequestUsage, UsageProfile

ASSUMPTIONS = Path(__file__).with_name("usage.toml")
MEASUREMENTS = Path(__file__).parents[3] / "benchmarks/usage/results.json"


def read_usage() -> UsageProfile:
    """Read the committed month of usage."""
    assumptions = tomllib.loads(ASSUMPTIONS.read_text("utf-8"))
    measurements = json.loads(MEASUREMENTS.read_text("utf-8"))
    fields = FunctionUsage.__dataclass_fields__
    functions = {name: FunctionUsage(**{**{field: measured[field] for field in fields},
                                        "metrics": tuple(measured["metrics"])})
                 for name, measured in measurements["functions"].items()}
    return UsageProfile(
        requests={name: RequestUsage(**entry) for name, entry in assumptions["requests"].items()},
        functions=functions,
        assumed={name: entry["value"] for name, entry in assumptions["assumed"].items()},
        chart_bytes=measurements["chart"]["bytes"],
        document_bytes=measurements["document"]["bytes"],
        passages=measurements["document"]["passages"],
        prompt_bytes=measurements["functions"]["rag_query"]["prompt_bytes"],
        limits=assumptions["limits"],
        estimate_usd=assumptions["estimate_usd"])


def function_usage(usage: UsageProfile, name: str) -> FunctionUsage:
    """Return what one call of a function uses. Raises CostError if it was never measured."""
    if name not in usage.functions:
        raise CostError(f"benchmarks/usage has no figures for the function {name}: add it to CALLS in "
                        "benchmarks/usage/run.py and run `python -m benchmarks.usage.run`")
    return usage.functions[name]


def invocations(usage: UsageProfile, name: str) -> float:
    """Count the calls of a function in a month."""
    by_requests = sum(requests.count * requests.runs.get(name, 0) for requests in usage.requests.values())
    return by_requests + (usage.assumed["documents_changed"] if name == "embed_documents" else 0)


def cold_share(usage: UsageProfile, name: str) -> float:
    """Estimate the share of a function's calls that start a container.

    A call does so if the pause before it was longer than Lambda keeps an idle container. Calls are taken to come at
    random, so that pauses are exponentially distributed; a minimum accounts for calls at the same moment.
    """
    after_pauses = math.exp(-invocations(usage, name) * usage.assumed["kept_warm_seconds"] / SECONDS)
    return max(after_pauses, usage.assumed["min_cold_share"])
