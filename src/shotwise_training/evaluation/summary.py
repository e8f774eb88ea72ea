"""Compute the figures of an evaluation, as `shotwise evaluate --json` prints them."""

from __future__ import annotations

from typing import Any

import numpy as np

from shotwise_training.data.protocol import PROTOCOLS
from shotwise_training.evaluation.evaluate import Evaluation, ServedPredictions
from shotwise_training.evaluation.type_scores import type_figures
from shotwise_training.metrics import DECIMALS, INTERVAL, Weights, figures, paired_difference
from shotwise_training.models.configuration import SHOTWISE

COMPARED = ("roc_auc", "f1")  # figures with paired differences


def summarise(evaluation: Evaluation) -> dict[str, Any]:
    """Compute all figures of an evaluation.

    Returns
    -------
    dict
        `protocols`: protocol → definition.
        `configurations`: configuration or baseline → protocol → figures.
        `types`: protocol → defect type → figures.
        `differences`: protocol → other model → figure → `shotwise` minus the other, paired.
        `abstention`: configuration → protocol → share left to a person, and the error rates with and without it.
        `novelty`: configuration → protocol → share of the shots that are novel.
    """
    return {
        "protocols": {protocol: PROTOCOLS[protocol] for protocol in evaluation.weights},
        "configurations": {name: {protocol: figures(shots, evaluation.weights[protocol])
                                  for protocol, shots in by_protocol.items()}
                           for name, by_protocol in evaluation.predictions.items()},
        "types": {protocol: type_figures(scores, evaluation.weights[protocol])
                  for protocol, scores in evaluation.types.items()},
        "differences": _differences(evaluation), "abstention": _abstention(evaluation),
        "novelty": {name: {protocol: round(float(served.novel.mean()), DECIMALS)
                           for protocol, served in by_protocol.items()}
                    for name, by_protocol in evaluation.served.items()}}


def _differences(evaluation: Evaluation) -> dict[str, Any]:
    return {protocol: {name: {figure: paired_difference(ours, others[protocol], figure, evaluation.weights[protocol])
                              for figure in COMPARED}
                       for name, others in evaluation.predictions.items()
                       if name != SHOTWISE.name and protocol in others}
            for protocol, ours in evaluation.predictions.get(SHOTWISE.name, {}).items()}


def _abstention(evaluation: Evaluation) -> dict[str, Any]:
    return {name: {protocol: _risk(served, evaluation.weights[protocol]) for protocol, served in by_protocol.items()}
            for name, by_protocol in evaluation.served.items()}


def _risk(served: ServedPredictions, weights: Weights) -> dict[str, Any]:
    """The share left to a person, the error rates on all shots and on the rest, and the interval of their difference.

    The error on the rest is None if no shot is left to the model, in the whole or in a resample.
    """
    wrong = (served.predictions.predicted != served.predictions.defect).astype(float)
    rest = (~served.inspected).astype(float)
    shares = {"inspected": round(float(1 - rest.mean()), DECIMALS), "error": round(float(wrong.mean()), DECIMALS)}
    rest_weights = weights @ rest
    if not rest.any() or not rest_weights.all():
        return {**shares, "error_of_rest": None, "difference_interval": [None, None]}
    differences = weights @ (wrong * rest) / rest_weights - weights @ wrong / weights.sum(axis=1)
    low, high = np.percentile(differences, INTERVAL)
    return {**shares, "error_of_rest": round(float(wrong[rest > 0].mean()), DECIMALS),
            "difference_interval": [round(float(low), DECIMALS), round(float(high), DECIMALS)]}
