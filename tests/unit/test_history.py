"""The history of a run is read from a request, and its inspection results change the prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shotwise.bundle import Bundle
from shotwise.errors import InvalidInput
from shotwise.history import history_of, read_history
from shotwise.limits import MAX_PAST_SHOTS
from shotwise.prediction import predict, predict_with_history
from shotwise.shot import read_shot


def past_shots(features: dict[str, Any], outcomes: list[str | None], start: int = 10) -> list[dict[str, Any]]:
    """Shots that differ in their number alone, as a request sends them."""
    return [{"features": {**features, "Shot": start + offset}, "outcome": outcome}
            for offset, outcome in enumerate(outcomes)]


def outcomes_of(history: object, features: dict[str, Any], bundle: Bundle) -> list[float | None]:
    """The outcomes as they are read; None where not known."""
    outcomes = history_of(read_history(history, bundle), read_shot(features, bundle)).outcomes
    assert outcomes.dtype == np.float32
    return [None if np.isnan(outcome) else float(outcome) for outcome in outcomes]


def test_outcomes_are_read_newest_last(bundle: Bundle, features: dict[str, Any]) -> None:
    """A missing or null outcome is read as not known."""
    history = past_shots(features, ["defect", None, "normal"])
    del history[1]["outcome"]
    assert outcomes_of(history, features, bundle) == [1, None, 0]
    assert outcomes_of([], features, bundle) == []


def test_a_repeated_shot_counts_once(bundle: Bundle, features: dict[str, Any]) -> None:
    """Its latest known outcome is kept; a last shot that equals the predicted one is not part of its history."""
    first, second = past_shots(features, ["defect", None])
    repeated = [first, {**first, "outcome": None}, {**first, "outcome": "normal"}, second]
    assert outcomes_of(repeated, features, bundle) == [0, None]
    assert outcomes_of([first, {"features": features, "outcome": "defect"}], features, bundle) == [1]


@pytest.mark.parametrize(("history", "field", "reason"), [
    ({}, "history", "must be a list of up to 200"), ("x", "history", "must be a list"),
    ([1], "history[0]", "must be an object with features"),
    ([{"outcome": "defect"}], "history[0]", "must be an object with features"),
    ([{"features": {}, "result": 1}], "history[0]", "must be an object with features"),
    ([{"features": {}, "outcome": 1}], "history[0].outcome", "must be defect or normal"),
    ([{"features": {}, "outcome": ["defect"]}], "history[0].outcome", "must be defect or normal"),
    ([{"features": {}}], "history[0].features.Shot", "is missing")])
def test_an_invalid_history_is_named(bundle: Bundle, features: dict[str, Any], history: object, field: str,
                                     reason: str) -> None:
    """Each error names the shot at fault and says what it must be."""
    with pytest.raises(InvalidInput) as caught:
        outcomes_of(history, features, bundle)
    assert any(error.field == field and error.reason.startswith(reason)
               for error in caught.value.errors)


def test_too_many_shots_are_refused(bundle: Bundle, features: dict[str, Any]) -> None:
    """The maximum number of shots is accepted, one more is not."""
    assert len(outcomes_of(past_shots(features, ["normal"] * MAX_PAST_SHOTS, 1000), features, bundle)) == MAX_PAST_SHOTS
    with pytest.raises(InvalidInput, match="history"):
        outcomes_of(past_shots(features, ["normal"] * (MAX_PAST_SHOTS + 1), 1000), features, bundle)


def test_a_bundle_without_a_history_head_refuses_any_history(bundle: Bundle, features: dict[str, Any]) -> None:
    """Even an empty history is refused, since the caller expects what this model cannot do."""
    with pytest.raises(InvalidInput, match="no history head"):
        outcomes_of([], features, replace(bundle, history=None))


def test_defects_before_raise_the_probability(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """More and more recent defects raise it further; without a known outcome it is as without history."""
    shot = read_shot(good_features, bundle)

    def probability(outcomes: list[str | None]) -> float:
        history = history_of(read_history(past_shots(good_features, outcomes, 900), bundle), shot)
        return predict_with_history(shot, history, bundle).probability

    (alone,) = predict([shot], bundle)
    bad, good, unknown = ["defect"] * 20, ["normal"] * 20, [None] * 20
    assert probability(good) < probability([*bad, *good]) < probability([*good, *bad]) < probability(bad)
    history = history_of(read_history(past_shots(good_features, unknown), bundle), shot)
    assert predict_with_history(shot, history, bundle) == alone and alone.history is None


def test_the_verdict_follows_the_history_head(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Class, advice and defect types follow the probability with history and the thresholds of the history head.

    The probability from the shot's own values is kept beside it.
    """
    shot = read_shot(good_features, bundle)
    (alone,) = predict([shot], bundle)
    history = history_of(read_history(past_shots(good_features, ["defect"] * 40), bundle), shot)
    joined = predict_with_history(shot, history, bundle)
    assert bundle.history and joined.history
    assert (alone.advice, joined.advice, joined.defect) == ("accept", "reject", True)
    assert (joined.history.known_outcomes, joined.history.probability_alone) == (40, alone.probability)
    assert joined.threshold == bundle.history.thresholds.decision
    assert joined.defect_types[0].probability > alone.defect_types[0].probability  # type: ignore[operator]


def test_too_few_outcomes_change_nothing(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """One defect alone, or many far back, are counted but not used: the head was calibrated on more."""
    shot = read_shot(good_features, bundle)
    (alone,) = predict([shot], bundle)
    for outcomes in (["defect"], [*["defect"] * 100, *[None] * 100]):
        history = history_of(read_history(past_shots(good_features, outcomes, 300), bundle), shot)
        prediction = predict_with_history(shot, history, bundle)
        assert prediction.history and not prediction.history.used
        assert prediction.history.known_outcomes == history.known_outcomes
        assert replace(prediction, history=None) == alone
