"""Embed texts with Amazon Titan Text Embeddings V2 on Bedrock."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from shotwise.adapters.aws.client import aws_client, translate_boto_errors
from shotwise.adapters.in_thread import call_in_thread
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError

MAX_CHARACTERS = 50_000
TOO_LONG = "too many input tokens"  # part of the service's error for a text of more than 8,192 tokens
PARALLEL_REQUESTS = 8
READ_SECONDS = 20
ATTEMPTS = 5  # requests are usually throttled while many pages are embedded


class TitanEmbedder:
    """Implements `knowledge.ports.Embedder`.

    The model embeds one text per request, so 8 requests run in parallel. Only the beginning of a text beyond the
    model's limits is embedded: its first 50,000 characters, or as often as these have more than 8,192 tokens, which
    only the service can count, their first half.

    Parameters
    ----------
    model_id : str
        Id of the model.
    dimensions : int
        Length of the vectors.
    client : boto3 client, optional
        Client of bedrock-runtime; by default created at the first call.
    seconds : float, optional
        Time limit of a single try. By default there are five tries of 20 s.
    """

    def __init__(self, model_id: str = "amazon.titan-embed-text-v2:0", dimensions: int = 1024,
                 client: Any = None, *, seconds: float | None = None) -> None:
        self.name = f"{model_id}/{dimensions}"
        self.dimensions = dimensions
        self._model_id = model_id
        self._cached_client = client
        self._seconds = seconds

    def embed(self, texts: Sequence[str], deadline: Deadline | None = None) -> list[tuple[float, ...]]:
        """Return one vector per text, in order. Raises KnowledgeError at the first text that fails."""
        if deadline is None:
            return self._embed_all(texts, lambda: None)
        subject = f"the model {self._model_id}"
        return call_in_thread(lambda: self._embed_all(texts, lambda: deadline.check(subject)), deadline, subject)

    def _embed_all(self, texts: Sequence[str], check_time: Callable[[], None]) -> list[tuple[float, ...]]:
        with translate_boto_errors(f"the model {self._model_id} did not answer"):
            client = self._client()  # before the threads start, because creating a boto3 client is not thread-safe
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            return list(pool.map(lambda text: self._embed(client, text, check_time), texts))

    def _embed(self, client: Any, text: str, check_time: Callable[[], None]) -> tuple[float, ...]:
        text = text[:MAX_CHARACTERS]
        with translate_boto_errors(f"the model {self._model_id} did not answer"):
            while True:
                check_time()
                try:
                    return self._request_vector(client, text)
                except ClientError as error:
                    if TOO_LONG not in str(error).lower() or len(text) < 2:
                        raise
                    text = text[:len(text) // 2]

    def _request_vector(self, client: Any, text: str) -> tuple[float, ...]:
        body = json.dumps({"inputText": text, "dimensions": self.dimensions, "normalize": True})
        response = client.invoke_model(modelId=self._model_id, body=body, contentType="application/json",
                                       accept="application/json")
        try:
            vector = tuple(float(component) for component in json.loads(response["body"].read())["embedding"])
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
            raise KnowledgeError(f"the model {self._model_id} answered without an embedding: {error!r}") from error
        if len(vector) != self.dimensions:
            raise KnowledgeError(f"the model {self._model_id} gave {len(vector)} dimensions, not {self.dimensions}")
        return vector

    def _client(self) -> Any:
        if self._cached_client is None:
            self._cached_client = aws_client(
                "bedrock-runtime", read_seconds=self._seconds or READ_SECONDS,
                attempts=1 if self._seconds else ATTEMPTS, connections=PARALLEL_REQUESTS)
        return self._cached_client
