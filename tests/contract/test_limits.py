"""The API description states the limits that a caller can meet, and their module gives a reason for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from shotwise import limits

ROOT = Path(__file__).parents[2]
STATEMENTS = {
    "MAX_BODY_BYTES": "at most 256 KiB", "MAX_BATCH_BODY_BYTES": "with shots 4 MiB",
    "MAX_JSON_VALUES": "200,000 values", "MAX_JSON_DEPTH": "nested in 20 levels", "MAX_BATCH_SHOTS": "1,000 shots",
    "MAX_PAST_SHOTS": "a history 200", "MAX_QUESTION_CHARACTERS": "2,000 characters",
    "MAX_CONTEXT_ENTRIES": "1,000 entries", "MAX_LABEL_CHARACTERS": "a label 200 characters",
    "MAX_SEARCH_PASSAGES": "50 passages", "MAX_DOCUMENT_NAME_BYTES": "200 bytes",
    "MAX_UPLOAD_BYTES": "an upload 512 MiB", "ANSWER_SECONDS": "within 29 s",
    "REQUEST_HEAD_SECONDS": "5 s for its head",
    "MAX_REQUEST_HEAD_BYTES": "at most 32 KiB", "REQUEST_BODY_SECONDS": "20 s for its body",
    "UPLOAD_SECONDS": "has 600 s", "UPLOAD_PAUSE_SECONDS": "more than 15 s", "MAX_STREAMS": "16 answers",
    "MAX_UPLOADS": "8 files", "MAX_CONNECTIONS": "512 connections"}
UNITS = {"KiB": 1024, "MiB": 1024 * 1024}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_description_states_a_limit(api: dict[str, Any], name: str) -> None:
    """Its number stands there, with its unit, and is the one that the code has."""
    description = " ".join(api["info"]["description"].split())
    assert STATEMENTS[name] in description
    number, unit = re.search(r"([\d,]+)(?: (KiB|MiB))?", STATEMENTS[name]).groups()
    assert int(number.replace(",", "")) * UNITS.get(unit, 1) == getattr(limits, name)


def test_every_limit_has_a_reason() -> None:
    """A comment stands above each constant, or above the group that it belongs to."""
    lines = Path(limits.__file__).read_text("utf-8").splitlines()
    constant = r"[A-Z][A-Z_]+(, [A-Z_]+)* = "
    bare = [line for before, line in zip(lines, lines[1:], strict=False)
            if re.match(constant, line) and not re.match(f"#|{constant}", before)]
    assert bare == []
