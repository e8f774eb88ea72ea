"""Three looks at a value, each from its own source, agreeing or not; and novelty, which says when none means much."""

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


def given(bundle: Bundle, **contributions: float) -> Attribution:
    """An attribution with these contributions and no others."""
    values = np.zeros(len(bundle.features))
    for name, value in contributions.items():
        values[bundle.position[name]] = value
    return Attribution(values, 0.2, 0.2 + values.sum(), 0.0)


def no_error(bundle: Bundle) -> np.ndarray:
    """An autoencoder that rebuilt everything."""
    return np.zeros(len(bundle.features), np.float32)


def test_each_signal_has_a_source_of_its_own(bundle: Bundle, features: dict[str, Any]) -> None:
    """Limits, attribution and reconstruction each light one mark of another value, and no mark besides."""
    high = bundle.limits["1"]["Coolant_Temp"][1]
    shot = read_shot({**features, "Coolant_Temp": high + 1}, bundle)
    errors = no_error(bundle)
    errors[bundle.position["Cycle_Time"]] = bundle.features[bundle.position["Cycle_Time"]].usual_error * 1.01
    told = {signal.feature: signal for signal in signals(shot, given(bundle, Velocity_1=0.2), errors, bundle)}
    assert told["Velocity_1"].high_attribution and not told["Velocity_1"].high_error
    assert told["Cycle_Time"] == Signal("Cycle_Time", False, False, True)
    assert told["Coolant_Temp"] == Signal("Coolant_Temp", True, False, False)


def test_agreement_comes_first(bundle: Bundle, features: dict[str, Any]) -> None:
    """A value on which two agree stands before a larger contribution alone."""
    high = bundle.limits["1"]["Coolant_Temp"][1]
    shot = read_shot({**features, "Coolant_Temp": high + 1}, bundle)
    found = signals(shot, given(bundle, Coolant_Temp=0.05, Velocity_1=0.2), no_error(bundle), bundle)
    names = [signal.feature for signal in found]
    assert names.index("Coolant_Temp") < names.index("Velocity_1") and found[0].count == 2


@pytest.mark.parametrize(("share", "high"), [(HIGH_SHARE * 0.99, False), (HIGH_SHARE * 1.01, True)])
def test_a_tenth_of_all_is_much(bundle: Bundle, features: dict[str, Any], share: float, high: bool) -> None:
    """Just under and just over the share, with the sign of no matter."""
    shot = read_shot(features, bundle)
    found = signals(shot, given(bundle, Cycle_Time=-share, Velocity_1=1 - share), no_error(bundle), bundle)
    assert any(signal.feature == "Cycle_Time" and signal.high_attribution for signal in found) is high


def test_what_was_not_measured_is_not_judged(bundle: Bundle, features: dict[str, Any]) -> None:
    """Its limits and its error are not known, though it may contribute."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    errors = np.full(len(bundle.features), 1e9, np.float32)
    told = {signal.feature: signal for signal in signals(shot, given(bundle, Factory_Humidity=0.1), errors, bundle)}
    assert told["Factory_Humidity"] == Signal("Factory_Humidity", None, True, None)


def test_without_anything_to_say_nothing_is_said(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """No contribution at all is no high attribution."""
    shot = read_shot(good_features, bundle)
    assert not any(signal.high_attribution for signal in signals(shot, given(bundle), no_error(bundle), bundle))


def test_usual_is_where_novelty_has_no_kind(bundle: Bundle, shots: Shots) -> None:
    """The check of many rows and that of one agree, on real shots and on ones pushed outside."""
    rows = np.concatenate([shots.features[:400], shots.features[:200] * 1.3])
    output = bundle.graph.run(rows)
    kinds = [novelty(values, output, row, bundle).kind for row, values in enumerate(rows)]
    np.testing.assert_array_equal(usual_mask(rows, output, bundle), [kind is None for kind in kinds])
    assert 0 < kinds.count(None) < len(kinds)
