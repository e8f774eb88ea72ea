"""Generate text with a language model on Bedrock, by Converse and ConverseStream."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.eventstream import ParserError
from urllib3.exceptions import HTTPError

from shotwise.adapters.aws.client import aws_client, translate_boto_errors
from shotwise.adapters.in_thread import iterate_in_thread
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError
from shotwise.limits import API_ANSWER_SECONDS

MAX_TOKENS = 1500  # per answer
COMPLETE = {"end_turn", "stop_sequence", "max_tokens"}
GUARDRAIL = "guardrail_intervened"


class ConverseGenerator:
    """Implements `knowledge.ports.TextGenerator`.

    If the guardrail stops an answer, its message for the user is yielded as text before the KnowledgeError, so the text
    has to be discarded after any error.

    Parameters
    ----------
    model_id : str
        Id of the model.
    guardrail_id, guardrail_version : str
        Id and version of the guardrail; an empty id for none.
    client : boto3 client, optional
        Client of bedrock-runtime; by default created at the first call.
    stream : bool
        False for a model or a policy without ConverseStream; the text is then yielded in one piece.
    seconds : float
        How long the model may send nothing, which is when a call ends that nobody waits for any more. There is only
        one attempt, because somebody is waiting for the answer.
    """

    def __init__(self, model_id: str, guardrail_id: str = "", guardrail_version: str = "DRAFT", client: Any = None, *,
                 stream: bool = True, seconds: float = API_ANSWER_SECONDS) -> None:
        self.name = model_id
        self._guardrail = {"guardrailIdentifier": guardrail_id, "guardrailVersion": guardrail_version}
        self._cached_client = client
        self._stream = stream
        self._seconds = seconds

    def write(self, system: str, prompt: str, deadline: Deadline) -> Generator[str, None, None]:
        """Yield the text in pieces, as they arrive.

        Raises
        ------
        KnowledgeError
            The model does not answer in time, or the text ends before the model has finished.
        """
        request: dict[str, Any] = {
            "modelId": self.name, "system": [{"text": system}],
            "messages": [{"role": "user", "content": [{"text": prompt}]}],
            "inferenceConfig": {"temperature": 0, "maxTokens": MAX_TOKENS}}
        if self._guardrail["guardrailIdentifier"]:
            request["guardrailConfig"] = self._guardrail
        write = self._streamed_text if self._stream else self._complete_text
        return iterate_in_thread(lambda: write(request), deadline, f"the model {self.name}")

    def _complete_text(self, request: dict[str, Any]) -> Generator[str, None, None]:
        with self._translate_errors():
            response = self._client().converse(**request)
        self._check_stop_reason(response["stopReason"])
        yield "".join(part.get("text", "") for part in response["output"]["message"]["content"])

    def _streamed_text(self, request: dict[str, Any]) -> Generator[str, None, None]:
        if "guardrailConfig" in request:
            # The guardrail checks text before it is sent; asynchronously, it could stop text that was already shown.
            request["guardrailConfig"] = {**request["guardrailConfig"], "streamProcessingMode": "sync"}
        with self._translate_errors():
            events = self._client().converse_stream(**request)["stream"]
        try:
            yield from self._texts(events)
        finally:
            events.close()

    def _texts(self, events: Iterable[dict[str, Any]]) -> Iterator[str]:
        stop_reason = ""
        with self._translate_errors():
            for event in events:
                text = event.get("contentBlockDelta", {}).get("delta", {}).get("text")
                if text:
                    yield text
                stop_reason = event.get("messageStop", {}).get("stopReason", stop_reason)
                self._check_event(event)
        self._check_stop_reason(stop_reason)

    def _check_event(self, event: dict[str, Any]) -> None:
        for kind, content in event.items():
            if kind.endswith("Exception"):
                raise KnowledgeError(f"the model {self.name} broke off: {kind}: {content.get('message', '')}")

    def _check_stop_reason(self, stop_reason: str) -> None:
        if stop_reason == GUARDRAIL:
            raise KnowledgeError(f"the guardrail {self._guardrail['guardrailIdentifier']} intervened: "
                                 "it blocks this question or its answer")
        if stop_reason not in COMPLETE:
            raise KnowledgeError(f"the model {self.name} broke off: {stop_reason or 'the stream ended in mid-answer'}")

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        with translate_boto_errors(f"the model {self.name} did not answer"):
            try:
                yield
            except (HTTPError, ParserError) as error:  # botocore does not translate errors while a stream is read
                raise KnowledgeError(f"the model {self.name} broke off: {error}") from error

    def _client(self) -> Any:
        if self._cached_client is None:
            self._cached_client = aws_client("bedrock-runtime", read_seconds=self._seconds, attempts=1)
        return self._cached_client
