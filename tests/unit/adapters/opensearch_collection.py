"""A searcher over the small OpenSearch, and time that passes only where it pauses."""

from __future__ import annotations

from typing import Any

from fake_opensearch import Store
from opensearchpy import OpenSearch
from sample_indexed_documents import vector

from shotwise.adapters.aws.opensearch_search import OpenSearchPassageSearch
from shotwise.knowledge.models import Query

HOST = "x.us-east-1.aoss.amazonaws.com"


class Collection:
    """A searcher over the small OpenSearch; a pause refreshes it, as time does."""

    def __init__(self, address: str, store: Store, dimensions: int = 4) -> None:
        self.store = store
        self.pauses: list[float] = []
        self.address = address
        self.searcher = self.another(dimensions)

    def another(self, dimensions: int, **options: Any) -> OpenSearchPassageSearch:
        """A searcher of other dimensions over the same index."""
        client = OpenSearch(hosts=[self.address], max_retries=0, timeout=5, **options)
        return OpenSearchPassageSearch(HOST, "passages", "us-east-1", dimensions, client, sleep=self.pause)

    def pause(self, seconds: float) -> None:
        """A refresh, at times."""
        self.pauses.append(seconds)
        if len(self.pauses) % 3 == 0:
            self.store.refresh()

    def search(self, text: str, *angles: float, **options: Any) -> list[list[int]]:
        """The numbers of the passages in each ranking."""
        query = Query(text, vector(angles[0]) if angles else None)
        return [[key.number for key in ranking] for ranking in self.searcher.rankings(query, 10, **options)]

    def there(self) -> list[tuple[str, str, int]]:
        """What can be found of every version."""
        self.store.refresh()
        return sorted((source["document"], source["version"], source["number"])
                      for source in self.store.visible.values())
