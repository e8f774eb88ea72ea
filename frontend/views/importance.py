"""Draw the importance of the values: the chart of the contributions, and a table of the largest ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from frontend.fields import Field, format_range, format_value
from frontend.messages import Messages
from frontend.views import markup
from frontend.views.markup import text

CHART_WIDTH = 760  # of the PNG; a larger width would blur it


def show(importance: Mapping[str, Any], chart: bytes | None, limits: Mapping[str, list[float]],
         fields: Mapping[str, Field], messages: Messages) -> None:
    """Draw the importance part of a diagnosis. `limits` are those of good shots, by feature."""
    note = messages("importance.note", base=f"{importance['base_value']:.1%}",
                    probability=f"{importance['probability']:.1%}")
    markup.heading(messages("importance.title"), note)
    if chart:
        st.image(chart, width=CHART_WIDTH)
    elif importance["visualization_url"] or _chart_failed(importance):
        markup.note([messages("importance.no_chart")], "plain")
    head = [messages(f"table.{key}") for key in ("value", "measured", "limits", "effect")]
    markup.draw(markup.table(head, [_row(top, limits, fields, messages) for top in importance["top_features"]]))


def _chart_failed(importance: Mapping[str, Any]) -> bool:
    return any(failure["step"] == "chart" for failure in importance["degraded"])


def _row(top: Mapping[str, Any], limits: Mapping[str, list[float]], fields: Mapping[str, Field],
         messages: Messages) -> tuple[str, str, str, str]:
    field = fields.get(top["name"])
    measured = messages("shot.not_measured") if top["measured"] is None else format_value(field, top["measured"])
    good = format_range(field, *limits[top["name"]]) if top["name"] in limits else "–"
    direction = "up" if top["value"] > 0 else "down"
    effect = messages("table.points", points=f"{100 * top['value']:+.1f}")
    return text(top["label"]), text(measured), text(good), f'<span class="{direction}">{text(effect)}</span>'
