"""The search by words, compared with BM25 computed the plain way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_corpora import (
    CORPORA,
    TEXTS,
    Corpus,
    answering_passage,
    bm25_index,
    own_terms,
    passages_by_id,
    postings_of,
    questions_in,
    shifted,
    term_counts,
)
from sample_documents import ANALYZER, passage

from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Passage, PassageId, Postings
from shotwise.knowledge.retrieval.bm25 import Bm25Index
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX

# The search adds up in single precision: a sum of twenty terms of size ten is right to some 1e-5.
TOLERANCE = 1e-4


def reference(corpus: Corpus, query: Mapping[str, float]) -> dict[PassageId, float]:
    """BM25 of every passage that contains a term of the query, term by term.

    Words and syllable bigrams have lengths of their own, and bigrams count half. Terms of headings count twice,
    questions count as text, and each term counts by its weight in the query.
    """
    counts_of = {passage_id: term_counts(source) for passage_id, source in passages_by_id(corpus).items()}
    scores: dict[PassageId, float] = {}
    for term, weight in query.items():
        same_kind: Callable[[str], bool] = is_bigram if is_bigram(term) else is_word
        lengths = {passage_id: sum(count for other, count in counts.items() if same_kind(other))
                   for passage_id, counts in counts_of.items()}
        mean_length = max(sum(lengths.values()) / max(len(counts_of), 1), 1)
        containing = [passage_id for passage_id, counts in counts_of.items() if counts[term]]
        idf = math.log(1 + (len(counts_of) - len(containing) + 0.5) / (len(containing) + 0.5))
        for passage_id in containing:
            count = counts_of[passage_id][term]
            saturated = count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[passage_id] / mean_length))
            kind_weight = 0.5 if is_bigram(term) else 1
            scores[passage_id] = scores.get(passage_id, 0) + weight * idf * saturated * kind_weight
    return scores


def is_bigram(term: str) -> bool:
    """Whether a term is a pair of syllables."""
    return term.startswith(BIGRAM_PREFIX)


def is_word(term: str) -> bool:
    """Whether a term is a morpheme."""
    return not is_bigram(term)


def query_of(text: str, weight: float = 1.0) -> dict[str, float]:
    """The terms of a text, all of one weight."""
    return dict.fromkeys(ANALYZER.terms(text), weight)


def agrees(ranking: Sequence[PassageId], scores: dict[PassageId, float], limit: int) -> bool:
    """Whether a ranking is what the scores say, up to what single precision cannot tell apart."""
    ranked_scores = [scores.get(passage_id, 0.0) for passage_id in ranking]
    other_scores = [score for passage_id, score in scores.items() if passage_id not in ranking]
    return (len(ranking) == min(limit, len(scores)) == len(set(ranking)) and min(ranked_scores, default=1) > 0
            and all(first >= second - TOLERANCE for first, second in pairwise(ranked_scores))
            and max(other_scores, default=0) <= min(ranked_scores, default=0) + TOLERANCE)


@settings(max_examples=150, deadline=None)
@given(CORPORA, TEXTS, TEXTS, st.integers(1, 20))
def test_rankings_are_those_of_plain_bm25(corpus: list[list[Passage]], text: str, related: str, limit: int) -> None:
    """On any small corpus of several documents, with terms of two weights and cut at any limit."""
    query = query_of(related, 0.4) | query_of(text)
    assert agrees(bm25_index(corpus).search(query, limit), reference(corpus, query), limit)


def test_the_comparison_sees_corrupted_postings() -> None:
    """The check can fail.

    It sees a wrong count, a passage taken for another, a heading that counts once, and questions that do not count or
    count for another passage.
    """
    corpus = [[passage("기공"), passage("기공 기공 온도 온도"), passage("온도", headings=("기공",)),
               answering_passage("균열", ["누구"], ["기공", "기공은"]), passage("균열")], [passage("온도 ADC12")]]
    first, query = corpus[0], query_of("기공")
    assert agrees(bm25_index(corpus).search(query, 9), reference(corpus, query), 9)

    def wrong_counts(postings: Postings) -> Postings:
        return replace(postings, counts=bytes(9 if count == 1 else 1 for count in postings.counts))

    def heading_counts_once(postings: Postings) -> Postings:
        return postings_of([*first[:2], passage("온도 기공"), *first[3:]])

    def no_questions(postings: Postings) -> Postings:
        return build_postings(first, ANALYZER)

    def questions_of_another(postings: Postings) -> Postings:
        return build_postings(first, ANALYZER, {(4, 1): ("기공", "기공은"), (3, 0): ("누구",)})

    for corrupt in (wrong_counts, lambda postings: shifted(postings, 2), heading_counts_once, no_questions,
                    questions_of_another):
        assert not agrees(bm25_index(corpus, corrupt).search(query, 9), reference(corpus, query), 9)


@settings(max_examples=100, deadline=None)
@given(CORPORA, TEXTS)
def test_a_search_for_countermeasures_only_leaves_out_the_rest(corpus: list[list[Passage]], text: str) -> None:
    """The order of the passages that announce countermeasures does not change."""
    index, query = bm25_index(corpus), query_of(text)
    actions = [passage_id for passage_id in index.search(query, 99)
               if corpus[int(passage_id.document)][passage_id.number].action]
    assert index.search(query, 99, action_only=True) == actions


@settings(max_examples=100, deadline=None)
@given(CORPORA, TEXTS)
def test_frequencies_count_passages_and_questions(corpus: list[list[Passage]], text: str) -> None:
    """A term counts once per passage whose own text contains it, or once per question; unknown terms are left out."""
    index, terms = bm25_index(corpus), [*ANALYZER.question_terms(text), "없는말"]
    in_texts = Counter(term for source in passages_by_id(corpus).values() for term in own_terms(source))
    in_questions = Counter(term for question in questions_in(corpus) for term in question)
    assert index.document_frequencies(terms) == {term: in_texts[term] for term in terms if in_texts[term]}
    assert index.document_frequencies(terms, in_questions=True) == {
        term: in_questions[term] for term in terms if in_questions[term]}
    assert index.passage_count == sum(map(len, corpus)) and index.question_count == len(questions_in(corpus))


def test_texts_and_questions_are_counted_apart() -> None:
    """A word of a question is no word of the text, nor the reverse; each question of a passage counts by itself."""
    corpus = [[answering_passage("기공", ["누구 기공 기공"], ["누구"]), answering_passage("온도", [], ["기공"])],
              [passage("기공", "기공")]]
    index, terms = bm25_index(corpus), ["누구", "기공", "온도"]
    assert index.document_frequencies(terms) == {"기공": 2, "온도": 1}
    assert index.document_frequencies(terms, in_questions=True) == {"누구": 2, "기공": 2} and index.question_count == 3


def test_headings_weigh_more() -> None:
    """Of two passages of one length, the one with the word in its heading comes first."""
    corpus = [[passage("기공 보기", headings=("균열",)), passage("균열 보기", headings=("기공",))]]
    assert [passage_id.number for passage_id in bm25_index(corpus).search(query_of("기공"), 5)] == [1, 0]


def test_morphemes_weigh_more_than_bigrams() -> None:
    """A passage that has the word comes before one of the same length that shares only a pair of its syllables."""
    corpus = [[passage("외국자본 하나"), passage("자본금 하나")]]
    ranking = bm25_index(corpus).search(query_of("자본금"), 5)
    assert ranking[0].number == 1


@pytest.mark.parametrize("limit", [1, 2, 5, 60, 999, 1000, 1001])
def test_equal_passages_come_in_order(limit: int) -> None:
    """Of passages with the same score the first ones are returned, document by document, at any limit."""
    index = bm25_index([[passage("기공 하나")] * 400, [passage("기공 하나")] * 600])
    in_order = [PassageId(document, "v", number) for document, count in (("0", 400), ("1", 600))
                for number in range(count)]
    assert index.search(query_of("기공"), limit) == in_order[:limit]


def test_passage_ids_name_the_document_and_its_version() -> None:
    """Empty documents between others shift nothing."""
    documents = {name: (f"v-{name}", build_postings([passage(text) for text in texts], ANALYZER))
                 for name, texts in {"a": [], "b": ["온도", "기공"], "c": [], "d": ["기공 온도 온도"], "e": []}.items()}
    assert Bm25Index(documents).search(query_of("기공"), 9) == [PassageId("b", "v-b", 1), PassageId("d", "v-d", 0)]


@pytest.mark.parametrize("corpus", [[], [[]], [[], []], [[passage("")]], [[passage("", action=True)]]],
                         ids=["no document", "an empty one", "two empty ones", "an empty passage", "an empty action"])
def test_an_empty_index_ranks_nothing(corpus: list[list[Passage]]) -> None:
    """Without documents, passages or words a search returns nothing and raises nothing."""
    index = bm25_index(corpus)
    for terms in ({}, {"기공": 1.0, "#기공": 1.0}):
        assert index.search(terms, 5) == index.search(terms, 5, action_only=True) == []
    assert index.document_frequencies(["기공"]) == index.document_frequencies(["기공"], in_questions=True) == {}
    assert index.passage_count == sum(map(len, corpus)) and index.question_count == 0


def test_a_passage_is_found_by_the_questions_that_it_answers() -> None:
    """A word that stands only in a question leads to its passage; one that the text contains too raises its score."""
    index = bm25_index([[passage("기공"), answering_passage("기공", [], ["기공 피스톤"]),
                         answering_passage("온도", ["피스톤 피스톤"])]])
    assert [passage_id.number for passage_id in index.search(query_of("피스톤"), 5)] == [2, 1]
    assert [passage_id.number for passage_id in index.search(query_of("기공"), 5)] == [1, 0]


def test_a_term_counts_by_its_weight() -> None:
    """A related term adds less than a term of the question."""
    index = bm25_index([[passage("기포"), passage("기공")]])
    assert [passage_id.number for passage_id in index.search({"기공": 1.0, "기포": 0.4}, 5)] == [1, 0]
    assert [passage_id.number for passage_id in index.search({"기공": 0.4, "기포": 1.0}, 5)] == [0, 1]
