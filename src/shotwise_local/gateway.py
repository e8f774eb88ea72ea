"""Emulate API Gateway: serve api/openapi.yaml as an ASGI app.

Beside the API (`api`), the gateway takes the place of S3 for uploads: it accepts files that are PUT under UPLOADS,
where POST /documents sends them. `serve` prints NOT_EMULATED at start.

Each kind of request has a lane (`lanes`): a busy kind answers its own requests with 503, and no others wait for it.
Every request ends within a deadline, whatever its handler does, and what still waits when its client leaves is dropped.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from shotwise import limits
from shotwise.errors import StoreError
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.problem import problem, to_json
from shotwise_local.api import Api
from shotwise_local.http_message import (
    CLOSING,
    FOREIGN,
    OVERLOADED,
    PROBLEM_TYPE,
    TOO_SLOW,
    BodyTooLarge,
    BodyTooSlow,
    ClientLeft,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    drop_body,
    ending,
    read_body,
    replayed,
    request_head,
    send_response,
    upload_parts,
)
from shotwise_local.lambda_host import LambdaHost
from shotwise_local.lanes import Lane, Overloaded, Slots
from shotwise_local.routes import Route
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.workflow import Workflow

NOT_EMULATED = "IAM authorisation, CORS, throttling, WAF, access logs, X-Ray"
UPLOADS = "/uploads/"
LOCAL_HOST, LOCAL_ORIGIN = "localhost", "http://localhost"
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")
HEALTH, DIAGNOSE = "/health", "/diagnose"
# By resource, or by the function that a route calls; BATCH is for its large bodies.
BATCH = "PredictFunction, batch"
LANES = {DIAGNOSE: limits.DIAGNOSE_LANE, "PredictFunction": limits.PREDICT_LANE,
         BATCH: limits.BATCH_LANE, "ImportanceFunction": limits.IMPORTANCE_LANE,
         "RagQueryFunction": limits.RAG_QUERY_LANE}
LANES_WITH_MODELS = {**LANES, DIAGNOSE: limits.DIAGNOSE_LANE_WITH_MODELS,
                     "RagQueryFunction": limits.RAG_QUERY_LANE_WITH_MODELS}
Entered = TypeVar("Entered")
Returned = TypeVar("Returned")


class Gateway:
    """An ASGI app that serves an API description.

    Parameters
    ----------
    description : mapping
        The OpenAPI description with API Gateway's extensions.
    functions : LambdaHost
        The functions that its routes call.
    workflow : Workflow
        The state machine that its routes start.
    bucket : DocumentsBucket
        Takes uploads.
    with_models : bool
        Whether the functions wait for an embedder or a text generator.
    """

    def __init__(self, description: Mapping[str, Any], functions: LambdaHost, workflow: Workflow,
                 bucket: DocumentsBucket, *, with_models: bool = False) -> None:
        self._api = Api(description, functions, workflow, bucket)
        self._bucket = bucket
        lanes = LANES_WITH_MODELS if with_models else LANES
        self._lanes = {name: Lane(name, lane_limits) for name, lane_limits in lanes.items()}
        self._streams, self._uploads = Slots(limits.MAX_STREAMS), Slots(limits.MAX_UPLOADS)
        self._large_bodies = Slots(limits.MAX_LARGE_BODIES)
        self._upload_threads = ThreadPoolExecutor(limits.MAX_UPLOADS, "upload")
        self._interruptions: set[asyncio.Future[None]] = set()  # one for each request
        self._interrupted = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI)."""
        outgoing = _Outgoing(send)
        serving = asyncio.ensure_future(self._serve(request_head(scope), scope, receive, outgoing.send))
        with self._interruption() as interruption:
            ends: set[asyncio.Future[None]] = {serving, interruption}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            return serving.result()
        serving.cancel()
        await outgoing.break_off(CLOSING)

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            route = None if _is_cross_site(request) or _is_upload(request) else self._api.find_route(request)
            if app := self._api.streaming_app(route):
                await self._stream(app, scope, receive, send)
            else:
                await send_response(await self._respond(route, request, receive), send)
        except BodyTooLarge:
            await send_response(self._api.gateway_response("REQUEST_TOO_LARGE"), send)
        except BodyTooSlow:
            await send_response(TOO_SLOW, send)
        except Overloaded:
            await send_response(OVERLOADED, send)
        except ClientLeft:
            return  # nobody is there to answer

    def handle(self, request: Request) -> Response:
        """Answer a request in this thread, without a lane."""
        if _is_cross_site(request):
            return FOREIGN
        route = self._api.find_route(request)
        if route is None:
            return self._api.gateway_response("MISSING_AUTHENTICATION_TOKEN")  # as API Gateway does for an unknown path
        return self._api.answer(route, request)

    def interrupt_after(self, seconds: float) -> None:
        """Answer every request that still waits after `seconds` with 503. Call it in the event loop."""
        asyncio.get_running_loop().call_later(seconds, self._interrupt)

    def close(self) -> None:
        """Drop the requests that wait in lanes."""
        for lane in self._lanes.values():
            lane.close()
        self._upload_threads.shutdown(wait=False)

    async def _respond(self, route: Route | None, request: Request, receive: Receive) -> Response:
        if route is None:
            if _is_upload(request) and not _is_cross_site(request):
                return await self._upload(request, receive)
            await drop_body(request, receive, limits.REQUEST_BODY_SECONDS)
            return self.handle(request)
        request = replace(request, body=await self._read_body(receive))
        if route.resource == HEALTH:  # which waits for nothing, so no thread has to be waited for
            return self._api.answer(route, request)
        return await self._answer_in_lane(route, request, receive)

    async def _read_body(self, receive: Receive) -> bytes:
        return await read_body(receive, limits.MAX_REQUEST_BYTES, limits.REQUEST_BODY_SECONDS, self._large_bodies)

    async def _answer_in_lane(self, route: Route, request: Request, receive: Receive) -> Response:
        lane = self._lane(route, request)
        work = lane.submit(partial(self._api.answer, route, request))
        answer = asyncio.wrap_future(work)
        try:
            with _disconnection(receive) as disconnection:
                ends: set[asyncio.Future[Any]] = {answer, disconnection}
                await asyncio.wait(ends, timeout=lane.wait_seconds, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done() and not disconnection.done() and work.cancel():
                    raise Overloaded
                await asyncio.wait(ends, timeout=limits.ANSWER_SECONDS - lane.wait_seconds,
                                   return_when=asyncio.FIRST_COMPLETED)
                if disconnection.done() and not answer.done():
                    raise ClientLeft
        finally:
            work.cancel()  # which drops it if it has not begun
        return answer.result() if answer.done() else self._api.gateway_response("INTEGRATION_TIMEOUT")

    def _lane(self, route: Route, request: Request) -> Lane:
        if route.resource in LANES:
            return self._lanes[route.resource]
        is_batch = route.function == "PredictFunction" and len(request.body) > limits.MAX_BODY_BYTES
        return self._lanes[BATCH if is_batch else route.function]

    @contextmanager
    def _interruption(self) -> Iterator[asyncio.Future[None]]:
        """Yield a future that is done when requests have to end because the process does."""
        interruption: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._interruptions.add(interruption)
        if self._interrupted:
            interruption.set_result(None)
        try:
            yield interruption
        finally:
            self._interruptions.discard(interruption)

    def _interrupt(self) -> None:
        self._interrupted = True
        for interruption in self._interruptions:
            if not interruption.done():
                interruption.set_result(None)

    async def _stream(self, app: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app that streams its answer."""
        body = await self._read_body(receive)
        with self._streams.take():
            await app(scope, replayed(body, receive), send)

    async def _upload(self, request: Request, receive: Receive) -> Response:
        """Store a file as it arrives, as S3 does when it is PUT to a signed URL."""
        name, receive = request.path.removeprefix(UPLOADS), ending(receive)
        if name_fault(name):
            await drop_body(request, receive, limits.UPLOAD_SECONDS)
            return self._api.gateway_response("ACCESS_DENIED")
        try:
            with self._uploads.take():
                async with self._in_thread(self._bucket.writing(name)) as file:
                    async for part in upload_parts(request, receive):
                        await self._run_in_thread(file.write, part)
        except StoreError as error:
            response = _problem(error)
        except BodyTooLarge:
            response = self._api.gateway_response("REQUEST_TOO_LARGE")
        else:
            return Response(200, {}, b"")
        await drop_body(request, receive, limits.UPLOAD_SECONDS)
        return response

    @asynccontextmanager
    async def _in_thread(self, manager: AbstractContextManager[Entered]) -> AsyncIterator[Entered]:
        """Enter and leave a context manager in a thread, because it waits for the disk."""
        entered = await self._run_in_thread(manager.__enter__)
        try:
            yield entered
        except BaseException as error:
            await self._run_in_thread(manager.__exit__, type(error), error, error.__traceback__)
            raise
        await self._run_in_thread(manager.__exit__, None, None, None)

    async def _run_in_thread(self, function: Callable[..., Returned], *arguments: Any) -> Returned:
        return await asyncio.get_running_loop().run_in_executor(self._upload_threads, function, *arguments)


class _Outgoing:
    """A response on its way."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = self._is_stream = self._broken_off = False

    async def send(self, message: dict[str, Any]) -> None:
        """Pass a message on, unless the response was broken off."""
        if not self._broken_off:
            self._begun = True
            self._is_stream |= message.get("more_body", False)
            await self._send(message)

    async def break_off(self, response: Response) -> None:
        """Send a response in place of the one on its way; if a stream has begun, as its last event."""
        self._broken_off = True
        if not self._begun:
            await send_response(response, self._send)
        elif self._is_stream:
            await self._send({"type": "http.response.body", "body": b"event: error\ndata: " + response.body + b"\n\n"})


@contextmanager
def _disconnection(receive: Receive) -> Iterator[asyncio.Future[None]]:
    """Yield a future that is done when the client leaves."""
    async def disconnect() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    waiting = asyncio.ensure_future(disconnect())
    try:
        yield waiting
    finally:
        waiting.cancel()


def _is_cross_site(request: Request) -> bool:
    """Whether a web page of another site may be behind the request.

    The site's own domain name may resolve to this machine (DNS rebinding), or it may send requests across sites. The
    gateway checks no authorisation, so it accepts only requests whose host and origin are this machine.
    """
    origin = request.headers.get("origin", LOCAL_ORIGIN).lower()
    return not (LOOPBACK.fullmatch(request.headers.get("host", LOCAL_HOST).lower())
                and origin.startswith(("http://", "https://")) and LOOPBACK.fullmatch(origin.partition("://")[2]))


def _problem(error: StoreError) -> Response:
    content = problem(error)
    return Response(content["status"], {"Content-Type": PROBLEM_TYPE}, to_json(content).encode())


def _is_upload(request: Request) -> bool:
    return request.method == "PUT" and request.path.startswith(UPLOADS)
