"""A passage search over the fake OpenSearch, where time passes only in pauses."""

from __future__ import annotations

from typing import Any

from fake_opensearch import Store
from opensearchpy import OpenSearch
from sample_indexed_documents import vector

from shotwise.adapters.aws.opensearch_search import OpenSearchPassageSearch
from shotwise.knowledge.models import Query

HOST = "x.us-east-1.aoss.amazonaws.com"


class Collection:
    """A passage search over the fake OpenSearch; every third pause refreshes it.

    Attributes
    ----------
    store : the fake index
    pauses : seconds of each pause
    url : of the fake server
    passage_search : what is tested
    """

    def __init__(self, url: str, store: Store, dimensions: int = 4) -> None:
        self.store = store
        self.pauses: list[float] = []
        self.url = url
        self.passage_search = self.open_search(dimensions)

    def open_search(self, dimensions: int, **options: Any) -> OpenSearchPassageSearch:
        """Open a passage search of these dimensions over the same index."""
        client = OpenSearch(hosts=[self.url], max_retries=0, timeout=5, **options)
        return OpenSearchPassageSearch(HOST, "passages", "us-east-1", dimensions, client, sleep=self.pause)

    def pause(self, seconds: float) -> None:
        """Note the pause; at every third one, show what was written."""
        self.pauses.append(seconds)
        if len(self.pauses) % 3 == 0:
            self.store.refresh()

    def search(self, text: str, *angles: float, **options: Any) -> list[list[int]]:
        """Return the numbers of the passages in each ranking."""
        query = Query(text, vector(angles[0]) if angles else None)
        rankings = self.passage_search.rankings(query, 10, **options)
        return [[passage_id.number for passage_id in ranking] for ranking in rankings]

    def visible_passages(self) -> list[tuple[str, str, int]]:
        """Return (document, version, number) of every passage after a refresh."""
        self.store.refresh()
        return sorted((source["document"], source["version"], source["number"])
                      for source in self.store.visible.values())
