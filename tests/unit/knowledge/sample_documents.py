"""Small documents that tests make, and where the shipped ones are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Document, IndexedDocument, Line, Page, Passage, Questions
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries

MANUALS = Path(__file__).parents[3] / "manuals"
ANALYZER = Analyzer(read_dictionary(*shipped_dictionaries()))


def document(*pages: str, name: str = "guide.pdf", sha256: str = "1") -> Document:
    """A document whose pages have this Markdown, and the same as text."""
    return Document(name, "Guide", sha256, tuple(Page(number, text, text) for number, text in enumerate(pages, 1)))


def passage(text: str, *more_lines: str, name: str = "guide.pdf", page: int = 1, action: bool = False,
            headings: tuple[str, ...] = (), title: str = "Guide") -> Passage:
    """A passage of one line or more; each line is its own quote."""
    return Passage(name, title, page, headings, tuple(Line(line, line) for line in (text, *more_lines)), action)


def indexed_document(analyzer: Analyzer, *passages: str | Passage, name: str = "guide.pdf", version: str = "v1",
                     pages: Sequence[str] | None = None, questions: Questions | None = None) -> IndexedDocument:
    """A document of these passages; a text stands for a passage of one line.

    All its lines stand on one page unless `pages` gives the text of each page. `questions` are those that its passages
    and lines answer.
    """
    made = tuple(passage(part, name=name) if isinstance(part, str) else part for part in passages)
    page_text = "\n".join(line.quote for part in made for line in part.lines)
    return IndexedDocument(document(*([page_text] if pages is None else pages), name=name, sha256=version), version,
                           made, build_postings(made, analyzer, questions), questions or {})
