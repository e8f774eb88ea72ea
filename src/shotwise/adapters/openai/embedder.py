"""Embed texts with an OpenAI-compatible server."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import httpx2

from shotwise.adapters.batching import batches
from shotwise.adapters.openai.client import OpenAIClient
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError
from shotwise.limits import MAX_EMBEDDING_BYTES_PER_NUMBER, MAX_MODEL_ERROR_BYTES

SETTING = "SHOTWISE_EMBEDDER"
MAX_TEXTS_PER_REQUEST = 64


class OpenAIEmbedder:
    """Implements `knowledge.ports.Embedder`.

    Texts are sent in full; the server decides what to do with a text that is too long for the model.

    Parameters
    ----------
    base_url, model : str
        URL of the server and name of the model.
    dimensions : int
        Length of the model's vectors. It is not sent as a parameter, which many servers do not support.
    key, client
        As in `OpenAIClient`.
    """

    def __init__(self, base_url: str, model: str, dimensions: int, key: str = "",
                 client: httpx2.Client | None = None) -> None:
        self.name = f"{model}/{dimensions}"
        self.dimensions = dimensions
        self._model = model
        self._client = OpenAIClient(base_url, SETTING, key, client)

    def embed(self, texts: Sequence[str], deadline: Deadline | None = None) -> list[tuple[float, ...]]:
        """Return one vector of unit length per text; a request has up to 64 texts."""
        return [vector for batch in batches(texts, MAX_TEXTS_PER_REQUEST) for vector in self._embed(batch, deadline)]

    def _embed(self, texts: list[str], deadline: Deadline | None) -> list[tuple[float, ...]]:
        max_bytes = MAX_MODEL_ERROR_BYTES + len(texts) * (self.dimensions + 16) * MAX_EMBEDDING_BYTES_PER_NUMBER
        response = self._client.post("/embeddings", {"model": self._model, "input": texts}, deadline, max_bytes)
        vectors: dict[int, tuple[float, ...]] = {}
        try:
            for position, entry in enumerate(response["data"]):
                vectors[entry.get("index", position)] = self._unit_vector(entry["embedding"])
        except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
            raise KnowledgeError(f"{self} answered without embeddings: {error!r}") from error
        if vectors.keys() != set(range(len(texts))):
            raise KnowledgeError(f"{self} gave {len(vectors)} embeddings for {len(texts)} texts, or misnumbered them")
        return [vectors[number] for number in range(len(texts))]

    def _unit_vector(self, embedding: Any) -> tuple[float, ...]:
        if not all(type(component) in (int, float) for component in embedding):
            raise TypeError("an embedding is not a list of numbers")
        vector = [float(component) for component in embedding]
        if len(vector) != self.dimensions:
            raise KnowledgeError(f"{self} gave {len(vector)} dimensions, not the {self.dimensions} that are set")
        length = math.hypot(*vector)
        if not 0 < length < math.inf:
            raise KnowledgeError(f"{self} gave an embedding without a length")
        return tuple(component / length for component in vector)

    def __str__(self) -> str:
        return f"the model {self._model} at {self._client.base_url}"
