"""Why a document could not be read, or not wholly: the reader's own message → words of the page.

The reader (shotwise.knowledge.ingestion.parse) speaks English. What it says is recognised by the parts of it that never change.
"""

from __future__ import annotations

import re

from frontend.messages import Words

_STOPPED = r"(?:(?P<slow>took longer than (?P<seconds>[\d.]+) s)|crashed the reader)"
# (pattern, key of the words); the groups of the pattern are put into the words. The first that fits is taken.
FAILURES = tuple((re.compile(pattern), f"failure.{key}") for pattern, key in (
    (r"none of its pages can be read", "unreadable"),
    (r"holds no text, only images", "images"),
    (r"has a name that is not UTF-8", "name"),
    (r"its name must be", "name"),
    (r"is not a PDF", "not_pdf"),
    (r"is empty", "empty"),
    (r"is cut short", "cut"),
    (r"is larger than (?P<size>\d+ MiB)", "large"),
    (r"more than (?P<most>\d+) pages cannot be read", "many_unreadable"),
    (r"has more than (?P<most>\d+) pages", "many_pages"),
    (r"has no pages", "no_pages"),
    (r"is encrypted", "encrypted"),
    (r"is damaged", "damaged"),
    (r"cannot be opened", "unopened"),
    (rf"cannot be read: it {_STOPPED}", "unopened"),
    (r"cannot be read without", "no_reader"),
    (r"cannot be read \(", "unreadable_file"),
))
NOTES = tuple((re.compile(pattern), f"note.{key}") for pattern, key in (
    (rf"page (?P<page>\d+) (?:{_STOPPED}|cannot be laid out).*; it is left empty", "page_empty"),
    (rf"page (?P<page>\d+) (?:{_STOPPED}|cannot be laid out).*; its plain text was used", "page_plain"),
    (r"is damaged and was mended", "mended"),
    (r"looking through its pages", "no_headings"),
))


def failure(message: str, name: str, words: Words) -> str | None:
    """Why the document `name` could not be read; None where the message is not known."""
    return _known(FAILURES, message, name, words)


def note(message: str, name: str, words: Words) -> str | None:
    """What of the document `name` was not read as it should have been; None where the message is not known."""
    return _known(NOTES, message, name, words)


def own(message: str, name: str) -> str:
    """The message itself, without the name before it."""
    return message.removeprefix(f"{name}: ")


def _known(table: tuple[tuple[re.Pattern[str], str], ...], message: str, name: str, words: Words) -> str | None:
    said = own(message, name)
    for pattern, key in table:
        if found := pattern.match(said):
            return words(key, **{group: value for group, value in found.groupdict().items() if value is not None})
    return None
