"""Draw a diagnosis in the order of its steps: verdict, importance, knowledge; then failed steps and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frontend.fields import Field, limits_for
from frontend.messages import Messages
from frontend.messages.codes import DEGRADED_STEPS
from frontend.views import importance, knowledge, markup, setpoints, signals, verdict
from frontend.views.markup import text

TIMEOUT = "Timeout"  # ends the name of the error that the workflow reports for a step that took too long


@dataclass(frozen=True)
class Diagnosis:
    """A diagnosis as the API returned it.

    Attributes
    ----------
    body : mapping
        The body of POST /diagnose.
    reply : mapping
        The reply of POST /diagnose.
    chart : bytes or None
        The chart of the contributions, a PNG.
    call_ms : float
        Milliseconds from the page's call to the reply.
    """

    body: Mapping[str, Any]
    reply: Mapping[str, Any]
    chart: bytes | None
    call_ms: float


def show(diagnosis: Diagnosis, model: Mapping[str, Any], fields: Mapping[str, Field], link: knowledge.Link,
         messages: Messages) -> None:
    """Draw a diagnosis."""
    reply = diagnosis.reply
    verdict.show(reply["prediction"], model, fields, messages)
    if reply["importance"]:
        _importance(diagnosis, model, fields, messages)
    if reply["knowledge"]:
        knowledge.show(reply["knowledge"], link, messages)
    _steps(reply, messages)
    _timings(diagnosis, messages)


def _importance(diagnosis: Diagnosis, model: Mapping[str, Any], fields: Mapping[str, Field],
                messages: Messages) -> None:
    """Draw the importance of the values, the proposed settings and the signals."""
    reply, limits = diagnosis.reply["importance"], limits_for(model, diagnosis.body["features"])
    importance.show(reply, diagnosis.chart, limits, fields, messages)
    # The threshold without inspection results, because importance and setpoints are about the probability from the
    # shot's own values; the threshold of the prediction may be the one with inspection results.
    setpoints.show(reply["setpoints"], reply["probability"], model["thresholds"]["decision"], limits, fields, messages)
    signals.show(reply["signals"], messages)


def _steps(reply: Mapping[str, Any], messages: Messages) -> None:
    """Draw which steps were skipped and which failed, except the chart, whose failure is shown in its place."""
    skipped = [messages("step.skipped", step=messages(f"step.{step}")) for step in reply["skipped"]]
    failed = [_failure(entry, messages) for entry in reply["degraded"]
              if not (entry["step"] == "chart" and reply["importance"])]
    if failed:
        markup.note(failed, "alarm")
    if skipped:
        markup.note(skipped, "plain")


def _failure(entry: Mapping[str, Any], messages: Messages) -> str:
    step = messages.either(f"step.{entry['step']}", entry["step"])
    if entry["error"].endswith(TIMEOUT):
        return messages("step.late", step=step)
    failure = messages.of_code(DEGRADED_STEPS, entry.get("code"), entry.get("params"))
    return failure or f"{step} – {messages('server.message', text=entry['error'])}"


def _timings(diagnosis: Diagnosis, messages: Messages) -> None:
    times = [(step, ms) for step, ms in diagnosis.reply["timings_ms"].items() if ms is not None]
    times.append(("whole_call", diagnosis.call_ms))
    parts = [f"{messages.either(f'step.{step}', step)} {ms:,.1f} ms" for step, ms in times]
    prediction = diagnosis.reply["prediction"]
    parts += [f"{messages('model.version')} {prediction['model_version']}", prediction["prediction_id"]]
    markup.draw(f'<div class="quiet">{text(" · ".join(parts))}</div>')
