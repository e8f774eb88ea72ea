"""The right side: a diagnosis in the order in which a shot travels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frontend.fields import Field, limits_for
from frontend.messages import Words
from frontend.views import importance, knowledge, markup, setpoints, signals, verdict
from frontend.views.markup import text

LATE = ("States.Timeout", "Timeout")


@dataclass(frozen=True)
class Diagnosed:
    """A diagnosis as it came. sent: the body; whole_ms: from the page's call to the answer; chart: the PNG, if any."""

    sent: Mapping[str, Any]
    reply: Mapping[str, Any]
    chart: bytes | None
    whole_ms: float


def show(found: Diagnosed, model: Mapping[str, Any], fields: Mapping[str, Field], link: knowledge.Link,
         words: Words) -> None:
    """Draw a diagnosis."""
    reply = found.reply
    verdict.show(reply["prediction"], model, fields, words)
    if reply["importance"]:
        _importance(found, model, fields, words)
    if reply["knowledge"]:
        knowledge.show(reply["knowledge"], link, words)
    _steps(reply, words)
    _timings(found, words)


def _importance(found: Diagnosed, model: Mapping[str, Any], fields: Mapping[str, Field], words: Words) -> None:
    """What drove the probability, what to change, and what else points at a value."""
    part, limits = found.reply["importance"], limits_for(model, found.sent["features"])
    importance.show(part, found.chart, limits, fields, words)
    # Not the prediction's threshold: with inspection results that is another one, while T2 knows the values alone.
    setpoints.show(part["setpoints"], part["probability"], model["thresholds"]["decision"], limits, fields, words)
    signals.show(part["signals"], words)


def _steps(reply: Mapping[str, Any], words: Words) -> None:
    """The steps that did not run, and those that failed; a failed chart was told where it would stand."""
    skipped = [words("step.skipped", step=words(f"step.{step}")) for step in reply["skipped"]]
    failed = [words("step.late" if item["error"].endswith(LATE) else "step.failed", step=words(f"step.{item['step']}"))
              for item in reply["degraded"] if not (item["step"] == "chart" and reply["importance"])]
    if failed:
        markup.note(failed, "alarm")
    if skipped:
        markup.note(skipped, "plain")


def _timings(found: Diagnosed, words: Words) -> None:
    times = [(step, ms) for step, ms in found.reply["timings_ms"].items() if ms is not None]
    parts = [f"{words.either(f'step.{step}', step)} {ms:,.1f} ms" for step, ms in [*times, ("whole", found.whole_ms)]]
    prediction = found.reply["prediction"]
    parts += [f"{words('model.version')} {prediction['model_version']}", prediction["prediction_id"]]
    markup.draw(f'<div class="quiet">{text(" · ".join(parts))}</div>')
