"""Draw the settings that the importance step proposes to change, or why it proposes none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontend.fields import Field, format_change, format_range
from frontend.messages import Messages
from frontend.views import markup
from frontend.views.markup import text

MAX_DECIMALS = 6


def show(proposal: Mapping[str, Any] | None, probability: float, threshold: float, limits: Mapping[str, list[float]],
         fields: Mapping[str, Field], messages: Messages) -> None:
    """Draw a proposal.

    Parameters
    ----------
    proposal : mapping or None
        The `setpoints` of POST /importance; None if they were not requested.
    probability : float
        The probability of a defect with the current settings.
    threshold : float
        The decision threshold for the values alone, without inspection results.
    limits : mapping
        The limits of good shots, by feature.
    fields : mapping
        The fields of the form, by feature.
    messages : Messages
        The texts of the page's language.
    """
    if not proposal or proposal["state"] == "not_needed":
        return
    if not proposal["changes"]:
        # If a newer server sends a state that the page does not know, the reply has a text for it.
        markup.heading(messages("setpoints.title"))
        reason = messages.either(f"setpoints.{proposal['state']}", proposal["reason"] or "")
        markup.draw(f"<p>{text(reason)}</p>")
        return
    markup.heading(messages("setpoints.title"), messages("setpoints.note"))
    head = [messages("setpoints.setting"), messages("setpoints.change"), messages("table.limits")]
    markup.draw(markup.table(head, [_row(change, limits, fields, messages) for change in proposal["changes"]]))
    after, under = _distinct_percentages(proposal["probability"], threshold)
    then = messages("setpoints.then", before=f"{probability:.1%}", after=after, threshold=under,
                    advice=messages(f"advice.{proposal['advice']}"))
    markup.draw(f'<p>{text(then)}</p><div class="quiet">{text(messages("setpoints.caveat"))}</div>', "sw-after")


def _row(change: Mapping[str, Any], limits: Mapping[str, list[float]], fields: Mapping[str, Field],
         messages: Messages) -> tuple[str, str, str]:
    name, field = change["feature"], fields.get(change["feature"])
    good = format_range(field, *limits[name]) if name in limits else "–"
    return (text(change["labels"][messages.language]), text(format_change(field, change["from"], change["to"])),
            text(good))


def _distinct_percentages(first: float, second: float) -> tuple[str, str]:
    """Format two probabilities with as few digits as let them differ, as a proposal may be just under the threshold."""
    pairs = [(f"{first:.{digits}%}", f"{second:.{digits}%}") for digits in range(1, MAX_DECIMALS)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
