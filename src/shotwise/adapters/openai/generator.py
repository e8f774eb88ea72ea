"""Generate text with an OpenAI-compatible server, as a stream."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

import httpx2

from shotwise.adapters.openai.client import OpenAIClient
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError

SETTING = "SHOTWISE_WRITER"


class OpenAIGenerator:
    """Implements `knowledge.ports.TextGenerator`.

    Parameters
    ----------
    base_url, model : str
        URL of the server and name of the model.
    key, client
        As in `OpenAIClient`.
    """

    def __init__(self, base_url: str, model: str, key: str = "", client: httpx2.Client | None = None) -> None:
        self.name = model
        self._client = OpenAIClient(base_url, SETTING, key, client)

    def write(self, system: str, prompt: str, deadline: Deadline) -> Generator[str, None, None]:
        """Yield the text in pieces, as they arrive.

        Raises
        ------
        KnowledgeError
            The server does not answer in time, or the text ends before the model has finished.
        """
        body = {"model": self.name, "temperature": 0, "stream": True,
                "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}]}
        finish_reason = ""
        # Without `closing` the connection would stay open until the inner generator is collected.
        with closing(self._client.stream("/chat/completions", body, deadline)) as events:
            for event in events:
                text, reason = self._read_event(event)
                finish_reason = reason or finish_reason
                if text:
                    yield text
        if not finish_reason:
            raise KnowledgeError(f"the model {self.name} at {self._client.base_url} broke off in its answer")
        if finish_reason == "content_filter":
            raise KnowledgeError(f"the content filter of {self._client.base_url} stopped the answer")

    def _read_event(self, event: dict[str, Any]) -> tuple[str, str]:
        """Return text and finish reason of an event; both may be empty, as in the event that counts tokens."""
        try:
            choices = event.get("choices") or [{}]
            text, reason = (choices[0].get("delta") or {}).get("content"), choices[0].get("finish_reason")
            if not isinstance(text or "", str) or not isinstance(reason or "", str):
                raise TypeError("the content is not a text")
        except (TypeError, AttributeError, LookupError) as error:
            raise KnowledgeError(f"{self._client.base_url} sent an event that is not part of an answer") from error
        return text or "", reason or ""
