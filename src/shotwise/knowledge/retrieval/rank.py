"""Rank passages for a query a second time, and decide whether they answer it at all.

The search ranks passages by their complete text. Here its best passages are ranked again by how much of the question
their headings and their best line cover. Whether the documents answer is decided by weighing the part of the question
that a passage covers against the words that it lacks: words that no document contains, and decisive ones (가격, 보증),
weigh most. The numbers are in ranking_weights.toml; docs/decisions/0022 and 0024 explain how they were found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shotwise.knowledge.models import Hit, Query
from shotwise.knowledge.retrieval.bm25 import idf
from shotwise.knowledge.retrieval.features import (
    CoverageFeatures,
    WeightedTerms,
    coverage_features,
    question_similarities,
    search_terms_of,
)
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.query_terms import QueryTerm, all_terms, content_terms
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.question import language_of


@dataclass(frozen=True)
class RankedPassages:
    """The passages for a query, and whether they answer it.

    Attributes
    ----------
    hits : tuple of Hit
        The passages, best first.
    certainty : float
        How certain it is that they answer the query; from 0 on they count as an answer.
    """

    hits: tuple[Hit, ...]
    certainty: float


def rank_passages(query: Query, search: HybridSearch, limit: int = WEIGHTS.candidates, *,
                  action_only: bool = False) -> RankedPassages:
    """Search the passages for a query and rank them by how much of it they cover.

    Parameters
    ----------
    query : Query
        The query. The second ranking uses its text only, the search its vector as well.
    search : HybridSearch
        Finds the candidates.
    limit : int
        Maximum number of hits.
    action_only : bool
        Whether only passages that announce countermeasures are searched.

    Returns
    -------
    ranked : RankedPassages
        If the query has no word that an answer should contain, the certainty is negative, and the hits have relevance 0
        and the order of the search.

    Raises
    ------
    KnowledgeError
        The search does not answer.
    """
    content, all_weighted = weighted_content_terms(query.text, search), _weighted_all_terms(query.text, search)
    passages, matrix = search.search_with_terms(
        query, [*search_terms_of(content), *search_terms_of(all_weighted)], max(limit, WEIGHTS.candidates),
        action_only=action_only)
    if not passages or not content:
        return RankedPassages(tuple(Hit(passage, 0.0) for passage in passages[:limit]), -1.0)
    features = list(coverage_features(content, matrix))
    similarities = question_similarities(all_weighted, matrix)
    order = sorted(range(len(passages)), key=lambda rank: -_score(rank, features[rank]))
    hits = tuple(Hit(passages[rank], features[rank].passage, _line_scores(features[rank], similarities[rank]))
                 for rank in order[:limit])
    return RankedPassages(hits, _certainty([(features[rank], similarities[rank]) for rank in order], content))


def _score(rank: int, features: CoverageFeatures) -> float:
    """Compute the score of a passage for the second ranking; `rank` is its rank in the first one, from 0."""
    return (math.exp(-rank / WEIGHTS.rank_decay) + WEIGHTS.headings_weight * features.headings
            + WEIGHTS.headings_with_questions_weight * features.headings_with_questions
            + WEIGHTS.line_weight * features.best_line**2
            + WEIGHTS.line_with_questions_weight * features.best_line_with_questions**2)


def _certainty(ranked: Sequence[tuple[CoverageFeatures, Sequence[float]]], weighted_terms: WeightedTerms) -> float:
    """Compute how certain it is that one of the first passages answers.

    `ranked` has the coverage and the question similarities of each passage, best passage first.
    """
    missing = sum(weight_missing for (query_term, weight), weight_missing
                  in zip(weighted_terms, ranked[0][0].missing, strict=True)
                  if query_term.decisive or weight == WEIGHTS.unknown_weight)
    return max(
        features.passage * max(similarities) - WEIGHTS.missing_penalty_with_questions * missing
        - WEIGHTS.min_coverage_with_questions if similarities else
        features.passage - WEIGHTS.missing_penalty * missing - WEIGHTS.min_coverage
        for features, similarities in ranked[:WEIGHTS.answer_depth])


def _line_scores(features: CoverageFeatures, similarities: Sequence[float]) -> tuple[float, ...]:
    """Compute how well each line answers; `similarities` is an element of `question_similarities`."""
    passage_similarity, *line_similarities = similarities or [0.0] * (len(features.lines) + 1)
    min_similarity = max(passage_similarity, WEIGHTS.min_line_similarity)
    return tuple(alone + WEIGHTS.line_and_headings_weight * with_headings
                 + WEIGHTS.line_similarity_weight * max(similarity - min_similarity, 0.0)
                 for (alone, with_headings), similarity in zip(features.lines, line_similarities, strict=True))


def weighted_content_terms(topic: str, search: HybridSearch) -> WeightedTerms:
    """Return the morphemes of a topic that an answer should contain, with their weights.

    Of a written word that was split into several unknown morphemes, only the first is returned.
    """
    query_terms = content_terms(topic, search.analyzer)
    frequencies = search.document_frequencies(
        [term for query_term in query_terms for term in query_term.search_terms])
    passage_count = search.passage_count()
    unknown_weight = WEIGHTS.unknown_weight if language_of(topic) == "ko" else WEIGHTS.unknown_foreign_weight
    weighted, unknown_words = [], set()
    for query_term in query_terms:
        weight = _weight(query_term, frequencies, passage_count, unknown_weight)
        if weight == WEIGHTS.unknown_weight and not query_term.decisive:
            if query_term.word in unknown_words:
                continue
            unknown_words.add(query_term.word)
        weighted.append((query_term, weight))
    return weighted


def _weighted_all_terms(topic: str, search: HybridSearch) -> WeightedTerms:
    """Return all morphemes of a topic, each with its inverse document frequency among the expected questions."""
    query_terms = all_terms(topic, search.analyzer)
    frequencies = search.document_frequencies([query_term.term for query_term in query_terms], in_questions=True)
    question_count = search.question_count()
    return [(query_term, float(idf(frequencies.get(query_term.term, 0), question_count))) for query_term in query_terms]


def _weight(query_term: QueryTerm, frequencies: Mapping[str, int], passage_count: int, unknown_weight: float) -> float:
    """Compute how important it is that an answer contains the morpheme."""
    if query_term.decisive:
        return WEIGHTS.decisive_weight
    rarest_bigram = min((frequencies.get(bigram, 0) for bigram in query_term.bigrams), default=0)
    count = frequencies.get(query_term.term) or rarest_bigram
    expansion_count = max((min(frequencies.get(term, 0) for term in expansion)
                           for expansion in query_term.expansions), default=0)
    rarity = float(idf(count or expansion_count, passage_count))
    if query_term.weak:
        return min(rarity, WEIGHTS.max_weak_weight) if count or expansion_count else WEIGHTS.unseen_weak_weight
    if len(query_term.term) == 1:
        return WEIGHTS.single_syllable_factor * rarity if count else WEIGHTS.unseen_weak_weight
    return rarity if count else WEIGHTS.expansion_only_weight if expansion_count else unknown_weight
