"""The estimators under test: a shot and a budget → Shapley values [F]. All ask the same graph against the same
background shots, and each in the way its library means it to be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import shap
import shapiq
from numpy.typing import NDArray

from benchmarks.attribution.report import OURS
from shotwise.attribution.shapley import attribute
from shotwise.bundle import Bundle
from shotwise.shot import Shot

Floats = NDArray[np.float64]
Estimate = Callable[[NDArray[np.float32], int], Floats]

# What "budget" means for each: coalition pairs per player for ours, coalitions for the others; a coalition of theirs is
# asked against every background shot.
BUDGETS: Mapping[str, tuple[int, ...]] = {
    OURS: (1, 2, 4, 8, 16),
    "shap.PermutationExplainer": (61, 122, 244, 488, 976),
    "shap.KernelExplainer": (128, 256, 512, 1024, 2048),
    "shapiq.KernelSHAP (paired)": (64, 128, 256, 512, 1024),
    "shapiq.SVARM": (64, 128, 256, 512, 1024),
}


def estimators(bundle: Bundle) -> Mapping[str, Estimate]:
    """Every estimator by its name, ready to be timed."""
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
    """The players are the values in which the shot differs from any background shot, as shap has it too."""

    def estimate(shot: NDArray[np.float32], budget: int) -> Floats:
        players = np.flatnonzero(~((shot == background) | (np.isnan(shot) & np.isnan(background))).all(axis=0))

        def game(members: NDArray[np.bool_]) -> Floats:
            rows = np.repeat(background[None], len(members), axis=0)
            rows[:, :, players] = np.where(members[:, None, :], shot[players], rows[:, :, players])
            return probability(rows.reshape(-1, len(shot))).reshape(len(members), -1).mean(axis=1)

        found = approximator(len(players)).approximate(budget=budget, game=game)
        values = np.zeros(len(shot))
        for interaction, position in found.interaction_lookup.items():
            if len(interaction) == 1:
                values[players[interaction[0]]] = found.values[position]
        return values

    return estimate


def _paired_kernel(players: int) -> Any:
    return shapiq.approximator.KernelSHAP(n=players, pairing_trick=True, random_state=1)


def _svarm(players: int) -> Any:
    return shapiq.approximator.SVARM(n=players, pairing_trick=True, random_state=1)
