"""T2 at the edge: POST /importance, GET /charts/{id}; and the workflow's second step."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from shotwise.bundle import Bundle
from shotwise.edge.files import file_response
from shotwise.edge.function import Function
from shotwise.edge.replies import importance_reply
from shotwise.edge.requests import importance_request
from shotwise.explanation import Draw, explain
from shotwise.files import FileStore


def importance_function(bundle: Bundle, store: FileStore, draw: Draw) -> Function:
    """The function for a bundle, with its chart store and its way to draw."""

    def post_importance(body: dict[str, Any]) -> dict[str, Any]:
        request = importance_request(body, bundle)
        found = explain(request.shot, bundle, store, draw if request.chart else None, request.language,
                        request.prediction_id)
        return importance_reply(found, bundle, request.language)

    def get_chart(name: str) -> Response[Any]:
        return file_response(store.get(name), "image/png")

    function = Function("importance", bundle.version)
    function.payload(lambda event: function.measured(post_importance, event))
    function.post("/importance", post_importance)
    function.get_file("/charts", get_chart)
    return function
