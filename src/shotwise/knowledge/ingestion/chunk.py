"""Split pages into passages: the text under one heading of a page, as lines that can be quoted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from shotwise.knowledge.models import Document, Line, Page, Passage
from shotwise.knowledge.verify import contains_quote

MAX_CHARACTERS = 900  # per passage; longer ones are about too many subjects
_HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.*)$")
_SENTENCE_END = re.compile(r"(?<=.{20}[.!?])\s+")  # a shorter sentence stays with the next, as it means little alone
_TABLE_RULE = re.compile(r"^\|[\s:|-]+\|?$")
_CONTENTS = re.compile(r"차례|목차|(?:table of )?contents", re.IGNORECASE)
_LEADER = re.compile(r"(?:\. ?){5,}|…{2,}")  # the dots between a title and its page in a table of contents
_MARKS = re.compile(r"\*\*|__|`|~~|<br\s*/?>|\\(?=[\\*_#|.\-])")
_ACTION = re.compile(r"대책|조치|지침|재발 방지|countermeasure|corrective|remed|action", re.IGNORECASE)


@dataclass
class _Section:
    """The lines of a page under the same headings, outermost heading first."""

    headings: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)


def split_into_passages(document: Document) -> list[Passage]:
    """Return all passages of a document, in reading order.

    A heading also applies to the following pages, up to the next heading. Tables of contents, running headers and
    running footers are left out.
    """
    passages: list[Passage] = []
    open_headings: list[tuple[int, str]] = []
    running_lines = _running_lines(document)
    for page in document.pages:
        for section in _sections(page, open_headings, running_lines):
            if section.headings and _CONTENTS.fullmatch(section.headings[-1]):
                continue
            is_action = bool(_ACTION.search(" ".join(section.headings[-2:])))
            passages += [Passage(document.name, document.title, page.number, section.headings, lines, is_action)
                         for lines in _split_lines(section.lines)]
    return passages


def _running_lines(document: Document) -> frozenset[str]:
    """Return the running headers and footers, without their digits.

    They are the lines at the top or bottom of at least three pages and at least a third of all pages.
    """
    counts = Counter(line for page in document.pages for line in _edge_lines(page))
    min_pages = max(3, len(document.pages) / 3)
    return frozenset(line for line, count in counts.items() if count >= min_pages)


def _edge_lines(page: Page) -> set[str]:
    lines = page.markdown.splitlines()
    return {line for number in _edge_numbers(lines) if (line := _without_digits(lines[number]))}


def _edge_numbers(lines: list[str]) -> set[int]:
    """Return the numbers of the first two and last two lines that are not empty."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    return {*filled[:2], *filled[-2:]}


def _without_digits(line: str) -> str:
    return re.sub(r"\d+", "#", _plain(line.lstrip("# ")))


def _sections(page: Page, open_headings: list[tuple[int, str]], running_lines: frozenset[str]) -> Iterator[_Section]:
    """Yield the sections of a page.

    `open_headings` has the level and text of the headings that apply at its beginning; it is updated for the next page.
    """
    lines = page.markdown.splitlines()
    edges = _edge_numbers(lines)  # elsewhere on the page, the words of a running header are part of the text
    markdown = "\n".join(line for number, line in enumerate(lines) if not _LEADER.search(line)
                         and not (number in edges and _without_digits(line) in running_lines))
    section = _Section(_texts(open_headings))
    for block in _blocks(markdown):
        heading = _HEADING.match(block[0])
        if not heading:
            section.lines += _lines(block, page.text)
            continue
        if section.lines:
            yield section
        level = len(heading[1])
        outer = ((outer_level, text) for outer_level, text in open_headings if outer_level < level)
        open_headings[:] = [*outer, (level, _plain(heading[2]))]
        section = _Section(_texts(open_headings))
    if section.lines:
        yield section


def _texts(open_headings: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(text for _, text in open_headings)


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Split Markdown into headings, list items, paragraphs and tables, each as its lines."""
    block: list[str] = []
    for line in [*markdown.splitlines(), ""]:
        starts_alone = bool(_HEADING.match(line) or _ITEM.match(line))
        if block and (not line.strip() or starts_alone or _HEADING.match(block[0])
                      or line.startswith("|") != block[0].startswith("|")):
            yield block
            block = []
        if line.strip():
            block.append(line)


def _lines(block: list[str], page_text: str) -> list[Line]:
    if block[0].startswith("|"):
        return [_table_row(cells, page_text) for cells in _table_cells(block)]
    list_item = _ITEM.match(block[0])
    first = list_item[1] if list_item else block[0]
    text = _plain(" ".join([first, *block[1:]]))
    sentences = [text] if list_item else _SENTENCE_END.split(text)
    return [Line(sentence, sentence) for sentence in sentences if sentence]


def _table_cells(block: list[str]) -> Iterator[list[str]]:
    """Yield the cells of each row of a table that are not empty, without the header."""
    rows = [row for row in block if not _TABLE_RULE.match(row)]
    for row in rows[1:] if len(rows) < len(block) else rows:
        cells = [cell for cell in (_plain(cell) for cell in row.strip().strip("|").split("|")) if cell]
        if cells:
            yield cells


def _table_row(cells: list[str], page_text: str) -> Line:
    """Make a line of a table row.

    Its quote begins at the first cell that is a sentence, because sentences repeat the content of the cells before
    them. If the PDF's text has the cells in another order, the quote is only the longest sentence.
    """
    text = " ".join(cells)
    sentences = [cell for cell in cells if cell.endswith(".")]
    if not sentences:
        return Line(text, text)
    rest = " ".join(cells[cells.index(sentences[0]):])
    return Line(text, rest if contains_quote(rest, page_text) else max(sentences, key=len))


def _split_lines(lines: list[Line]) -> Iterator[tuple[Line, ...]]:
    """Split the lines of a section into passages of up to MAX_CHARACTERS; a longer line becomes its own passage."""
    passage_lines: list[Line] = []
    for line in lines:
        if passage_lines and sum(len(other.text) for other in passage_lines) + len(line.text) > MAX_CHARACTERS:
            yield tuple(passage_lines)
            passage_lines = []
        passage_lines.append(line)
    if passage_lines:
        yield tuple(passage_lines)


def _plain(markdown: str) -> str:
    """Remove Markdown's marks and extra spaces from a text."""
    return " ".join(_MARKS.sub(lambda mark: " " if mark[0].startswith("<") else "", markdown).split())
