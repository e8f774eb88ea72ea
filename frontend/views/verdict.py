"""What T1 found: the verdict, possible defects, and what to be wary of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frontend.fields import Field, shown, shown_range
from frontend.messages import Words
from frontend.views import markup
from frontend.views.markup import text

MAX_TYPES = 5
MIN_SHOWN = 0.0005  # of a probability; less is 0.0 % on the page


def show(found: Mapping[str, Any], model: Mapping[str, Any], fields: Mapping[str, Field], words: Words) -> None:
    """The prediction part of a diagnosis."""
    prediction = found["prediction"]
    if found["novelty"]["kind"] == "conditions":
        markup.note([words("novelty.conditions")])
    _verdict(prediction, words)
    _warnings(found, fields, words)
    if prediction["advice"] != "accept":
        _types(found["defect_types"], words)


def _verdict(prediction: Mapping[str, Any], words: Words) -> None:
    advice = prediction["advice"]
    facts = [
        ("main", "verdict.title", text(words(f"verdict.{prediction['class']}"))),
        ("main", "verdict.probability", f'<span class="number">{prediction["probability"]:.1%}</span>'),
        ("", "verdict.advice", f'<span class="sw-advice {text(advice)}">{text(words(f"advice.{advice}"))}</span>'),
        ("", "verdict.confidence", text(words(f"confidence.{prediction['confidence']}"))),
    ]
    top = "".join(f'<div class="fact {kind}"><small>{text(words(key))}</small><b>{value}</b></div>'
                  for kind, key, value in facts)
    markup.draw(f'<div class="top">{top}</div>{_scale(prediction, words)}', f"sw-verdict {text(prediction['class'])}")


def _scale(prediction: Mapping[str, Any], words: Words) -> str:
    """The probability on a bar from 0 to 100 %, with the threshold marked."""
    probability, threshold = 100 * prediction["probability"], 100 * prediction["threshold"]
    # The label stands beside its mark, on the side that has room.
    side = f"left: {threshold:.2f}%" if threshold < 60 else f"right: {100 - threshold:.2f}%"
    label = f"{text(words('verdict.threshold'))} {prediction['threshold']:.1%}"
    return (f'<div class="sw-scale"><div class="track"><div class="fill" style="width: {probability:.2f}%"></div>'
            f'<div class="mark" style="left: {threshold:.2f}%"></div></div>'
            f'<div class="ends"><span style="{side}">{label}</span><span class="right">100%</span></div></div>')


def _types(types: Sequence[Mapping[str, Any]], words: Words) -> None:
    """The likeliest types, and those that have too few examples for a probability."""
    likely = [kind for kind in types if (kind["probability"] or 0) >= MIN_SHOWN][:MAX_TYPES]
    few = [kind["label"] for kind in types if kind["probability"] is None]
    if likely or few:
        markup.heading(words("types.title"))
    if likely:
        _bars(likely)
    if few:
        markup.draw(f'<div class="quiet">{text(words("types.few", labels=", ".join(few)))}</div>')


def _bars(likely: Sequence[Mapping[str, Any]]) -> None:
    """Each type's probability, as a part of the likeliest one's."""
    most = likely[0]["probability"]
    rows = "".join(f'<span>{text(kind["label"])}</span>'
                   f'<span class="bar"><i style="width: {100 * kind["probability"] / most:.1f}%"></i></span>'
                   f'<span class="number">{kind["probability"]:.1%}</span>' for kind in likely)
    markup.draw(rows, "sw-bars")


def _warnings(found: Mapping[str, Any], fields: Mapping[str, Field], words: Words) -> None:
    """What makes this prediction less certain, and the values to look at."""
    def labels(names: Iterable[str]) -> str:
        return ", ".join(fields[name].label[words.language] if name in fields else name for name in names)

    novelty = found["novelty"]
    lines = [words("warning.unusual")] if novelty["kind"] == "shot" else []
    if novelty["outside_seen"]:
        lines.append(words("warning.outside_seen", labels=labels(novelty["outside_seen"])))
    if found["imputed"]:
        lines.append(words("warning.imputed", labels=labels(found["imputed"])))
    if not lines and not found["limits"]:
        return
    markup.heading(words("warning.title"))
    if lines:
        markup.note(lines, "alarm" if novelty["kind"] == "shot" else "")
    if found["limits"]:
        _limits(found["limits"], fields, words)


def _limits(breaches: Iterable[Mapping[str, Any]], fields: Mapping[str, Field], words: Words) -> None:
    rows = []
    for breach in breaches:
        field = fields.get(breach["feature"])
        label = field.label[words.language] if field else breach["feature"]
        arrow = "▲" if breach["value"] > breach["high"] else "▼"
        rows.append((text(label), f'{text(shown(field, breach["value"]))} <span class="up">{arrow}</span>',
                     text(shown_range(field, breach["low"], breach["high"]))))
    markup.draw(markup.table((words("warning.limits"), words("table.measured"), words("table.limits")), rows))
