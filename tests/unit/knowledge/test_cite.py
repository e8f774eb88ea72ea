"""The proof of a quote."""

from __future__ import annotations

import pytest
from sample_documents import document

from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.knowledge.cite import stands_on_page

QUOTE = "비스킷 두께가 얇으면 기공이 생긴다."


@pytest.fixture
def shelf(writable: SqliteIndex) -> SqliteIndex:
    """A guide of two pages, the quote on the first, broken by lines and a zero-width space."""
    first = "앞의 문장이다. 비스킷\n두께가 얇으\u200b면  기공이\n생긴다. 뒤의 문장이다."
    writable.replace(document(first, "다른 쪽이다."), [])
    return writable


def test_quote_on_its_page_stands(shelf: SqliteIndex) -> None:
    """White space and zero-width characters where lines break make no difference."""
    assert stands_on_page(QUOTE, "guide.pdf", 1, shelf)


@pytest.mark.parametrize("altered", ["비스킷 두께가 두꺼우면 기공이 생긴다.", "비스킷 두께가 얇으면 기포가 생긴다.",
                                     "비스킷 두께가 얇으면 늘 기공이 생긴다."])
def test_altered_quote_does_not_stand(shelf: SqliteIndex, altered: str) -> None:
    """One word changed or added is another statement."""
    assert not stands_on_page(altered, "guide.pdf", 1, shelf)


@pytest.mark.parametrize(("name", "page"), [("guide.pdf", 2), ("guide.pdf", 3), ("other.pdf", 1)])
def test_quote_elsewhere_does_not_stand(shelf: SqliteIndex, name: str, page: int) -> None:
    """A quote stands on its own page alone: not on the next, on none, nor in another document."""
    assert not stands_on_page(QUOTE, name, page, shelf)


def test_empty_quote_does_not_stand(shelf: SqliteIndex) -> None:
    """Nothing is no evidence, though it is part of every page."""
    assert not stands_on_page(" \n", "guide.pdf", 1, shelf)
