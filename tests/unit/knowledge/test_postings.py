"""Passages → postings."""

from __future__ import annotations

import struct
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import LEXICON, passage

from shotwise.knowledge.passage import Postings
from shotwise.knowledge.postings import postings


def read(kept: Postings) -> dict[str, dict[int, int]]:
    """Term → number of passage → count, as the field docs say that it is kept."""
    starts = struct.unpack(f"<{len(kept.starts) // 4}I", kept.starts)
    passages = struct.unpack(f"<{len(kept.passages) // 4}I", kept.passages)
    assert len(starts) == len(kept.terms) + 1 and starts[-1] == len(passages) == len(kept.counts)
    return {term: dict(zip(passages[start:stop], kept.counts[start:stop], strict=True))
            for term, start, stop in zip(kept.terms, starts, starts[1:], strict=False)}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(st.sampled_from("기공온도이 ab1.\n")), st.text(st.sampled_from("원인대책 c"))),
                max_size=5))
def test_every_term_of_every_passage_is_there(texts: list[tuple[str, str]]) -> None:
    """Read back, postings are the counts of each passage's terms, headings twice, the document's title once, in sorted
    terms and passages."""
    kept = postings([passage(text, headings=(heading,), title="온도 매뉴얼") for text, heading in texts], LEXICON)
    found = read(kept)
    expected: dict[str, dict[int, int]] = {}
    for number, (text, heading) in enumerate(texts):
        counts = Counter(LEXICON.terms(text)) + Counter(LEXICON.terms(heading) * 2 + LEXICON.terms("온도 매뉴얼"))
        for term, count in counts.items():
            expected.setdefault(term, {})[number] = count
    assert found == expected and list(kept.terms) == sorted(kept.terms)
    assert all(list(numbers) == sorted(numbers) for numbers in found.values())


def test_a_count_is_one_byte() -> None:
    """What stands more often than 255 times counts as 255 times."""
    assert read(postings([passage("adc12 " * 300, title="")], LEXICON)) == {"adc12": {0: 255}}


def test_actions_are_flagged() -> None:
    """One byte a passage says whether it announces countermeasures."""
    assert postings([passage("가"), passage("나", action=True), passage("")], LEXICON).actions == b"\0\1\0"


def test_no_passages_no_postings() -> None:
    """An empty document is kept like others."""
    assert postings([], LEXICON) == Postings((), b"\0\0\0\0", b"", b"", b"")
