"""A broken model costs an answer neither its quotes nor its time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from broken_models import KINDS, broken_model

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.adapters.openai.embedder import OpenAIEmbedder
from shotwise.adapters.openai.generator import OpenAIGenerator
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.models import Answer
from shotwise.knowledge.text.question import question_from_user
from shotwise.limits import WORKFLOW_ANSWER_SECONDS

QUESTION = question_from_user("용해로 온도가 높으면 어떤 결함이 생기나요?", None)
SECONDS = 1.2
IN_TIME = {"silent", "no_headers", "drip", "an_event_each_second"}  # those that use it all up
Event = Callable[..., dict[str, Any]]


def timed(answerer: Answerer) -> tuple[Answer, float]:
    """Answer the question, and measure how long that takes."""
    start = time.monotonic()
    return answerer.answer(QUESTION, SECONDS), time.monotonic() - start


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_quotes_where_a_text_generator_is_broken(answerer: Answerer, kind: str) -> None:
    """It is the extractive answer, it comes within its time, and says that generating failed."""
    with broken_model(kind) as model:
        broken = Answerer(answerer.hybrid_search, text_generator=OpenAIGenerator(model.url, "m"))
        answer, seconds = timed(broken)
        assert seconds < SECONDS + 0.3 and model.requests <= 1
        assert replace(answer, degraded=(), dropped=0) == answerer.answer(QUESTION)
        assert [step for step, _ in answer.degraded] == ["generation"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_quotes_where_an_embedder_is_broken(answerer: Answerer, kind: str) -> None:
    """Words alone are searched; the embedder is asked once, however many topics and statements there are."""
    with broken_model(kind) as model:
        broken = Answerer(answerer.hybrid_search, OpenAIEmbedder(model.url, "m", 1024))
        answer, seconds = timed(broken)
        assert seconds < SECONDS + 0.3 and model.requests <= 1
        assert replace(answer, degraded=()) == answerer.answer(QUESTION)
        assert [step for step, _ in answer.degraded] == ["embedding"]


@pytest.mark.parametrize("kind", sorted(IN_TIME))
def test_a_model_that_ran_out_of_time_gets_a_pause(answerer: Answerer, kind: str) -> None:
    """The next answers do not ask it, and say so, so that they take no longer than without a model."""
    with broken_model(kind) as model:
        text_generator, embedder = OpenAIGenerator(model.url, "m"), OpenAIEmbedder(model.url, "m", 1024)
        for step, broken in (("generation", Answerer(answerer.hybrid_search, text_generator=text_generator)),
                             ("embedding", Answerer(answerer.hybrid_search, embedder))):
            first, _ = timed(broken)
            second, seconds = timed(broken)
            assert first.degraded == ((step, "TimeLimitExceeded"),)
            assert second == replace(first, degraded=((step, "ModelPaused"),)) and seconds < SECONDS / 2
        assert model.requests <= 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=() if kind == "silent" else pytest.mark.long) for kind in sorted(IN_TIME)])
def test_a_step_of_the_workflow_ends_within_its_limit(answerer: Answerer, event: Event, kind: str) -> None:
    """With embedder and text generator broken, a step has its extractive answer, and so has POST /rag-query."""
    with broken_model(kind) as model:
        handler = rag_query_handler(Answerer(answerer.hybrid_search, OpenAIEmbedder(model.url, "m", 1024),
                                             OpenAIGenerator(model.url, "m")), FolderFileStore([], ""))
        start = time.monotonic()
        reply = handler({"query": QUESTION.topics[0].text}, None)
        assert time.monotonic() - start < WORKFLOW_ANSWER_SECONDS
        assert reply["grounded"] and [entry["step"] for entry in reply["degraded"]] == ["embedding", "generation"]
        response = handler(event("POST", "/rag-query", {"query": QUESTION.topics[0].text}), None)
        assert response["statusCode"] == 200, response["body"]
        body = json.loads(response["body"])
        assert [entry["error"] for entry in body["degraded"]] == ["ModelPaused", "ModelPaused"]
