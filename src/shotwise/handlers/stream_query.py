"""POST /query at the edge: the answer as server-sent events, while it is being worded.

An ASGI app: uvicorn serves it on one machine, and on AWS behind the Lambda Web Adapter, because Python's own runtime
cannot stream. `passage` events name what the answer rests on, `token` events bring its text, one `done` event what
POST /rag-query returns; `error` ends a stream whose work failed after it had begun.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Generator, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shotwise.errors import FieldError, InvalidInput
from shotwise.handlers.body import MAX_BYTES, PayloadTooLarge, check_media_type, read_body
from shotwise.handlers.lambda_handler import emit
from shotwise.handlers.problem import CONTENT_TYPE, problem, to_json
from shotwise.handlers.rag_query import question_of
from shotwise.handlers.replies import knowledge_reply
from shotwise.handlers.requests import knowledge_request
from shotwise.knowledge.answering.answerer import EXTRACTIVE, Answerer, Event
from shotwise.knowledge.models import Answer, Hit

SERVICE = "stream_query"
# nginx and its like would hold a stream back until it ends.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def stream_query_app(answerer: Answerer, origins: Sequence[str] = (), version: str = "none") -> Starlette:
    """The app for an answerer. GET /health is what the adapter waits for. origins: whose web pages may read it;
    version: of the function, for the metric that stops its roll-out."""
    logger = Logger(service=SERVICE)

    async def post_query(request: Request) -> Response:
        started = time.perf_counter()
        try:
            check_media_type(request.headers.get("content-type"))
            asked = knowledge_request(read_body(await _body(request)))
            events = answerer.events(await run_in_threadpool(question_of, asked, answerer))
            first = await run_in_threadpool(next, events)  # what fails before anything is said still gets its status
        except ClientDisconnect:
            return Response(status_code=499)  # nobody hears it
        except Exception as error:  # as the gateway does: whatever it is, the caller gets a problem document
            return _refused(error, logger, version)
        return StreamingResponse(_stream(first, events, started, logger, answerer.name, version),
                                 media_type="text/event-stream", headers=HEADERS)

    async def get_health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/query", post_query, methods=["POST"]), Route("/health", get_health)],
                     middleware=[Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["POST"],
                                            allow_headers=["*"])] if origins else [])


async def _body(request: Request) -> str:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            raise PayloadTooLarge([FieldError("body", f"is over {MAX_BYTES // 1024} KiB; send less")])
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput([FieldError("body", "is not UTF-8")]) from None


def _refused(error: Exception, logger: Logger, version: str) -> Response:
    document = problem(error)
    if document["status"] >= 500:
        logger.error("failed", exc_info=error)
        _failed(version)
    return Response(to_json(document), document["status"], media_type=CONTENT_TYPE)


async def _stream(first: Event, events: Generator[Event, None, None], started: float, logger: Logger,
                  generator: str, version: str) -> AsyncIterator[str]:
    """The events as text. A client that hangs up ends this generator, and with it the work."""
    first_token = 0.0
    event: Event | None = first
    try:
        while event is not None:
            elapsed = round((time.perf_counter() - started) * 1000, 3)
            if isinstance(event, str) and not first_token:
                first_token = elapsed
            if isinstance(event, Answer):
                _measure(event, generator, elapsed, first_token or elapsed)
            yield _text(event, elapsed)
            event = await run_in_threadpool(next, events, None)
    except Exception as error:  # the status is sent already: all that can be done is to say so
        logger.error("failed", exc_info=error)
        _failed(version)
        yield _event("error", problem(error))
    finally:
        events.close()


def _failed(version: str) -> None:
    """Count a failure that Lambda sees as a success: for the alarm, and for the roll-out of the version at work."""
    emit(SERVICE, {}, {"Failed": 1})
    emit(SERVICE, {}, {"Failed": 1}, function_version=version)


def _measure(answer: Answer, generator: str, elapsed: float, first_token: float) -> None:
    emit(SERVICE, {"ProcessingTime": elapsed, "FirstToken": first_token},
         {"Answers": 1, "Ungrounded": float(not answer.grounded), "DroppedClaims": answer.dropped},
         model_version=generator)
    if answer.degraded:
        emit(SERVICE, {}, {"Degraded": 1})
    if answer.generator != EXTRACTIVE:  # a promise is made of these, and an alarm cannot look for the model's name
        emit(SERVICE, {"GeneratedFirstToken": first_token}, {})


def _text(event: Event, elapsed: float) -> str:
    if isinstance(event, str):
        return _event("token", {"text": event})
    if isinstance(event, Hit):
        passage = event.passage
        return _event("passage", {"document": passage.document, "title": passage.title, "page": passage.page,
                                  "headings": list(passage.headings), "relevance": round(event.relevance, 4)})
    return _event("done", {**knowledge_reply(event), "processing_time_ms": elapsed})


def _event(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {to_json(data)}\n\n"
