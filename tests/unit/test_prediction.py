"""T1: class, advice and warnings follow from the graph and the bundle's thresholds alone."""

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
        count, width = features.shape
        return GraphOutput(self.probability(features), np.zeros((count, 12), np.float32),
                           np.full(count, self._error, np.float32), np.zeros((count, width), np.float32),
                           np.full(count, self._distance, np.float32))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full(len(features), self._probability, np.float32)


def predicted(bundle: Bundle, features: dict[str, Any], probability: float, error: float = 0.0,
              distance: float = 0.0) -> Prediction:
    """The prediction for `features` with a graph that says so."""
    fixed = replace(bundle, graph=FixedGraph(probability, error, distance))
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
    assert found.novelty_kind == "shot"


def test_new_conditions_keep_the_advice_and_lower_the_confidence(bundle: Bundle,
                                                                 good_features: dict[str, Any]) -> None:
    """A distance above its limit sends no shot of a new run to inspection, but none is judged with confidence."""
    thresholds = bundle.thresholds
    for probability, advice in ((thresholds.accept_below / 9, "accept"), (0.99, "reject")):
        found = predicted(bundle, good_features, probability, distance=thresholds.distance * 3)
        assert (found.novelty, found.unusual, found.novelty_kind) == (pytest.approx(3), True, "conditions")
        assert (found.advice, found.confidence) == (advice, "low")


def test_new_conditions_explain_an_error_but_no_odd_value(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Where the conditions are new the values fit as none did before, which says nothing of the shot; a value outside
    its range still does. The score is that of the farther one."""
    thresholds = bundle.thresholds
    both = predicted(bundle, good_features, 0.01, thresholds.novelty * 2, thresholds.distance * 3)
    assert (both.novelty_kind, both.advice, both.novelty) == ("conditions", "accept", pytest.approx(3))
    near = predicted(bundle, good_features, 0.01, thresholds.novelty * 2, thresholds.distance * 0.9)
    assert (near.novelty_kind, near.advice, near.novelty) == ("shot", "inspect", pytest.approx(2))
    high = bundle.features[bundle.position["Cycle_Time"]].seen[1]
    outside = predicted(bundle, {**good_features, "Cycle_Time": high + 1}, 0.01, distance=thresholds.distance * 3)
    assert (outside.novelty_kind, outside.advice) == ("shot", "inspect")


def test_a_usual_shot_is_of_no_kind(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Below both limits a shot is usual."""
    found = predicted(bundle, good_features, 0.1, bundle.thresholds.novelty * 0.99, bundle.thresholds.distance * 0.99)
    assert (found.novelty_kind, found.unusual) == (None, False)


def test_a_condition_outside_the_range_is_a_new_condition(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """A plant warmer than ever is no odd shot; a cycle longer than ever is, whatever the plant is like."""
    high = {name: bundle.features[bundle.position[name]].seen[1] for name in ("Factory_Temp", "Cycle_Time")}
    warm = {**good_features, "Factory_Temp": high["Factory_Temp"] + 1}
    found = predicted(bundle, warm, 0.01)
    assert (found.novelty_kind, found.outside_seen, found.advice) == ("conditions", ("Factory_Temp",), "accept")
    assert predicted(bundle, {**warm, "Cycle_Time": high["Cycle_Time"] + 1}, 0.01).novelty_kind == "shot"
    low = bundle.features[bundle.position["Factory_Temp"]].seen[0]
    for part, kind in ((0.49, "conditions"), (0.51, "shot")):
        far = {**good_features, "Factory_Temp": high["Factory_Temp"] + part * (high["Factory_Temp"] - low)}
        assert predicted(bundle, far, 0.01).novelty_kind == kind


def test_half_of_a_large_enough_batch_makes_a_new_run(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Ten shots or more, half of them under new conditions; shots that are odd in themselves do not count."""
    new = predicted(bundle, good_features, 0.1, distance=bundle.thresholds.distance * 3)
    odd = predicted(bundle, good_features, 0.1, error=bundle.thresholds.novelty * 3)
    usual = predicted(bundle, good_features, 0.1)
    assert is_new_run([new] * 5 + [usual] * 5) and is_new_run([new] * 10)
    assert not is_new_run([new] * 9) and not is_new_run([new] * 5 + [usual] * 6) and not is_new_run([odd] * 10)


def test_a_value_outside_the_range_seen_is_named(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """It is answered, and flagged under novelty and limits."""
    high = bundle.features[bundle.position["Cycle_Time"]].seen[1]
    found = predicted(bundle, {**good_features, "Cycle_Time": high + 1}, 0.1)
    assert found.outside_seen == ("Cycle_Time",) and found.unusual
    assert "Cycle_Time" in {breach.feature for breach in found.limit_breaches}


def test_limits_are_those_of_the_product(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """The same clamping force breaks the limits of one product and not of the other."""
    low, high = bundle.limits["1"]["Clamping_Force"]
    inside_one = {**good_features, "Clamping_Force": (low + high) / 2}
    breached = {product: {breach.feature for breach in
                          predicted(bundle, {**inside_one, "Product_Type": product}, 0.1).limit_breaches}
                for product in ("1", "2")}
    assert "Clamping_Force" not in breached["1"] and "Clamping_Force" in breached["2"]


def test_no_training_value_counts_as_outside_the_range_seen(bundle: Bundle) -> None:
    """Float32 rounding must not push the background's own extremes out of their range."""
    found = predict([read_shot(as_features(row, bundle), bundle) for row in bundle.background], bundle)
    assert [shot.outside_seen for shot in found] == [()] * len(found)


def test_types_are_sorted_and_never_likelier_than_a_defect(bundle: Bundle, features: dict[str, Any]) -> None:
    """All 13 types, most likely first, none above the probability of any defect."""
    (found,) = predict([read_shot(features, bundle)], bundle)
    chances = [kind.probability for kind in found.defect_types if kind.probability is not None]
    assert len(found.defect_types) == 13
    assert chances == sorted(chances, reverse=True) and chances[0] <= found.probability


def test_a_type_with_too_few_examples_has_no_probability(bundle: Bundle, features: dict[str, Any]) -> None:
    """It stands last, with the number of its examples, however likely the model finds it."""
    types = [replace(kind, modelled=number % 2 == 1) for number, kind in enumerate(bundle.defect_types)]
    (found,) = predict([read_shot(features, bundle)], replace(bundle, defect_types=tuple(types)))
    few = [(kind.name, None, kind.examples) for kind in types if not kind.modelled]
    assert [(kind.type, kind.probability, kind.examples) for kind in found.defect_types][-len(few):] == few
    assert all(kind.probability is not None for kind in found.defect_types[:-len(few)])


def test_a_batch_equals_one_by_one(bundle: Bundle, shots: Any) -> None:
    """What stands beside a shot in a batch does not change its numbers."""
    some = [read_shot(as_features(row, bundle), bundle) for row in shots.features[:50]]
    alone = [predict([shot], bundle)[0].probability for shot in some]
    np.testing.assert_allclose([found.probability for found in predict(some, bundle)], alone, atol=1e-6)
