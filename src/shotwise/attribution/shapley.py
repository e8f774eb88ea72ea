"""Compute how much each value of a shot contributed to its predicted probability, by Shapley values.

The explained function is the complete fused graph. There is one game for each background shot: its players are the
values in which the two shots differ; a coalition takes its members' values from the shot and all others from the
background shot, and its worth is the graph's probability for these values. Contributions are the Shapley values
averaged over all games, so absent values are drawn from the background independently of the present ones
(interventional values [1]_).

`coalitions` chooses which coalitions to evaluate; the graph evaluates those of all games in one batch. The Shapley
values of each game add up to its total worth, so contributions and base value add up to the probability.

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
# The expected error times this factor exceeds the true error for nine of ten shots, measured on the KAMP table with
# both of its bundles (benchmarks/attribution); another function may need another factor.
SAFETY_FACTOR = 1.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Attribution:
    """The contributions of all features to the probability of one shot.

    Attributes
    ----------
    contributions : ndarray of float64, shape (n_features,)
        Signed contributions, in probability, in the order of the graph's input.
    base_value : float
        Mean probability of the background shots.
    probability : float
        Probability of the shot, as base_value + sum of contributions.
    estimated_error : float
        Estimated sum of the absolute errors of all contributions, as a share of the sum of their absolute values; for
        nine of ten shots the true error is below it. 0 if every game was enumerated.
    """

    contributions: Floats
    base_value: float
    probability: float
    estimated_error: float


@dataclass(frozen=True)
class _Game:
    """The game of the shot and one background shot.

    Attributes
    ----------
    players : ndarray of int, shape (n_players,)
        Columns in which the two shots differ, in the order of the design's players.
    design : CoalitionDesign
        The design for n_players.
    """

    players: NDArray[np.intp]
    design: CoalitionDesign


def attribute(shot: Shot, bundle: Bundle, pairs_per_player: int = PAIRS_PER_PLAYER) -> Attribution:
    """Compute the Shapley values of a shot.

    Parameters
    ----------
    shot : Shot
        The shot. A value that was not measured is a player like others: its members replace the background shot's value
        by NaN, which the graph imputes.
    bundle : Bundle
        The model, with its graph and background shots.
    pairs_per_player : int
        Pairs of coalitions evaluated per player and background shot. The time is proportional to it; the error falls
        about with its square root.

    Returns
    -------
    attribution : Attribution
        The same shot and bundle always give the same numbers.

    Notes
    -----
    A value that is equal in the shot and a background shot is no player of that game. So a value that is equal in all
    background shots gets exactly 0, and so does a constant.
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
    """List the columns with a contribution other than 0, the largest absolute contribution first."""
    contributions = attribution.contributions
    return [int(column) for column in np.argsort(-np.abs(contributions), kind="stable") if contributions[column] != 0]


def _average_games(games: list[_Game], totals: Floats, worths: Floats, n_features: int) -> tuple[Floats, Floats]:
    """Return the mean Shapley values over all games and the variances of these means, each of shape (n_features,).

    `worths` has the worths of all games, each as `_solve` takes them, one game after the other.
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
        Players and design of the game.
    total : float
        Worth of all players minus the worth of no players.
    worths : ndarray of float64, shape (2 * n_pairs,)
        Worths of all coalitions of the design, then of their complements.

    Returns
    -------
    values : ndarray of float64, shape (n_players,)
        Shapley values.
    variances : ndarray of float64, shape (n_players,)
        Variances of the values, in units of the scale of the process.
    scale : float or None
        Scale of the process, estimated from this game; None if it was enumerated.
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
    """Average the scale of the process over all sampled games; 0 if every game was enumerated."""
    estimated = [scale for scale in scales if scale is not None]
    return float(np.mean(estimated)) if estimated else 0.0


def _players(values: NDArray[np.float32], bundle: Bundle) -> list[NDArray[np.intp]]:
    """List the columns in which the shot differs from each background shot, in random order.

    The order is random so that games that share a design evaluate different coalitions.
    """
    random = np.random.default_rng(SEED)
    background = bundle.background
    differs = ~((values == background) | (np.isnan(values) & np.isnan(background)))
    # The graph ignores a constant even if the plant has changed it: its weights in the autoencoder are 0.
    differs &= ~np.array([feature.constant for feature in bundle.features])
    return [random.permutation(np.flatnonzero(row)) for row in differs]


def _rows(values: NDArray[np.float32], background: NDArray[np.float32], games: list[_Game]) -> NDArray[np.float32]:
    """Build the graph's input, shape (n_rows, n_features): per game its coalitions, then their complements."""
    blocks = []
    for background_values, game in zip(background, games, strict=True):
        for members in (game.design.coalitions, ~game.design.coalitions):
            rows = np.repeat(background_values[None, :], len(members), axis=0)
            rows[:, game.players] = np.where(members, values[game.players], background_values[game.players])
            blocks.append(rows)
    return np.concatenate(blocks)


def _relative_error(deviations: Floats, contributions: Floats) -> float:
    """Compute `Attribution.estimated_error` from the standard deviations of the contributions.

    The expected absolute value of a normal error is √(2/π) times its standard deviation.
    """
    total = float(np.abs(contributions).sum())
    return float(deviations.sum() * np.sqrt(2 / np.pi)) * SAFETY_FACTOR / total if total else 0.0
