"""Designs solve games: small ones exactly, large ones nearly, and the checks can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray

from shotwise.attribution.coalitions import CoalitionDesign, coalition_design

Game = Callable[[NDArray[np.bool_]], float]
ENUMERATED = range(1, 8)


def solve(game: Game, players: int, design: CoalitionDesign | None = None) -> NDArray[np.float64]:
    """The Shapley values of a game by its design, as attribution uses it."""
    design = design or coalition_design(players)
    total = game(np.ones(players, bool)) - game(np.zeros(players, bool))
    halves = np.array([(game(members) - game(~members)) / 2 for members in design.coalitions])
    return design.weights @ (halves - design.share * total) + total / players


def by_definition(game: Game, players: int) -> NDArray[np.float64]:
    """The Shapley values by their definition, over every coalition of the other players."""
    values = np.zeros(players)
    for player in range(players):
        others = [other for other in range(players) if other != player]
        for size in range(players):
            share = factorial(size) * factorial(players - size - 1) / factorial(players)
            for coalition in combinations(others, size):
                members = np.zeros(players, bool)
                members[list(coalition)] = True
                joined = members.copy()
                joined[player] = True
                values[player] += share * (game(joined) - game(members))
    return values


def random_game(players: int, seed: int = 0) -> Game:
    """A game in which the worth of every coalition is random and independent of all others."""
    worths = np.random.default_rng([players, seed]).random(2**players)
    return lambda members: float(worths[int((members * (1 << np.arange(players))).sum())])


@pytest.mark.parametrize("players", ENUMERATED)
def test_a_small_game_is_solved_exactly(players: int) -> None:
    """Up to seven players the values equal the definition, and the variance is 0."""
    game = random_game(players)
    np.testing.assert_allclose(solve(game, players), by_definition(game, players), atol=1e-12)
    assert not coalition_design(players).variance.any()


def test_a_corrupted_design_is_noticed() -> None:
    """The comparison above fails when the weights of two coalitions are swapped."""
    game, design = random_game(5), coalition_design(5)
    swapped = replace(design, weights=design.weights[:, [1, 0, *range(2, design.weights.shape[1])]])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(solve(game, 5, swapped), by_definition(game, 5), atol=1e-12)


@pytest.mark.parametrize("players", [5, 7])
def test_alike_players_get_alike_values(players: int) -> None:
    """Symmetry: two players that act alike in an otherwise random game have equal values."""
    game = random_game(players)

    def symmetric(members: NDArray[np.bool_]) -> float:
        return game(members) + game(members[[1, 0, *range(2, players)]])

    values = solve(symmetric, players)
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    assert solve(game, players)[0] != pytest.approx(solve(game, players)[1], abs=1e-3)


@pytest.mark.parametrize("players", [8, 12, 22, 40])
def test_values_of_every_game_add_up(players: int) -> None:
    """Efficiency: whatever the worths of the coalitions, the values add up to the total."""
    design = coalition_design(players)
    random = np.random.default_rng(players)
    for _ in range(5):
        assert (design.weights @ random.normal(size=len(design.coalitions))).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("players", [8, 12, 22])
def test_games_of_order_two_are_solved_to_five_digits(players: int) -> None:
    """Additive parts and interactions of two players are recovered with a relative error under 1e-5."""
    random = np.random.default_rng(players)
    main_effects, interactions = random.normal(size=players), random.normal(size=(players, players))

    def game(members: NDArray[np.bool_]) -> float:
        return float(main_effects @ members + members @ interactions @ members)

    expected = main_effects + (interactions + interactions.T).sum(axis=1) / 2
    assert np.abs(solve(game, players) - expected).sum() < 1e-5 * np.abs(expected).sum()


def test_the_error_of_a_large_game_is_of_the_stated_size() -> None:
    """For smooth games of twelve players the true error is of the size of the expected one."""
    design, ratios = coalition_design(12), []
    for seed in range(10):
        random = np.random.default_rng(seed)
        slopes = random.normal(size=12)

        def game(members: NDArray[np.bool_], slopes: NDArray[np.float64] = slopes) -> float:
            return float(1 / (1 + np.exp(-(slopes @ members - 1) * 1.5)))

        total = game(np.ones(12, bool)) - game(np.zeros(12, bool))
        halves = np.array([(game(members) - game(~members)) / 2 - (members.mean() - 0.5) * total
                           for members in design.coalitions])
        scale = halves @ design.precision @ halves / (len(halves) - 12 + 1)
        expected_error = np.sqrt(design.variance * scale * 2 / np.pi).sum()
        ratios.append(np.abs(solve(game, 12) - by_definition(game, 12)).sum() / expected_error)
    assert 0.1 < np.median(ratios) < 1.5


@pytest.mark.parametrize("players", [8, 9, 12, 22])
def test_no_pair_is_evaluated_twice(players: int) -> None:
    """Evaluating a coalition or its complement again would add no information."""
    pairs = [(members ^ members[0]).tobytes() for members in coalition_design(players).coalitions]
    assert len(set(pairs)) == len(pairs)


def test_a_design_is_deterministic() -> None:
    """A design that is computed again, as in another process, is equal."""
    recomputed = coalition_design.__wrapped__(22)
    np.testing.assert_array_equal(recomputed.coalitions, coalition_design(22).coalitions)
    np.testing.assert_array_equal(recomputed.weights, coalition_design(22).weights)


def test_twice_the_pairs_lower_the_variance() -> None:
    """Doubling the pairs leaves less than 0.7 of the variance."""
    assert coalition_design(22, 8).variance.sum() < 0.7 * coalition_design(22).variance.sum()
