"""Proposals keep what they promise: scored, inside limits, on the machine's steps, few, and never an unusual shot."""

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

FLAGGED = 25
HARD = 0.04  # a threshold that few shots come under by one change


class FarBelow:
    """The graph, but shots under the threshold are far from all that it was trained on."""

    def __init__(self, graph: Graph, threshold: float) -> None:
        self._graph, self._threshold = graph, threshold

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """All outputs."""
        output = self._graph.run(features)
        return replace(output, distance=np.where(output.probability < self._threshold, np.float32(1e9), 0))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N] only."""
        return self._graph.probability(features)


def flagged_shots(bundle: Bundle, shots: Shots, count: int) -> list[Shot]:
    """Shots over the threshold, spread over the data."""
    over = np.flatnonzero(bundle.graph.probability(shots.features) >= bundle.thresholds.decision)
    rows = np.random.default_rng(4).choice(over, min(count, len(over)), replace=False)
    return [read_shot(as_features(shots.features[row], bundle), bundle) for row in rows]


def changed(shot: Shot, proposal: Setpoints, bundle: Bundle) -> Shot:
    """The shot with the proposal followed, read like any other."""
    return read_shot({**shot.measured, **{change.feature: change.after for change in proposal.changes}}, bundle)


def assert_kept(shot: Shot, proposal: Setpoints, bundle: Bundle) -> None:
    """Everything that a proposal promises."""
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
    return [(shot, setpoints(shot, bundle)) for shot in flagged_shots(bundle, shots, FLAGGED)]


def test_every_proposal_keeps_its_promises(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """Scored again as a shot of its own, each is under the threshold, usual, inside limits, on the machine's steps."""
    found = [(shot, proposal) for shot, proposal in flagged if proposal.state == "found"]
    assert len(found) > FLAGGED / 2
    for shot, proposal in found:
        assert_kept(shot, proposal, bundle)


def test_a_harder_threshold_takes_more_changes(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """Where one setting is not enough, two or three are, and they keep the same promises."""
    strict = replace(bundle, thresholds=replace(bundle.thresholds, decision=HARD))
    counts = []
    for shot, _ in flagged:
        proposal = setpoints(shot, strict)
        if proposal.state == "found":
            assert_kept(shot, proposal, strict)
            counts.append(len(proposal.changes))
    assert max(counts) >= 2 and len(counts) > FLAGGED / 8


def test_a_corrupted_proposal_fails_the_same_check(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """The check above can fail: on a value between two steps, beyond the limits, or on nothing changed."""
    shot, proposal = next(pair for pair in flagged if pair[1].state == "found")
    change = proposal.changes[0]
    high = bundle.limits[bundle.product_type(shot.values)][change.feature][1]
    for wrong in (replace(change, after=change.after + 1e-4), replace(change, after=high + 1),
                  Change(change.feature, change.before, change.before, change.unit)):
        with pytest.raises(AssertionError):
            assert_kept(shot, replace(proposal, changes=(wrong, *proposal.changes[1:])), bundle)


def test_where_a_pair_of_settings_would_do_a_proposal_is_found(flagged: list[tuple[Shot, Setpoints]],
                                                               bundle: Bundle) -> None:
    """Against a grid of every pair of settings, twenty values each: no shot is given up that the grid can mend."""
    strict = replace(bundle, thresholds=replace(bundle.thresholds, decision=HARD))
    there = []
    for shot, _ in flagged[:12]:
        there.append(grid_finds(shot, strict))
        assert setpoints(shot, strict).state == "found" or not there[-1]
    assert any(there)
    for shot, proposal in flagged:
        assert proposal.state == "found" or not grid_finds(shot, bundle)


def test_a_good_shot_needs_no_change(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Under the threshold nothing is proposed, and that is said."""
    assert setpoints(read_shot(good_features, bundle), bundle) == Setpoints("not_needed")


def test_without_settings_nothing_can_be_proposed(bundle: Bundle, features: dict[str, Any]) -> None:
    """A schema that calls nothing controllable leaves nothing to change."""
    fixed = replace(bundle, features=tuple(replace(feature, controllable=False) for feature in bundle.features))
    assert setpoints(read_shot(features, fixed), fixed) == Setpoints("no_settings")


def test_where_no_change_is_enough_that_is_said(bundle: Bundle, features: dict[str, Any]) -> None:
    """With the threshold out of reach, three changes are tried and nothing is proposed."""
    strict = replace(bundle, thresholds=replace(bundle.thresholds, decision=1e-6))
    assert setpoints(read_shot(features, strict), strict) == Setpoints("out_of_reach")


def test_of_an_unusual_shot_nothing_is_proposed(bundle: Bundle, features: dict[str, Any]) -> None:
    """Where a value that is no setting makes the shot strange, no change of settings is offered as a cure."""
    strange = replace(bundle, thresholds=replace(bundle.thresholds, distance=1e-6))
    assert setpoints(read_shot(features, strange), strange) == Setpoints("unusual_shot")


def test_a_change_into_the_unknown_is_not_proposed(bundle: Bundle, features: dict[str, Any]) -> None:
    """Where only changed shots are too far from those of the training, the changes are kept back."""
    shot = read_shot(features, bundle)
    near = replace(bundle, graph=FarBelow(bundle.graph, bundle.thresholds.decision))
    assert setpoints(shot, near).state == "unusual_change"


def test_a_setting_that_was_not_measured_stays_out(bundle: Bundle, flagged: list[tuple[Shot, Setpoints]]) -> None:
    """From where would it be changed? With the proposed setting taken away, only other ones move."""
    loose = replace(bundle, features=tuple(replace(feature, missing=True) for feature in bundle.features))
    moved = []
    for shot, proposal in flagged:
        for change in proposal.changes[:1]:
            found = setpoints(read_shot({**shot.measured, change.feature: None}, loose), loose)
            assert change.feature not in {other.feature for other in found.changes}
            moved += found.changes
    assert len(moved) > FLAGGED / 4


def test_without_a_value_to_try_the_shot_is_not_called_unusual(bundle: Bundle, features: dict[str, Any]) -> None:
    """Limits of no width leave nothing to set; a usual shot is not to be blamed for that."""
    shot = read_shot(features, bundle)
    tight = {product: {name: (shot.measured[name], shot.measured[name]) for name in limits
                       if isinstance(shot.measured[name], int | float)} for product, limits in bundle.limits.items()}
    assert setpoints(shot, replace(bundle, limits=tight)) == Setpoints("out_of_reach")


def test_steps_and_limits_of_any_size_are_kept(bundle: Bundle, features: dict[str, Any]) -> None:
    """Values far smaller than ours, and one without a step: candidates stay inside the limits and differ."""
    column = bundle.position["High_Velocity"]
    for resolution, low, high in (
            (1e-7, 1.2e-6, 9.8e-6), (None, 1.2e-6, 9.8e-6), (0.5, 1e6 + 0.2, 1e6 + 40), (None, 3.0, 3.0)):
        setting = _Setting(column, replace(bundle.features[column], resolution=resolution), low, high, -1.0)
        values = setting.values_between(low, high, 12)
        assert values == sorted(set(values)) and all(low <= value <= high for value in values)
        assert len(values) == (12 if high > low else 1)


def test_a_value_that_is_no_setting_never_moves(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """What the schema does not call controllable is the same before and after."""
    for shot, proposal in flagged:
        after = changed(shot, proposal, bundle)
        frozen = [name for name in bundle.names if not bundle.features[bundle.position[name]].controllable]
        assert [shot.measured[name] for name in frozen] == [after.measured[name] for name in frozen]


def test_no_single_change_is_much_smaller(bundle: Bundle, flagged: list[tuple[Shot, Setpoints]]) -> None:
    """Against every step of every setting alone: a proposal of one change is within 2 % of the limits' width of the
    smallest there is, and none of two stands where one would do."""
    beyond = []
    for shot, proposal in flagged:
        smallest = smallest_alone(shot, bundle)
        if proposal.state != "found":
            continue
        if len(proposal.changes) > 1:
            assert smallest is None
        else:
            change = proposal.changes[0]
            low, high = bundle.limits[bundle.product_type(shot.values)][change.feature]
            assert smallest is not None
            beyond.append(abs(change.after - change.before) / (high - low) - smallest)
    assert len(beyond) > FLAGGED / 2 and max(beyond) < 0.02 and np.mean(beyond) < 0.002


def smallest_alone(shot: Shot, bundle: Bundle) -> float | None:
    """The cost of the smallest single change, every step of the machine asked."""
    limits, found = bundle.limits[bundle.product_type(shot.values)], []
    for column, feature in enumerate(bundle.features):
        if not feature.controllable or feature.name not in limits:
            continue
        low, high = limits[feature.name]
        step = feature.resolution or 0.001
        values = np.arange(np.ceil(low / step - 1e-6), np.floor(high / step + 1e-6) + 1) * step
        rows = np.repeat(shot.values[None, :], len(values), axis=0)
        rows[:, column] = values
        output = bundle.graph.run(rows)
        fits = (output.probability < bundle.thresholds.decision) & usual_mask(rows, output, bundle)
        found += list(np.abs(values[fits] - float(shot.measured[feature.name] or 0)) / (high - low))
    return min(found, default=None)
