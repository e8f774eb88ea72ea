"""A Lambda function of Shotwise: routes for API Gateway, one payload for the workflow, logs and metrics for both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from shotwise.compat.powertools import APIGatewayRestResolver, CORSConfig, NotFoundError, Response
from shotwise.errors import FieldError, InvalidInput, NotFound
from shotwise.handlers.body import check_media_type, check_text, read_body
from shotwise.handlers.problem import CONTENT_TYPE, InvalidPayload, problem, to_json

NAMESPACE = "Shotwise"
UseCase = Callable[[dict[str, Any]], dict[str, Any]]
Counts = Callable[[Mapping[str, Any]], Mapping[str, float]]


def emit(service: str, times: Mapping[str, float], counts: Mapping[str, float], **dimensions: str) -> None:
    """Send metrics out: times in milliseconds, counts. dimensions: beside the service's name; each set of them is a
    metric of its own, which is paid for, so there is one unless an alarm needs another."""
    metrics = EphemeralMetrics(service=service)
    metrics.namespace = metrics.namespace or NAMESPACE  # on AWS the stack's name, by POWERTOOLS_METRICS_NAMESPACE
    for name, given in dimensions.items():
        metrics.add_dimension(name, given)
    for name, value in times.items():
        metrics.add_metric(name, MetricUnit.Milliseconds, value)
    for name, value in counts.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    metrics.flush_metrics()


def version_of(context: Any) -> str:
    """The version of the function that is at work, as Lambda's context says it."""
    return str(getattr(context, "function_version", "none"))


def _cors(origins: Sequence[str]) -> CORSConfig | None:
    """What lets web pages of these origins read a reply; API Gateway answers what browsers ask before."""
    return CORSConfig(origins[0], list(origins[1:]), expose_headers=["Location"]) if origins else None


class LambdaHandler:
    """Call it as a Lambda handler. An API Gateway proxy event goes through the routes; anything else is the plain
    payload, answered with the reply itself. A plain payload at fault raises `InvalidPayload` with the problem document as
    its message, unless it is one that is answered (see payload); every other error is an engineer's and is raised as
    it is. origins: whose web pages may read replies."""

    def __init__(self, service: str, model_version: str, *, counts: Counts | None = None,
                 origins: Sequence[str] = ()) -> None:
        self._service = service
        self._version = model_version
        self._payload: UseCase = self._no_payload
        self._error_key: set[str] | None = None
        self._counts = counts or (lambda reply: {})
        self._logger = Logger(service=service)
        self.api = APIGatewayRestResolver(serializer=to_json, cors=_cors(origins))
        self.api.exception_handler(Exception)(self._failed)
        self.api.not_found(self._no_route)

    def on_invoke(self, use_case: UseCase, *, error_key: str | None = None) -> None:
        """Answer plain payloads with `use_case`. error_key: the one key of a payload to which bad input is not raised
        but answered, as {"invalid_payload": the problem document}: Lambda would count it among the errors that are ours."""
        self._payload = use_case
        self._error_key = {error_key} if error_key else None

    def post(self, path: str, use_case: UseCase, *, batch: str | None = None) -> None:
        """Serve `POST path`: the strictly read body goes to the use-case, its reply comes back as JSON. A body that
        holds the key `batch` may be larger than others."""

        def route() -> Response[str]:
            event = self.api.current_event
            check_media_type(event.headers.get("content-type"))
            body = read_body(event.body, base64_encoded=bool(event.is_base64_encoded), batch=batch)
            return self.json(self.with_metrics(use_case, body))

        self.api.post(path)(route)

    def get(self, path: str, reply: Callable[[], Response[Any]]) -> None:
        """Serve `GET path`."""
        self.api.get(path)(reply)

    def get_file(self, folder: str, reply: Callable[[str], Response[Any]]) -> None:
        """Serve `GET folder/{name}`. The name is API Gateway's path parameter: the router's own pattern for a part
        of a path knows too few characters for a document's name."""
        self.api.get(f"{folder}/.+")(lambda: reply(self._name()))

    def delete_file(self, folder: str, reply: Callable[[str], Response[Any]]) -> None:
        """Serve `DELETE folder/{name}`."""
        self.api.delete(f"{folder}/.+")(lambda: reply(self._name()))

    def _name(self) -> str:
        # Whether API Gateway decodes it is not said; no document has a name in which that makes a difference.
        return unquote((self.api.current_event.path_parameters or {}).get("name", ""))

    @staticmethod
    def json(content: Any) -> Response[str]:
        """A 200 with JSON."""
        return Response(200, "application/json", to_json(content))

    def with_metrics(self, use_case: UseCase, body: dict[str, Any]) -> dict[str, Any]:
        """The use-case's reply with `processing_time_ms`; its time and counts go out as metrics."""
        started = time.perf_counter()
        reply = use_case(body)
        elapsed = round((time.perf_counter() - started) * 1000, 3)
        emit(self._service, {"ProcessingTime": elapsed}, self._counts(reply), model_version=self._version)
        if reply.get("degraded"):
            emit(self._service, {}, {"Degraded": 1})
        return {**reply, "processing_time_ms": elapsed}

    def degraded(self, step: str, error: Exception) -> dict[str, str]:
        """Log a part that failed, and the entry of `degraded` that tells of it: only the error's name leaves."""
        self._logger.error("degraded", step=step, exc_info=error)
        return {"step": step, "error": type(error).__name__}

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Handle one invocation."""
        request = getattr(context, "aws_request_id", "")
        if isinstance(event, dict) and "httpMethod" in event and "requestContext" in event:
            reply = self.api.resolve(event, context)
            self._logger.info("answered", path=event.get("resource"), status=reply["statusCode"], request_id=request)
            return reply
        try:
            if not isinstance(event, dict):
                raise InvalidInput([FieldError("body", "must be a JSON object")])
            check_text(event)
            found = self._payload(event)
        except InvalidInput as error:
            document = to_json(problem(error))
            self._logger.info("rejected", fields=len(error.errors), request_id=request)
            if isinstance(event, dict) and set(event) == self._error_key:
                emit(self._service, {}, {"Rejected": 1})
                return {"invalid_payload": document}
            raise InvalidPayload(document) from None
        except Exception:  # whatever it is, the workflow hides it from the caller: here is where it can be read
            self._logger.exception("failed", request_id=request)
            raise
        self._logger.info("answered", path="workflow", status=200, request_id=request)
        return found

    @staticmethod
    def _no_payload(body: dict[str, Any]) -> dict[str, Any]:
        raise InvalidInput([FieldError("body", "is not an API Gateway event, and this function takes nothing else")])

    def _failed(self, error: Exception) -> Response[str]:
        document = problem(error)
        if document["status"] >= 500:
            self._logger.error("failed", exc_info=error)
            # To Lambda an answered failure is a success; this is what a roll-out is stopped by.
            emit(self._service, {}, {"Failed": 1}, function_version=version_of(self.api.lambda_context))
        return Response(document["status"], CONTENT_TYPE, to_json(document))

    def _no_route(self, _: NotFoundError) -> Response[str]:
        document = problem(NotFound("There is no such path; GET /model and the API description say what there is."))
        return Response(404, CONTENT_TYPE, to_json(document))
