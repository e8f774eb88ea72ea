"""A question → statements of the documents that answer it, word for word. Nothing is invented here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shotwise.knowledge.models import Hit, Line, Passage, Query, Source
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.rank import rank_passages
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.question import Topic
from shotwise.knowledge.verify import has_opposite_direction, is_on_page

STATED = 0.6  # the least merit of a statement, against the best of its passage
WITHIN = 0.75  # the least relevance of a further passage, against the first
Searched = tuple[Topic, Query]


def statements(searched: Sequence[Searched], search: HybridSearch, most: int, *, action_only: bool = False) -> list[Source]:
    """The best statements for the topics, one of each in turn, each proven on its page; no quote twice."""
    return _interleave([_statements(topic, query, search, action_only=action_only) for topic, query in searched], most)


def _statements(topic: Topic, query: Query, search: HybridSearch, *, action_only: bool = False) -> Iterator[Source]:
    """The statements of the passages that answer `topic`, best passage first."""
    found = rank_passages(query, search, action_only=action_only)
    if found.certainty < 0:
        return
    least = WITHIN * found.hits[0].relevance
    for hit in (hit for hit in found.hits if hit.relevance >= least):
        for line in _best_lines(hit, topic, search.analyzer)[:3 if action_only else 1]:
            if is_on_page(line.quote, hit.passage.document, hit.passage.page, search):
                yield source_of(hit, line.quote)


def source_of(hit: Hit, quote: str) -> Source:
    """A quote of a passage as a source."""
    passage = hit.passage
    return Source(passage.document, passage.title, passage.page, round(hit.relevance, 4), quote)


def _best_lines(hit: Hit, topic: Topic, analyzer: Analyzer) -> list[Line]:
    """The lines of a passage that say something on the topic, best first."""
    passage = hit.passage
    wanted = analyzer.term_set(topic.text)
    least = STATED * max(hit.lines, default=0.0)
    scored = [(merit, line) for merit, line in zip(hit.lines, passage.lines, strict=True)
              if merit >= least and _fits(line, passage, topic, analyzer)
              and not has_opposite_direction(analyzer.term_set(line.text), wanted, remedy=passage.action)]
    return [line for _, line in sorted(scored, key=lambda found: -found[0])]


def _fits(line: Line, passage: Passage, topic: Topic, analyzer: Analyzer) -> bool:
    """Whether the line is about what it has to be about, by its own words or its section's heading, and, as a
    countermeasure, says something: a table row of figures does not."""
    named = analyzer.term_set(line.text) | analyzer.term_set(passage.headings[-1] if passage.headings else "")
    return analyzer.term_set(topic.about) <= named and not (passage.action and line.quote[-1:].isdigit())


def _interleave(streams: Sequence[Iterator[Source]], most: int) -> list[Source]:
    """One of each topic in turn, so that no topic crowds the others out; no quote twice."""
    found: dict[str, Source] = {}
    waiting = list(streams)
    while waiting and len(found) < most:
        for stream in list(waiting):
            source = next((source for source in stream if source.quote not in found), None)
            if source is None:
                waiting.remove(stream)
            elif len(found) < most:
                found[source.quote] = source
    return list(found.values())
