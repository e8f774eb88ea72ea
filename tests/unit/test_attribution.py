"""T2's values keep the promises of Shapley values; a corrupted attribution is caught by the same checks."""

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


class Toy:
    """A graph that treats its first two values alike."""

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        raise NotImplementedError

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        first, second, *others = features.T.astype(np.float64) / 10
        others_worth = sum((place + 1) * value**2 for place, value in enumerate(others))
        return (1 / (1 + np.exp(-first * second - others_worth * (first + second)))).astype(np.float32)


def assert_efficient(found: Attribution, shot: Shot, bundle: Bundle) -> None:
    """Base value and contributions add up to the graph's own probability."""
    own = float(bundle.graph.probability(shot.values[None, :])[0])
    assert found.base_value + found.contributions.sum() == pytest.approx(own, abs=1e-6)


def assert_constants_get_nothing(found: Attribution, bundle: Bundle) -> None:
    """A feature that never varies contributes exactly zero."""
    constants = [index for index, feature in enumerate(bundle.features) if feature.constant]
    assert len(constants) == 8 and not found.contributions[constants].any()


@pytest.fixture(scope="module")
def explained(bundle: Bundle, shots: Any) -> list[tuple[Shot, Attribution]]:
    """Some shots spread over the data, with their attributions."""
    rows = shots.features[:: max(1, len(shots.features) // SHOTS)][:SHOTS]
    chosen = [read_shot(as_features(row, bundle), bundle) for row in rows]
    return [(shot, attribute(shot, bundle)) for shot in chosen]


def test_contributions_add_up(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """Efficiency holds for every shot."""
    for shot, found in explained:
        assert_efficient(found, shot, bundle)


def test_constants_get_exactly_zero(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """Constants carry no information and no attribution."""
    for _, found in explained:
        assert_constants_get_nothing(found, bundle)


def test_a_constant_that_was_moved_gets_nothing_either(bundle: Bundle, features: dict[str, Any]) -> None:
    """A plant has another limit, or does not measure it: the graph does not look, and the values do not tell of it."""
    for given in (20.0, None):
        loose = replace(bundle, features=tuple(replace(one, missing=True) for one in bundle.features))
        shot = read_shot({**features, "Factory_Temp_Min": given, "Coolant_Temp_Max": 60}, loose)
        found = attribute(shot, loose)
        assert_constants_get_nothing(found, loose)
        assert_efficient(found, shot, loose)


def test_a_corrupted_attribution_fails_both_checks(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """The checks above can fail: swapping in wrong contributions makes them."""
    shot, found = explained[0]
    with pytest.raises(AssertionError):
        assert_efficient(replace(found, contributions=found.contributions * 1.01 + 1e-3), shot, bundle)
    with pytest.raises(AssertionError):
        assert_constants_get_nothing(replace(found, contributions=found.contributions + 1e-9), bundle)


def test_alike_values_get_alike_contributions(bundle: Bundle) -> None:
    """Symmetry, by a graph that treats two values alike: their contributions are equal though the others' are not."""
    background = np.zeros((4, 6), np.float32)
    toy = replace(bundle, features=bundle.features[:6], background=background, graph=Toy())
    found = attribute(Shot(np.arange(1, 7, dtype=np.float32)[[0, 0, 1, 2, 3, 4]], {}, ()), toy)
    assert found.contributions[0] == pytest.approx(found.contributions[1], abs=1e-12)
    assert np.abs(np.diff(found.contributions[1:])).min() > 1e-4
    assert found.estimated_error == 0


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # raised while shap is imported
def test_values_are_those_of_the_shap_library(bundle: Bundle) -> None:
    """On a game small enough to enumerate, the reference library's exact explainer gives the same values."""
    import shap

    columns = [bundle.position[name] for name in ("High_Velocity", "Spray_1_Time", "Factory_Humidity", "Coolant_Temp",
                                                  "Melting_Furnace_Temp", "Cycle_Time")]
    few = np.repeat(bundle.background[:1], 5, axis=0)
    few[:, columns] = bundle.background[1:6, columns]
    values = bundle.background[0].copy()
    values[columns] = bundle.background[40, columns]
    found = attribute(Shot(values, {}, ()), replace(bundle, background=few))

    def probability(rows: Any) -> Any:
        return bundle.graph.probability(rows.astype(np.float32)).astype(np.float64)

    explainer = shap.ExactExplainer(probability, shap.maskers.Independent(few))
    np.testing.assert_allclose(found.contributions, explainer(values[None, :].astype(np.float64)).values[0], atol=1e-7)
    assert found.estimated_error == 0 and np.abs(found.contributions).max() > 1e-3


def test_a_small_game_is_solved_exactly(bundle: Bundle, features: dict[str, Any]) -> None:
    """With two values changed against one background shot, sampling has nothing to guess: the two orders are walked."""
    one = replace(bundle, background=bundle.background[:1])
    start = one.background[0]
    changed = start.copy()
    names = ("High_Velocity", "Melting_Furnace_Temp")
    for name, step in zip(names, (0.4, 25.0), strict=True):
        changed[one.position[name]] += step
    first, second = (one.position[name] for name in names)

    def worth(*kept: int) -> float:
        row = start.copy()
        row[list(kept)] = changed[list(kept)]
        return float(one.graph.probability(row[None, :])[0])

    expected = (worth(first) - worth() + worth(first, second) - worth(second)) / 2
    found = attribute(Shot(changed, {}, ()), one)
    assert found.contributions[first] == pytest.approx(expected, abs=1e-9)
    assert np.count_nonzero(np.delete(found.contributions, [first, second])) == 0


def test_a_background_shot_explains_itself_by_the_background(bundle: Bundle) -> None:
    """A shot equal to a background shot is explained like any other, against the other ones."""
    shot = Shot(bundle.background[0], {}, ())
    assert_efficient(attribute(shot, bundle), shot, bundle)


def test_the_same_shot_gives_the_same_numbers(bundle: Bundle, features: dict[str, Any]) -> None:
    """The estimate is random in method, not in result."""
    shot = read_shot(features, bundle)
    np.testing.assert_array_equal(attribute(shot, bundle).contributions, attribute(shot, bundle).contributions)


def test_a_missing_value_is_explained_too(bundle: Bundle, features: dict[str, Any]) -> None:
    """NaN takes part as "not measured"; the sums still hold."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    assert_efficient(attribute(shot, bundle), shot, bundle)


def test_the_stated_error_holds(explained: list[tuple[Shot, Attribution]], bundle: Bundle) -> None:
    """Against eight times the effort, the true error is under the stated one for most shots, and both are small."""
    held, true = [], []
    for shot, found in explained:
        truth = attribute(shot, bundle, 8 * PAIRS_PER_PLAYER).contributions
        true.append(np.abs(found.contributions - truth).sum() / np.abs(truth).sum())
        held.append(true[-1] <= found.estimated_error < 0.1)
    assert np.mean(held) >= 0.75 and np.median(true) < 0.05


def test_more_effort_is_surer(bundle: Bundle, features: dict[str, Any]) -> None:
    """Four times the coalitions state half the error, about."""
    shot = read_shot(features, bundle)
    assert attribute(shot, bundle, 4 * PAIRS_PER_PLAYER).estimated_error < 0.7 * attribute(shot, bundle).estimated_error
