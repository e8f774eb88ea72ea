"""Measure one function in a process of its own, like a container of Lambda: its start, then one call after another.

    python -m benchmarks.usage.calls FUNCTION CALLS RESULT

Standard output is what the function logs and nothing else; the figures go to the file RESULT. Times are processor
time: nothing in these calls waits, and other work on the machine must not count as cost.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Generator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
QUESTIONS = ("비스킷 두께가 규격보다 작으면 어떻게 해야 합니까?", "용탕 온도가 낮을 때 어떤 불량이 생깁니까?",
             "기포 불량의 원인과 대책은 무엇입니까?", "What causes a cold shut, and what is to be changed?",
             "점심 메뉴는 무엇입니까?")


class Context:
    """The part of Lambda's context that the functions read."""

    aws_request_id = "11111111-2222-3333-4444-555555555555"
    function_name = "usage"


class PromptRecorder:
    """A text generator that writes nothing and records the sizes of its prompts.

    Attributes
    ----------
    bytes : list of int
        Size of each prompt in bytes.
    """

    name = "recorder"

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def write(self, system: str, prompt: str, deadline: Any) -> Generator[str, None, None]:
        """Record the size of the prompt, and yield no text."""
        self.bytes.append(len((system + prompt).encode()))
        yield from ()


def processor_seconds() -> float:
    """Return the processor time of this process and of its children (PDFs are read in one)."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def proxy_event(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make an event of API Gateway for a POST request."""
    return {"httpMethod": "POST", "path": path, "resource": path, "requestContext": {}, "isBase64Encoded": False,
            "headers": {"content-type": "application/json"}, "pathParameters": None, "queryStringParameters": None,
            "multiValueQueryStringParameters": None, "body": json.dumps(body, ensure_ascii=False)}


def by_gateway(handler: Callable[..., Any], path: str) -> Callable[[dict[str, Any]], int]:
    """Return a function that sends a request to a path and returns the size of the reply."""
    def call(body: dict[str, Any]) -> int:
        reply = handler(proxy_event(path, body), Context())
        assert reply["statusCode"] == 200, reply
        return len(reply["body"].encode())
    return call


def by_stream(app: Any) -> Callable[[dict[str, Any]], int]:
    """Return a function that sends a request to the ASGI app and returns the size of the stream."""
    def call(body: dict[str, Any]) -> int:
        size, request = 0, json.dumps(body).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal size
            size += len(message.get("body", b""))

        scope = {"type": "http", "method": "POST", "path": "/query", "raw_path": b"/query", "query_string": b"",
                 "root_path": "", "scheme": "http", "http_version": "1.1", "asgi": {"version": "3.0",
                 "spec_version": "2.4"}, "headers": [(b"content-type", b"application/json")]}
        asyncio.run(app(scope, receive, send))
        return size
    return call


def by_queue(handler: Callable[..., Any]) -> Callable[[dict[str, Any]], int]:
    """Return a function that sends a message of the documents' queue, and returns 0, since there is no reply."""
    def call(body: dict[str, Any]) -> int:
        record = {"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(
            {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": body["name"]}}}]})}
        assert handler({"Records": [record]}, Context()) == {"batchItemFailures": []}
        return 0
    return call


def bodies(function: str) -> list[dict[str, Any]]:
    """List the request bodies for a function: half of the shots are suspect, one of five questions has no answer."""
    if function == "embed_documents":
        return [{"name": path.name} for path in sorted((Path(os.environ["SHOTWISE_HOME"]) / "documents").iterdir())]
    if function in ("rag_query", "stream_query"):
        return [{"query": question} for question in QUESTIONS]
    return [json.loads((ROOT / f"events/{name}.json").read_text("utf-8")) for name in ("shot", "good-shot")]


def prompt_bytes() -> list[int]:
    """Measure the prompts, in bytes, that a text generator would get for the questions."""
    from shotwise.adapters.knowledge_factory import open_answerer
    from shotwise.knowledge.answering.answerer import Answerer
    from shotwise.knowledge.text.question import question_from_user
    from shotwise.settings import Settings

    recorder = PromptRecorder()
    hybrid_search = open_answerer(Settings.from_mapping(os.environ).knowledge).hybrid_search
    answerer = Answerer(hybrid_search, text_generator=recorder)
    for question in QUESTIONS:
        answerer.answer(question_from_user(question, "ko"))
    return recorder.bytes


def main(function: str, calls: int, path: Path) -> None:
    """Load the function, call it, and write the figures."""
    started = processor_seconds()
    module = importlib.import_module(f"functions.{function}.app")
    init_ms = (processor_seconds() - started) * 1000
    call = (by_stream(module.app) if function == "stream_query" else
            by_queue(module.handler) if function == "embed_documents" else
            by_gateway(module.handler, "/" + function.replace("_", "-")))
    times, sizes = [], []
    requests = bodies(function)
    for body in islice(cycle(requests), calls or len(requests)):
        started = processor_seconds()
        sizes.append(call(body))
        times.append((processor_seconds() - started) * 1000)
    sys.stdout.flush()
    warm = times[1:] or times
    figures: dict[str, Any] = {"init_ms": init_ms, "first_ms": times[0], "calls": len(times),
                               "billed_ms": sum(map(math.ceil, warm)) / len(warm),
                               "reply_bytes": sum(sizes) / len(sizes)}
    if function == "rag_query":
        figures["prompt_bytes"] = prompt_bytes()
    path.write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
