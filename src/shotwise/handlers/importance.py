"""Explain predictions: POST /importance, GET /charts/{name}, and the second step of the workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shotwise.attribution.explanation import DrawChart, Explanation, explain, store_chart
from shotwise.bundle import Bundle
from shotwise.compat.powertools import Response
from shotwise.files import FileStore
from shotwise.handlers.file_response import file_response
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.replies import importance_reply
from shotwise.handlers.requests import ImportanceRequest, importance_request


def importance_handler(bundle: Bundle, charts: FileStore, draw_chart: DrawChart,
                       origins: Sequence[str] = ()) -> LambdaHandler:
    """Return the handler that explains predictions.

    Parameters
    ----------
    bundle : Bundle
        The model whose predictions are explained.
    charts : FileStore
        Where charts are stored.
    draw_chart : callable
        Draws the chart of an explanation as a PNG.
    origins : sequence of str
        The origins whose web pages may read responses.
    """
    handler = LambdaHandler("importance", bundle.version, origins=origins)

    def post_importance(body: dict[str, Any]) -> dict[str, Any]:
        request = importance_request(body, bundle)
        explanation = explain(request.shot, bundle, request.include)
        degraded: list[dict[str, Any]] = []
        url = None
        if "chart" in request.include:
            try:
                url = chart_url(request, explanation)
            except Exception as error:  # the values are useful without the chart
                degraded.append(handler.log_degraded("chart", error))
        return importance_reply(explanation, url, degraded, bundle, request.language)

    def chart_url(request: ImportanceRequest, explanation: Explanation) -> str:
        png = draw_chart(request.shot, explanation.attribution, bundle, request.language)
        return store_chart(png, charts, request.prediction_id)

    def get_chart(name: str) -> Response[Any]:
        return file_response(charts.get(name), "image/png")

    handler.on_invoke(lambda event: handler.with_metrics(post_importance, event))
    handler.post("/importance", post_importance)
    handler.get_file("/charts", get_chart)
    return handler
