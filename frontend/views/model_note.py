"""How far to believe the model: its version and its figures, beside what knows nothing but the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from frontend.messages import Words
from frontend.views import markup
from frontend.views.markup import text

FIGURES = (("f1", "F1"), ("precision", "model.precision"), ("recall", "model.recall"), ("roc_auc", "ROC-AUC"),
           ("within_run_roc_auc", "model.within"))

RATES, CHANCE = ("run-rate", "late-rate"), 0.5


def show(model: Mapping[str, Any], words: Words) -> None:
    """A folded note with one small table per protocol."""
    with st.expander(words("model.title")):
        markup.draw(f"<p>{text(words('model.note'))}</p>"
                    f'<p class="quiet">{text(words("model.version"))} {text(model["version"])}</p>'
                    + "".join(_protocol(name, found, words) for name, found in model["figures"].items()))


def _protocol(name: str, found: Mapping[str, Any], words: Words) -> str:
    """The figures of one protocol; every entry that is a group of figures is a method."""
    methods = {method: figures for method, figures in found.items() if isinstance(figures, Mapping)}
    count = next((f"{figures['n']:,.0f}" for figures in methods.values() if "n" in figures), "–")
    title = words.either(f"model.{name}", f"{name} ({count})", count=count)
    head = [words("model.configuration"), *(words.either(label, label) for _, label in FIGURES)]
    return (f'<div class="sw-subheading">{text(title)}</div>'
            + markup.table(head, _rows(methods, words))
            + (f'<p class="quiet">{text(words("model.tells_the_run"))}</p>' if _tells_the_run(methods) else ""))


def _tells_the_run(methods: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether chance lies inside the interval of a model's within-run ROC-AUC."""
    intervals = [figures.get("interval", {}).get("within_run_roc_auc", [None, None])
                 for method, figures in methods.items() if method not in RATES]
    return any(low is not None and low <= CHANCE <= high for low, high in intervals)


def _rows(methods: Mapping[str, Mapping[str, float]], words: Words) -> Iterable[list[str]]:
    for method, figures in methods.items():
        yield [text(words.either(f"model.{method}", method)),
               *("–" if figures.get(key) is None else f"{figures[key]:.2f}" for key, _ in FIGURES)]
