"""Three checks of a value, each with a source of its own; and the two forms of the novelty check agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from shots import Shots

from shotwise.attribution.shapley import Attribution
from shotwise.attribution.signals import HIGH_SHARE, Signal, signals
from shotwise.bundle import Bundle
from shotwise.novelty import novelty, usual_mask
from shotwise.shot import read_shot


def attribution_of(bundle: Bundle, **contributions: float) -> Attribution:
    """An attribution with these contributions and no others."""
    by_column = np.zeros(len(bundle.features))
    for name, contribution in contributions.items():
        by_column[bundle.position[name]] = contribution
    return Attribution(by_column, 0.2, 0.2 + by_column.sum(), 0.0)


def no_error(bundle: Bundle) -> np.ndarray:
    """The errors of an autoencoder that rebuilt every value."""
    return np.zeros(len(bundle.features), np.float32)


def test_each_signal_has_a_source_of_its_own(bundle: Bundle, features: dict[str, Any]) -> None:
    """Limits, attribution and reconstruction each raise one signal of another value, and no other signal."""
    high = bundle.limits["1"]["Coolant_Temp"][1]
    shot = read_shot({**features, "Coolant_Temp": high + 1}, bundle)
    errors = no_error(bundle)
    errors[bundle.position["Cycle_Time"]] = bundle.features[bundle.position["Cycle_Time"]].usual_error * 1.01
    attribution = attribution_of(bundle, Velocity_1=0.2)
    by_feature = {signal.feature: signal for signal in signals(shot, attribution, errors, bundle)}
    assert by_feature["Velocity_1"].high_attribution and not by_feature["Velocity_1"].high_error
    assert by_feature["Cycle_Time"] == Signal("Cycle_Time", False, False, True)
    assert by_feature["Coolant_Temp"] == Signal("Coolant_Temp", True, False, False)


def test_agreement_comes_first(bundle: Bundle, features: dict[str, Any]) -> None:
    """A value with two signals comes before a value with a larger contribution alone."""
    high = bundle.limits["1"]["Coolant_Temp"][1]
    shot = read_shot({**features, "Coolant_Temp": high + 1}, bundle)
    ordered = signals(shot, attribution_of(bundle, Coolant_Temp=0.05, Velocity_1=0.2), no_error(bundle), bundle)
    names = [signal.feature for signal in ordered]
    assert names.index("Coolant_Temp") < names.index("Velocity_1") and ordered[0].count == 2


@pytest.mark.parametrize(("share", "high"), [(HIGH_SHARE * 0.99, False), (HIGH_SHARE * 1.01, True)])
def test_a_tenth_of_all_contributions_is_high(bundle: Bundle, features: dict[str, Any], share: float,
                                              high: bool) -> None:
    """The threshold lies at the share, whatever the sign of the contribution."""
    shot = read_shot(features, bundle)
    attribution = attribution_of(bundle, Cycle_Time=-share, Velocity_1=1 - share)
    raised = signals(shot, attribution, no_error(bundle), bundle)
    assert any(signal.feature == "Cycle_Time" and signal.high_attribution for signal in raised) is high


def test_a_missing_value_is_judged_by_its_contribution_alone(bundle: Bundle, features: dict[str, Any]) -> None:
    """Limits and reconstruction say nothing about a value that was not measured, though it may contribute."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    errors = np.full(len(bundle.features), 1e9, np.float32)
    attribution = attribution_of(bundle, Factory_Humidity=0.1)
    by_feature = {signal.feature: signal for signal in signals(shot, attribution, errors, bundle)}
    assert by_feature["Factory_Humidity"] == Signal("Factory_Humidity", None, True, None)


@pytest.mark.parametrize(("change", "raised"), [(0, False), (-1, True), (1, True)])
def test_a_constant_has_signals_only_where_it_changed(bundle: Bundle, features: dict[str, Any], change: int,
                                                      raised: bool) -> None:
    """At its value of all training shots it has none, whatever its error; below or above it has."""
    constant = next(feature for feature in bundle.features if feature.constant)
    shot = read_shot({**features, constant.name: constant.seen[0] + change}, bundle)
    errors = np.full(len(bundle.features), 1e9, np.float32)
    names = {signal.feature for signal in signals(shot, attribution_of(bundle), errors, bundle)}
    assert (constant.name in names) is raised


def test_without_contributions_none_is_high(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """If every contribution is zero, none of them is high."""
    shot = read_shot(good_features, bundle)
    raised = signals(shot, attribution_of(bundle), no_error(bundle), bundle)
    assert not any(signal.high_attribution for signal in raised)


def test_the_usual_mask_agrees_with_novelty(bundle: Bundle, shots: Shots) -> None:
    """The check of many rows equals that of single shots, on real shots and on shots outside their range."""
    rows = np.concatenate([shots.features[:400], shots.features[:200] * 1.3])
    output = bundle.graph.run(rows)
    kinds = [novelty(values, output, row, bundle).kind for row, values in enumerate(rows)]
    np.testing.assert_array_equal(usual_mask(rows, output, bundle), [kind is None for kind in kinds])
    assert 0 < kinds.count(None) < len(kinds)
