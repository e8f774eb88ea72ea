"""Search by words, against BM25 worked out the plain way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_corpora import (
    CORPORA,
    TEXTS,
    Corpus,
    answering_passage,
    bm25_index,
    counted,
    passages_by_id,
    postings_of,
    questions_in,
    shifted,
    stated,
)
from sample_documents import ANALYZER, passage

from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Passage, PassageId, Postings
from shotwise.knowledge.retrieval.bm25 import Bm25Index
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX

# The search adds up in single precision: a sum of twenty terms of size ten is right to some 1e-5.
NEAR = 1e-4


def reference(corpus: Corpus, query: Mapping[str, float]) -> dict[PassageId, float]:
    """BM25 of every passage that holds a term of the query: term by term, each kind of term with its own lengths;
    what stands in headings counts twice, questions count as text, and pairs of syllables count half; each term by its
    weight in the query."""
    kept = {key: counted(each) for key, each in passages_by_id(corpus).items()}
    scores: dict[PassageId, float] = {}
    for term, weight in query.items():
        kind: Callable[[str], bool] = str.startswith(term, BIGRAM_PREFIX) and is_gram or is_word
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
    return term.startswith(BIGRAM_PREFIX)


def is_word(term: str) -> bool:
    """Whether it is none."""
    return not is_gram(term)


def wanted(text: str, weight: float = 1.0) -> dict[str, float]:
    """The terms of a text, all of one weight."""
    return dict.fromkeys(ANALYZER.terms(text), weight)


def agrees(found: Sequence[PassageId], scores: dict[PassageId, float], limit: int) -> bool:
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
    assert agrees(bm25_index(corpus).search(terms, limit), reference(corpus, terms), limit)


def test_the_reference_sees_spoiled_postings() -> None:
    """The check can fail: a count that is off, a passage taken for another, a heading that counts once, and questions
    that do not count or count for another passage are seen."""
    corpus = [[passage("기공"), passage("기공 기공 온도 온도"), passage("온도", headings=("기공",)),
               answering_passage("균열", ["누구"], ["기공", "기공은"]), passage("균열")], [passage("온도 ADC12")]]
    first, terms = corpus[0], wanted("기공")
    assert agrees(bm25_index(corpus).search(terms, 9), reference(corpus, terms), 9)

    def counts(found: Postings) -> Postings:
        return replace(found, counts=bytes(9 if count == 1 else 1 for count in found.counts))

    def once(found: Postings) -> Postings:
        return postings_of([*first[:2], passage("온도 기공"), *first[3:]])

    def unasked(found: Postings) -> Postings:
        return build_postings(first, ANALYZER)

    def of_another(found: Postings) -> Postings:
        return build_postings(first, ANALYZER, {(4, 1): ("기공", "기공은"), (3, 0): ("누구",)})

    for spoiled in (counts, lambda found: shifted(found, 2), once, unasked, of_another):
        assert not agrees(bm25_index(corpus, spoiled).search(terms, 9), reference(corpus, terms), 9)


@settings(max_examples=100, deadline=None)
@given(CORPORA, TEXTS)
def test_a_search_for_countermeasures_is_the_same_without_the_rest(corpus: list[list[Passage]], text: str) -> None:
    """The passages that announce none are left out; the order of those that do is not touched."""
    index, terms = bm25_index(corpus), wanted(text)
    actions = [key for key in index.search(terms, 99) if corpus[int(key.document)][key.number].action]
    assert index.search(terms, 99, action_only=True) == actions


@settings(max_examples=100, deadline=None)
@given(CORPORA, TEXTS)
def test_frequencies_count_passages_and_questions(corpus: list[list[Passage]], text: str) -> None:
    """Over all documents, a term is counted once a passage whose text holds it, or once a question; one that stands
    nowhere is absent."""
    index, terms = bm25_index(corpus), [*ANALYZER.question_terms(text), "없는말"]
    told = Counter(term for each in passages_by_id(corpus).values() for term in stated(each))
    asking = Counter(term for each in questions_in(corpus) for term in each)
    assert index.document_frequencies(terms) == {term: told[term] for term in terms if told[term]}
    assert index.document_frequencies(terms, in_questions=True) == {term: asking[term] for term in terms if asking[term]}
    assert index.passage_count == sum(map(len, corpus)) and index.question_count == len(questions_in(corpus))


def test_texts_and_questions_are_counted_apart() -> None:
    """What only questions say is no word of the documents, and what only texts say none of the questions; a passage
    counts once, each of its questions by itself."""
    corpus = [[answering_passage("기공", ["누구 기공 기공"], ["누구"]), answering_passage("온도", [], ["기공"])], [passage("기공", "기공")]]
    index, terms = bm25_index(corpus), ["누구", "기공", "온도"]
    assert index.document_frequencies(terms) == {"기공": 2, "온도": 1}
    assert index.document_frequencies(terms, in_questions=True) == {"누구": 2, "기공": 2} and index.question_count == 3


def test_headings_weigh_more() -> None:
    """Of two passages of one length, the one with the word in its heading comes first."""
    corpus = [[passage("기공 보기", headings=("균열",)), passage("균열 보기", headings=("기공",))]]
    assert [key.number for key in bm25_index(corpus).search(wanted("기공"), 5)] == [1, 0]


def test_morphemes_weigh_more_than_pairs() -> None:
    """A passage that has the word comes before one of the same length that shares only a pair of its syllables."""
    corpus = [[passage("외국자본 하나"), passage("자본금 하나")]]
    found = bm25_index(corpus).search(wanted("자본금"), 5)
    assert found[0].number == 1


@pytest.mark.parametrize("limit", [1, 2, 5, 60, 999, 1000, 1001])
def test_equal_passages_come_in_order(limit: int) -> None:
    """Of passages with one score the first are given, document by document, wherever the limit cuts."""
    index = bm25_index([[passage("기공 하나")] * 400, [passage("기공 하나")] * 600])
    everything = [PassageId("0", "v", number) for number in range(400)] + [PassageId("1", "v", number) for number in range(600)]
    assert index.search(wanted("기공"), limit) == everything[:limit]


def test_keys_name_the_document_and_its_version() -> None:
    """Empty documents between others shift nothing."""
    kept = {name: (f"v-{name}", build_postings([passage(text) for text in texts], ANALYZER))
            for name, texts in {"a": [], "b": ["온도", "기공"], "c": [], "d": ["기공 온도 온도"], "e": []}.items()}
    found = Bm25Index(kept).search(wanted("기공"), 9)
    assert found == [PassageId("b", "v-b", 1), PassageId("d", "v-d", 0)]


@pytest.mark.parametrize("corpus", [[], [[]], [[], []], [[passage("")]], [[passage("", action=True)]]],
                         ids=["no document", "an empty one", "two empty ones", "an empty passage", "an empty action"])
def test_nothing_is_found_in_nothing(corpus: list[list[Passage]]) -> None:
    """Without documents, passages or words a search finds nothing and raises nothing."""
    index = bm25_index(corpus)
    for terms in ({}, {"기공": 1.0, "#기공": 1.0}):
        assert index.search(terms, 5) == index.search(terms, 5, action_only=True) == []
    assert index.document_frequencies(["기공"]) == index.document_frequencies(["기공"], in_questions=True) == {}
    assert index.passage_count == sum(map(len, corpus)) and index.question_count == 0


def test_a_passage_is_found_by_the_questions_that_it_answers() -> None:
    """A word that stands only in a question leads to its passage; one that the text says too lifts it."""
    index = bm25_index([[passage("기공"), answering_passage("기공", [], ["기공 피스톤"]), answering_passage("온도", ["피스톤 피스톤"])]])
    assert [key.number for key in index.search(wanted("피스톤"), 5)] == [2, 1]
    assert [key.number for key in index.search(wanted("기공"), 5)] == [1, 0]


def test_a_term_counts_by_its_weight() -> None:
    """What is searched for besides lifts less than what was asked."""
    index = bm25_index([[passage("기포"), passage("기공")]])
    assert [key.number for key in index.search({"기공": 1.0, "기포": 0.4}, 5)] == [1, 0]
    assert [key.number for key in index.search({"기공": 0.4, "기포": 1.0}, 5)] == [0, 1]
