"""Contributions have the properties of Shapley values, and a corrupted attribution fails the same checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shots import as_features

from shotwise.attribution.coalitions import PAIRS_PER_PLAYER
from shotwise.attribution.shapley import Attribution, attribute
from shotwise.bundle import Bundle
from shotwise.graph import GraphOutput
from shotwise.shot import Shot, read_shot

SHOTS = 12


class SymmetricGraph:
    """A graph that treats its first two values alike."""

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """Not called by attribution."""
        raise NotImplementedError

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rises with the product of the first two values, and with the squares of the others."""
        first, second, *others = features.T.astype(np.float64) / 10
        others_worth = sum((place + 1) * value**2 for place, value in enumerate(others))
        return (1 / (1 + np.exp(-first * second - others_worth * (first + second)))).astype(np.float32)


def assert_efficient(attribution: Attribution, shot: Shot, bundle: Bundle) -> None:
    """Base value and contributions add up to the graph's own probability."""
    own = float(bundle.graph.probability(shot.values[None, :])[0])
    assert attribution.base_value + attribution.contributions.sum() == pytest.approx(own, abs=1e-6)


def assert_constants_get_zero(attribution: Attribution, bundle: Bundle) -> None:
    """A feature that never varies contributes exactly zero."""
    constants = [index for index, feature in enumerate(bundle.features) if feature.constant]
    assert constants and not attribution.contributions[constants].any()


@pytest.fixture(scope="module")
def explained(bundle: Bundle, shots: Any) -> list[tuple[Shot, Attribution]]:
    """Shots from all over the data, with their attributions."""
    rows = shots.features[:: max(1, len(shots.features) // SHOTS)][:SHOTS]
    picked = [read_shot(as_features(row, bundle), bundle) for row in rows]
    return [(shot, attribute(shot, bundle)) for shot in picked]


def test_contributions_add_up(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """Efficiency holds for every shot."""
    for shot, attribution in explained:
        assert_efficient(attribution, shot, bundle)


def test_constants_get_exactly_zero(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """Constants carry no information and get no contribution."""
    for _, attribution in explained:
        assert_constants_get_zero(attribution, bundle)


def test_a_constant_that_was_changed_gets_zero_too(bundle: Bundle, features: dict[str, Any]) -> None:
    """The graph ignores a constant that a plant sets to another value, or does not measure."""
    for limit in (20.0, None):
        loose = replace(bundle, features=tuple(replace(feature, missing=True) for feature in bundle.features))
        shot = read_shot({**features, "Factory_Temp_Min": limit, "Coolant_Temp_Max": 60}, loose)
        attribution = attribute(shot, loose)
        assert_constants_get_zero(attribution, loose)
        assert_efficient(attribution, shot, loose)


def test_a_corrupted_attribution_fails_both_checks(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """The checks above fail when wrong contributions are swapped in."""
    shot, attribution = explained[0]
    with pytest.raises(AssertionError):
        assert_efficient(replace(attribution, contributions=attribution.contributions * 1.01 + 1e-3), shot, bundle)
    with pytest.raises(AssertionError):
        assert_constants_get_zero(replace(attribution, contributions=attribution.contributions + 1e-9), bundle)


def test_symmetric_values_get_equal_contributions(bundle: Bundle) -> None:
    """Symmetry: two values that the graph treats alike get equal contributions, unlike all others."""
    background = np.zeros((4, 6), np.float32)
    symmetric = replace(bundle, features=bundle.features[:6], background=background, graph=SymmetricGraph())
    attribution = attribute(Shot(np.arange(1, 7, dtype=np.float32)[[0, 0, 1, 2, 3, 4]], {}, ()), symmetric)
    assert attribution.contributions[0] == pytest.approx(attribution.contributions[1], abs=1e-12)
    assert np.abs(np.diff(attribution.contributions[1:])).min() > 1e-4
    assert attribution.estimated_error == 0


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # raised while shap is imported
def test_contributions_equal_those_of_the_shap_library(bundle: Bundle) -> None:
    """On a game small enough to enumerate, shap's exact explainer gives the same values."""
    import shap

    columns = [bundle.position[name] for name in ("High_Velocity", "Spray_1_Time", "Factory_Humidity", "Coolant_Temp",
                                                  "Melting_Furnace_Temp", "Cycle_Time")]
    background = np.repeat(bundle.background[:1], 5, axis=0)
    background[:, columns] = bundle.background[1:6, columns]
    values = bundle.background[0].copy()
    values[columns] = bundle.background[40, columns]
    attribution = attribute(Shot(values, {}, ()), replace(bundle, background=background))

    def probability(rows: Any) -> Any:
        return bundle.graph.probability(rows.astype(np.float32)).astype(np.float64)

    explainer = shap.ExactExplainer(probability, shap.maskers.Independent(background))
    reference = explainer(values[None, :].astype(np.float64)).values[0]
    np.testing.assert_allclose(attribution.contributions, reference, atol=1e-7)
    assert attribution.estimated_error == 0 and np.abs(attribution.contributions).max() > 1e-3


def test_a_small_game_is_solved_exactly(bundle: Bundle, features: dict[str, Any]) -> None:
    """With two values changed against one background shot, the result is the mean over both orders."""
    single = replace(bundle, background=bundle.background[:1])
    start = single.background[0]
    changed = start.copy()
    names = ("High_Velocity", "Melting_Furnace_Temp")
    for name, step in zip(names, (0.4, 25.0), strict=True):
        changed[single.position[name]] += step
    first, second = (single.position[name] for name in names)

    def worth(*players: int) -> float:
        row = start.copy()
        row[list(players)] = changed[list(players)]
        return float(single.graph.probability(row[None, :])[0])

    expected = (worth(first) - worth() + worth(first, second) - worth(second)) / 2
    attribution = attribute(Shot(changed, {}, ()), single)
    assert attribution.contributions[first] == pytest.approx(expected, abs=1e-9)
    assert np.count_nonzero(np.delete(attribution.contributions, [first, second])) == 0


def test_a_background_shot_can_be_explained(bundle: Bundle) -> None:
    """A shot equal to a background shot is explained like any other shot."""
    shot = Shot(bundle.background[0], {}, ())
    assert_efficient(attribute(shot, bundle), shot, bundle)


def test_without_contributions_there_is_no_error(bundle: Bundle) -> None:
    """Where only a constant differs from the background, nothing contributes, and the estimated error is 0."""
    values = bundle.background[0].copy()
    values[next(column for column, feature in enumerate(bundle.features) if feature.constant)] += 1
    attribution = attribute(Shot(values, {}, ()), replace(bundle, background=bundle.background[:1]))
    assert not attribution.contributions.any() and attribution.estimated_error == 0


def test_the_same_shot_gives_the_same_numbers(bundle: Bundle, features: dict[str, Any]) -> None:
    """Sampling is seeded, so the result is deterministic."""
    shot = read_shot(features, bundle)
    np.testing.assert_array_equal(attribute(shot, bundle).contributions, attribute(shot, bundle).contributions)


def test_a_missing_value_is_explained_too(bundle: Bundle, features: dict[str, Any]) -> None:
    """NaN takes part as "not measured", and the contributions still add up."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    assert_efficient(attribute(shot, bundle), shot, bundle)


def test_the_estimated_error_holds(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """Against eight times as many pairs, the true error of most shots is below the estimated one; both are small."""
    within, true_errors = [], []
    for shot, attribution in explained:
        truth = attribute(shot, bundle, 8 * PAIRS_PER_PLAYER).contributions
        true_errors.append(np.abs(attribution.contributions - truth).sum() / np.abs(truth).sum())
        within.append(true_errors[-1] <= attribution.estimated_error < 0.1)
    assert np.mean(within) >= 0.75 and np.median(true_errors) < 0.05


def test_more_pairs_lower_the_estimated_error(bundle: Bundle, features: dict[str, Any]) -> None:
    """Four times the pairs about halve the estimated error."""
    shot = read_shot(features, bundle)
    assert attribute(shot, bundle, 4 * PAIRS_PER_PLAYER).estimated_error < 0.7 * attribute(shot, bundle).estimated_error
