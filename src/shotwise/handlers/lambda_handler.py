"""A Lambda handler: routes for API Gateway events, one use-case for direct invocations, logs and metrics for both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from shotwise.compat.powertools import ApiResolver, CORSConfig, NotFoundError, Response
from shotwise.errors import FieldError, InvalidInput, NotFound
from shotwise.handlers.body import check_encodable, check_media_type, read_body
from shotwise.handlers.problem import CONTENT_TYPE, InvalidPayload, problem, to_json
from shotwise.handlers.replies import degraded_entry

NAMESPACE = "Shotwise"
UseCase = Callable[[dict[str, Any]], dict[str, Any]]
CountMetrics = Callable[[Mapping[str, Any]], Mapping[str, float]]


def emit_metrics(service: str, times: Mapping[str, float], counts: Mapping[str, float], **dimensions: str) -> None:
    """Write metrics to standard output in CloudWatch's embedded format.

    Parameters
    ----------
    service : str
        The dimension that every metric has.
    times, counts : mapping
        Milliseconds and counts, by metric name.
    **dimensions
        Further dimensions. AWS bills every combination of dimensions as a metric of its own, so another one is used
        only if an alarm needs it.
    """
    metrics = EphemeralMetrics(service=service)
    metrics.namespace = metrics.namespace or NAMESPACE  # on AWS the stack's name, by POWERTOOLS_METRICS_NAMESPACE
    for name, value in dimensions.items():
        metrics.add_dimension(name, value)
    for name, milliseconds in times.items():
        metrics.add_metric(name, MetricUnit.Milliseconds, milliseconds)
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()


def function_version(context: Any) -> str:
    """Return the version of the running Lambda function, from the context of an invocation."""
    return str(getattr(context, "function_version", "none"))


def _cors(origins: Sequence[str]) -> CORSConfig | None:
    """Let web pages of these origins read responses; API Gateway itself answers the preflight requests."""
    return CORSConfig(origins[0], list(origins[1:]), expose_headers=["Location"]) if origins else None


class LambdaHandler:
    """A callable that Lambda invokes with `(event, context)`.

    An API Gateway proxy event goes through the routes. Any other event is a direct invocation: the use-case given to
    `on_invoke` answers it with plain data. An invalid payload raises InvalidPayload with the problem as its message;
    every other exception propagates.

    Parameters
    ----------
    service : str
        The name of the service in logs and metrics.
    model_version : str
        A dimension of the metrics.
    count_metrics : callable, optional
        Returns the counts to emit for a reply, by metric name.
    origins : sequence of str
        The origins whose web pages may read responses.
    """

    def __init__(self, service: str, model_version: str, *, count_metrics: CountMetrics | None = None,
                 origins: Sequence[str] = ()) -> None:
        self._service = service
        self._version = model_version
        self._use_case: UseCase = self._refuse_invoke
        self._error_key: str | None = None
        self._count_metrics = count_metrics or (lambda reply: {})
        self._logger = Logger(service=service)
        self.api = ApiResolver(serializer=to_json, cors=_cors(origins))
        self.api.exception_handler(Exception)(self._on_error)
        self.api.not_found(self._on_unknown_path)

    def on_invoke(self, use_case: UseCase, *, error_key: str | None = None) -> None:
        """Answer direct invocations with `use_case`.

        For an invalid payload whose only key is `error_key`, {"invalid_payload": problem} is returned. InvalidPayload
        is not raised then, because Lambda would count it as an error of the function.
        """
        self._use_case = use_case
        self._error_key = error_key

    def post(self, path: str, use_case: UseCase, *, batch_key: str | None = None) -> None:
        """Serve `POST path` with JSON in and out. A body with the key `batch_key` may be larger than others."""

        def route() -> Response[str]:
            event = self.api.current_event
            check_media_type(event.headers.get("content-type"))
            body = read_body(event.body, base64_encoded=bool(event.is_base64_encoded), batch_key=batch_key)
            return self.json(self.with_metrics(use_case, body))

        self.api.post(path)(route)

    def get(self, path: str, respond: Callable[[], Response[Any]]) -> None:
        """Serve `GET path`."""
        self.api.get(path)(respond)

    def get_file(self, folder: str, respond: Callable[[str], Response[Any]]) -> None:
        """Serve `GET folder/{name}`.

        The name is taken from API Gateway's path parameter, because the router's own pattern for a part of a path does
        not match all characters of document names.
        """
        self.api.get(f"{folder}/(?s:.+)")(lambda: respond(self._name()))

    def delete_file(self, folder: str, respond: Callable[[str], Response[Any]]) -> None:
        """Serve `DELETE folder/{name}`."""
        self.api.delete(f"{folder}/(?s:.+)")(lambda: respond(self._name()))

    @staticmethod
    def json(content: Any) -> Response[str]:
        """Return a 200 response with JSON."""
        return Response(200, "application/json", to_json(content))

    def with_metrics(self, use_case: UseCase, body: dict[str, Any]) -> dict[str, Any]:
        """Call a use-case, emit its time and counts as metrics, and return its reply with `processing_time_ms`."""
        started = time.perf_counter()
        reply = use_case(body)
        elapsed = round((time.perf_counter() - started) * 1000, 3)
        emit_metrics(self._service, {"ProcessingTime": elapsed}, self._count_metrics(reply),
                     model_version=self._version)
        if reply.get("degraded"):
            emit_metrics(self._service, {}, {"Degraded": 1})
        return {**reply, "processing_time_ms": elapsed}

    def log_degraded(self, step: str, error: Exception) -> dict[str, Any]:
        """Log the failure of a step and return its entry for `degraded`, which has only the class of the error."""
        self._logger.error("degraded", step=step, exc_info=error)
        return degraded_entry(step, type(error).__name__)

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Handle one invocation."""
        request_id = getattr(context, "aws_request_id", "")
        if isinstance(event, dict) and "httpMethod" in event and "requestContext" in event:
            response = self.api.resolve(event, context)
            self._logger.info("answered", path=event.get("resource"), status=response["statusCode"],
                              request_id=request_id)
            return response
        return self._invoke(event, request_id)

    def _invoke(self, event: Any, request_id: str) -> dict[str, Any]:
        """Answer a direct invocation."""
        try:
            if not isinstance(event, dict):
                raise InvalidInput([FieldError("body", "not_an_object")])
            check_encodable(event)
            reply = self._use_case(event)
        except InvalidInput as error:
            problem_json = to_json(problem(error))
            self._logger.info("rejected", fields=len(error.errors), request_id=request_id)
            if isinstance(event, dict) and self._error_key and set(event) == {self._error_key}:
                emit_metrics(self._service, {}, {"Rejected": 1})
                return {"invalid_payload": problem_json}
            raise InvalidPayload(problem_json) from None
        except Exception:  # the workflow hides the error from the caller, so only this log shows it
            self._logger.exception("failed", request_id=request_id)
            raise
        self._logger.info("answered", path="workflow", status=200, request_id=request_id)
        return reply

    def _name(self) -> str:
        # API Gateway does not document whether it decodes path parameters. It makes no difference: `name_fault` refuses
        # names with a percent-encoded character.
        return unquote((self.api.current_event.path_parameters or {}).get("name", ""))

    @staticmethod
    def _refuse_invoke(body: dict[str, Any]) -> dict[str, Any]:
        raise InvalidInput([FieldError("body", "not_an_api_event")])

    def _on_error(self, error: Exception) -> Response[str]:
        content = problem(error)
        if content["status"] >= 500:
            self._logger.error("failed", exc_info=error)
            # Lambda counts an answered failure as a success, so it is this metric that stops a roll-out.
            emit_metrics(self._service, {}, {"Failed": 1}, function_version=function_version(self.api.lambda_context))
        return Response(content["status"], CONTENT_TYPE, to_json(content))

    def _on_unknown_path(self, _: NotFoundError) -> Response[str]:
        content = problem(NotFound("There is no such path; the API description lists all paths."))
        return Response(404, CONTENT_TYPE, to_json(content))
