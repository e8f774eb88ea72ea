"""T1: class, advice and warnings follow from the graph and the bundle's thresholds alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shots import as_features

from shotwise.bundle import Bundle, GraphOutput
from shotwise.prediction import Prediction, predict
from shotwise.shot import read_shot


class FixedGraph:
    """A graph that gives every shot the same probability and reconstruction error."""

    def __init__(self, probability: float, error: float = 0.0) -> None:
        self._probability, self._error = probability, error

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        count, width = features.shape
        return GraphOutput(self.probability(features), np.zeros((count, 12), np.float32),
                           np.full(count, self._error, np.float32), np.zeros((count, width), np.float32))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full(len(features), self._probability, np.float32)


def predicted(bundle: Bundle, features: dict[str, Any], probability: float, error: float = 0.0) -> Prediction:
    """The prediction for `features` with a graph that says so."""
    fixed = replace(bundle, graph=FixedGraph(probability, error))
    return predict([read_shot(features, fixed)], fixed)[0]


def test_class_and_advice_follow_the_thresholds(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Below `accept_below` accept, from `reject_from` reject, inspect between; a defect from `decision` on."""
    thresholds = bundle.thresholds
    for probability, defect, advice in (
            (thresholds.accept_below - 0.01, False, "accept"), (thresholds.accept_below + 0.001, False, "inspect"),
            (thresholds.decision + 0.001, True, "inspect"), (thresholds.reject_from + 0.01, True, "reject")):
        found = predicted(bundle, good_features, probability)
        assert (found.defect, found.advice) == (defect, advice)


def test_confidence_is_the_chance_that_the_class_is_right(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """0.95 for a defect and 0.02 against one are sure; a defect at 0.4 is more likely wrong than right."""
    assert predicted(bundle, good_features, 0.95).confidence == "high"
    assert predicted(bundle, good_features, 0.02).confidence == "high"
    assert predicted(bundle, good_features, 0.65).confidence == "medium"
    assert predicted(bundle, good_features, 0.40).confidence == "low"


def test_an_unusual_shot_is_inspected_whatever_its_probability(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """A reconstruction error above its limit lowers confidence and asks for inspection."""
    found = predicted(bundle, good_features, 0.01, error=bundle.thresholds.novelty * 2)
    assert (found.novelty, found.unusual, found.advice, found.confidence) == (pytest.approx(2), True, "inspect", "low")


def test_a_value_outside_the_range_seen_is_named(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """It is answered, and flagged under novelty and limits."""
    high = bundle.features[bundle.position["Cycle_Time"]].seen[1]
    found = predicted(bundle, {**good_features, "Cycle_Time": high + 1}, 0.1)
    assert found.outside_seen == ("Cycle_Time",) and found.unusual
    assert "Cycle_Time" in {breach.feature for breach in found.limits}


def test_limits_are_those_of_the_product(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """The same clamping force breaks the limits of one product and not of the other."""
    low, high = bundle.limits["1"]["Clamping_Force"]
    inside_one = {**good_features, "Clamping_Force": (low + high) / 2}
    breached = {product: {breach.feature for breach in
                          predicted(bundle, {**inside_one, "Product_Type": product}, 0.1).limits}
                for product in ("1", "2")}
    assert "Clamping_Force" not in breached["1"] and "Clamping_Force" in breached["2"]


def test_no_training_value_counts_as_outside_the_range_seen(bundle: Bundle) -> None:
    """Float32 rounding must not push the background's own extremes out of their range."""
    found = predict([read_shot(as_features(row, bundle), bundle) for row in bundle.background], bundle)
    assert [shot.outside_seen for shot in found] == [()] * len(found)


def test_types_are_sorted_and_never_likelier_than_a_defect(bundle: Bundle, features: dict[str, Any]) -> None:
    """All 13 types, most likely first, none above the probability of any defect."""
    (found,) = predict([read_shot(features, bundle)], bundle)
    chances = [kind.probability for kind in found.defect_types]
    assert len(chances) == 13 and chances == sorted(chances, reverse=True) and chances[0] <= found.probability


def test_a_batch_equals_one_by_one(bundle: Bundle, shots: Any) -> None:
    """What stands beside a shot in a batch does not change its numbers."""
    some = [read_shot(as_features(row, bundle), bundle) for row in shots.features[:50]]
    alone = [predict([shot], bundle)[0].probability for shot in some]
    np.testing.assert_allclose([found.probability for found in predict(some, bundle)], alone, atol=1e-6)
