"""Shapley values: how much each raw value of a shot moved its predicted probability.

The explained function is the whole fused graph. In the game against one background shot, a coalition keeps the values
of the shot and takes all other values from the background shot; its worth is the graph's probability. The players are
the values in which the two shots differ. Contributions are the Shapley values averaged over all background shots, so
absent values are drawn from the background independently of those present (interventional values [1]_).

`coalitions` says which coalitions to evaluate; those of all games are one batch for the graph. The values of each game
add up to its total worth, so contributions and base value add up to the probability by construction.

References
----------
.. [1] Janzing, D., Minorics, L., Blöbaum, P. (2020). Feature relevance quantification in explainable AI: a causal
   problem. AISTATS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.attribution.coalitions import PAIRS_PER_PLAYER, CoalitionDesign, coalition_design
from shotwise.bundle import Bundle
from shotwise.parallel import map_rows
from shotwise.shot import Shot

SEED = 42
# The expected error times this is above the true one for nine shots of ten, measured on the KAMP table with both of its
# bundles (benchmarks/attribution); another function may need another factor.
SAFETY_FACTOR = 1.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Attribution:
    """The contributions of all features to the probability of one shot.

    Attributes
    ----------
    contributions : ndarray of float64, shape (n_features,)
        Signed, in probability, in the order of the graph's input.
    base_value : float
        Mean probability of the background shots.
    probability : float
        Of the shot: base_value + sum of contributions.
    estimated_error : float
        Sum of the absolute errors of all contributions as a share of the sum of their absolute values; for nine shots
        of ten the true error is below it. 0 where every game was enumerated.
    """

    contributions: Floats
    base_value: float
    probability: float
    estimated_error: float


@dataclass(frozen=True)
class _Game:
    """The shot against one background shot.

    Attributes
    ----------
    players : ndarray of int, shape (n_players,)
        Columns in which the two differ, in the order in which the design numbers its players.
    design : CoalitionDesign
        For so many players.
    """

    players: NDArray[np.intp]
    design: CoalitionDesign


def attribute(shot: Shot, bundle: Bundle, pairs_per_player: int = PAIRS_PER_PLAYER) -> Attribution:
    """Compute the Shapley values of a shot.

    Parameters
    ----------
    shot : Shot
        A value that was not measured takes part as "not measured": in a coalition it replaces the value of the
        background shot by NaN, which the graph imputes.
    bundle : Bundle
        Gives the graph and the background shots.
    pairs_per_player : int
        Pairs of coalitions evaluated per player and background shot. Time grows in proportion, error falls about with
        the square root.

    Returns
    -------
    attribution : Attribution
        The same shot and bundle always give the same numbers.

    Notes
    -----
    A value that is equal in the shot and in a background shot does not take part against that background shot. A value
    that is equal to all of them gets exactly 0, and so does a constant.
    """
    values, background = shot.values, bundle.background
    games = [_Game(columns, coalition_design(len(columns), pairs_per_player))
             for columns in _players(values, bundle)]
    probabilities = bundle.graph.probability(np.vstack([background, values])).astype(np.float64)
    background_probabilities, own_probability = probabilities[:-1], probabilities[-1]
    worths = np.concatenate(map_rows(bundle.graph.probability, _rows(values, background, games))).astype(np.float64)
    contributions, variances = _average_games(games, own_probability - background_probabilities, worths, len(values))
    base_value = float(background_probabilities.mean())
    return Attribution(contributions, base_value, base_value + float(contributions.sum()),
                       _relative_error(np.sqrt(variances), contributions))


def strongest_columns(attribution: Attribution) -> list[int]:
    """Columns with a contribution other than 0, the largest absolute contribution first."""
    contributions = attribution.contributions
    return [int(column) for column in np.argsort(-np.abs(contributions), kind="stable") if contributions[column] != 0]


def _average_games(games: list[_Game], totals: Floats, worths: Floats, n_features: int) -> tuple[Floats, Floats]:
    """Mean Shapley values over all games and the variances of these means, each of shape (n_features,).

    `worths` holds what `_solve` takes, one game after the other.
    """
    values, variances = np.zeros((2, len(games), n_features))
    scales, start = [], 0
    for index, game in enumerate(games):
        stop = start + 2 * len(game.design.coalitions)
        values[index, game.players], variances[index, game.players], scale = _solve(
            game, totals[index], worths[start:stop])
        scales.append(scale)
        start = stop
    return values.mean(axis=0), variances.sum(axis=0) * _mean_scale(scales) / len(games)**2


def _solve(game: _Game, total: float, worths: Floats) -> tuple[Floats, Floats, float | None]:
    """Solve one game.

    Parameters
    ----------
    game : _Game
        Its players and design.
    total : float
        Worth of all players minus that of none.
    worths : ndarray of float64, shape (2 * n_pairs,)
        Of all coalitions of the design, then of their complements.

    Returns
    -------
    values : ndarray of float64, shape (n_players,)
        Shapley values.
    variances : ndarray of float64, shape (n_players,)
        Of the values, in units of the scale of the process.
    scale : float or None
        Estimated from this game; None where it was enumerated.
    """
    design, n_players = game.design, len(game.players)
    if not n_players:
        return np.zeros(0), np.zeros(0), None
    coalition_worths, complement_worths = np.split(worths, 2)
    differences = (coalition_worths - complement_worths) / 2 - design.share * total
    degrees_of_freedom = len(differences) - n_players + 1
    scale = float(differences @ design.precision @ differences) / degrees_of_freedom if design.variance.any() else None
    return design.weights @ differences + total / n_players, design.variance, scale


def _mean_scale(scales: list[float | None]) -> float:
    """The scale of the process over all games that were sampled; 0 if none was."""
    estimated = [scale for scale in scales if scale is not None]
    return float(np.mean(estimated)) if estimated else 0.0


def _players(values: NDArray[np.float32], bundle: Bundle) -> list[NDArray[np.intp]]:
    """The columns that differ from each background shot, in random order.

    The order is random so that the games evaluate different coalitions although they share a design.
    """
    random = np.random.default_rng(SEED)
    background = bundle.background
    differs = ~((values == background) | (np.isnan(values) & np.isnan(background)))
    # The graph does not look at a constant, wherever a plant has moved it: the autoencoder's weights for it are 0.
    differs &= ~np.array([feature.constant for feature in bundle.features])
    return [random.permutation(np.flatnonzero(row)) for row in differs]


def _rows(values: NDArray[np.float32], background: NDArray[np.float32], games: list[_Game]) -> NDArray[np.float32]:
    """The graph's input for all games, shape (n_rows, n_features): of each its coalitions, then their complements."""
    blocks = []
    for background_values, game in zip(background, games, strict=True):
        for members in (game.design.coalitions, ~game.design.coalitions):
            rows = np.repeat(background_values[None, :], len(members), axis=0)
            rows[:, game.players] = np.where(members, values[game.players], background_values[game.players])
            blocks.append(rows)
    return np.concatenate(blocks)


def _relative_error(deviations: Floats, contributions: Floats) -> float:
    """`Attribution.estimated_error` from the standard deviations of the contributions.

    The expected absolute error of a normal error is √(2/π) times its standard deviation.
    """
    total = float(np.abs(contributions).sum())
    return float(deviations.sum() * np.sqrt(2 / np.pi)) * SAFETY_FACTOR / total if total else 0.0
