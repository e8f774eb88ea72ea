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
    "not_a_number": "must be a number{unit}",
    "not_finite": "must be a finite number",
    "out_of_range": "is outside what is plausible, {low} to {high}{unit}; check sensor and unit",
    "not_a_category": "must be one of {allowed}",
    "excluded_not_scalar": "must be a number, text or null; this model does not use it, so it may be left out",
    # the history of a shot
    "no_history_head": "cannot be used: this model has no history head; send the shot alone",
    "not_a_history": "must be a list of up to {max} shots of the run, newest last, each with features and, where "
                     "inspected, outcome",
    "not_a_history_item": "must be an object with features and, where inspected, outcome",
    "unknown_outcome": "must be defect or normal, or null where not known yet",
    # the body of a request
    "body_empty": "is empty; send a JSON object",
    "body_too_large": "is over {max_kib} KiB; send less",
    "body_too_large_for_diagnosis": "is too large for a diagnosis; send less than {max_kib} KiB",
    "media_type_not_json": "must be application/json",
    "not_utf8": "is not UTF-8",
    "not_json": "is not JSON: it cannot be read at line {line}, column {column}",
    "not_an_object": "must be a JSON object",
    "nested_too_deeply": "is nested over {max} levels deep",
    "half_a_surrogate_pair": "holds half a surrogate pair, which is no character; send whole ones",
    "repeated_key": "is given twice; send it once",
    "not_part_of_request": "is not part of this request; it takes {allowed}",
    "not_an_api_event": "is not an API Gateway event, and this function takes nothing else",
    # what a request asks for
    "features_missing": "is missing; send the shot's values",
    "not_a_list_of_shots": "must be a list of 1 to {max} objects with features",
    "not_a_shot": "must be an object with features and nothing else",
    "not_a_prediction_id": "must look like pred_20260101_abc123, as /predict gave it",
    "unknown_language": "must be one of {allowed}",
    "not_a_list_of": "must be a list of {allowed}",
    "question_missing": "is missing; ask a question",
    "question_not_text": "must be a question in words",
    "question_too_long": "is over {max} characters long; ask more briefly",
    "context_not_an_object": "must be an object with what /predict and /importance gave",
    "context_malformed": "{parts} must be as /predict and /importance give it",
    "search_text_length": "must be 1 to {max} characters to search for",
    "not_a_whole_number": "must be a whole number from {low} to {high}",
    # the name of a document
    "not_a_pdf_name": "must be the file name of a PDF, such as 작업 표준.pdf",
    "forbidden_in_name": 'must be a file name without folders, without any of / \\ : * ? " < > | and of at most '
                         "{max_bytes} bytes; rename the file",
    "percent_in_name": "must not hold a % followed by two of 0-9 and A-F, which an address reads as a sign; rename the "
                       "file",
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
    """A parameter as it stands in a text: a list by its items, a unit as " in bar", a float without trailing zeros."""
    if name == "unit":
        return f" in {value}" if value else ""
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(value)
