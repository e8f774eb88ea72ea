"""Find the pages and write their tables between the markers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from shotwise_local import ROOT
from shotwise_tools.docs import project_tables
from shotwise_tools.docs.models import DocsError, Rows
from shotwise_tools.docs.settings_table import settings
from shotwise_tools.docs.template_tables import alarms, parameters
from shotwise_tools.docs.texts import Texts, korean_texts

PATTERNS = ("README*.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md")
MARKER = re.compile(r"^<!-- (begin|end) (\w+) -->$", re.MULTILINE)
TRANSLATED: Mapping[str, Callable[[Texts], Rows]] = {
    "parameters": parameters, "alarms": alarms, "settings": settings}
ENGLISH: Mapping[str, Callable[[], Rows]] = {
    "commands": project_tables.commands, "routes": project_tables.routes, "limits": project_tables.limits,
    "targets": project_tables.targets, "decisions": project_tables.decisions}


def read_pages(root: Path = ROOT) -> dict[str, str]:
    """Return the text of every page by its path."""
    return {path.relative_to(root).as_posix(): path.read_text("utf-8")
            for pattern in PATTERNS for path in sorted(root.glob(pattern))}


def make_tables() -> tuple[dict[str, str], dict[str, str]]:
    """Make every table: in English by name, and in Korean.

    Raises
    ------
    DocsError
        A table cannot be made, or docs/tables.ko.toml lacks a translation or has one that no table uses.
    """
    english, korean = Texts(), korean_texts()
    tables = ({name: markdown(make(english)) for name, make in TRANSLATED.items()}
              | {name: markdown(make()) for name, make in ENGLISH.items()})
    translated = {name: markdown(make(korean)) for name, make in TRANSLATED.items()}
    if faults := korean.faults():
        raise DocsError("docs/tables.ko.toml: " + "; ".join(faults))
    return tables, translated


def markdown(rows: Rows) -> str:
    """Return rows as a table of Markdown. A row of one cell is filled up with empty ones."""
    width = len(rows[0])
    lines = ["| " + " | ".join(_cell(cell) for cell in (row + [""] * width)[:width]) + " |" for row in rows]
    return re.sub(r"(?m) +\|", " |", "\n".join([lines[0], "|" + "---|" * width, *lines[1:]]))


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def fresh_pages(pages: Mapping[str, str]) -> dict[str, str]:
    """Return the pages with all tables written anew.

    Raises
    ------
    DocsError
        A table cannot be made, a marker is unknown or without its partner, or no page has the markers of a table.
    """
    english, korean = make_tables()
    fresh = {page: _write(page, text, korean if page.endswith(".ko.md") else english) for page, text in pages.items()}
    marked = {name for text in pages.values() for _, name in MARKER.findall(text)}
    if homeless := sorted(english.keys() - marked):
        raise DocsError(f"no page has the markers of {', '.join(homeless)}")
    return fresh


def _write(page: str, text: str, tables: Mapping[str, str]) -> str:
    markers = MARKER.findall(text)
    names = [name for mark, name in markers if mark == "begin"]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DocsError(f"{page}: the markers of {', '.join(repeated)} stand there twice")
    for (begin, name), partner in zip(markers[::2], [*markers[1::2], ("", "")], strict=False):
        if begin != "begin" or partner != ("end", name):
            raise DocsError(f"{page}: the markers of {name} are not a begin and an end after it")
        if name not in tables:
            raise DocsError(f"{page}: there is no table {name}; there are {', '.join(tables)}")
    return re.sub(r"(?ms)^<!-- begin (\w+) -->$.*?^<!-- end \1 -->$",
                  lambda part: f"<!-- begin {part[1]} -->\n\n{tables[part[1]]}\n\n<!-- end {part[1]} -->", text)


def stale_tables(pages: Mapping[str, str], fresh: Mapping[str, str]) -> list[str]:
    """List the tables of pages that differ from those of the fresh pages, as `PAGE: NAME`."""
    return [f"{page}: {name}" for page, text in pages.items()
            for name, table in _tables(text) if (name, table) not in list(_tables(fresh[page]))]


def _tables(text: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"(?ms)^<!-- begin (\w+) -->$(.*?)^<!-- end \1 -->$", text)
