"""History: what a request says of the run's earlier shots, and what it does to the prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shotwise.bundle import Bundle
from shotwise.errors import InvalidInput
from shotwise.history import MAX_SHOTS, history_of, read_history
from shotwise.prediction import predict, predict_with_history
from shotwise.shot import read_shot


def earlier(features: dict[str, Any], outcomes: list[str | None], start: int = 10) -> list[dict[str, Any]]:
    """Shots that differ in their number."""
    return [{"features": {**features, "Shot": start + place}, "outcome": outcome}
            for place, outcome in enumerate(outcomes)]


def read(given: object, features: dict[str, Any], bundle: Bundle) -> list[float | None]:
    """The outcomes as they were read; None where not known."""
    found = history_of(read_history(given, bundle), read_shot(features, bundle)).outcomes
    assert found.dtype == np.float32
    return [None if np.isnan(value) else float(value) for value in found]


def test_outcomes_are_read_newest_last(bundle: Bundle, features: dict[str, Any]) -> None:
    """An absent or null outcome is not known yet."""
    given = earlier(features, ["defect", None, "normal"])
    del given[1]["outcome"]
    assert read(given, features, bundle) == [1, None, 0]
    assert read([], features, bundle) == []


def test_a_repeated_shot_counts_once(bundle: Bundle, features: dict[str, Any]) -> None:
    """Its latest known outcome stays; a last one that repeats the shot itself is the shot itself."""
    one, two = earlier(features, ["defect", None])
    assert read([one, {**one, "outcome": None}, {**one, "outcome": "normal"}, two], features, bundle) == [0, None]
    assert read([one, {"features": features, "outcome": "defect"}], features, bundle) == [1]


@pytest.mark.parametrize(("given", "field", "reason"), [
    ({}, "history", "must be a list of up to 200"), ("x", "history", "must be a list"),
    ([1], "history[0]", "must be an object with features"),
    ([{"outcome": "defect"}], "history[0]", "must be an object with features"),
    ([{"features": {}, "result": 1}], "history[0]", "must be an object with features"),
    ([{"features": {}, "outcome": 1}], "history[0].outcome", "must be defect or normal"),
    ([{"features": {}, "outcome": ["defect"]}], "history[0].outcome", "must be defect or normal"),
    ([{"features": {}}], "history[0].features.Shot", "is missing")])
def test_bad_history_is_named(bundle: Bundle, features: dict[str, Any], given: object, field: str,
                              reason: str) -> None:
    """With the place of the shot and what it must be."""
    with pytest.raises(InvalidInput) as caught:
        read(given, features, bundle)
    assert any(error.field == field and error.reason.startswith(reason)
               for error in caught.value.errors)


def test_too_many_shots_are_refused(bundle: Bundle, features: dict[str, Any]) -> None:
    """One over the limit is refused, the limit is not."""
    assert len(read(earlier(features, ["normal"] * MAX_SHOTS, 1000), features, bundle)) == MAX_SHOTS
    with pytest.raises(InvalidInput, match="history"):
        read(earlier(features, ["normal"] * (MAX_SHOTS + 1), 1000), features, bundle)


def test_a_bundle_without_a_head_says_so(bundle: Bundle, features: dict[str, Any]) -> None:
    """Even of an empty history: the caller expects what this model cannot give."""
    with pytest.raises(InvalidInput, match="no history head"):
        read([], features, replace(bundle, history=None))


def test_defects_before_raise_the_probability(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """The more and the nearer the defects, the higher; without a known result everything is as without history."""
    shot = read_shot(good_features, bundle)

    def found(outcomes: list[str | None]) -> float:
        history = history_of(read_history(earlier(good_features, outcomes, 900), bundle), shot)
        return predict_with_history(shot, history, bundle).probability

    (alone,) = predict([shot], bundle)
    bad, good, unknown = ["defect"] * 20, ["normal"] * 20, [None] * 20
    assert found(good) < found([*bad, *good]) < found([*good, *bad]) < found(bad)
    history = history_of(read_history(earlier(good_features, unknown), bundle), shot)
    assert predict_with_history(shot, history, bundle) == alone and alone.history is None


def test_the_verdict_follows_the_head(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """Class, advice and defect types come from the joined probability and the head's own thresholds; the probability
    by the values alone stands beside it."""
    shot = read_shot(good_features, bundle)
    (alone,) = predict([shot], bundle)
    history = history_of(read_history(earlier(good_features, ["defect"] * 40), bundle), shot)
    joined = predict_with_history(shot, history, bundle)
    assert bundle.history and joined.history
    assert (alone.advice, joined.advice, joined.defect) == ("accept", "reject", True)
    assert (joined.history.known_outcomes, joined.history.probability_alone) == (40, alone.probability)
    assert joined.threshold == bundle.history.thresholds.decision
    assert joined.defect_types[0].probability > alone.defect_types[0].probability  # type: ignore[operator]


def test_too_few_results_change_nothing(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """One defect alone, or many far back, are less than the head was calibrated on: counted, said, and not used."""
    shot = read_shot(good_features, bundle)
    (alone,) = predict([shot], bundle)
    for outcomes in (["defect"], [*["defect"] * 100, *[None] * 100]):
        history = history_of(read_history(earlier(good_features, outcomes, 300), bundle), shot)
        found = predict_with_history(shot, history, bundle)
        assert found.history and not found.history.used and found.history.known_outcomes == history.known_outcomes
        assert replace(found, history=None) == alone
