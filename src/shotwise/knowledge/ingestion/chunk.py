"""Split pages into passages: the text under one heading of a page, as lines that can be quoted."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from itertools import chain

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.markdown import HEADING, LIST_ITEM, TABLE_RULE, plain_text
from shotwise.knowledge.ingestion.running_lines import Place, running_lines
from shotwise.knowledge.models import Document, Line, Page, Passage
from shotwise.knowledge.verify import contains_quote
from shotwise.limits import MAX_LINE_CHARACTERS, MAX_PASSAGES

MAX_CHARACTERS = 900  # per passage; longer ones are about too many subjects
_SENTENCE_END = re.compile(r"(?<=.{20}[.!?])\s+")  # a shorter sentence stays with the next, as it means little alone
_CONTENTS = re.compile(r"차례|목차|(?:table of )?contents", re.IGNORECASE)
_CONTENTS_ENTRY = re.compile(r"\d+$")  # ends in its page
_VALUE = re.compile(r"[±<>≤≥~]?\s*\d[\d.,]*(?:\s*[^\s\d]{1,6})?")  # with its unit
_LEADER = re.compile(r"(?:\. ?){5,}|…{2,}")  # the dots between a title and its page in a table of contents
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
    left_out = running_lines(document)
    for page in document.pages:
        for section in _sections(page, open_headings, left_out):
            lines = section.lines
            if section.headings and _CONTENTS.fullmatch(section.headings[-1]):
                # The text that follows a table of contents may have no heading of its own.
                lines = [line for line in lines if not _CONTENTS_ENTRY.search(line.text)]
            is_action = bool(_ACTION.search(" ".join(section.headings[-2:])))
            passages += [Passage(document.name, document.title, page.number, section.headings, passage_lines, is_action)
                         for passage_lines in _split_lines(lines)]
            if len(passages) > MAX_PASSAGES:
                raise DocumentError(document.name, "too_many_passages", max_passages=MAX_PASSAGES)
    return passages


def _sections(page: Page, open_headings: list[tuple[int, str]], left_out: Set[Place]) -> Iterator[_Section]:
    """Yield the sections of a page.

    `open_headings` has the level and text of the headings that apply at its beginning; it is updated for the next page.
    """
    markdown = "\n".join(line for index, line in enumerate(page.markdown.splitlines())
                         if not _LEADER.search(line) and (page.number, index) not in left_out)
    section = _Section(_texts(open_headings))
    for block in _blocks(markdown):
        heading = HEADING.match(block[0])
        if not heading:
            section.lines += _lines(block, page.text)
            continue
        if section.lines:
            yield section
        level = len(heading[1])
        outer = ((outer_level, text) for outer_level, text in open_headings if outer_level < level)
        open_headings[:] = [*outer, (level, plain_text(heading[2]))]
        section = _Section(_texts(open_headings))
    if section.lines:
        yield section


def _texts(open_headings: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(text for _, text in open_headings)


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Split Markdown into headings, list items, paragraphs and tables, each as its lines."""
    block: list[str] = []
    for line in [*markdown.splitlines(), ""]:
        starts_alone = bool(HEADING.match(line) or LIST_ITEM.match(line))
        if block and (not line.strip() or starts_alone or HEADING.match(block[0])
                      or line.startswith("|") != block[0].startswith("|")):
            yield block
            block = []
        if line.strip():
            block.append(line)


def _lines(block: list[str], page_text: str) -> list[Line]:
    if block[0].startswith("|"):
        return [_table_row(cells, page_text) for cells in _table_cells(block)]
    list_item = LIST_ITEM.match(block[0])
    first = list_item[1] if list_item else block[0]
    text = plain_text(" ".join([first, *block[1:]]))
    sentences = [text] if list_item else _SENTENCE_END.split(text)
    return [Line(sentence, sentence) for sentence in sentences if sentence]


def _table_cells(block: list[str]) -> Iterator[list[str]]:
    """Yield the cells of each row of a table that are not empty, without the header.

    The reader of PDFs takes the first row for the header if there is none; then it has values, or is the only row.
    """
    rows = [[cell for cell in map(plain_text, row.strip().strip("|").split("|")) if cell]
            for row in block if not TABLE_RULE.match(row)]
    has_header = 1 < len(rows) < len(block) and not any(map(_VALUE.fullmatch, rows[0]))
    yield from filter(None, rows[has_header:])


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


def _pieces(line: Line) -> list[Line]:
    """Split a line that is too long to be quoted, such as a page without any full stop, between words."""
    if len(line.text) <= MAX_LINE_CHARACTERS:
        return [line]
    return [Line(piece, piece) for piece in textwrap.wrap(
        line.text, MAX_LINE_CHARACTERS, break_on_hyphens=False, replace_whitespace=False)]


def _split_lines(lines: list[Line]) -> Iterator[tuple[Line, ...]]:
    """Split the lines of a section into passages of up to MAX_CHARACTERS; a longer line becomes its own passage."""
    passage_lines: list[Line] = []
    for line in chain.from_iterable(map(_pieces, lines)):
        if passage_lines and sum(len(other.text) for other in passage_lines) + len(line.text) > MAX_CHARACTERS:
            yield tuple(passage_lines)
            passage_lines = []
        passage_lines.append(line)
    if passage_lines:
        yield tuple(passage_lines)
