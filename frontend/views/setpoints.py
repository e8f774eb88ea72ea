"""What to change: the settings that T2 proposes, or why it proposes none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontend.fields import Field, shown_change, shown_range
from frontend.messages import Words
from frontend.views import markup
from frontend.views.markup import text

MAX_DECIMALS = 6


def show(found: Mapping[str, Any] | None, probability: float, threshold: float, limits: Mapping[str, list[float]],
         fields: Mapping[str, Field], words: Words) -> None:
    """A proposal. found: None where it was not asked for; probability: of the shot as it is; threshold: of the
    decision by the values alone; limits: of good shots, by feature."""
    if not found or found["state"] == "not_needed":
        return
    if not found["changes"]:
        # Worded here by its state; a state of a newer server has the reply's own words.
        markup.heading(words("setpoints.title"))
        reason = words.either(f"setpoints.{found['state']}", found["reason"] or "")
        markup.draw(f"<p>{text(reason)}</p>")
        return
    markup.heading(words("setpoints.title"), words("setpoints.note"))
    head = [words("setpoints.setting"), words("setpoints.change"), words("table.limits")]
    markup.draw(markup.table(head, [_row(change, limits, fields, words) for change in found["changes"]]))
    after, under = _told_apart(found["probability"], threshold)
    then = words("setpoints.then", before=f"{probability:.1%}", after=after, threshold=under,
                 advice=words(f"advice.{found['advice']}"))
    markup.draw(f'<p>{text(then)}</p><div class="quiet">{text(words("setpoints.caveat"))}</div>', "sw-after")


def _row(change: Mapping[str, Any], limits: Mapping[str, list[float]], fields: Mapping[str, Field],
         words: Words) -> tuple[str, str, str]:
    name, field = change["feature"], fields.get(change["feature"])
    good = shown_range(field, *limits[name]) if name in limits else "–"
    return (text(change["labels"][words.language]), text(shown_change(field, change["from"], change["to"])),
            text(good))


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Two probabilities with just the digits in which they differ: a proposal may lie right under the threshold."""
    pairs = [(f"{one:.{digits}%}", f"{other:.{digits}%}") for digits in range(1, MAX_DECIMALS)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
