"""Draw three independent signals for each value, whether they agree or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frontend.messages import Messages
from frontend.views import markup
from frontend.views.markup import text

KINDS = ("outside_limits", "high_attribution", "high_error")
MAX_ROWS = 8  # in an unusual shot nearly every value has a signal
# The mark on the screen, and its text for screen readers. None: the value cannot be judged.
MARKS = {True: ("●", "signals.yes"), False: ("", "signals.no"), None: ("–", "signals.unknown")}


def show(values: Sequence[Mapping[str, Any]] | None, messages: Messages) -> None:
    """Draw the values with at least one signal, in the order of the API: those with the most signals first."""
    if not values:
        return
    markup.heading(messages("signals.title"), messages("signals.note"))
    head = [messages("table.value"), *(messages(f"signals.{kind}") for kind in KINDS)]
    labels = [value["labels"][messages.language] for value in values]
    rows = [(text(label), *(_mark(value[kind], messages) for kind in KINDS))
            for label, value in zip(labels, values[:MAX_ROWS], strict=False)]
    markup.draw(markup.table(head, rows, "marks"))
    under = [" · ".join(f"{mark} {messages(key)}" for mark, key in MARKS.values() if mark)]
    if labels[MAX_ROWS:]:
        under.insert(0, messages("signals.more", count=len(labels) - MAX_ROWS, labels=", ".join(labels[MAX_ROWS:])))
    markup.draw("".join(f'<div class="quiet">{text(line)}</div>' for line in under))


def _mark(signal: bool | None, messages: Messages) -> str:
    """Return a mark, with its text for screen readers."""
    mark, key = MARKS[signal]
    return f'<span aria-hidden="true">{mark}</span><span class="sw-hidden">{text(messages(key))}</span>'
