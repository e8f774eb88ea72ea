"""The estimators under test, each a function from a shot and a budget to Shapley values.

All of them evaluate the same graph with the same background shots, and are called as their libraries recommend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import shap
import shapiq
from numpy.typing import NDArray

from benchmarks.attribution.report import OURS
from shotwise.attribution.shapley import attribute
from shotwise.bundle import Bundle
from shotwise.shot import Shot

Floats = NDArray[np.float64]
Estimate: TypeAlias = Callable[[NDArray[np.float32], int], Floats]  # (shot, budget) → Shapley values

# A budget of ours is a number of coalition pairs per player, one of the others a number of coalitions, each evaluated
# with every background shot.
BUDGETS: Mapping[str, tuple[int, ...]] = {
    OURS: (1, 2, 4, 8, 16),
    "shap.PermutationExplainer": (61, 122, 244, 488, 976),
    "shap.KernelExplainer": (128, 256, 512, 1024, 2048),
    "shapiq.KernelSHAP (paired)": (64, 128, 256, 512, 1024),
    "shapiq.SVARM": (64, 128, 256, 512, 1024),
}


def estimators(bundle: Bundle) -> Mapping[str, Estimate]:
    """Return name → estimator, ready to be timed."""
    background = bundle.background

    def probability(rows: Any) -> Floats:
        return bundle.graph.probability(np.ascontiguousarray(rows, np.float32)).astype(np.float64)

    permutation = shap.PermutationExplainer(probability, shap.maskers.Independent(background, len(background)), seed=1)
    kernel = shap.KernelExplainer(probability, background)

    def shap_permutation(shot: NDArray[np.float32], budget: int) -> Floats:
        return np.asarray(permutation(shot[None, :], max_evals=budget, silent=True).values[0])

    def shap_kernel(shot: NDArray[np.float32], budget: int) -> Floats:
        np.random.seed(1)
        return np.asarray(kernel.shap_values(shot, nsamples=budget, l1_reg=0, silent=True))

    def ours(shot: NDArray[np.float32], budget: int) -> Floats:
        return attribute(Shot(shot, {}, ()), bundle, budget).contributions

    return {OURS: ours, "shap.PermutationExplainer": shap_permutation, "shap.KernelExplainer": shap_kernel,
            "shapiq.KernelSHAP (paired)": _shapiq(background, probability, _paired_kernel),
            "shapiq.SVARM": _shapiq(background, probability, _svarm)}


def _shapiq(background: NDArray[np.float32], probability: Callable[[Any], Floats],
            approximator: Callable[[int], Any]) -> Estimate:
    """Wrap an approximator of shapiq. As in shap, the players are the values that differ from any background shot."""

    def estimate(shot: NDArray[np.float32], budget: int) -> Floats:
        players = np.flatnonzero(~((shot == background) | (np.isnan(shot) & np.isnan(background))).all(axis=0))

        def game(members: NDArray[np.bool_]) -> Floats:
            rows = np.repeat(background[None], len(members), axis=0)
            rows[:, :, players] = np.where(members[:, None, :], shot[players], rows[:, :, players])
            worth: Floats = probability(rows.reshape(-1, len(shot))).reshape(len(members), -1).mean(axis=1)
            return worth

        estimated = approximator(len(players)).approximate(budget=budget, game=game)
        contributions = np.zeros(len(shot))
        for interaction, position in estimated.interaction_lookup.items():
            if len(interaction) == 1:
                contributions[players[interaction[0]]] = estimated.values[position]
        return contributions

    return estimate


def _paired_kernel(players: int) -> Any:
    return shapiq.approximator.KernelSHAP(n=players, pairing_trick=True, random_state=1)


def _svarm(players: int) -> Any:
    return shapiq.approximator.SVARM(n=players, pairing_trick=True, random_state=1)
