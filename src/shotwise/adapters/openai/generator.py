"""Answers by any OpenAI-compatible server, as a stream."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

import httpx

from shotwise.adapters.openai.client import OpenAIClient
from shotwise.errors import KnowledgeError

SETTING = "SHOTWISE_WRITER"


class OpenAIGenerator:
    """Implements `knowledge.ports.TextGenerator`."""

    def __init__(self, base_url: str, model: str, key: str = "", client: httpx.Client | None = None, *,
                 seconds: float | None = None) -> None:
        self.name = model
        self._server = OpenAIClient(base_url, SETTING, key, client, seconds=seconds)

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """The text in pieces, as they come; KnowledgeError where it ends without the model having finished."""
        body = {"model": self.name, "temperature": 0, "stream": True,
                "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}]}
        finished = ""
        # Without `closing` the connection would stay open until the inner generator is collected.
        with closing(self._server.stream("/chat/completions", body)) as events:
            for event in events:
                text, reason = self._piece(event)
                finished = reason or finished
                if text:
                    yield text
        if not finished:
            raise KnowledgeError(f"the model {self.name} at {self._server.base_url} broke off in its answer")
        if finished == "content_filter":
            raise KnowledgeError(f"the content filter of {self._server.base_url} stopped the answer")

    def _piece(self, event: dict[str, Any]) -> tuple[str, str]:
        """Text and reason to end, empty where there is none; an event may hold neither (the count of tokens)."""
        try:
            choices = event.get("choices") or [{}]
            return str((choices[0].get("delta") or {}).get("content") or ""), str(choices[0].get("finish_reason") or "")
        except (TypeError, AttributeError, LookupError) as error:
            raise KnowledgeError(f"{self._server.base_url} sent an event that is no piece of an answer") from error
