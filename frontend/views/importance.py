"""What drove the probability, as T2 found it: the chart, and the values with the most weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from frontend.fields import Field, shown, shown_range
from frontend.messages import Words
from frontend.views import markup
from frontend.views.markup import text

CHART_WIDTH = 760  # as it is drawn; wider would blur it


def show(found: Mapping[str, Any], chart: bytes | None, limits: Mapping[str, list[float]],
         fields: Mapping[str, Field], words: Words) -> None:
    """The values that drove the probability. limits: of good shots, by feature."""
    note = words("importance.note", base=f"{found['base_value']:.1%}", probability=f"{found['probability']:.1%}")
    markup.heading(words("importance.title"), note)
    if chart:
        st.image(chart, width=CHART_WIDTH)
    elif found["visualization_url"] or _chart_failed(found):
        markup.note([words("importance.no_chart")], "plain")
    head = [words(f"table.{key}") for key in ("value", "measured", "limits", "effect")]
    markup.draw(markup.table(head, [_row(top, limits, fields, words) for top in found["top_features"]]))


def _chart_failed(found: Mapping[str, Any]) -> bool:
    return any(item["step"] == "chart" for item in found["degraded"])


def _row(top: Mapping[str, Any], limits: Mapping[str, list[float]], fields: Mapping[str, Field],
         words: Words) -> tuple[str, str, str, str]:
    field = fields.get(top["name"])
    measured = words("shot.not_measured") if top["measured"] is None else shown(field, top["measured"])
    good = shown_range(field, *limits[top["name"]]) if top["name"] in limits else "–"
    kind = "up" if top["value"] > 0 else "down"
    effect = words("table.points", points=f"{100 * top['value']:+.1f}")
    return text(top["label"]), text(measured), text(good), f'<span class="{kind}">{text(effect)}</span>'
