"""What was found → the replies of the contract. Numbers are rounded to nine places, far below any meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shotwise.bundle import Bundle
from shotwise.explanation import Explanation
from shotwise.knowledge.passage import Answer
from shotwise.prediction import Prediction

PLACES = 9


def prediction_reply(prediction: Prediction, bundle: Bundle, prediction_id: str, language: str) -> dict[str, Any]:
    """The reply of /predict for one shot, without its time."""
    return {
        "prediction": {
            "class": "defect" if prediction.defect else "normal", "probability": _rounded(prediction.probability),
            "confidence": prediction.confidence, "threshold": _rounded(prediction.threshold),
            "advice": prediction.advice},
        "defect_types": [{"type": kind.type, "label": kind.label[language], "labels": dict(kind.label),
                          "probability": None if kind.probability is None else _rounded(kind.probability),
                          "examples": kind.examples} for kind in prediction.defect_types],
        "novelty": {"score": _rounded(prediction.novelty), "unusual": prediction.unusual,
                    "kind": prediction.novelty_kind, "outside_seen": list(prediction.outside_seen)},
        "limits": [{"feature": breach.feature, "value": breach.value, "low": breach.low, "high": breach.high}
                   for breach in prediction.limits],
        "imputed": list(prediction.imputed),
        "history": prediction.history and {"results": prediction.history.results, "used": prediction.history.used,
                                           "probability_alone": _rounded(prediction.history.probability_alone)},
        "latent_features": [_rounded(value) for value in prediction.latent],
        "model_version": bundle.version, "prediction_id": prediction_id}


def importance_reply(explanation: Explanation, bundle: Bundle, language: str) -> dict[str, Any]:
    """The reply of /importance, without its time. An excluded column contributes nothing, and it says so."""
    attribution = explanation.attribution
    return {
        "importance": {**{name: _rounded(float(value))
                          for name, value in zip(bundle.names, attribution.contributions, strict=True)},
                       **{column.name: 0.0 for column in bundle.excluded}},
        "base_value": _rounded(attribution.base_value), "probability": _rounded(attribution.probability),
        "estimated_error": _rounded(attribution.estimated_error),
        "top_features": [{"name": top.name, "label": top.label[language], "labels": dict(top.label),
                          "value": _rounded(top.value), "measured": top.measured, "unit": top.unit,
                          "direction": top.direction}
                         for top in explanation.top],
        "visualization_url": explanation.visualization_url}


def knowledge_reply(answer: Answer) -> dict[str, Any]:
    """The reply of /rag-query, without its time."""
    return {
        "answer": answer.text,
        "sources": [{"document": source.document, "title": source.title, "page": source.page,
                     "relevance": source.relevance, "quote": source.quote} for source in answer.sources],
        "recommendations": list(answer.recommendations),
        "recommendation_sources": list(answer.recommendation_sources),
        "grounded": answer.grounded, "generator": answer.generator}


def model_reply(bundle: Bundle) -> dict[str, Any]:
    """The reply of /model: schema, limits, thresholds, figures, card."""
    shown = ("version", "features", "excluded", "defect_types", "product_feature", "thresholds", "history", "limits",
             "figures", "training")
    return {**{name: bundle.document[name] for name in shown}, "card": bundle.card}


def samples_reply(bundle: Bundle) -> dict[str, list[Mapping[str, Any]]]:
    """The reply of /samples: real shots to try, with what inspection found."""
    return {"samples": list(bundle.samples)}


def _rounded(value: float) -> float:
    return round(value, PLACES)
