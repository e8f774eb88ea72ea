"""A month of use: usage.toml says how many requests and what is assumed, benchmarks/usage what was measured."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

from shotwise_tools.cost.models import SECONDS, Calls, CostError, Requests, Usage

TABLE = Path(__file__).with_name("usage.toml")
MEASURED = Path(__file__).parents[3] / "benchmarks/usage/results.json"


def read_usage() -> Usage:
    """The committed month."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    measured = json.loads(MEASURED.read_text("utf-8"))
    functions = {name: Calls(**{**{field: found[field] for field in Calls.__dataclass_fields__},
                                "metrics": tuple(found["metrics"])})
                 for name, found in measured["functions"].items()}
    return Usage(requests={name: Requests(**entry) for name, entry in table["requests"].items()},
                 functions=functions,
                 assumed={name: entry["value"] for name, entry in table["assumed"].items()},
                 chart_bytes=measured["chart"]["bytes"],
                 document_bytes=measured["document"]["bytes"],
                 passages=measured["document"]["passages"],
                 prompt_bytes=measured["functions"]["rag_query"]["prompt_bytes"],
                 limits=table["limits"],
                 estimate_usd=table["estimate_usd"])


def calls_of(usage: Usage, name: str) -> Calls:
    """A function's figures. Raises CostError where it was never measured."""
    if name not in usage.functions:
        raise CostError(f"benchmarks/usage has no figures for the function {name}: add it to CALLS in "
                        "benchmarks/usage/run.py and run `python -m benchmarks.usage.run`")
    return usage.functions[name]


def invocations(usage: Usage, name: str) -> float:
    """Calls of a function in a month."""
    asked = sum(kind.count * kind.runs.get(name, 0) for kind in usage.requests.values())
    return asked + (usage.assumed["documents_changed"] if name == "embed_documents" else 0)


def cold_share(usage: Usage, name: str) -> float:
    """The share of a function's calls that find no warm container: those whose pause before them was longer than a
    container is kept (calls come at random), and a few that come at once."""
    pauses = math.exp(-invocations(usage, name) * usage.assumed["kept_warm_seconds"] / SECONDS)
    return max(pauses, usage.assumed["least_cold_share"])
