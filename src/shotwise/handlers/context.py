"""Check the context of a question: parts of the replies of /predict and /importance, from which it is worded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shotwise.errors import FieldError
from shotwise.limits import MAX_CONTEXT_ENTRIES, MAX_LABEL_CHARACTERS, MAX_LABEL_LANGUAGES

# The parts of a context that a question is worded from. Each is a list of objects, which must have these fields.
CONTEXT_FIELDS: Mapping[str, Mapping[str, type]] = {
    "defect_types": {"label": str}, "limits": {"feature": str, "value": float, "low": float, "high": float},
    "top_features": {"name": str, "label": str, "value": float}}


def context_errors(context: Any) -> list[FieldError]:
    """Return what is wrong with the parts of a context that a question is worded from; others are ignored."""
    if context is None:
        return []
    if not isinstance(context, dict):
        return [FieldError("context", "context_not_an_object")]
    parts = {part: context[part] for part in CONTEXT_FIELDS if context.get(part) is not None}
    malformed = [part for part, entries in parts.items() if not _are_entries_valid(entries, CONTEXT_FIELDS[part])]
    if malformed:
        return [FieldError("context", "context_malformed", {"parts": malformed})]
    return [error for part, entries in parts.items() for error in _size_errors(entries, f"context.{part}")]


def _are_entries_valid(entries: Any, fields: Mapping[str, type]) -> bool:
    return isinstance(entries, list) and all(
        isinstance(entry, dict) and all(_has_type(entry.get(name), kind) for name, kind in fields.items())
        and _are_labels_valid(entry.get("labels")) for entry in entries)


def _are_labels_valid(labels: Any) -> bool:
    return labels is None or (isinstance(labels, dict) and all(isinstance(label, str) for label in labels.values()))


def _has_type(field: Any, kind: type) -> bool:
    """Whether a field has the type `kind`; `float` stands for any number but a boolean."""
    return isinstance(field, (int, float) if kind is float else kind) and not isinstance(field, bool)


def _size_errors(entries: list[dict[str, Any]], path: str) -> Iterator[FieldError]:
    """Yield what is too long in the entries of a part."""
    if len(entries) > MAX_CONTEXT_ENTRIES:
        yield FieldError(path, "too_many_entries", {"max": MAX_CONTEXT_ENTRIES})
        return
    for number, entry in enumerate(entries):
        labels = entry.get("labels") or {}
        if len(labels) > MAX_LABEL_LANGUAGES:
            yield FieldError(f"{path}[{number}].labels", "too_many_entries", {"max": MAX_LABEL_LANGUAGES})
            continue
        texts: dict[str, str] = {**{name: entry[name] for name in ("label", "name", "feature") if name in entry},
                 **{f"labels.{language}": label for language, label in labels.items()}}
        yield from (FieldError(f"{path}[{number}].{name}", "text_too_long", {"max": MAX_LABEL_CHARACTERS})
                    for name, text in texts.items() if len(text) > MAX_LABEL_CHARACTERS)
