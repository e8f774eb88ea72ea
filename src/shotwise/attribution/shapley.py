"""T2: which values drove the prediction. Shapley values of the whole fused graph with respect to the raw features.

The game: a coalition keeps the shot's values and takes the rest from a background shot; its worth is the graph's
probability, averaged over the bundle's background (interventional values; Janzing, Minorics, Blöbaum 2020). The game
against each background shot has as players the values in which the two differ, and is answered from the coalitions
that `coalitions` names; all of them are one batch for the graph. The values of each game share its whole worth, so
contributions and base value add up to the probability by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.attribution.coalitions import PAIRS_PER_PLAYER, Design, design
from shotwise.bundle import Bundle
from shotwise.parallel import map_rows
from shotwise.shot import Shot

SEED = 42
# The expected error times this is above the true one for nine shots of ten, measured on the KAMP table with both of its
# bundles (benchmarks/attribution); another function may take another factor.
SAFETY = 1.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Attribution:
    """contributions: float64 [F], in probability. base_value: mean probability of the background.
    probability: of the shot = base_value + sum(contributions). estimated_error: the sum of absolute errors of the
    contributions, as a share of the sum of their absolute values, measured to hold for nine shots of ten."""

    contributions: Floats
    base_value: float
    probability: float
    estimated_error: float


@dataclass(frozen=True)
class _Game:
    """The shot against one background shot: the columns of its players in the order of the design, and the design."""

    players: NDArray[np.intp]
    design: Design


def strongest_columns(attribution: Attribution) -> list[int]:
    """The columns that contribute at all, the largest contribution first."""
    contributions = attribution.contributions
    return [int(index) for index in np.argsort(-np.abs(contributions), kind="stable") if contributions[index] != 0]


def attribute(shot: Shot, bundle: Bundle, effort: int = PAIRS_PER_PLAYER) -> Attribution:
    """Shapley values of `shot`; the same shot and bundle give the same numbers. effort: pairs of coalitions a player,
    which the time is proportional to.

    A value equal in the shot and in a background shot plays no part against that background shot; one equal to all
    of them gets exactly zero, and so does a constant. A value that was not measured takes part as "not measured".
    """
    values, background = shot.values, bundle.background
    games = [_Game(columns, design(len(columns), effort)) for columns in _players(values, bundle)]
    known = bundle.graph.probability(np.vstack([background, values])).astype(np.float64)
    base, own = known[:-1], known[-1]
    worth = np.concatenate(map_rows(bundle.graph.probability, _rows(values, background, games))).astype(np.float64)
    found, spread, start = np.zeros((2, *background.shape)), [], 0
    for index, game in enumerate(games):
        stop = start + 2 * len(game.design.coalitions)
        found[:, index, game.players], scale = _answer(game, own - base[index], worth[start:stop])
        spread.append(scale)
        start = stop
    contributions, variance = found[0].mean(axis=0), found[1].sum(axis=0) * _mean(spread) / len(background)**2
    base_value = float(base.mean())
    return Attribution(contributions, base_value, base_value + float(contributions.sum()),
                       _relative(np.sqrt(variance), contributions))


def _answer(game: _Game, whole: float, worth: Floats) -> tuple[Floats, float | None]:
    """[2, players]: the values of one game and their variances in units of the scale; and the scale as this game tells
    it, None where it was enumerated."""
    plan = game.design
    if not len(game.players):
        return np.zeros((2, 0)), None
    own, others = np.split(worth, 2)
    differences = (own - others) / 2 - plan.share * whole
    spare = len(differences) - len(game.players) + 1
    scale = float(differences @ plan.precision @ differences) / spare if plan.variance.any() else None
    return np.stack([plan.weights @ differences + whole / len(game.players), plan.variance]), scale


def _mean(scales: list[float | None]) -> float:
    told = [scale for scale in scales if scale is not None]
    return float(np.mean(told)) if told else 0.0


def _players(values: NDArray[np.float32], bundle: Bundle) -> list[NDArray[np.intp]]:
    """Of each game the columns that differ, in an order of chance, so that every background shot is asked other
    coalitions of the same design."""
    random = np.random.default_rng(SEED)
    background = bundle.background
    differs = ~((values == background) | (np.isnan(values) & np.isnan(background)))
    # The graph does not look at a constant, wherever a plant has moved it; see src/shotwise_training/models/autoencoder.py.
    differs &= ~np.array([feature.constant for feature in bundle.features])
    return [random.permutation(np.flatnonzero(row)) for row in differs]


def _rows(values: NDArray[np.float32], background: NDArray[np.float32], games: list[_Game]) -> NDArray[np.float32]:
    """Every game's coalitions and then their complements, one game after the other: float32 [N, F]."""
    found = []
    for other, game in zip(background, games, strict=True):
        for members in (game.design.coalitions, ~game.design.coalitions):
            rows = np.repeat(other[None, :], len(members), axis=0)
            rows[:, game.players] = np.where(members, values[game.players], other[game.players])
            found.append(rows)
    return np.concatenate(found)


def _relative(error: Floats, contributions: Floats) -> float:
    """E|error| of normal errors with these standard deviations, as a share of what was attributed."""
    total = float(np.abs(contributions).sum())
    return float(error.sum() * np.sqrt(2 / np.pi)) * SAFETY / total if total else 0.0
