"""Statements by meaning, for a question that shares no words with the documents, such as one in another language."""

from __future__ import annotations

from collections.abc import Sequence

from shotwise.knowledge.answering.extract import Searched, source_of
from shotwise.knowledge.models import Hit, Source
from shotwise.knowledge.ports import Embedder
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.verify import is_on_page

PASSAGES, LINES = 6, 48  # looked at; each line costs an embedding


def alike(searched: Sequence[Searched], search: HybridSearch, embedder: Embedder, least: float, most: int, *,
          action_only: bool = False) -> list[Source]:
    """The lines nearest to the topics in meaning, of cosine `least` and more, each proven on its page. Their relevance
    is that cosine."""
    found: dict[str, tuple[float, Source]] = {}
    for _, query in searched:
        if query.vector is None:
            continue
        passages = search.search(query, PASSAGES, action_only=action_only)
        lines = [(passage, line) for passage in passages for line in passage.lines][:LINES]
        vectors = embedder.embed([line.text for _, line in lines]) if lines else []
        for (passage, line), vector in zip(lines, vectors, strict=True):
            near = sum(one * other for one, other in zip(vector, query.vector, strict=True))
            known = found[line.quote][0] if line.quote in found else least
            if near >= known and is_on_page(line.quote, passage.document, passage.page, search):
                found[line.quote] = near, source_of(Hit(passage, near), line.quote)
    best = sorted(found.values(), key=lambda pair: -pair[0])[:most]
    return [source for _, source in best]
