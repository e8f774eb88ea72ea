"""Shapley values of a game of n players from few of its 2^n coalitions: which to ask, and how to weigh the answers.

The game is taken for a draw from a Gaussian process over coalitions: a linear part, a part that two coalitions share
the less the more players they differ in (the diffusion kernel on the hypercube: Kondor, Lafferty 2002), and a little
noise for what is rougher still. Shapley values are linear in the game, so their posterior mean is a fixed weighted sum
of the coalitions' worths, and their posterior variance is known beforehand up to the scale of the process (Bayesian
quadrature: O'Hagan 1991; Rasmussen, Ghahramani 2003). Every coalition is asked together with its complement (paired
sampling: Covert, Lee 2021), whose difference has no part of even order left in it. A game of few players is
enumerated, and then nothing is estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

PAIRS_PER_PLAYER = 4  # about 3 % off on the served bundle, in about 40 ms on one core at 64 background shots
MIN_PLAYERS = 16  # a smaller game is asked as much; up to 7 players are then enumerated
SEED = 42

# Of the process, in units of the variance of its shared part; the scale itself comes from each game (decision 0015).
LINEAR = 1e4  # so much that nothing is assumed of it: a game of orders one and two is solved to five digits
NOISE = 0.1
SHARED = np.exp(-0.5)  # correlation of two coalitions that differ in one player

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """For games of n players. With d [P] = half of each coalition's worth minus half of its complement's, after the
    even share of the whole was taken from both, the Shapley values are `weights @ d` plus that even share.

    coalitions: bool [P, n], neither empty nor whole. share: [P], what half the difference of a coalition and its
    complement is of an evenly shared whole. weights: [n, P]. variance: [n], of each value in units of the
    process's scale, 0 where the game is enumerated. precision: [P, P], with which d tells that scale:
    dᵀ precision d / (P - n + 1), as the linear part takes up one d for every player but one.
    """

    coalitions: NDArray[np.bool_]
    share: Floats
    weights: Floats
    variance: Floats
    precision: Floats


@lru_cache(maxsize=64)
def design(players: int, effort: int = PAIRS_PER_PLAYER) -> Design:
    """The design for games of `players`, of `effort` pairs a player; the same numbers always give the same one."""
    pairs = max(effort * players, effort * MIN_PLAYERS)
    if 2 ** (players - 1) <= pairs:
        return _enumerated(players)
    return _sampled(players, pairs)


def _enumerated(players: int) -> Design:
    """Every coalition that leaves out the last player; those with it are the complements."""
    numbers = np.arange(1, 2 ** max(players - 1, 0))
    coalitions = (numbers[:, None] >> np.arange(players) & 1).astype(bool)
    size = coalitions.sum(axis=1)[:, None]
    # (s-1)! (n-s)! / n! for a member; s! (n-s-1)! / n!, and against it, for an outsider.
    member = np.array([0, *(1 / (players * comb(players - 1, s - 1)) for s in range(1, players + 1))])
    weights = 2 * np.where(coalitions, member[size], -member[size + 1])
    return Design(coalitions, _share(coalitions), weights.T, np.zeros(players), np.zeros((len(numbers), len(numbers))))


def _sampled(players: int, pairs: int) -> Design:
    coalitions = _coalitions(players, pairs)
    # The empty coalition and the whole are known too: their difference is the even share, so d is 0 there.
    known = np.vstack([coalitions, np.zeros(players, bool)]).astype(np.float64)
    covariance = _covariance(known) + np.diag([NOISE] * pairs + [1e-9])
    with_values = _covariance_with_values(known)
    precision = np.linalg.inv(covariance).astype(np.float64)
    weights: Floats = (precision @ with_values).T
    variance = np.maximum(_prior_variance(players) - (weights * with_values.T).sum(axis=1), 0)
    # The values share out nothing beyond the whole; the inverse keeps that to a few digits only.
    weights = weights - weights.mean(axis=0)
    return Design(coalitions, _share(coalitions), weights[:, :pairs], variance, precision[:pairs, :pairs])


def _share(coalitions: NDArray[np.bool_]) -> Floats:
    share: Floats = coalitions.sum(axis=1) / max(coalitions.shape[1], 1) - 0.5
    return share


def _coalitions(players: int, pairs: int) -> NDArray[np.bool_]:
    """Sizes by a density ∝ 1/√(s(n - s)), members at random, every pair once. Between uniform sizes (leverage scores:
    Musco, Witter 2025) and the Shapley kernel, which is all small and large ones."""
    random = np.random.default_rng([SEED, players])
    sizes = np.arange(1, players)
    density = 1 / np.sqrt(sizes * (players - sizes))
    found: dict[bytes, NDArray[np.bool_]] = {}
    while len(found) < pairs:
        members = np.zeros(players, bool)
        members[random.permutation(players)[: random.choice(sizes, p=density / density.sum())]] = True
        found.setdefault((members ^ members[0]).tobytes(), members)  # a coalition and its complement are one pair
    return np.array(list(found.values()))


def _covariance(coalitions: Floats) -> Floats:
    """[P, P] of the half differences between each coalition and its complement."""
    centred = coalitions - 0.5
    players = coalitions.shape[1]
    apart = players / 2 - 2 * centred @ centred.T  # players in which two coalitions differ
    shared: Floats = LINEAR * centred @ centred.T + (SHARED**apart - SHARED ** (players - apart)) / 2
    return shared


def _covariance_with_values(coalitions: Floats) -> Floats:
    """[P, n] between the half differences and the Shapley values."""
    found: Floats = LINEAR * (coalitions - 0.5) + (_values_of(coalitions) - _values_of(1 - coalitions)) / 2
    return found


def _values_of(coalitions: Floats) -> Floats:
    """[P, n]: Shapley values of the games S ↦ SHARED^(players in which S differs from the coalition). Each is a product
    over players, so its values are one integral over the chance of taking part (multilinear extension: Owen 1972)."""
    inside, outside = np.where(coalitions > 0, 1, SHARED), np.where(coalitions > 0, SHARED, 1)
    found = np.zeros_like(coalitions)
    for chance, weight in _quadrature(coalitions.shape[1]):
        each = (1 - chance) * outside + chance * inside
        found += weight * each.prod(axis=1, keepdims=True) / each
    return (inside - outside) * found


def _prior_variance(players: int) -> float:
    """Of a Shapley value, before any coalition was asked."""
    total = 0.0
    for chance, weight in _quadrature(players):
        agree, differ = 1 - chance + chance * SHARED, (1 - chance) * SHARED + chance
        for other, share in _quadrature(players):
            total += weight * share * (other * differ + (1 - other) * agree) ** (players - 1)
    return float(LINEAR + 2 * (1 - SHARED) * total)


def _quadrature(players: int) -> list[tuple[float, float]]:
    """Gauss–Legendre on [0, 1], exact for polynomials up to degree `players`."""
    nodes, weights = np.polynomial.legendre.leggauss(players // 2 + 1)
    return list(zip((nodes + 1) / 2, weights / 2, strict=True))
