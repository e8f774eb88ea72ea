"""Draw a prediction: the verdict, possible defect types, and warnings about the shot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frontend.fields import Field, format_range, format_value
from frontend.messages import Messages
from frontend.views import markup
from frontend.views.markup import text

MAX_TYPES = 5
MIN_PROBABILITY = 0.0005  # a smaller probability would be shown as 0.0 %


def show(reply: Mapping[str, Any], model: Mapping[str, Any], fields: Mapping[str, Field], messages: Messages) -> None:
    """Draw the prediction part of a diagnosis."""
    prediction = reply["prediction"]
    if reply["novelty"]["kind"] == "conditions":
        markup.note([messages("novelty.conditions")])
    _verdict(prediction, messages)
    _warnings(reply, fields, messages)
    if prediction["advice"] != "accept":
        _types(reply["defect_types"], messages)


def _verdict(prediction: Mapping[str, Any], messages: Messages) -> None:
    advice = prediction["advice"]
    facts = [
        ("main", "verdict.title", text(messages(f"verdict.{prediction['class']}"))),
        ("main", "verdict.probability", f'<span class="number">{prediction["probability"]:.1%}</span>'),
        ("", "verdict.advice", f'<span class="sw-advice {text(advice)}">{text(messages(f"advice.{advice}"))}</span>'),
        ("", "verdict.confidence", text(messages(f"confidence.{prediction['confidence']}"))),
    ]
    top = "".join(f'<div class="fact {size}"><small>{text(messages(key))}</small><b>{content}</b></div>'
                  for size, key, content in facts)
    markup.draw(f'<div class="top">{top}</div>{_scale(prediction, messages)}',
                f"sw-verdict {text(prediction['class'])}")


def _scale(prediction: Mapping[str, Any], messages: Messages) -> str:
    """Return a bar from 0 to 100 % with the probability and the threshold."""
    probability, threshold = 100 * prediction["probability"], 100 * prediction["threshold"]
    # The label is beside its mark, on the side that has room.
    side = f"left: {threshold:.2f}%" if threshold < 60 else f"right: {100 - threshold:.2f}%"
    label = f"{text(messages('verdict.threshold'))} {prediction['threshold']:.1%}"
    return (f'<div class="sw-scale"><div class="track"><div class="fill" style="width: {probability:.2f}%"></div>'
            f'<div class="mark" style="left: {threshold:.2f}%"></div></div>'
            f'<div class="ends"><span style="{side}">{label}</span><span class="right">100%</span></div></div>')


def _types(types: Sequence[Mapping[str, Any]], messages: Messages) -> None:
    """Draw the most probable defect types, and those with too few examples for a probability."""
    likely = [kind for kind in types if (kind["probability"] or 0) >= MIN_PROBABILITY][:MAX_TYPES]
    few = [kind["label"] for kind in types if kind["probability"] is None]
    if likely or few:
        markup.heading(messages("types.title"))
    if likely:
        _bars(likely)
    if few:
        markup.draw(f'<div class="quiet">{text(messages("types.few", labels=", ".join(few)))}</div>')


def _bars(likely: Sequence[Mapping[str, Any]]) -> None:
    """Draw the probability of each type as a bar, relative to the most probable one."""
    max_probability = likely[0]["probability"]
    rows = "".join(f'<span>{text(kind["label"])}</span>'
                   f'<span class="bar"><i style="width: {100 * kind["probability"] / max_probability:.1f}%"></i></span>'
                   f'<span class="number">{kind["probability"]:.1%}</span>' for kind in likely)
    markup.draw(rows, "sw-bars")


def _warnings(reply: Mapping[str, Any], fields: Mapping[str, Field], messages: Messages) -> None:
    """Draw the reasons why this prediction is less certain, and the values outside their limits."""
    def labels(names: Iterable[str]) -> str:
        return ", ".join(fields[name].label[messages.language] if name in fields else name for name in names)

    novelty = reply["novelty"]
    lines = [messages("warning.unusual")] if novelty["kind"] == "shot" else []
    if novelty["outside_seen"]:
        lines.append(messages("warning.outside_seen", labels=labels(novelty["outside_seen"])))
    if reply["imputed"]:
        lines.append(messages("warning.imputed", labels=labels(reply["imputed"])))
    if not lines and not reply["limits"]:
        return
    markup.heading(messages("warning.title"))
    if lines:
        markup.note(lines, "alarm" if novelty["kind"] == "shot" else "")
    if reply["limits"]:
        _limits(reply["limits"], fields, messages)


def _limits(breaches: Iterable[Mapping[str, Any]], fields: Mapping[str, Field], messages: Messages) -> None:
    rows = []
    for breach in breaches:
        field = fields.get(breach["feature"])
        label = field.label[messages.language] if field else breach["feature"]
        arrow = "▲" if breach["value"] > breach["high"] else "▼"
        rows.append((text(label), f'{text(format_value(field, breach["value"]))} <span class="up">{arrow}</span>',
                     text(format_range(field, breach["low"], breach["high"]))))
    markup.draw(markup.table((messages("warning.limits"), messages("table.measured"), messages("table.limits")), rows))
