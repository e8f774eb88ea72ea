"""Proposals keep what they promise: scored, inside limits, on the machine's steps, few, and never an unusual shot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shots import Shots, as_features

from shotwise.bundle import Bundle, Graph, GraphOutput
from shotwise.novelty import usual
from shotwise.prediction import predict
from shotwise.setpoints import MOST_CHANGES, Change, Setpoints, setpoints
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
    assert 1 <= len(proposal.changes) <= MOST_CHANGES
    after = predict([changed(shot, proposal, bundle)], bundle)[0]
    assert after.probability == pytest.approx(proposal.probability) and not after.defect and not after.unusual
    assert after.advice == proposal.advice
    limits = bundle.limits[bundle.product(shot.values)]
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
    assert max(counts) >= 2


def test_a_corrupted_proposal_fails_the_same_check(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """The check above can fail: on a value between two steps, beyond the limits, or on nothing changed."""
    shot, proposal = next(pair for pair in flagged if pair[1].state == "found")
    change = proposal.changes[0]
    high = bundle.limits[bundle.product(shot.values)][change.feature][1]
    for wrong in (replace(change, after=change.after + 1e-4), replace(change, after=high + 1),
                  Change(change.feature, change.before, change.before, change.unit)):
        with pytest.raises(AssertionError):
            assert_kept(shot, replace(proposal, changes=(wrong, *proposal.changes[1:])), bundle)


def test_where_a_pair_of_settings_would_do_a_proposal_is_found(flagged: list[tuple[Shot, Setpoints]],
                                                               bundle: Bundle) -> None:
    """Against a grid of every pair of settings, twenty values each: no shot is given up that the grid can mend."""
    for shot, proposal in flagged:
        if proposal.state != "found":
            assert not pair_grid_finds(shot, bundle), proposal.state


def pair_grid_finds(shot: Shot, bundle: Bundle) -> bool:
    """Whether any pair of settings on a grid of twenty values each gives a usual shot under the threshold."""
    limits = bundle.limits[bundle.product(shot.values)]
    columns = [column for column, feature in enumerate(bundle.features)
               if feature.controllable and feature.name in limits and shot.measured[feature.name] is not None]
    values = {}
    for column in columns:
        feature = bundle.features[column]
        step = feature.resolution or 0.001
        grid = np.round(np.linspace(*limits[feature.name], 20) / step) * step
        values[column] = np.append(grid[(grid >= limits[feature.name][0]) & (grid <= limits[feature.name][1])],
                                   shot.values[column])
    for place, first in enumerate(columns):
        for second in columns[place + 1:]:
            one, other = np.meshgrid(values[first], values[second])
            rows = np.repeat(shot.values[None, :], one.size, axis=0)
            rows[:, first], rows[:, second] = one.ravel(), other.ravel()
            output = bundle.graph.run(rows)
            if ((output.probability < bundle.thresholds.decision) & usual(rows, output, bundle)).any():
                return True
    return False


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
    """From where would it be changed? Every setting but one is taken away, and only that one moves."""
    shot, proposal = next(pair for pair in flagged if len(pair[1].changes) == 1)
    kept = proposal.changes[0].feature
    loose = replace(bundle, features=tuple(replace(feature, missing=True) for feature in bundle.features))
    unmeasured = {feature.name: None for feature in bundle.features if feature.controllable and feature.name != kept}
    found = setpoints(read_shot({**shot.measured, **unmeasured}, loose), loose)
    assert {change.feature for change in found.changes} <= {kept}


def test_a_value_that_is_no_setting_never_moves(flagged: list[tuple[Shot, Setpoints]], bundle: Bundle) -> None:
    """What the schema does not call controllable is the same before and after."""
    for shot, proposal in flagged:
        after = changed(shot, proposal, bundle)
        frozen = [name for name in bundle.names if not bundle.features[bundle.position[name]].controllable]
        assert [shot.measured[name] for name in frozen] == [after.measured[name] for name in frozen]


def test_fewer_and_smaller_changes_win(bundle: Bundle, flagged: list[tuple[Shot, Setpoints]]) -> None:
    """One step less of a single change is not enough: the proposal is the smallest on its way."""
    for shot, proposal in flagged:
        if len(proposal.changes) != 1:
            continue
        change = proposal.changes[0]
        step = bundle.features[bundle.position[change.feature]].resolution or 0.001
        low, high = bundle.limits[bundle.product(shot.values)][change.feature]
        if abs(change.after - change.before) / step > 24 or not low <= change.before <= high:
            continue  # so far away not every step is tried
        back = change.after - np.sign(change.after - change.before) * step
        if abs(back - change.before) < step / 2:
            continue
        nearer = changed(shot, replace(proposal, changes=(replace(change, after=round(float(back), 6)),)), bundle)
        before = predict([nearer], bundle)[0]
        assert before.defect or before.unusual
