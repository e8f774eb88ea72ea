"""Shape predictions, explanations and answers into the replies of the API.

Numbers are rounded to nine decimal places, far finer than any of them is accurate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # predict starts without the modules that only importance and rag_query need
    from shotwise.attribution.explanation import Explanation
    from shotwise.attribution.setpoints import Setpoints
    from shotwise.bundle import Bundle
    from shotwise.knowledge.models import Answer
    from shotwise.prediction import Prediction

DECIMAL_PLACES = 9

# Why no change of settings is proposed, by `Setpoints.state`.
SETPOINT_REASONS = {
    "not_needed": {"ko": "샷의 값만으로 낸 결함 확률은 이미 판정 기준보다 낮습니다.",
                   "en": "By the shot's values alone, its probability is already below the threshold."},
    "no_settings": {"ko": "측정된 값 가운데 바꿀 수 있는 설정이 없어 제안하지 않습니다.",
                    "en": "None of the measured values is a setting that can be changed."},
    "unusual_shot": {"ko": "설정을 어떻게 바꾸어도 모델이 학습한 적 없는 유형의 샷이므로 제안하지 않습니다.",
                     "en": "Whatever its settings, the shot is unlike any that the model has seen."},
    "unusual_change": {"ko": "결함 확률을 판정 기준보다 낮추는 변경은 있으나, 모두 모델이 학습한 적 없는 유형의 샷이 "
                             "되므로 제안하지 않습니다.",
                       "en": "Some changes bring the probability below the threshold, but each makes a shot unlike any "
                             "that the model has seen."},
    "out_of_reach": {"ko": "양품 한계 안에서 설정을 세 개까지 바꾸어 결함 확률을 판정 기준보다 낮추는 변경을 찾지 못해 "
                           "제안하지 않습니다.",
                     "en": "No change of up to three settings within the limits of good shots was found to bring the "
                           "probability below the threshold."},
}


def prediction_reply(prediction: Prediction, bundle: Bundle, prediction_id: str, language: str) -> dict[str, Any]:
    """Return the reply of /predict for one shot, without `processing_time_ms`."""
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
                   for breach in prediction.limit_breaches],
        "imputed": list(prediction.imputed),
        "history": prediction.history and {
            "results": prediction.history.known_outcomes, "used": prediction.history.used,
            "probability_alone": _rounded(prediction.history.probability_alone)},
        "latent_features": [_rounded(activation) for activation in prediction.latent],
        "model_version": bundle.version, "prediction_id": prediction_id}


def importance_reply(explanation: Explanation, url: str | None, degraded: list[dict[str, Any]], bundle: Bundle,
                     language: str) -> dict[str, Any]:
    """Return the reply of /importance, without `processing_time_ms`; excluded columns contribute 0."""
    attribution, proposal, signals = explanation.attribution, explanation.setpoints, explanation.signals
    return {
        "importance": {**{name: _rounded(float(value))
                          for name, value in zip(bundle.names, attribution.contributions, strict=True)},
                       **{column.name: 0.0 for column in bundle.excluded}},
        "base_value": _rounded(attribution.base_value), "probability": _rounded(attribution.probability),
        "estimated_error": _rounded(attribution.estimated_error),
        "top_features": [{"name": top.name, "label": top.label[language], "labels": dict(top.label),
                          "value": _rounded(top.contribution), "measured": top.measured, "unit": top.unit,
                          "direction": top.direction}
                         for top in explanation.top_features],
        "setpoints": proposal and _setpoints_reply(proposal, bundle, language),
        "signals": None if signals is None else [
            {"feature": signal.feature, **_labels(signal.feature, bundle, language),
             "outside_limits": signal.outside_limits, "high_attribution": signal.high_attribution,
             "high_error": signal.high_error} for signal in signals],
        "imputed": list(explanation.imputed), "unusual": explanation.unusual,
        "visualization_url": url, "degraded": degraded}


def _setpoints_reply(proposal: Setpoints, bundle: Bundle, language: str) -> dict[str, Any]:
    return {
        "state": proposal.state, "reason": None if proposal.changes else SETPOINT_REASONS[proposal.state][language],
        "changes": [{"feature": change.feature, **_labels(change.feature, bundle, language), "from": change.before,
                     "to": change.after, "unit": change.unit} for change in proposal.changes],
        "probability": None if proposal.probability is None else _rounded(proposal.probability),
        "advice": proposal.advice}


def _labels(name: str, bundle: Bundle, language: str) -> dict[str, Any]:
    labels = bundle.features[bundle.position[name]].label
    return {"label": labels[language], "labels": dict(labels)}


def knowledge_reply(answer: Answer) -> dict[str, Any]:
    """Return the reply of /rag-query, without `processing_time_ms`."""
    return {
        "answer": answer.text,
        "sources": [{"document": source.document, "title": source.title, "page": source.page,
                     "relevance": source.relevance, "quote": source.quote} for source in answer.sources],
        "recommendations": list(answer.recommendations),
        "recommendation_sources": list(answer.recommendation_sources),
        "grounded": answer.grounded, "generator": answer.generator,
        "degraded": [degraded_entry(step, error) for step, error in answer.degraded]}


def degraded_entry(step: str, error: str) -> dict[str, Any]:
    """Return the entry of `degraded` for a step that failed, with the name of its error."""
    return {"step": step, "error": error, "code": f"{step}_failed", "params": {}}


def model_reply(bundle: Bundle) -> dict[str, Any]:
    """Return the reply of /model: schema, limits, thresholds, measured figures and model card."""
    members = ("version", "features", "excluded", "defect_types", "product_feature", "thresholds", "history", "limits",
               "figures", "training")
    return {**{name: bundle.manifest[name] for name in members}, "card": bundle.card}


def samples_reply(bundle: Bundle) -> dict[str, list[Mapping[str, Any]]]:
    """Return the reply of /samples: real shots to try, each with the outcome of its inspection."""
    return {"samples": list(bundle.samples)}


def _rounded(number: float) -> float:
    return round(number, DECIMAL_PLACES)
