"""Find statements by meaning, for questions that share no words with the documents, such as in another language."""

from __future__ import annotations

from collections.abc import Sequence

from shotwise.deadline import Deadline
from shotwise.knowledge.answering.extract import TopicQuery, source_from_hit
from shotwise.knowledge.models import Hit, Source
from shotwise.knowledge.ports import Embedder
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.verify import is_on_page

MAX_PASSAGES, MAX_LINES = 6, 48  # per topic; every line has to be embedded


def statements_by_meaning(topic_queries: Sequence[TopicQuery], search: HybridSearch, embedder: Embedder,
                          min_similarity: float, limit: int, deadline: Deadline, *,
                          action_only: bool = False) -> list[Source]:
    """Return the lines that are nearest to the topics in meaning, best first.

    Parameters
    ----------
    topic_queries : sequence of TopicQuery
        The topics; those whose query has no vector are skipped.
    search : HybridSearch
        Finds the passages.
    embedder, deadline : Embedder, Deadline
        Embeds the lines of the passages by the deadline.
    min_similarity : float
        Minimum cosine of line and query. The cosine becomes the relevance of the source.
    limit : int
        Maximum number of sources.
    action_only : bool
        Whether only passages that announce countermeasures are searched.

    Raises
    ------
    KnowledgeError
        The search or the embedder does not answer in time.
    """
    best: dict[str, tuple[float, Source]] = {}
    for _, query in topic_queries:
        if query.vector is None:
            continue
        passages = search.search(query, MAX_PASSAGES, action_only=action_only)
        lines = [(passage, line) for passage in passages for line in passage.lines][:MAX_LINES]
        vectors = embedder.embed([line.text for _, line in lines], deadline) if lines else []
        for (passage, line), vector in zip(lines, vectors, strict=True):
            cosine = sum(x * y for x, y in zip(vector, query.vector, strict=True))
            threshold = best[line.quote][0] if line.quote in best else min_similarity
            if cosine >= threshold and is_on_page(line.quote, passage.document, passage.page, search):
                best[line.quote] = cosine, source_from_hit(Hit(passage, cosine), line.quote)
    ranked = sorted(best.values(), key=lambda pair: -pair[0])[:limit]
    return [source for _, source in ranked]
