"""Class, advice and warnings of a prediction follow from the graph and the bundle's thresholds alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shots import as_features

from shotwise.bundle import Bundle
from shotwise.graph import GraphOutput
from shotwise.prediction import Prediction, is_new_run, predict
from shotwise.shot import read_shot


class FixedGraph:
    """A graph that gives every shot the same probability, reconstruction error and distance."""

    def __init__(self, probability: float, error: float = 0.0, distance: float = 0.0) -> None:
        self._probability, self._error, self._distance = probability, error, distance

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """All outputs; those that are not fixed are zeros."""
        n_shots, n_features = features.shape
        return GraphOutput(self.probability(features), np.zeros((n_shots, 12), np.float32),
                           np.full(n_shots, self._error, np.float32), np.zeros((n_shots, n_features), np.float32),
                           np.full(n_shots, self._distance, np.float32))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The fixed probability."""
        return np.full(len(features), self._probability, np.float32)


def predicted(bundle: Bundle, features: dict[str, Any], probability: float, error: float = 0.0,
              distance: float = 0.0) -> Prediction:
    """The prediction for `features` by a graph with these outputs."""
    fixed = replace(bundle, graph=FixedGraph(probability, error, distance))
    return predict([read_shot(features, fixed)], fixed)[0]


def test_class_and_advice_follow_the_thresholds(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Below `accept_below` accept, from `reject_from` reject, inspect between; a defect from `decision` on."""
    thresholds = bundle.thresholds
    for probability, defect, advice in (
            (thresholds.accept_below - 0.01, False, "accept"), (thresholds.accept_below + 0.001, False, "inspect"),
            (thresholds.decision + 0.001, True, "inspect"), (thresholds.reject_from + 0.01, True, "reject")):
        prediction = predicted(bundle, good_features, probability)
        assert (prediction.defect, prediction.advice) == (defect, advice)


def test_a_graph_of_too_few_types_is_an_error(bundle: Bundle, features: dict[str, Any]) -> None:
    """A graph that has no share for the last type of the manifest is not answered by leaving that type out."""
    def shares(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros((len(rows), len(bundle.defect_types) - 1), np.float32)

    with pytest.raises(ValueError, match="shorter"):
        predict([read_shot(features, bundle)], replace(bundle, defect_type_graph=shares))


def test_confidence_is_the_probability_that_the_class_is_right(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Probabilities of 0.95 and 0.02 give high confidence; a defect at 0.4 is more likely wrong than right."""
    assert predicted(bundle, good_features, 0.95).confidence == "high"
    assert predicted(bundle, good_features, 0.02).confidence == "high"
    assert predicted(bundle, good_features, 0.65).confidence == "medium"
    assert predicted(bundle, good_features, 0.40).confidence == "low"


def test_an_unusual_shot_is_inspected_whatever_its_probability(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """A reconstruction error above its limit lowers the confidence and turns the advice into inspect."""
    prediction = predicted(bundle, good_features, 0.01, error=bundle.thresholds.novelty * 2)
    assert (prediction.novelty, prediction.unusual, prediction.novelty_kind) == (pytest.approx(2), True, "shot")
    assert (prediction.advice, prediction.confidence) == ("inspect", "low")


def test_new_conditions_keep_the_advice_and_lower_the_confidence(bundle: Bundle,
                                                                 good_features: dict[str, Any]) -> None:
    """A distance above its limit does not send the shots of a new run to inspection, but lowers their confidence."""
    thresholds = bundle.thresholds
    for probability, advice in ((thresholds.accept_below / 9, "accept"), (0.99, "reject")):
        prediction = predicted(bundle, good_features, probability, distance=thresholds.distance * 3)
        assert (prediction.novelty, prediction.unusual) == (pytest.approx(3), True)
        assert (prediction.novelty_kind, prediction.advice, prediction.confidence) == ("conditions", advice, "low")


def test_new_conditions_explain_an_error_but_no_odd_value(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """In new conditions a high error no longer makes a shot odd; a value outside its range still does.

    The score is the larger of error and distance.
    """
    thresholds = bundle.thresholds
    both = predicted(bundle, good_features, 0.01, thresholds.novelty * 2, thresholds.distance * 3)
    assert (both.novelty_kind, both.advice, both.novelty) == ("conditions", "accept", pytest.approx(3))
    near = predicted(bundle, good_features, 0.01, thresholds.novelty * 2, thresholds.distance * 0.9)
    assert (near.novelty_kind, near.advice, near.novelty) == ("shot", "inspect", pytest.approx(2))
    high = bundle.features[bundle.position["Cycle_Time"]].seen[1]
    outside = predicted(bundle, {**good_features, "Cycle_Time": high + 1}, 0.01, distance=thresholds.distance * 3)
    assert (outside.novelty_kind, outside.advice) == ("shot", "inspect")


def test_a_usual_shot_has_no_novelty_kind(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """A shot below both limits is usual."""
    thresholds = bundle.thresholds
    prediction = predicted(bundle, good_features, 0.1, thresholds.novelty * 0.99, thresholds.distance * 0.99)
    assert (prediction.novelty_kind, prediction.unusual) == (None, False)


def test_a_condition_outside_the_range_is_a_new_condition(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """A factory warmer than ever is a new condition; a cycle longer than ever is an odd value in any condition."""
    high = {name: bundle.features[bundle.position[name]].seen[1] for name in ("Factory_Temp", "Cycle_Time")}
    warm = {**good_features, "Factory_Temp": high["Factory_Temp"] + 1}
    prediction = predicted(bundle, warm, 0.01)
    assert (prediction.novelty_kind, prediction.advice) == ("conditions", "accept")
    assert prediction.outside_seen == ("Factory_Temp",)
    assert predicted(bundle, {**warm, "Cycle_Time": high["Cycle_Time"] + 1}, 0.01).novelty_kind == "shot"
    low = bundle.features[bundle.position["Factory_Temp"]].seen[0]
    for widths, kind in ((0.49, "conditions"), (0.51, "shot")):
        far = {**good_features, "Factory_Temp": high["Factory_Temp"] + widths * (high["Factory_Temp"] - low)}
        assert predicted(bundle, far, 0.01).novelty_kind == kind


def test_half_of_a_large_enough_batch_makes_a_new_run(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """A new run has ten shots or more, half of them in new conditions; odd shots do not count."""
    new = predicted(bundle, good_features, 0.1, distance=bundle.thresholds.distance * 3)
    odd = predicted(bundle, good_features, 0.1, error=bundle.thresholds.novelty * 3)
    usual = predicted(bundle, good_features, 0.1)
    assert is_new_run([new] * 5 + [usual] * 5) and is_new_run([new] * 10)
    assert not is_new_run([new] * 9) and not is_new_run([new] * 5 + [usual] * 6) and not is_new_run([odd] * 10)


def test_a_value_outside_the_range_seen_is_named(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Such a shot is predicted, and the value is named under novelty and limits."""
    high = bundle.features[bundle.position["Cycle_Time"]].seen[1]
    prediction = predicted(bundle, {**good_features, "Cycle_Time": high + 1}, 0.1)
    assert prediction.outside_seen == ("Cycle_Time",) and prediction.unusual
    assert "Cycle_Time" in {breach.feature for breach in prediction.limit_breaches}


def test_limits_are_those_of_the_product(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """The same clamping force is outside the limits of one product type and inside those of the other."""
    low, high = bundle.limits["1"]["Clamping_Force"]
    inside_first = {**good_features, "Clamping_Force": (low + high) / 2}
    breached = {product: {breach.feature for breach in
                          predicted(bundle, {**inside_first, "Product_Type": product}, 0.1).limit_breaches}
                for product in ("1", "2")}
    assert "Clamping_Force" not in breached["1"] and "Clamping_Force" in breached["2"]


def test_no_training_value_counts_as_outside_the_range_seen(bundle: Bundle) -> None:
    """Rounding to float32 must not push the extremes of the background shots out of their range."""
    predictions = predict([read_shot(as_features(row, bundle), bundle) for row in bundle.background], bundle)
    assert [prediction.outside_seen for prediction in predictions] == [()] * len(predictions)


def test_types_are_sorted_and_never_more_probable_than_a_defect(bundle: Bundle, features: dict[str, Any]) -> None:
    """All types of the bundle come in order of probability, none above the probability of a defect."""
    (prediction,) = predict([read_shot(features, bundle)], bundle)
    probabilities = [entry.probability for entry in prediction.defect_types if entry.probability is not None]
    assert {entry.type for entry in prediction.defect_types} == {entry.name for entry in bundle.defect_types}
    assert probabilities == sorted(probabilities, reverse=True) and probabilities[0] <= prediction.probability


def test_a_type_with_too_few_examples_has_no_probability(bundle: Bundle, features: dict[str, Any]) -> None:
    """Such a type comes last, with the number of its examples, whatever the model computes for it."""
    types = [replace(defect_type, modelled=number % 2 == 1) for number, defect_type in enumerate(bundle.defect_types)]
    (prediction,) = predict([read_shot(features, bundle)], replace(bundle, defect_types=tuple(types)))
    rare = [(defect_type.name, None, defect_type.examples) for defect_type in types if not defect_type.modelled]
    last = prediction.defect_types[-len(rare):]
    assert [(entry.type, entry.probability, entry.examples) for entry in last] == rare
    assert all(entry.probability is not None for entry in prediction.defect_types[:-len(rare)])


def test_a_batch_equals_one_by_one(bundle: Bundle, shots: Any) -> None:
    """The other shots of a batch do not change the numbers of a shot."""
    batch = [read_shot(as_features(row, bundle), bundle) for row in shots.features[:50]]
    one_by_one = [predict([shot], bundle)[0].probability for shot in batch]
    together = [prediction.probability for prediction in predict(batch, bundle)]
    np.testing.assert_allclose(together, one_by_one, atol=1e-6)
