"""Stream answers while they are written: POST /query, as server-sent events.

This is an ASGI app, because Python's own Lambda runtime cannot stream: uvicorn serves it on one machine, and the Lambda
Web Adapter passes requests to it on AWS. `passage` events name the passages that the answer is based on, `token` events
contain its text in pieces, and a final `done` event contains what POST /rag-query returns. If the stream fails after it
has begun, an `error` event ends it.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator, Generator, Sequence
from typing import Any

from anyio import CapacityLimiter, to_thread
from aws_lambda_powertools import Logger
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shotwise.deadline import Deadline
from shotwise.errors import FieldError, InvalidInput
from shotwise.handlers.body import PayloadTooLarge, check_media_type, read_body
from shotwise.handlers.lambda_handler import emit_metrics
from shotwise.handlers.problem import CONTENT_TYPE, problem, to_json
from shotwise.handlers.rag_query import question_for
from shotwise.handlers.replies import knowledge_reply
from shotwise.handlers.requests import KnowledgeRequest, knowledge_request
from shotwise.knowledge.answering.answerer import EXTRACTIVE, Answerer, Event
from shotwise.knowledge.models import Answer, Hit
from shotwise.limits import MAX_BODY_BYTES, MAX_REQUEST_BYTES, MAX_STREAMS

SERVICE = "stream_query"
# X-Accel-Buffering: without it, nginx and similar proxies hold a stream back until it ends.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
CLIENT_CLOSED_REQUEST = 499  # nginx's status for a client that hung up


def stream_query_app(answerer: Answerer, origins: Sequence[str] = (), version: str = "none") -> Starlette:
    """Return the ASGI app that streams answers; its GET /health is what the Lambda Web Adapter waits for.

    Parameters
    ----------
    answerer : Answerer
        Answers the questions.
    origins : sequence of str
        The origins whose web pages may read responses.
    version : str
        The version of the Lambda function, for the metric that stops its roll-out.
    """
    logger = Logger(service=SERVICE)
    # Threads that may wait for a model are not those that read questions.
    threads = CapacityLimiter(MAX_STREAMS)

    async def post_query(request: Request) -> Response:
        started = time.perf_counter()
        deadline = answerer.deadline()
        try:
            query = await _read_query(request)
            question = await run_in_threadpool(question_for, query, answerer)
            events = _Events(answerer.events(question, deadline), deadline, threads)
            first = await events.next()  # an error up to here can still set the status
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except Exception as error:  # whatever it is, the caller receives a problem
            return _problem_response(error, logger, version)
        return StreamingResponse(_stream(first, events, started, logger, answerer.name, version),
                                 media_type="text/event-stream", headers=STREAM_HEADERS)

    async def get_health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/query", post_query, methods=["POST"]), Route("/health", get_health)],
                     middleware=[Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["POST"],
                                            allow_headers=["*"])] if origins else [])


async def _read_query(request: Request) -> KnowledgeRequest:
    check_media_type(request.headers.get("content-type"))
    return knowledge_request(read_body(await _body(request)))


async def _body(request: Request) -> str:
    """Read the body. One that is too large is read on for a while: a client that still sends reads no response."""
    body = bytearray()
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_REQUEST_BYTES:
            break
        if size <= MAX_BODY_BYTES:
            body += part
    if size > MAX_BODY_BYTES:
        raise PayloadTooLarge
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput([FieldError("body", "not_utf8")]) from None


def _problem_response(error: Exception, logger: Logger, version: str) -> Response:
    content = problem(error)
    if content["status"] >= 500:
        logger.error("failed", exc_info=error)
        _count_failure(version)
    return Response(to_json(content), content["status"], media_type=CONTENT_TYPE)


class _Events:
    """The events of an answer, each of which is worked on in a thread.

    Parameters
    ----------
    events : generator
        The events.
    deadline : Deadline
        Their deadline, whose cancelling ends the work on an event in whatever thread it is.
    threads : CapacityLimiter
        The threads to work in.
    """

    def __init__(self, events: Generator[Event, None, None], deadline: Deadline, threads: CapacityLimiter) -> None:
        self._events = events
        self._deadline = deadline
        self._threads = threads

    async def next(self) -> Event | None:
        """Return the next event, None after the last one. Cancelling this coroutine ends the work."""
        try:
            return await to_thread.run_sync(next, self._events, None, abandon_on_cancel=True, limiter=self._threads)
        except BaseException:
            self.close()  # also when this coroutine is cancelled
            raise

    def close(self) -> None:
        """End the work without waiting for its end."""
        self._deadline.cancel()
        if inspect.getgeneratorstate(self._events) != inspect.GEN_RUNNING:
            self._events.close()


async def _stream(first: Event | None, events: _Events, started: float, logger: Logger, generator: str,
                  version: str) -> AsyncIterator[str]:
    """Yield the events as text. If the client hangs up, this generator is closed, which ends the work."""
    first_token = 0.0
    event = first
    try:
        while event is not None:
            elapsed = round((time.perf_counter() - started) * 1000, 3)
            if isinstance(event, str) and not first_token:
                first_token = elapsed
            if isinstance(event, Answer):
                _emit_answer_metrics(event, generator, elapsed, first_token or elapsed)
            yield _event_text(event, elapsed)
            event = await events.next()
    except Exception as error:  # the status is already sent, so only an event can report the error
        logger.error("failed", exc_info=error)
        _count_failure(version)
        yield _sse("error", problem(error))
    finally:
        events.close()


def _count_failure(version: str) -> None:
    """Count a failure that Lambda counts as a success, once for the alarm and once for the version's roll-out."""
    emit_metrics(SERVICE, {}, {"Failed": 1})
    emit_metrics(SERVICE, {}, {"Failed": 1}, function_version=version)


def _emit_answer_metrics(answer: Answer, generator: str, elapsed: float, first_token: float) -> None:
    emit_metrics(SERVICE, {"ProcessingTime": elapsed, "FirstToken": first_token},
                 {"Answers": 1, "Ungrounded": float(not answer.grounded), "DroppedClaims": answer.dropped},
                 model_version=generator)
    if answer.degraded:
        emit_metrics(SERVICE, {}, {"Degraded": 1})
    # A metric without the dimension of the model, for the alarm on the objective for generated answers.
    if answer.generator != EXTRACTIVE:
        emit_metrics(SERVICE, {"GeneratedFirstToken": first_token}, {})


def _event_text(event: Event, elapsed: float) -> str:
    if isinstance(event, str):
        return _sse("token", {"text": event})
    if isinstance(event, Hit):
        passage = event.passage
        return _sse("passage", {"document": passage.document, "title": passage.title, "page": passage.page,
                                "headings": list(passage.headings), "relevance": round(event.relevance, 4)})
    return _sse("done", {**knowledge_reply(event), "processing_time_ms": elapsed})


def _sse(event_type: str, content: Any) -> str:
    """Format a server-sent event with JSON as its data."""
    return f"event: {event_type}\ndata: {to_json(content)}\n\n"
