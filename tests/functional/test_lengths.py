"""Whatever a caller sends, its length is bounded, and the largest that is accepted costs little."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries
from shotwise.limits import MAX_CONTEXT_ENTRIES, MAX_LABEL_CHARACTERS, MAX_LABEL_LANGUAGES, MAX_QUESTION_CHARACTERS

Event = Callable[..., dict[str, Any]]
DEFECT_TYPE = {"label": "미성형", "probability": 0.2}
BREACH = {"feature": "Velocity", "value": 1.0, "low": 2.0, "high": 3.0}
DRIVER = {"name": "Velocity", "label": "속도", "value": 0.1, "direction": "high"}
LONG = "가" * (MAX_LABEL_CHARACTERS + 1)
LANGUAGES = {f"language {number}": "x" for number in range(MAX_LABEL_LANGUAGES + 1)}


@pytest.fixture(scope="module")
def handler(answerer: Answerer) -> LambdaHandler:
    """The rag_query handler with the shipped index."""
    return rag_query_handler(answerer, FolderFileStore([], ""))


@pytest.mark.parametrize(("context", "field", "code"), [
    ({"defect_types": [DEFECT_TYPE, {**DEFECT_TYPE, "label": LONG}]}, "context.defect_types[1].label", "text_too_long"),
    ({"defect_types": [{**DEFECT_TYPE, "labels": {"ko": LONG}}]}, "context.defect_types[0].labels.ko", "text_too_long"),
    ({"defect_types": [{**DEFECT_TYPE, "labels": LANGUAGES}]}, "context.defect_types[0].labels", "too_many_entries"),
    ({"limits": [{**BREACH, "feature": LONG}]}, "context.limits[0].feature", "text_too_long"),
    ({"top_features": [{**DRIVER, "name": LONG}]}, "context.top_features[0].name", "text_too_long"),
    ({"top_features": [{**DRIVER, "label": LONG}]}, "context.top_features[0].label", "text_too_long"),
    ({"top_features": [DRIVER] * (MAX_CONTEXT_ENTRIES + 1)}, "context.top_features", "too_many_entries"),
    ({"limits": [BREACH] * (MAX_CONTEXT_ENTRIES + 1)}, "context.limits", "too_many_entries")])
def test_what_is_too_long_in_a_context_is_named(handler: LambdaHandler, event: Event, context: dict[str, Any],
                                                field: str, code: str) -> None:
    """It is a 400 with the path of the field, a code and the limit."""
    reply = handler(event("POST", "/rag-query", {"context": context}), None)
    (error,) = json.loads(reply["body"])["errors"]
    assert reply["statusCode"] == 400 and (error["field"], error["code"]) == (field, code) and error["params"]["max"]


def test_labels_of_80000_characters_take_no_time(handler: LambdaHandler, event: Event) -> None:
    """Eight of them took 2.5 GB and more than a minute; they are refused within 0.2 s."""
    long_label = "미성형불량" * 16_000
    body = json.dumps({"context": {"defect_types": [{**DEFECT_TYPE, "label": long_label}]}}, ensure_ascii=False)
    start = time.process_time()
    replies = [handler(event("POST", "/rag-query", body), None) for _ in range(8)]
    assert {reply["statusCode"] for reply in replies} == {400} and time.process_time() - start < 1


def dearest_words() -> list[str]:
    """Return the words that cost most: those that the thesaurus relates to others."""
    return sorted(read_dictionary(*shipped_dictionaries()).related)


def fill(words: list[str], length: int, seed: int) -> str:
    """Return a text of words in a random order, up to a length."""
    return " ".join(random.Random(seed).choices(words, k=length))[:length]


def largest_requests() -> list[dict[str, Any]]:
    """Return requests at their limits, none of which was seen before, so that no cache helps."""
    words = dearest_words()
    texts = [fill(words, MAX_QUESTION_CHARACTERS, seed) for seed in range(3)]
    texts += ["가" * MAX_QUESTION_CHARACTERS, "\ufdfa" * MAX_QUESTION_CHARACTERS, "1 " * (MAX_QUESTION_CHARACTERS // 2),
              "".join(map(chr, range(0xAC00, 0xAC00 + MAX_QUESTION_CHARACTERS)))]
    label = [fill(words, MAX_LABEL_CHARACTERS, seed) for seed in range(100)]
    context = {"defect_types": [{**DEFECT_TYPE, "label": text} for text in label[:50]] * 20,
               "top_features": [{**DRIVER, "label": text} for text in label[50:]] * 20,
               "limits": [{**BREACH, "feature": text} for text in label] * 10}
    return [*({"query": text} for text in texts), {"context": context}]


@pytest.mark.parametrize("number", range(len(largest_requests())))
def test_the_largest_request_costs_less_than_a_second_and_50_mb(answerer: Answerer, number: int) -> None:
    """A question of 2,000 characters, and a context of a thousand entries in each list with the longest labels."""
    analyzer = Analyzer(read_dictionary(*shipped_dictionaries()))  # with empty caches
    answerer.hybrid_search.analyzer, before = analyzer, answerer.hybrid_search.analyzer
    handler = rag_query_handler(answerer, FolderFileStore([], ""))
    request = largest_requests()[number]
    try:
        start = time.thread_time()
        handler(request, None)
        seconds = time.thread_time() - start
        tracemalloc.start()
        handler(request, None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        answerer.hybrid_search.analyzer = before
    assert seconds < 1 and peak < 50e6, f"{seconds:.2f} s, {peak / 1e6:.1f} MB"
