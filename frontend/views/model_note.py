"""Draw the model's version and evaluation, compared with baselines that only use the run's defect rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from frontend.messages import Messages
from frontend.views import markup
from frontend.views.markup import text

FIGURES = (("f1", "F1"), ("precision", "model.precision"), ("recall", "model.recall"), ("roc_auc", "ROC-AUC"),
           ("within_run_roc_auc", "model.within"))
# The baselines, and the ROC-AUC of guessing.
RATES, CHANCE = ("run-rate", "late-rate"), 0.5


def show(model: Mapping[str, Any], messages: Messages) -> None:
    """Draw a folded note with one small table for each evaluation protocol."""
    with st.expander(messages("model.title")):
        markup.draw(f"<p>{text(messages('model.note'))}</p>"
                    f'<p class="quiet">{text(messages("model.version"))} {text(model["version"])}</p>'
                    + "".join(_protocol(name, evaluation, messages) for name, evaluation in model["figures"].items()))


def _protocol(name: str, evaluation: Mapping[str, Any], messages: Messages) -> str:
    """Return the table of one protocol, with a row for each method; other entries of `evaluation` are left out."""
    methods = {method: figures for method, figures in evaluation.items() if isinstance(figures, Mapping)}
    count = next((f"{figures['n']:,.0f}" for figures in methods.values() if "n" in figures), "–")
    title = messages.either(f"model.{name}", f"{name} ({count})", count=count)
    head = [messages("model.configuration"), *(messages.either(label, label) for _, label in FIGURES)]
    return (f'<div class="sw-subheading">{text(title)}</div>'
            + markup.table(head, _rows(methods, messages))
            + (f'<p class="quiet">{text(messages("model.tells_the_run"))}</p>' if _tells_the_run(methods) else ""))


def _tells_the_run(methods: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the interval of any model's within-run ROC-AUC includes chance."""
    intervals = [figures.get("interval", {}).get("within_run_roc_auc", [None, None])
                 for method, figures in methods.items() if method not in RATES]
    return any(low is not None and low <= CHANCE <= high for low, high in intervals)


def _rows(methods: Mapping[str, Mapping[str, float]], messages: Messages) -> Iterable[list[str]]:
    for method, figures in methods.items():
        yield [text(messages.either(f"model.{method}", method)),
               *("–" if figures.get(key) is None else f"{figures[key]:.2f}" for key, _ in FIGURES)]
