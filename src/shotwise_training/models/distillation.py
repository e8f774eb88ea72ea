"""Compute the targets of the gradient boosting of `shotwise`: the defect rate of shots like each training shot.

A label is a single random outcome, and trees that fit labels fit their noise. Two forests of trees with large leaves
estimate how often shots like this one are defective, from the trees that did not see the shot (out-of-bag estimates).
The boosting learns the log-odds of this estimate instead of 0 and 1: a slow, smooth model is distilled into a small
one, and only the small one is served.

References
----------
Breiman, L. (2001). Random forests. Machine Learning 45.
Geurts, P., Ernst, D., Wehenkel, L. (2006). Extremely randomized trees. Machine Learning 63.
Buciluă, C., Caruana, R., Niculescu-Mizil, A. (2006). Model compression. KDD.
Hinton, G., Vinyals, O., Dean, J. (2015). Distilling the knowledge in a neural network. arXiv:1503.02531.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

MAX_TREE_SHOTS = 10_000  # shots per tree; more make a tree slower, hardly better
FORESTS = (RandomForestClassifier, 12), (ExtraTreesClassifier, 10)  # class, minimum shots of a leaf
FOREST_PARAMETERS = {"max_features": 0.3, "bootstrap": True, "oob_score": True, "n_jobs": -1}
BOUNDS = (0.005, 0.995)  # to which probabilities are clipped before they become log-odds

Floats = NDArray[np.float64]


def out_of_bag_log_odds(imputed: NDArray[np.float32], defect: NDArray[np.bool_], trees: int, seed: int) -> Floats:
    """Estimate the log-odds of a defect for every training shot from trees that did not see it.

    Parameters
    ----------
    imputed : ndarray of float32, shape (n_shots, n_features)
        Values without NaN.
    defect : ndarray of bool, shape (n_shots,)
        Whether each shot is defective.
    trees : int
        Trees of each forest, for a table of up to MAX_TREE_SHOTS.
    seed : int
        Seed of the forests.

    Returns
    -------
    ndarray of float64, shape (n_shots,)
        The mean over both forests.

    Notes
    -----
    There are at least 100 trees, and a tree leaves out a third of the shots, so every shot has trees that did not see
    it.
    """
    tree_shots = min(len(imputed), MAX_TREE_SHOTS)
    trees = max(trees * tree_shots // len(imputed), 100)
    estimates = []
    for forest_class, min_leaf_shots in FORESTS:
        forest = forest_class(trees, min_samples_leaf=min_leaf_shots, max_samples=tree_shots, random_state=seed,
                              **FOREST_PARAMETERS)
        estimates.append(log_odds(forest.fit(imputed, defect).oob_decision_function_[:, 1]))
    mean: Floats = np.mean(estimates, axis=0)
    return mean


def log_odds(probability: Floats) -> Floats:
    """Convert probabilities, clipped to BOUNDS first, to log-odds."""
    bounded = np.clip(probability, *BOUNDS)
    return np.log(bounded / (1 - bounded))
