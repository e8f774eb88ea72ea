"""Search by words, against BM25 worked out the plain way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import LEXICON, passage

from shotwise.knowledge.lexical import LexicalIndex
from shotwise.knowledge.lexicon import GRAM
from shotwise.knowledge.passage import Key, Line, Passage, Postings
from shotwise.knowledge.postings import postings

TEXTS = st.lists(st.sampled_from(["비스킷", "두께가", "얇으면", "기공", "기포가", "온도", "ADC12", "velocity", "0.05",
                                  "낮음"]),
                 max_size=8).map(" ".join)
PASSAGES = st.builds(lambda lines, headings, action: Passage(
    "a", "다이캐스팅 기공", 1, tuple(headings), tuple(Line(text, text) for text in lines), action),
    st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=2), st.booleans())
CORPORA = st.lists(st.lists(PASSAGES, max_size=4), max_size=4)
# The search adds up in single precision: a sum of twenty terms of size ten is right to some 1e-5.
NEAR = 1e-4


def reference(corpus: Sequence[Sequence[Passage]], query: Mapping[str, float]) -> dict[Key, float]:
    """BM25 of every passage that holds a term of the query: term by term, each kind of term with its own lengths;
    what stands in headings counts twice, and pairs of syllables count half; each term by its weight in the query."""
    kept = {Key(str(number), "v", at): counted(each) for number, passages in enumerate(corpus)
            for at, each in enumerate(passages)}
    scores: dict[Key, float] = {}
    for term, weight in query.items():
        kind: Callable[[str], bool] = str.startswith(term, GRAM) and is_gram or is_word
        lengths = {key: sum(count for each, count in counts.items() if kind(each)) for key, counts in kept.items()}
        mean = max(sum(lengths.values()) / max(len(kept), 1), 1)
        holding = [key for key, counts in kept.items() if counts[term]]
        idf = math.log(1 + (len(kept) - len(holding) + 0.5) / (len(holding) + 0.5))
        for key in holding:
            count = kept[key][term]
            part = count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[key] / mean))
            scores[key] = scores.get(key, 0) + weight * idf * part * (0.5 if kind is is_gram else 1)
    return scores


def is_gram(term: str) -> bool:
    """Whether it is a pair of syllables."""
    return term.startswith(GRAM)


def is_word(term: str) -> bool:
    """Whether it is none."""
    return not is_gram(term)


def counted(found: Passage) -> Counter[str]:
    """How often each term counts in a passage."""
    lines = "\n".join(line.text for line in found.lines)
    heading = LEXICON.terms(" ".join(found.headings))
    return Counter(LEXICON.terms(lines)) + Counter(heading) + Counter(heading) + Counter(LEXICON.terms(found.title))


def wanted(text: str, weight: float = 1.0) -> dict[str, float]:
    """The terms of a text, all of one weight."""
    return dict.fromkeys(LEXICON.terms(text), weight)


def built(corpus: Sequence[Sequence[Passage]], spoiled: Callable[[Postings], Postings] | None = None) -> LexicalIndex:
    """The index of a corpus; `spoiled` changes the postings of its first document."""
    kept = {str(number): ("v", postings(passages, LEXICON)) for number, passages in enumerate(corpus)}
    if spoiled and kept:
        kept["0"] = "v", spoiled(kept["0"][1])
    return LexicalIndex(kept)


def agrees(found: Sequence[Key], scores: dict[Key, float], limit: int) -> bool:
    """Whether a ranking is what the scores say, up to what single precision cannot tell apart."""
    given = [scores.get(key, 0.0) for key in found]
    missed = [score for key, score in scores.items() if key not in found]
    return (len(found) == min(limit, len(scores)) == len(set(found)) and min(given, default=1) > 0
            and all(one >= two - NEAR for one, two in zip(given, given[1:], strict=False))
            and max(missed, default=0) <= min(given, default=0) + NEAR)


@settings(max_examples=150, deadline=None)
@given(CORPORA, TEXTS, TEXTS, st.integers(1, 20))
def test_rankings_are_those_of_plain_bm25(corpus: list[list[Passage]], text: str, related: str, limit: int) -> None:
    """On any small corpus of several documents, and for terms of two weights, the ranking is the reference's, cut at
    any limit."""
    terms = wanted(related, 0.4) | wanted(text)
    assert agrees(built(corpus).search(terms, limit), reference(corpus, terms), limit)


def test_the_reference_sees_spoiled_postings() -> None:
    """The check can fail: a count that is off, a passage taken for another, and a heading that counts once are seen."""
    corpus = [[passage("기공"), passage("기공 기공 온도 온도"), passage("온도", headings=("기공",))],
              [passage("온도 ADC12")]]
    terms = wanted("기공")
    assert agrees(built(corpus).search(terms, 9), reference(corpus, terms), 9)

    def counts(kept: Postings) -> Postings:
        return replace(kept, counts=bytes(9 if count == 1 else 1 for count in kept.counts))

    def moved(kept: Postings) -> Postings:
        numbers = np.frombuffer(kept.passages, "<u4")
        return replace(kept, passages=((numbers + 1) % 3).astype("<u4").tobytes())

    def once(kept: Postings) -> Postings:
        return postings([*corpus[0][:2], passage("온도 기공")], LEXICON)

    for spoiled in (counts, moved, once):
        assert not agrees(built(corpus, spoiled).search(terms, 9), reference(corpus, terms), 9)


@settings(max_examples=100, deadline=None)
@given(CORPORA, TEXTS)
def test_a_search_for_countermeasures_is_the_same_without_the_rest(corpus: list[list[Passage]], text: str) -> None:
    """The passages that announce none are left out; the order of those that do is not touched."""
    index, terms = built(corpus), wanted(text)
    actions = [key for key in index.search(terms, 99) if corpus[int(key.document)][key.number].action]
    assert index.search(terms, 99, action_only=True) == actions


@settings(max_examples=100, deadline=None)
@given(CORPORA, TEXTS)
def test_frequencies_count_passages(corpus: list[list[Passage]], text: str) -> None:
    """A term is counted once a passage, over all documents; one that stands nowhere is absent."""
    index, terms = built(corpus), [*LEXICON.terms(text), "없는말"]
    holding = Counter(term for kept in corpus for each in kept for term in counted(each))
    assert index.frequencies(terms) == {term: holding[term] for term in terms if holding[term]}
    assert index.size == sum(map(len, corpus))


def test_headings_weigh_more() -> None:
    """Of two passages of one length, the one with the word in its heading comes first."""
    corpus = [[passage("기공 보기", headings=("균열",)), passage("균열 보기", headings=("기공",))]]
    assert [key.number for key in built(corpus).search(wanted("기공"), 5)] == [1, 0]


def test_morphemes_weigh_more_than_pairs() -> None:
    """A passage that has the word comes before one of the same length that shares only a pair of its syllables."""
    corpus = [[passage("외국자본 하나"), passage("자본금 하나")]]
    found = built(corpus).search(wanted("자본금"), 5)
    assert found[0].number == 1


@pytest.mark.parametrize("limit", [1, 2, 5, 60, 999, 1000, 1001])
def test_equal_passages_come_in_order(limit: int) -> None:
    """Of passages with one score the first are given, document by document, wherever the limit cuts."""
    index = built([[passage("기공 하나")] * 400, [passage("기공 하나")] * 600])
    everything = [Key("0", "v", number) for number in range(400)] + [Key("1", "v", number) for number in range(600)]
    assert index.search(wanted("기공"), limit) == everything[:limit]


def test_keys_name_the_document_and_its_version() -> None:
    """Empty documents between others shift nothing."""
    kept = {name: (f"v-{name}", postings([passage(text) for text in texts], LEXICON))
            for name, texts in {"a": [], "b": ["온도", "기공"], "c": [], "d": ["기공 온도 온도"], "e": []}.items()}
    found = LexicalIndex(kept).search(wanted("기공"), 9)
    assert found == [Key("b", "v-b", 1), Key("d", "v-d", 0)]


@pytest.mark.parametrize("corpus", [[], [[]], [[], []], [[passage("")]], [[passage("", action=True)]]],
                         ids=["no document", "an empty one", "two empty ones", "an empty passage", "an empty action"])
def test_nothing_is_found_in_nothing(corpus: list[list[Passage]]) -> None:
    """Without documents, passages or words a search finds nothing and raises nothing."""
    index = built(corpus)
    for terms in ({}, {"기공": 1.0, "#기공": 1.0}):
        assert index.search(terms, 5) == index.search(terms, 5, action_only=True) == []
    assert index.frequencies(["기공"]) == {} and index.size == sum(map(len, corpus))


def test_a_term_counts_by_its_weight() -> None:
    """What is searched for besides lifts less than what was asked."""
    index = built([[passage("기포"), passage("기공")]])
    assert [key.number for key in index.search({"기공": 1.0, "기포": 0.4}, 5)] == [1, 0]
    assert [key.number for key in index.search({"기공": 0.4, "기포": 1.0}, 5)] == [0, 1]
