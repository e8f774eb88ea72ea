"""Proposals are under the threshold, inside limits, on the machine's steps, small, and never an unusual shot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shots import Shots, as_features

from benchmarks.setpoints.run import grid_finds
from shotwise.attribution.setpoints import MAX_CHANGES, Change, Setpoints, _Setting, setpoints
from shotwise.bundle import Bundle
from shotwise.graph import Graph, GraphOutput
from shotwise.novelty import usual_mask
from shotwise.prediction import predict
from shotwise.shot import Shot, read_shot

N_FLAGGED = 25
STRICT_THRESHOLD = 0.04  # few shots come under it by one change


class UnusualBelowThreshold:
    """The graph, except that every shot under the threshold is far from the training shots."""

    def __init__(self, graph: Graph, threshold: float) -> None:
        self._graph, self._threshold = graph, threshold

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """All outputs."""
        output = self._graph.run(features)
        return replace(output, distance=np.where(output.probability < self._threshold, np.float32(1e9), 0))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability alone."""
        return self._graph.probability(features)


def flagged_shots(bundle: Bundle, shots: Shots, count: int) -> list[Shot]:
    """Random shots over the threshold."""
    over = np.flatnonzero(bundle.graph.probability(shots.features) >= bundle.thresholds.decision)
    rows = np.random.default_rng(4).choice(over, min(count, len(over)), replace=False)
    return [read_shot(as_features(shots.features[row], bundle), bundle) for row in rows]


def changed(shot: Shot, proposal: Setpoints, bundle: Bundle) -> Shot:
    """The shot with the proposed settings, read like any other."""
    return read_shot({**shot.measured, **{change.feature: change.after for change in proposal.changes}}, bundle)


def assert_valid(shot: Shot, proposal: Setpoints, bundle: Bundle) -> None:
    """The proposal has every property that a proposal must have."""
    assert 1 <= len(proposal.changes) <= MAX_CHANGES
    after = predict([changed(shot, proposal, bundle)], bundle)[0]
    assert after.probability == pytest.approx(proposal.probability) and not after.defect and not after.unusual
    assert after.advice == proposal.advice
    limits = bundle.limits[bundle.product_type(shot.values)]
    for change in proposal.changes:
        feature = bundle.features[bundle.position[change.feature]]
        low, high = limits[change.feature]
        assert feature.controllable and low <= change.after <= high and change.before == shot.measured[change.feature]
        assert feature.resolution
        steps = change.after / feature.resolution
        assert steps == pytest.approx(round(steps), abs=1e-4)
        assert change.after != change.before and change.unit == feature.unit


@pytest.fixture(scope="module")
def flagged(bundle: Bundle, shots: Shots) -> list[tuple[Shot, Setpoints]]:
    """Flagged shots with their proposals."""
    return [(shot, setpoints(shot, bundle)) for shot in flagged_shots(bundle, shots, N_FLAGGED)]


def test_every_proposal_is_valid(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """Predicted as a shot of its own, each is under the threshold, usual, inside limits and on the machine's steps."""
    proposed = [(shot, proposal) for shot, proposal in flagged if proposal.state == "found"]
    assert len(proposed) > N_FLAGGED / 2
    for shot, proposal in proposed:
        assert_valid(shot, proposal, bundle)


def test_a_stricter_threshold_takes_more_changes(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """Where one setting is not enough, two or three are, and the proposals are just as valid."""
    strict = replace(bundle, thresholds=replace(bundle.thresholds, decision=STRICT_THRESHOLD))
    counts = []
    for shot, _ in flagged:
        proposal = setpoints(shot, strict)
        if proposal.state == "found":
            assert_valid(shot, proposal, strict)
            counts.append(len(proposal.changes))
    assert max(counts) >= 2 and len(counts) > N_FLAGGED / 8


def test_a_corrupted_proposal_fails_the_same_check(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """The check above fails on a value between two steps, a value beyond the limits, and an unchanged value."""
    shot, proposal = next(pair for pair in flagged if pair[1].state == "found")
    change = proposal.changes[0]
    high = bundle.limits[bundle.product_type(shot.values)][change.feature][1]
    for wrong in (replace(change, after=change.after + 1e-4), replace(change, after=high + 1),
                  Change(change.feature, change.before, change.before, change.unit)):
        with pytest.raises(AssertionError):
            assert_valid(shot, replace(proposal, changes=(wrong, *proposal.changes[1:])), bundle)


def test_the_search_misses_no_pair_of_settings(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """Wherever a grid of every pair of settings, twenty values each, has a solution, the search finds a proposal."""
    strict = replace(bundle, thresholds=replace(bundle.thresholds, decision=STRICT_THRESHOLD))
    solvable = []
    for shot, _ in flagged[:12]:
        solvable.append(grid_finds(shot, strict))
        assert setpoints(shot, strict).state == "found" or not solvable[-1]
    assert any(solvable)
    for shot, proposal in flagged:
        assert proposal.state == "found" or not grid_finds(shot, bundle)


def test_a_good_shot_needs_no_change(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """A shot under the threshold gets no proposal and the state says so."""
    assert setpoints(read_shot(good_features, bundle), bundle) == Setpoints("not_needed")


def test_without_controllable_features_nothing_is_proposed(bundle: Bundle, features: dict[str, Any]) -> None:
    """A schema without controllable features leaves nothing to change."""
    fixed = replace(bundle, features=tuple(replace(feature, controllable=False) for feature in bundle.features))
    assert setpoints(read_shot(features, fixed), fixed) == Setpoints("no_settings")


def test_a_threshold_out_of_reach_is_reported(bundle: Bundle, features: dict[str, Any]) -> None:
    """If three changes are not enough either, nothing is proposed and the state says so."""
    strict = replace(bundle, thresholds=replace(bundle.thresholds, decision=1e-6))
    assert setpoints(read_shot(features, strict), strict) == Setpoints("out_of_reach")


def test_an_unusual_shot_gets_no_proposal(bundle: Bundle, features: dict[str, Any]) -> None:
    """No settings are proposed for a shot that stays unusual whatever its settings."""
    narrow = replace(bundle, thresholds=replace(bundle.thresholds, distance=1e-6))
    assert setpoints(read_shot(features, narrow), narrow) == Setpoints("unusual_shot")


def test_a_change_that_makes_the_shot_unusual_is_not_proposed(bundle: Bundle, features: dict[str, Any]) -> None:
    """If every sufficient change leads too far from the training shots, none is proposed."""
    shot = read_shot(features, bundle)
    spoiled = replace(bundle, graph=UnusualBelowThreshold(bundle.graph, bundle.thresholds.decision))
    assert setpoints(shot, spoiled).state == "unusual_change"


def test_a_setting_that_was_not_measured_is_not_changed(bundle: Bundle, flagged: list[tuple[Shot, Setpoints]]) -> None:
    """Without a current value there is nothing to change from, so other settings are proposed."""
    loose = replace(bundle, features=tuple(replace(feature, missing=True) for feature in bundle.features))
    changes = []
    for shot, proposal in flagged:
        for change in proposal.changes[:1]:
            other_proposal = setpoints(read_shot({**shot.measured, change.feature: None}, loose), loose)
            assert change.feature not in {other.feature for other in other_proposal.changes}
            changes += other_proposal.changes
    assert len(changes) > N_FLAGGED / 4


def test_limits_without_width_do_not_make_a_shot_unusual(bundle: Bundle, features: dict[str, Any]) -> None:
    """Limits of no width leave no value to try; a usual shot is reported as out of reach, not as unusual."""
    shot = read_shot(features, bundle)
    tight = {product: {name: (shot.measured[name], shot.measured[name]) for name in limits
                       if isinstance(shot.measured[name], int | float)} for product, limits in bundle.limits.items()}
    assert setpoints(shot, replace(bundle, limits=tight)) == Setpoints("out_of_reach")


def test_steps_and_limits_of_any_size_are_kept(bundle: Bundle, features: dict[str, Any]) -> None:
    """Candidate values are distinct and inside the limits for tiny, huge and unknown steps."""
    column = bundle.position["High_Velocity"]
    for resolution, low, high in (
            (1e-7, 1.2e-6, 9.8e-6), (None, 1.2e-6, 9.8e-6), (0.5, 1e6 + 0.2, 1e6 + 40), (None, 3.0, 3.0)):
        setting = _Setting(column, replace(bundle.features[column], resolution=resolution), low, high, -1.0)
        values = setting.values_between(low, high, 12)
        assert values == sorted(set(values)) and all(low <= value <= high for value in values)
        assert len(values) == (12 if high > low else 1)


def test_features_that_are_not_controllable_never_change(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """All features that are not controllable have the same values before and after."""
    for shot, proposal in flagged:
        after = changed(shot, proposal, bundle)
        fixed = [name for name in bundle.names if not bundle.features[bundle.position[name]].controllable]
        assert [shot.measured[name] for name in fixed] == [after.measured[name] for name in fixed]


def test_no_single_change_is_much_smaller(bundle: Bundle, flagged: list[tuple[Shot, Setpoints]]) -> None:
    """A single change is within 2 % of the limits' width of the smallest, and never two are proposed where one will do.

    The smallest change is searched over every step of every setting alone.
    """
    excess_costs = []
    for shot, proposal in flagged:
        min_cost = min_single_cost(shot, bundle)
        if proposal.state != "found":
            continue
        if len(proposal.changes) > 1:
            assert min_cost is None
        else:
            change = proposal.changes[0]
            low, high = bundle.limits[bundle.product_type(shot.values)][change.feature]
            assert min_cost is not None
            excess_costs.append(abs(change.after - change.before) / (high - low) - min_cost)
    assert len(excess_costs) > N_FLAGGED / 2 and max(excess_costs) < 0.02 and np.mean(excess_costs) < 0.002


def test_a_change_goes_no_further_than_it_has_to(bundle: Bundle, flagged: list[tuple[Shot, Setpoints]]) -> None:
    """One step of the machine less, and the shot is over the threshold or unusual."""
    n_shortened = 0
    for shot, proposal in flagged:
        if len(proposal.changes) == 1:
            (change,) = proposal.changes
            step = bundle.features[bundle.position[change.feature]].resolution or 0
            if abs(change.after - change.before) > 1.5 * step > 0:
                less = replace(change, after=change.after - float(np.copysign(step, change.after - change.before)))
                (prediction,) = predict([changed(shot, replace(proposal, changes=(less,)), bundle)], bundle)
                assert prediction.defect or prediction.unusual
                n_shortened += 1
    assert n_shortened > N_FLAGGED / 4


def min_single_cost(shot: Shot, bundle: Bundle) -> float | None:
    """The cost of the smallest sufficient change of one setting, over every step of the machine."""
    limits, costs = bundle.limits[bundle.product_type(shot.values)], []
    for column, feature in enumerate(bundle.features):
        if not feature.controllable or feature.name not in limits:
            continue
        low, high = limits[feature.name]
        step = feature.resolution or 0.001
        values = np.arange(np.ceil(low / step - 1e-6), np.floor(high / step + 1e-6) + 1) * step
        rows = np.repeat(shot.values[None, :], len(values), axis=0)
        rows[:, column] = values
        output = bundle.graph.run(rows)
        sufficient = (output.probability < bundle.thresholds.decision) & usual_mask(rows, output, bundle)
        costs += list(np.abs(values[sufficient] - float(shot.measured[feature.name] or 0)) / (high - low))
    return min(costs, default=None)
