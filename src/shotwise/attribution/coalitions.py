"""Choose which of the 2^n coalitions of a game to evaluate, and the weights that turn their worths into Shapley values.

A game of n players assigns a worth to every coalition (subset of players). It is modelled as a draw from a Gaussian
process over coalitions, the sum of

- a linear part, about which nothing is assumed: its variance is practically infinite;
- a part whose correlation falls with the number of players in which two coalitions differ, the diffusion kernel on the
  hypercube [1]_;
- a little noise, for anything less smooth.

Shapley values are linear in the game. Their posterior mean is therefore a fixed weighted sum of the worths, and their
posterior variance is known beforehand up to the scale of the process (Bayesian quadrature [2]_ [3]_). Coalitions and
weights depend only on the number of players, so they are computed once and cached.

Every coalition is evaluated together with its complement (paired sampling [4]_): the parts of even order cancel in the
difference of the two. A game of few players is enumerated, so its Shapley values are exact.

References
----------
.. [1] Kondor, R. I., Lafferty, J. (2002). Diffusion kernels on graphs and other discrete input spaces. ICML.
.. [2] O'Hagan, A. (1991). Bayes–Hermite quadrature. Journal of Statistical Planning and Inference 29.
.. [3] Rasmussen, C. E., Ghahramani, Z. (2003). Bayesian Monte Carlo. NIPS 15.
.. [4] Covert, I., Lee, S.-I. (2021). Improving KernelSHAP: practical Shapley value estimation using linear regression.
   AISTATS.
.. [5] Musco, C., Witter, R. T. (2025). Provably accurate Shapley value estimation via leverage score sampling. ICLR.
.. [6] Owen, G. (1972). Multilinear extensions of games. Management Science 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

PAIRS_PER_PLAYER = 4  # about 3 % error on the served bundle, in about 40 ms on one core at 64 background shots
MIN_PLAYERS = 16  # a smaller game gets as many pairs as a game of this size, so games of up to 7 players are enumerated
SEED = 42

# Variances of the process, in units of the variance of its correlated part; the scale is estimated from each game.
# Results hardly depend on these numbers over a wide range (decision 0015).
LINEAR_VARIANCE = 1e4  # practically infinite: a game of orders one and two is solved to five digits
NOISE_VARIANCE = 0.1
CORRELATION = np.exp(-0.5)  # between two coalitions that differ in one player

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CoalitionDesign:
    """Which coalitions to evaluate for a game of n players, and how to compute Shapley values from their worths.

    Let `total` be the worth of all players minus the worth of no players. The even share `total / n` of every player is
    subtracted first, which leaves of each pair::

        d = (worth of coalition - worth of complement) / 2 - share * total        # shape (n_pairs,)

    and the Shapley values are ``weights @ d + total / n``.

    Attributes
    ----------
    coalitions : ndarray of bool, shape (n_pairs, n_players)
        Members of each coalition; none is empty or contains all players. Their complements are evaluated as well.
    share : ndarray of float64, shape (n_pairs,)
        Half the difference between a coalition and its complement in a game that shares a total of 1 evenly.
    weights : ndarray of float64, shape (n_players, n_pairs)
        Weights of d. Columns sum to 0, so the values always add up to `total`.
    variance : ndarray of float64, shape (n_players,)
        Posterior variance of each value in units of the scale of the process; 0 for an enumerated game.
    precision : ndarray of float64, shape (n_pairs, n_pairs)
        Inverse covariance of d. The scale of the process is estimated from a game as
        ``d @ precision @ d / (n_pairs - n_players + 1)``, because the linear part takes up n_players - 1 degrees of
        freedom. All zeros for an enumerated game.
    """

    coalitions: NDArray[np.bool_]
    share: Floats
    weights: Floats
    variance: Floats
    precision: Floats


@lru_cache(maxsize=64)
def coalition_design(n_players: int, pairs_per_player: int = PAIRS_PER_PLAYER) -> CoalitionDesign:
    """Make the design for games of `n_players`; it is deterministic.

    Parameters
    ----------
    n_players : int
        Number of players, 0 or more.
    pairs_per_player : int
        Number of pairs (a coalition and its complement) per player; a game of fewer than MIN_PLAYERS players gets as
        many pairs as one of MIN_PLAYERS. The cost is proportional to it; the error falls about with its square root.

    Returns
    -------
    design : CoalitionDesign
        Enumerates all coalitions if there are no more of them than would be sampled.
    """
    n_pairs = max(pairs_per_player * n_players, pairs_per_player * MIN_PLAYERS)
    if 2 ** (n_players - 1) <= n_pairs:
        return _enumerated(n_players)
    return _sampled(n_players, n_pairs)


def _enumerated(n_players: int) -> CoalitionDesign:
    """Take every coalition without the last player; those with the last player are the complements."""
    numbers = np.arange(1, 2 ** max(n_players - 1, 0))
    coalitions = (numbers[:, None] >> np.arange(n_players) & 1).astype(bool)
    size = coalitions.sum(axis=1)[:, None]
    # Shapley's formula: the weight of a coalition of s players is (s-1)! (n-s)! / n! for a member and -s! (n-s-1)! / n!
    # for an outsider. It is doubled, since the complement has the same weight with the opposite sign.
    member = np.array([0, *(1 / (n_players * comb(n_players - 1, s - 1)) for s in range(1, n_players + 1))])
    weights = 2 * np.where(coalitions, member[size], -member[size + 1])
    return CoalitionDesign(coalitions, _even_share(coalitions), weights.T, np.zeros(n_players),
                           np.zeros((len(numbers), len(numbers))))


def _sampled(n_players: int, n_pairs: int) -> CoalitionDesign:
    coalitions = _sample_coalitions(n_players, n_pairs)
    # The worths of no players and of all players are known as well; without the even shares, d of that pair is 0.
    observed = np.vstack([coalitions, np.zeros(n_players, bool)]).astype(np.float64)
    covariance = _covariance(observed) + np.diag([NOISE_VARIANCE] * n_pairs + [1e-9])
    value_covariance = _value_covariance(observed)
    precision = np.linalg.inv(covariance).astype(np.float64)
    weights: Floats = (precision @ value_covariance).T
    variance = np.maximum(_prior_variance(n_players) - (weights * value_covariance.T).sum(axis=1), 0)
    # In theory the columns already sum to 0, but the numerical inverse preserves only a few digits of that.
    weights = weights - weights.mean(axis=0)
    return CoalitionDesign(coalitions, _even_share(coalitions), weights[:, :n_pairs], variance,
                           precision[:n_pairs, :n_pairs])


def _even_share(coalitions: NDArray[np.bool_]) -> Floats:
    """Compute `CoalitionDesign.share`."""
    share: Floats = coalitions.sum(axis=1) / max(coalitions.shape[1], 1) - 0.5
    return share


def _sample_coalitions(n_players: int, n_pairs: int) -> NDArray[np.bool_]:
    """Draw distinct pairs, shape (n_pairs, n_players): sizes s with density ∝ 1/√(s(n - s)), members at random.

    The density lies between uniform sizes (leverage scores [5]_) and the Shapley kernel, which draws almost nothing
    but very small and very large coalitions.
    """
    random = np.random.default_rng([SEED, n_players])
    sizes = np.arange(1, n_players)
    density = 1 / np.sqrt(sizes * (n_players - sizes))
    pairs: dict[bytes, NDArray[np.bool_]] = {}
    while len(pairs) < n_pairs:
        members = np.zeros(n_players, bool)
        members[random.permutation(n_players)[: random.choice(sizes, p=density / density.sum())]] = True
        pairs.setdefault((members ^ members[0]).tobytes(), members)  # a coalition and its complement have one key
    return np.array(list(pairs.values()))


def _covariance(coalitions: Floats) -> Floats:
    """Compute the prior covariance of d, shape (n_pairs, n_pairs), without noise."""
    centred = coalitions - 0.5
    n_players = coalitions.shape[1]
    n_differing = n_players / 2 - 2 * centred @ centred.T  # players in which two coalitions differ
    covariance: Floats = LINEAR_VARIANCE * centred @ centred.T \
        + (CORRELATION**n_differing - CORRELATION ** (n_players - n_differing)) / 2
    return covariance


def _value_covariance(coalitions: Floats) -> Floats:
    """Compute the prior covariance of d with the Shapley values, shape (n_pairs, n_players)."""
    covariance: Floats = LINEAR_VARIANCE * (coalitions - 0.5) \
        + (_kernel_values(coalitions) - _kernel_values(1 - coalitions)) / 2
    return covariance


def _kernel_values(coalitions: Floats) -> Floats:
    """Compute Shapley values of the kernel, shape (n_coalitions, n_players).

    The game of a row is each coalition's correlation with the coalition of that row. It is a product over players, so
    each Shapley value is a single integral over the chance that a player takes part (multilinear extension [6]_).
    """
    factor_in, factor_out = np.where(coalitions > 0, 1, CORRELATION), np.where(coalitions > 0, CORRELATION, 1)
    values = np.zeros_like(coalitions)
    for chance, weight in _quadrature(coalitions.shape[1]):
        factors = (1 - chance) * factor_out + chance * factor_in
        values += weight * factors.prod(axis=1, keepdims=True) / factors
    return (factor_in - factor_out) * values


def _prior_variance(n_players: int) -> float:
    """Compute the variance of a Shapley value before any coalition is evaluated."""
    total = 0.0
    for chance, weight in _quadrature(n_players):
        factor_out, factor_in = 1 - chance + chance * CORRELATION, (1 - chance) * CORRELATION + chance
        for other_chance, other_weight in _quadrature(n_players):
            factor = other_chance * factor_in + (1 - other_chance) * factor_out
            total += weight * other_weight * factor ** (n_players - 1)
    return float(LINEAR_VARIANCE + 2 * (1 - CORRELATION) * total)


def _quadrature(degree: int) -> list[tuple[float, float]]:
    """Return nodes and weights of Gauss–Legendre quadrature on [0, 1], exact for polynomials up to `degree`."""
    nodes, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    return list(zip((nodes + 1) / 2, weights / 2, strict=True))
