"""Codes with English texts for everything that a person may have to correct in requests and documents.

Codes and their parameters are part of the API: clients word their own messages from them, in any language. The English
texts are not, so they may be reworded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Param = str | int | float | Sequence[str]

# What is wrong with the name of a document, in a request or in the store of PDFs.
_NAME_FAULTS: Mapping[str, str] = {
    "not_a_pdf_name": "must be the file name of a PDF, such as 작업 표준.pdf",
    "forbidden_in_name": 'must be a file name without folders, without any of / \\ : * ? " < > | and of at most '
                         "{max_bytes} bytes; rename the file",
    "control_in_name": "must not hold the control character {character}; rename the file",
    "direction_in_name": "must not hold {character}, which nobody sees and which reverses the text; rename the file",
    "invisible_in_name": "must not hold {character}, which nobody sees; rename the file",
    "undefined_in_name": "must not hold {character}, which is no character that every system knows; rename the file",
    "space_around_name": "must not begin or end with a space; rename the file",
    "name_not_utf8": "is not UTF-8; rename the file",
    "percent_in_name": "must not hold a % followed by two of 0-9 and A-F, which an address reads as a sign; rename the "
                       "file",
}

# What is wrong with a field of a request and what to do; shown after the field's name.
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
    "too_many_values": "holds more than {max} values; send less",
    "half_a_surrogate_pair": "contains half a surrogate pair, which is not a character; send complete characters",
    "repeated_key": "is given twice; send it once",
    "not_part_of_request": "is not part of this request, which takes {allowed}",
    "not_an_api_event": "is not an API Gateway event, and this function takes nothing else",
    # what a request asks for
    "features_missing": "is missing; send the shot's values",
    "not_a_list_of_shots": "must be a list of 1 to {max} objects with features",
    "not_a_shot": "must be an object with features and nothing else",
    "not_a_prediction_id": "must be an id as /predict returns it, such as pred_20260101_abc123",
    "unknown_language": "must be one of {allowed}",
    "not_a_list_of": "must be a list of {allowed}",
    "question_missing": "is missing; ask a question",
    "question_not_text": "must be a text that is not empty",
    "question_too_long": "is over {max} characters long; ask more briefly",
    "too_many_entries": "has more than {max} entries; send fewer",
    "text_too_long": "is over {max} characters long; shorten it",
    "context_not_an_object": "must be an object with results of /predict and /importance",
    "context_malformed": "has invalid parts: {parts}; send them as /predict and /importance return them",
    "search_text_length": "must be 1 to {max} characters to search for",
    "not_a_whole_number": "must be a whole number from {low} to {high}",
    # the name of a document
    **_NAME_FAULTS,
}

# What is wrong with `questions.jsonl`, a PDF's attachment with the questions that the document answers.
_QUESTIONS_FAULTS: Mapping[str, str] = {
    "questions_too_large": "questions.jsonl is larger than {max_mib} MiB and is skipped",
    "questions_line_not_json": "line {line} of questions.jsonl is skipped: it is not JSON ({cause})",
    "questions_line_not_object": "line {line} of questions.jsonl is skipped: it is not a JSON object",
    "questions_line_bad_page": "line {line} of questions.jsonl is skipped: page must be a page number, from 1",
    "questions_line_bad_text": "line {line} of questions.jsonl is skipped: text must be quoted from that page",
    "questions_line_bad_questions": "line {line} of questions.jsonl is skipped: questions must be a list of texts",
    "questions_line_too_long":
        "line {line} of questions.jsonl is skipped: it may have {max_questions} questions of {max_characters} "
        "characters each",
    "questions_cut_off": "all lines of questions.jsonl after line {line} are skipped: it has too many lines, questions "
                         "or errors",
    "questions_not_on_page":
        "{skipped} of {lines} lines of questions.jsonl are skipped: page {page} does not contain \"{text}\"",
}

# Why a document could not be read and what to do; shown after its name. `cause` is a technical detail, the same in
# every language. Codes are stored with documents, so a code is never removed.
DOCUMENT_FAILURES: Mapping[str, str] = {
    "empty": "is empty; export it again as PDF",
    "not_pdf": "is not a PDF; export it again as PDF",
    "cut_short": "is cut short; copy or export it again",
    "damaged": "is damaged; export it again as PDF",
    "encrypted": "is encrypted; store it without a password",
    "too_large": "is larger than {max_mib} MiB; split it",
    "no_pages": "has no pages; export it again as PDF",
    "too_many_pages": "has more than {max_pages} pages; split it",
    "too_many_unreadable_pages":
        "more than {max_pages} pages cannot be read, page {page} as the last; print it to a new PDF, or split it",
    "no_readable_page": "none of its pages can be read; export it again as PDF",
    "no_text": "holds no text, only images; run it through text recognition first",
    "cannot_open": "cannot be opened ({cause}); export it again as PDF",
    "too_slow": "takes too long to read and was given up at page {page}; print it to a new PDF, or split it",
    "needs_too_much_memory": "needs more than {max_mib} MiB of memory to be read; print it to a new PDF, or split it",
    "too_much_text": "has more than {max_characters} characters of text; split it",
    "too_many_passages": "has more than {max_passages} passages; split it",
    "changed_meanwhile": "was changed while it was read; add it again",
    "unreadable_file": "cannot be read ({cause}); check its path and rights",
    "no_file": "is no file but a {kind}; replace it by the file",
    "tried_again": "is not read yet, because the document store or a model does not answer; it is tried again by "
                   "itself",
    "reader_missing": "cannot be read, because its reader is not installed: pip install {packages}",
    # its name
    "duplicate_name": "{count} files have this name; rename them, because every document needs a name of its own",
    **{code: f"its name {text}" for code, text in _NAME_FAULTS.items()},
    # written before there were codes
    "earlier_text": "{text}",
}

# What is incomplete about a document that was read; shown after its name.
DOCUMENT_NOTES: Mapping[str, str] = {
    "repaired": "is damaged and was repaired; check that no page is missing, or export it again",
    "no_headings": "its headings were not found ({cause}); headings and annotations are read as text",
    "page_plain_text": "page {page} cannot be laid out ({cause}); its plain text was used",
    "page_empty": "page {page} cannot be read ({cause}); it is left empty",
    "page_cut_off": "page {page} has more than {max_characters} characters; the rest of it is skipped",
    "more_notes": "has more notes than are listed",
    "lines_left_out": "{lines} lines on {pages} pages are left out, because they repeat as headers or footers do; the "
                      "first is \"{text}\"",
    "no_passages": "has no passages, so nothing of it is found; check that its text is more than a table of contents",
    **_QUESTIONS_FAULTS,
    # written before there were codes
    "earlier_text": "{text}",
}


@dataclass(frozen=True)
class Message:
    """A code with its parameters.

    Attributes
    ----------
    code : str
        A key of FIELD_REASONS, DOCUMENT_FAILURES or DOCUMENT_NOTES.
    params : mapping
        Values for the names in braces in the text of that code; they can be written as JSON.
    """

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)


def text_of(texts: Mapping[str, str], message: Message) -> str:
    """Render a message in English.

    Parameters
    ----------
    texts : mapping of code to text
        FIELD_REASONS, DOCUMENT_FAILURES or DOCUMENT_NOTES.
    message : Message
        The code and its parameters.

    Raises
    ------
    KeyError
        `texts` has no such code, or the message lacks a parameter.
    """
    return texts[message.code].format_map({name: _param_text(name, param) for name, param in message.params.items()})


def failure_text(name: str, failure: Message) -> str:
    """Render why a document could not be read, beginning with its name."""
    return f"{name}: {text_of(DOCUMENT_FAILURES, failure)}"


def note_text(name: str, note: Message) -> str:
    """Render a note on a document, beginning with its name."""
    return f"{name}: {text_of(DOCUMENT_NOTES, note)}"


def _param_text(name: str, param: Param) -> str:
    """Format a parameter: a unit as " in bar", a float without trailing zeros, a list with commas."""
    if name == "unit":
        return f" in {param}" if param else ""
    if isinstance(param, str | int):
        return str(param)
    if isinstance(param, float):
        return f"{param:g}"
    return ", ".join(param)
