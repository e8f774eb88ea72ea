"""The designs answer games: exactly where they are small, nearly where they are large, and the checks can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray

from shotwise.attribution.coalitions import Design, design

Game = Callable[[NDArray[np.bool_]], float]
SMALL = range(1, 8)


def solve(game: Game, players: int, plan: Design | None = None) -> NDArray[np.float64]:
    """The values of a game by its design, as attribution uses it."""
    plan = plan or design(players)
    whole = game(np.ones(players, bool)) - game(np.zeros(players, bool))
    halves = np.array([(game(members) - game(~members)) / 2 for members in plan.coalitions])
    return plan.weights @ (halves - plan.share * whole) + whole / players


def by_definition(game: Game, players: int) -> NDArray[np.float64]:
    """Shapley's formula, every coalition of the others."""
    found = np.zeros(players)
    for player in range(players):
        others = [other for other in range(players) if other != player]
        for size in range(players):
            share = factorial(size) * factorial(players - size - 1) / factorial(players)
            for chosen in combinations(others, size):
                members = np.zeros(players, bool)
                members[list(chosen)] = True
                joined = members.copy()
                joined[player] = True
                found[player] += share * (game(joined) - game(members))
    return found


def any_game(players: int, seed: int = 0) -> Game:
    """A game whose every coalition is worth something of its own."""
    worths = np.random.default_rng([players, seed]).random(2**players)
    return lambda members: float(worths[int((members * (1 << np.arange(players))).sum())])


@pytest.mark.parametrize("players", SMALL)
def test_a_small_game_is_solved_exactly(players: int) -> None:
    """Up to seven players nothing is estimated: the values are those of Shapley's formula, and no error is stated."""
    game = any_game(players)
    np.testing.assert_allclose(solve(game, players), by_definition(game, players), atol=1e-12)
    assert not design(players).variance.any()


def test_a_corrupted_design_is_noticed() -> None:
    """The comparison above can fail: with the weights of two coalitions swapped it does."""
    game, plan = any_game(5), design(5)
    swapped = replace(plan, weights=plan.weights[:, [1, 0, *range(2, plan.weights.shape[1])]])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(solve(game, 5, swapped), by_definition(game, 5), atol=1e-12)


@pytest.mark.parametrize("players", [5, 7])
def test_alike_players_get_alike_values(players: int) -> None:
    """Symmetry: the first two players do the same in a game that is otherwise arbitrary."""
    game = any_game(players)

    def symmetric(members: NDArray[np.bool_]) -> float:
        return game(members) + game(members[[1, 0, *range(2, players)]])

    values = solve(symmetric, players)
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    assert solve(game, players)[0] != pytest.approx(solve(game, players)[1], abs=1e-3)


@pytest.mark.parametrize("players", [8, 12, 22, 40])
def test_every_game_is_shared_out_whole(players: int) -> None:
    """Efficiency: whatever the coalitions were worth, the values add up to the whole."""
    plan = design(players)
    random = np.random.default_rng(players)
    for _ in range(5):
        assert (plan.weights @ random.normal(size=len(plan.coalitions))).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("players", [8, 12, 22])
def test_players_that_only_add_get_what_they_add(players: int) -> None:
    """A game without interaction is solved to five digits, and so is one with interactions of two."""
    random = np.random.default_rng(players)
    adds, pairs = random.normal(size=players), random.normal(size=(players, players))

    def game(members: NDArray[np.bool_]) -> float:
        return float(adds @ members + members @ pairs @ members)

    expected = adds + (pairs + pairs.T).sum(axis=1) / 2
    assert np.abs(solve(game, players) - expected).sum() < 1e-5 * np.abs(expected).sum()


def test_a_large_game_is_off_by_about_what_is_stated() -> None:
    """Of smooth games of twelve players, the true error is of the size of the stated deviation."""
    plan, ratios = design(12), []
    for seed in range(10):
        random = np.random.default_rng(seed)
        slopes = random.normal(size=12)

        def game(members: NDArray[np.bool_], slopes: NDArray[np.float64] = slopes) -> float:
            return float(1 / (1 + np.exp(-(slopes @ members - 1) * 1.5)))

        whole = game(np.ones(12, bool)) - game(np.zeros(12, bool))
        halves = np.array([(game(members) - game(~members)) / 2 - (members.mean() - 0.5) * whole
                           for members in plan.coalitions])
        scale = halves @ plan.precision @ halves / (len(halves) - 12 + 1)
        stated = np.sqrt(plan.variance * scale * 2 / np.pi).sum()
        ratios.append(np.abs(solve(game, 12) - by_definition(game, 12)).sum() / stated)
    assert 0.1 < np.median(ratios) < 1.5


@pytest.mark.parametrize("players", [8, 9, 12, 22])
def test_no_pair_is_asked_twice(players: int) -> None:
    """A coalition, or its complement, asked again would tell nothing new."""
    asked = [(members ^ members[0]).tobytes() for members in design(players).coalitions]
    assert len(set(asked)) == len(asked)


def test_the_same_design_every_time() -> None:
    """Two processes ask the same coalitions: a design made anew is equal."""
    again = design.__wrapped__(22)
    np.testing.assert_array_equal(again.coalitions, design(22).coalitions)
    np.testing.assert_array_equal(again.weights, design(22).weights)


def test_twice_the_effort_is_surer() -> None:
    """More pairs leave less variance."""
    assert design(22, 8).variance.sum() < 0.7 * design(22).variance.sum()
