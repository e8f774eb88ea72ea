"""What a person may have to act on, by code: a field of a request, a document that failed, a note on a document.

A code and its parameters are part of the contract: clients build their own wording from them, in any language. The
English text of a code is not, and may be reworded here without changing anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Param = str | int | float | Sequence[str]

# What is wrong with a field of a request, and what to do; read after the field's name.
FIELD_REASONS: Mapping[str, str] = {
    # a shot's values
    "not_features": "must be an object of feature names and values; GET /model lists them",
    "unknown_feature": "is not a feature of this model; remove it (GET /model lists the names)",
    "missing": "is missing; give its value",
    "missing_nullable": "is missing; give its value, or null where it was not measured",
    "null_not_allowed": "must not be null; this model knows no missing values here",
    "not_a_number": "must be a number",
    "not_finite": "must be a finite number",
    "out_of_range": "is outside what is plausible, {low} to {high}{unit}; check sensor and unit",
    "not_a_category": "must be one of {allowed}",
    "excluded_not_scalar": "must be a number, text or null; this model does not use it, so it may be left out",
}

# Why a document could not be read, and what to do; read after its name.
DOCUMENT_FAILURES: Mapping[str, str] = {
    "empty": "is empty; export it again as PDF",
}

# What of a document was not read as it should have been; read after its name.
DOCUMENT_NOTES: Mapping[str, str] = {
    "repaired": "is damaged and was repaired; check that no page is missing, or export it again",
}


@dataclass(frozen=True)
class Message:
    """A code with its parameters.

    Attributes
    ----------
    code : str
        A key of FIELD_REASONS, DOCUMENT_FAILURES or DOCUMENT_NOTES.
    params : mapping
        What the text of that code names in braces: JSON values.
    """

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)


def text_of(texts: Mapping[str, str], message: Message) -> str:
    """The English text of a message. Raises KeyError for a code that `texts` lacks, or a parameter that is missing."""
    return texts[message.code].format_map({name: _shown(name, value) for name, value in message.params.items()})


def _shown(name: str, value: Param) -> str:
    """A parameter as it stands in a text: a list by its items, a unit behind a space, a float without idle zeros."""
    if name == "unit":
        return f" {value}" if value else ""
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(value)
