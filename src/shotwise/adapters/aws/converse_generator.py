"""Answers by a model on Bedrock, through Converse and ConverseStream."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.eventstream import ParserError
from urllib3.exceptions import HTTPError

from shotwise.adapters.aws.remote import aws_client, translated
from shotwise.errors import KnowledgeError

MAX_TOKENS = 1500  # of an answer
READ_SECONDS = 60
FINISHED = {"end_turn", "stop_sequence", "max_tokens"}
GUARDRAIL = "guardrail_intervened"


class ConverseGenerator:
    """Implements `knowledge.ports.TextGenerator`. stream: False for a model or a policy without ConverseStream; the text then
    comes in one piece. seconds: that the model may be silent; it is asked once, who waits gets quotes instead.

    Where the guardrail stops an answer, its message for the user comes as text before the KnowledgeError, so what was
    written has to be dropped with any error.
    """

    def __init__(self, model_id: str, guardrail_id: str = "", guardrail_version: str = "DRAFT", client: Any = None, *,
                 stream: bool = True, seconds: float = READ_SECONDS) -> None:
        self.name = model_id
        self._guardrail = {"guardrailIdentifier": guardrail_id, "guardrailVersion": guardrail_version}
        self._given = client
        self._stream = stream
        self._seconds = seconds

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """The text in pieces, as they come; KnowledgeError where it ends without the model having finished."""
        request: dict[str, Any] = {
            "modelId": self.name, "system": [{"text": system}],
            "messages": [{"role": "user", "content": [{"text": prompt}]}],
            "inferenceConfig": {"temperature": 0, "maxTokens": MAX_TOKENS}}
        if self._guardrail["guardrailIdentifier"]:
            request["guardrailConfig"] = self._guardrail
        return self._pieces(request) if self._stream else self._whole(request)

    def _whole(self, request: dict[str, Any]) -> Generator[str, None, None]:
        with self._translated():
            answer = self._client().converse(**request)
        self._check(answer["stopReason"])
        yield "".join(part.get("text", "") for part in answer["output"]["message"]["content"])

    def _pieces(self, request: dict[str, Any]) -> Generator[str, None, None]:
        if "guardrailConfig" in request:
            # Text is checked before it comes; asynchronously it would be shown first and stopped later.
            request["guardrailConfig"] = {**request["guardrailConfig"], "streamProcessingMode": "sync"}
        with self._translated():
            events = self._client().converse_stream(**request)["stream"]
        try:
            yield from self._texts(events)
        finally:
            events.close()

    def _texts(self, events: Iterable[dict[str, Any]]) -> Iterator[str]:
        reason = ""
        with self._translated():
            for event in events:
                text = event.get("contentBlockDelta", {}).get("delta", {}).get("text")
                if text:
                    yield text
                reason = event.get("messageStop", {}).get("stopReason", reason)
                self._check_event(event)
        self._check(reason)

    def _check_event(self, event: dict[str, Any]) -> None:
        for kind, content in event.items():
            if kind.endswith("Exception"):
                raise KnowledgeError(f"the model {self.name} broke off: {kind}: {content.get('message', '')}")

    def _check(self, reason: str) -> None:
        """How an answer ended."""
        if reason == GUARDRAIL:
            raise KnowledgeError(f"the guardrail {self._guardrail['guardrailIdentifier']} intervened: "
                                 "it lets neither this question nor its answer pass")
        if reason not in FINISHED:
            raise KnowledgeError(f"the model {self.name} broke off: {reason or 'the stream ended in mid-answer'}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with translated(f"the model {self.name} did not answer"):
            try:
                yield
            except (HTTPError, ParserError) as error:  # a stream is read past botocore's own translation
                raise KnowledgeError(f"the model {self.name} broke off: {error}") from error

    def _client(self) -> Any:
        if self._given is None:
            self._given = aws_client("bedrock-runtime", read_seconds=self._seconds, attempts=1)
        return self._given
