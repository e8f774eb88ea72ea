"""Embeddings by any OpenAI-compatible server."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import httpx

from shotwise.adapters.aws.remote import batches
from shotwise.adapters.openai.client import OpenAIClient
from shotwise.errors import KnowledgeError

SETTING = "SHOTWISE_EMBEDDER"
AT_ONCE = 64


class OpenAIEmbedder:
    """Implements `knowledge.ports.Embedder`. dimensions: those that the model has; it is not asked for fewer, because
    many servers know no such parameter. Texts are sent whole: what is too long for the model is the server's affair."""

    def __init__(self, base_url: str, model: str, dimensions: int, key: str = "",
                 client: httpx.Client | None = None, *, seconds: float | None = None) -> None:
        self.name = f"{model}/{dimensions}"
        self.dimensions = dimensions
        self._model = model
        self._server = OpenAIClient(base_url, SETTING, key, client, seconds=seconds)

    def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """One vector of unit length a text, 64 texts a request."""
        return [vector for batch in batches(texts, AT_ONCE) for vector in self._embed(batch)]

    def _embed(self, texts: list[str]) -> list[tuple[float, ...]]:
        answer = self._server.post("/embeddings", {"model": self._model, "input": texts})
        vectors: dict[int, tuple[float, ...]] = {}
        try:
            for position, found in enumerate(answer["data"]):
                vectors[found.get("index", position)] = self._unit(found["embedding"])
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            raise KnowledgeError(f"{self} answered without embeddings: {error!r}") from error
        if vectors.keys() != set(range(len(texts))):
            raise KnowledgeError(f"{self} gave {len(vectors)} embeddings for {len(texts)} texts, or misnumbered them")
        return [vectors[number] for number in range(len(texts))]

    def _unit(self, embedding: Any) -> tuple[float, ...]:
        vector = [float(value) for value in embedding]
        if len(vector) != self.dimensions:
            raise KnowledgeError(f"{self} gave {len(vector)} dimensions, not the {self.dimensions} that are set")
        length = math.hypot(*vector)
        if not 0 < length < math.inf:
            raise KnowledgeError(f"{self} gave an embedding without a length")
        return tuple(value / length for value in vector)

    def __str__(self) -> str:
        return f"the model {self._model} at {self._server.base_url}"
