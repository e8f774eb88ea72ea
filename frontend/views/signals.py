"""Three looks at each value, side by side, whether they agree or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frontend.messages import Words
from frontend.views import markup
from frontend.views.markup import text

KINDS = ("outside_limits", "high_attribution", "high_error")
MAX_ROWS = 8  # of an unusual shot nearly every value is badly rebuilt
# What is seen, and the words read out for it. null: there is nothing to judge the value by.
MARKS = {True: ("●", "signals.yes"), False: ("", "signals.no"), None: ("–", "signals.unknown")}


def show(found: Sequence[Mapping[str, Any]] | None, words: Words) -> None:
    """The values of which at least one of the three says something, those first of which most do."""
    if not found:
        return
    markup.heading(words("signals.title"), words("signals.note"))
    head = [words("table.value"), *(words(f"signals.{kind}") for kind in KINDS)]
    labels = [signal["labels"][words.language] for signal in found]
    rows = [(text(label), *(_mark(signal[kind], words) for kind in KINDS))
            for label, signal in zip(labels, found[:MAX_ROWS], strict=False)]
    markup.draw(markup.table(head, rows, "marks"))
    under = [" · ".join(f"{seen} {words(key)}" for seen, key in MARKS.values() if seen)]
    if labels[MAX_ROWS:]:
        under.insert(0, words("signals.more", count=len(labels) - MAX_ROWS, labels=", ".join(labels[MAX_ROWS:])))
    markup.draw("".join(f'<div class="quiet">{text(line)}</div>' for line in under))


def _mark(value: bool | None, words: Words) -> str:
    """A mark; its meaning is there for a screen reader."""
    seen, key = MARKS[value]
    return f'<span aria-hidden="true">{seen}</span><span class="sw-hidden">{text(words(key))}</span>'
