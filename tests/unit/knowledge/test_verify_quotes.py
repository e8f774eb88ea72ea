"""Whether a quote stands on the page that it cites."""

from __future__ import annotations

import pytest
from fakes import InMemoryDocumentStore
from hypothesis import given
from hypothesis import strategies as st
from sample_documents import indexed_document

from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.verify import contains_quote, is_on_page

QUOTE = "비스킷 두께가 얇으면 기공이 생긴다."


@pytest.fixture
def search(analyzer: Analyzer) -> HybridSearch:
    """A guide of two pages, the quote on the first, broken by lines and a zero-width space."""
    first = "앞의 문장이다. 비스킷\n두께가 얇으\u200b면  기공이\n생긴다. 뒤의 문장이다."
    store = InMemoryDocumentStore()
    store.put(indexed_document(analyzer, pages=[first, "다른 쪽이다."]))
    return HybridSearch(store, analyzer)


def test_a_quote_stands_on_its_page(search: HybridSearch) -> None:
    """White space and zero-width characters where lines break make no difference."""
    assert is_on_page(QUOTE, "guide.pdf", 1, search)


@pytest.mark.parametrize("altered", ["비스킷 두께가 두꺼우면 기공이 생긴다.", "비스킷 두께가 얇으면 기포가 생긴다.",
                                     "비스킷 두께가 얇으면 늘 기공이 생긴다."])
def test_an_altered_quote_does_not_stand(search: HybridSearch, altered: str) -> None:
    """One word changed or added is another statement."""
    assert not is_on_page(altered, "guide.pdf", 1, search)


@pytest.mark.parametrize(("name", "page"), [("guide.pdf", 2), ("guide.pdf", 3), ("other.pdf", 1)])
def test_a_quote_stands_nowhere_else(search: HybridSearch, name: str, page: int) -> None:
    """It is not on the next page, on one that does not exist, or in another document."""
    assert not is_on_page(QUOTE, name, page, search)


def test_an_empty_quote_does_not_stand(search: HybridSearch) -> None:
    """It proves nothing, though every page contains it."""
    assert not is_on_page(" \n", "guide.pdf", 1, search)


@given(st.text(st.sampled_from("기공가 .0aé\u200b\n")), st.text(st.sampled_from("기공가 .0a\n")),
       st.text(st.sampled_from("기공a")))
def test_a_part_of_the_page_stands_however_its_lines_break(before: str, quote: str, after: str) -> None:
    """Any part of a page stands, even with line breaks between all characters; with a word more it does not."""
    page = before + "\n".join(quote) + after
    assert contains_quote(quote, page) == bool(quote.strip())
    assert not contains_quote(f"{quote}균열", page)


def test_decomposed_text_stands() -> None:
    """PDFs from a Mac have Hangul letter by letter, which is the same text."""
    assert contains_quote("기포가 생긴다", "\u1100\u1175\u1111\u1169가 생긴다")
