"""Pages → passages: what stands on one page under one heading, cut into lines that can be quoted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from shotwise.knowledge.models import Document, Line, Page, Passage
from shotwise.knowledge.verify import contains_quote

MAX_CHARACTERS = 900  # of a passage; longer ones blur what they are about
_HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.*)$")
_SENTENCE_END = re.compile(r"(?<=.{20}[.!?])\s+")  # a shorter sentence says too little alone: it stays with the next
_TABLE_RULE = re.compile(r"^\|[\s:|-]+\|?$")
_CONTENTS = re.compile(r"차례|목차|(?:table of )?contents", re.IGNORECASE)
_LEADER = re.compile(r"(?:\. ?){5,}|…{2,}")  # a table of contents points, it says nothing
_MARKS = re.compile(r"\*\*|__|`|~~|<br\s*/?>|\\(?=[\\*_#|.\-])")
_ACTION = re.compile(r"대책|조치|지침|재발 방지|countermeasure|corrective|remed|action", re.IGNORECASE)


@dataclass
class _Section:
    headings: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)


def split_into_passages(document: Document) -> list[Passage]:
    """All passages of a document, in reading order. A heading reaches over page ends until the next one."""
    found: list[Passage] = []
    headings: list[tuple[int, str]] = []
    furniture = _furniture(document)
    for page in document.pages:
        for section in _sections(page, headings, furniture):
            if section.headings and _CONTENTS.fullmatch(section.headings[-1]):
                continue
            found += [Passage(document.name, document.title, page.number, section.headings, lines,
                              bool(_ACTION.search(" ".join(section.headings[-2:]))))
                      for lines in _portions(section.lines)]
    return found


def _furniture(document: Document) -> frozenset[str]:
    """The running headers and footers: lines that stand at the top or bottom of at least three pages, and of a third
    of all, once their digits are set aside."""
    edges = Counter(edge for page in document.pages for edge in _edges(page))
    least = max(3, len(document.pages) / 3)
    return frozenset(edge for edge, count in edges.items() if count >= least)


def _edges(page: Page) -> set[str]:
    lines = page.markdown.splitlines()
    return {edge for number in _at_edges(lines) if (edge := _without_digits(lines[number]))}


def _at_edges(lines: list[str]) -> set[int]:
    """Which of a page's lines are its first two and last two."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    return {*filled[:2], *filled[-2:]}


def _without_digits(line: str) -> str:
    return re.sub(r"\d+", "#", _plain(line.lstrip("# ")))


def _sections(page: Page, headings: list[tuple[int, str]], furniture: frozenset[str]) -> Iterator[_Section]:
    """The sections of a page; `headings`, the open (level, text) pairs, is carried on to the next page."""
    lines = page.markdown.splitlines()
    edges = _at_edges(lines)  # between them the same words are the page's own
    markdown = "\n".join(line for number, line in enumerate(lines) if not _LEADER.search(line)
                         and not (number in edges and _without_digits(line) in furniture))
    section = _Section(_path(headings))
    for block in _blocks(markdown):
        heading = _HEADING.match(block[0])
        if not heading:
            section.lines += _lines(block, page.text)
            continue
        if section.lines:
            yield section
        level = len(heading[1])
        headings[:] = [*((old, text) for old, text in headings if old < level), (level, _plain(heading[2]))]
        section = _Section(_path(headings))
    if section.lines:
        yield section


def _path(headings: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(text for _, text in headings)


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Headings and list items one by one, paragraphs and tables as all their lines."""
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
        return [_row(cells, page_text) for cells in _cells(block)]
    item = _ITEM.match(block[0])
    first = item[1] if item else block[0]
    text = _plain(" ".join([first, *block[1:]]))
    parts = [text] if item else _SENTENCE_END.split(text)
    return [Line(part, part) for part in parts if part]


def _cells(block: list[str]) -> Iterator[list[str]]:
    """The filled cells of each table row but the header."""
    body = [row for row in block if not _TABLE_RULE.match(row)]
    for row in body[1:] if len(body) < len(block) else body:
        cells = [cell for cell in (_plain(cell) for cell in row.strip().strip("|").split("|")) if cell]
        if cells:
            yield cells


def _row(cells: list[str], page_text: str) -> Line:
    """A row; what is quoted of it begins at the first cell that is a sentence: what the cells before it say, the
    sentence says again. Where the PDF holds its cells in another order, the longest sentence alone is quoted."""
    text = " ".join(cells)
    sentences = [cell for cell in cells if cell.endswith(".")]
    if not sentences:
        return Line(text, text)
    rest = " ".join(cells[cells.index(sentences[0]):])
    return Line(text, rest if contains_quote(rest, page_text) else max(sentences, key=len))


def _portions(lines: list[Line]) -> Iterator[tuple[Line, ...]]:
    portion: list[Line] = []
    for line in lines:
        if portion and sum(len(kept.text) for kept in portion) + len(line.text) > MAX_CHARACTERS:
            yield tuple(portion)
            portion = []
        portion.append(line)
    if portion:
        yield tuple(portion)


def _plain(markdown: str) -> str:
    """Without Markdown's marks and with single spaces; the words as the page has them."""
    return " ".join(_MARKS.sub(lambda mark: " " if mark[0].startswith("<") else "", markdown).split())
