"""T2 at the edge: POST /importance, GET /charts/{id}; and the workflow's second step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shotwise.attribution.explanation import Draw, Explanation, explain, keep_chart
from shotwise.bundle import Bundle
from shotwise.compat.powertools import Response
from shotwise.files import FileStore
from shotwise.handlers.file_response import file_response
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.replies import importance_reply
from shotwise.handlers.requests import ImportanceRequest, importance_request


def importance_function(bundle: Bundle, store: FileStore, draw: Draw, origins: Sequence[str] = ()) -> LambdaHandler:
    """The function for a bundle, with its chart store and its way to draw. origins: whose web pages may read it."""

    def post_importance(body: dict[str, Any]) -> dict[str, Any]:
        request = importance_request(body, bundle)
        found = explain(request.shot, bundle, request.include)
        degraded: list[dict[str, str]] = []
        url = None
        if "chart" in request.include:
            try:
                url = chart(request, found)
            except Exception as error:  # whatever ails the picture, the values are there and are not to be lost
                degraded.append(function.degraded("chart", error))
        return importance_reply(found, url, degraded, bundle, request.language)

    def chart(request: ImportanceRequest, found: Explanation) -> str:
        png = draw(request.shot, found.attribution, bundle, request.language)
        return keep_chart(png, store, request.prediction_id)

    def get_chart(name: str) -> Response[Any]:
        return file_response(store.get(name), "image/png")

    function = LambdaHandler("importance", bundle.version, origins=origins)
    function.on_invoke(lambda event: function.with_metrics(post_importance, event))
    function.post("/importance", post_importance)
    function.get_file("/charts", get_chart)
    return function
