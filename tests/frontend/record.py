"""Record the replies that the page is tested with anew: `python tests/frontend/record.py`, where the contract or the
shipped bundle has changed. Every reply comes from the real functions and the real workflow."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # `local` is a package of the repository, not an installed one

from local.stack import ROOT, open_stack, prepare  # noqa: E402
from shotwise.adapters.onnx_graph import ENGINE  # noqa: E402
from shotwise.bundle import Bundle, load_bundle  # noqa: E402
from shotwise.edge.replies import model_reply, samples_reply  # noqa: E402

Run = Callable[[str], dict[str, Any]]


def main() -> None:
    """Record model, samples, every scene in both languages, and a refusal."""
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    write("model", model_reply(bundle))
    write("samples", samples_reply(bundle))
    with tempfile.TemporaryDirectory() as home:
        # A chart's address holds the port, whatever it is on the machine that records.
        os.environ |= {"SHOTWISE_HOME": home, "SHOTWISE_API_PORT": "8000", "POWERTOOLS_LOG_LEVEL": "CRITICAL",
                       "POWERTOOLS_METRICS_DISABLED": "true"}
        prepare(os.environ, print)
        with open_stack() as (_, workflow, _):
            record(bundle, workflow.run)


def record(bundle: Bundle, run: Run) -> None:
    """The scenes. suspect: a shot unlike all others, one value not measured; proposal: one for which there is a change
    of settings; good: one that looks fine; unanswered: a question that no document answers."""
    defective = dict(next(sample["features"] for sample in bundle.samples if sample["outcome"] == "defect"))
    good = next(sample["features"] for sample in bundle.samples if sample["outcome"] == "normal")
    scenes = {"suspect": {**defective, "Velocity_1": 0.3, "Biscuit_Thickness": 4, "Factory_Temp": None},
              "proposal": {**defective, "Velocity_1": 0.17}, "good": good, "unanswered": good}
    questions = {"unanswered": {"ko": "왜?", "en": "Why?"}}
    for scene, features in scenes.items():
        for language in ("ko", "en"):
            asked = questions.get(scene, {}).get(language)
            body = {"features": features, "language": language, **({"question": asked} if asked else {})}
            write(f"{scene}_{language}", json.loads(run(json.dumps(body))["output"]))
    refused = {**defective, "Product_Type": "9", "Velocity_1": None, "Velocity_2": 9.0}
    cause = json.loads(run(json.dumps({"features": refused, "question": "?" * 2001}))["cause"])
    write("problem", json.loads(cause["errorMessage"]))


def write(name: str, reply: Any) -> None:
    """Put a reply beside the others."""
    text = json.dumps(reply, ensure_ascii=False, indent=1)
    (HERE / "recorded" / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
