"""Find statements of the documents that answer a question, to be quoted word for word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shotwise.knowledge.models import Hit, Line, Passage, Query, Source
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.rank import rank_passages
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.question import Topic
from shotwise.knowledge.verify import has_opposite_direction, is_on_page

MIN_LINE_SCORE_SHARE = 0.6  # share of the score of the passage's best line
MIN_RELEVANCE_SHARE = 0.75  # share of the relevance of the first passage
MAX_ACTIONS_PER_PASSAGE = 3


class TopicQuery(NamedTuple):
    """A topic together with the query that searches for it."""

    topic: Topic
    query: Query


def statements(topic_queries: Sequence[TopicQuery], search: HybridSearch, limit: int, *,
               action_only: bool = False) -> list[Source]:
    """Return the best statements for the topics, one of each topic in turn, without repeating a quote.

    Every quote is verified against its page. Raises KnowledgeError if the search does not answer.
    """
    return _interleave([_topic_statements(topic, query, search, action_only=action_only)
                        for topic, query in topic_queries], limit)


def source_from_hit(hit: Hit, quote: str) -> Source:
    """Return a quote of a passage as a source."""
    passage = hit.passage
    return Source(passage.document, passage.title, passage.page, round(hit.relevance, 4), quote)


def _topic_statements(topic: Topic, query: Query, search: HybridSearch, *, action_only: bool) -> Iterator[Source]:
    """Yield the statements that answer a topic, those of the best passage first."""
    ranked = rank_passages(query, search, action_only=action_only)
    if ranked.certainty < 0:
        return
    min_relevance = MIN_RELEVANCE_SHARE * ranked.hits[0].relevance
    for hit in (hit for hit in ranked.hits if hit.relevance >= min_relevance):
        for line in _best_lines(hit, topic, search.analyzer)[:MAX_ACTIONS_PER_PASSAGE if action_only else 1]:
            if is_on_page(line.quote, hit.passage.document, hit.passage.page, search):
                yield source_from_hit(hit, line.quote)


def _best_lines(hit: Hit, topic: Topic, analyzer: Analyzer) -> list[Line]:
    """Return the lines of a passage that can be quoted for a topic, best first."""
    passage = hit.passage
    topic_terms = analyzer.term_set(topic.text)
    min_score = MIN_LINE_SCORE_SHARE * max(hit.line_scores, default=0.0)
    scored = [(score, line) for score, line in zip(hit.line_scores, passage.lines, strict=True)
              if score >= min_score and _is_quotable(line, passage, topic, analyzer)
              and not has_opposite_direction(analyzer.term_set(line.text), topic_terms, action=passage.action)]
    return [line for _, line in sorted(scored, key=lambda pair: -pair[0])]


def _is_quotable(line: Line, passage: Passage, topic: Topic, analyzer: Analyzer) -> bool:
    """Return whether a line can be quoted for a topic.

    The line or the heading of its section has to contain the topic's subject. A countermeasure also has to be a
    statement, which a table row that ends in a figure is not.
    """
    named = analyzer.term_set(line.text) | analyzer.term_set(passage.headings[-1] if passage.headings else "")
    return analyzer.term_set(topic.subject) <= named and not (passage.action and line.quote[-1:].isdigit())


def _interleave(streams: Sequence[Iterator[Source]], limit: int) -> list[Source]:
    """Take one source of each stream in turn, so that no topic crowds out the others, and no quote twice."""
    sources: dict[str, Source] = {}
    pending = list(streams)
    while pending and len(sources) < limit:
        for stream in list(pending):
            source = next((source for source in stream if source.quote not in sources), None)
            if source is None:
                pending.remove(stream)
            elif len(sources) < limit:
                sources[source.quote] = source
    return list(sources.values())
