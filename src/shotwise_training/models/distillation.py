"""What the gradient boosting of `shotwise` is taught: the held-out defect rate of a shot's surroundings.

A label is one throw of a coin; trees that learn labels learn the throws. Two forests of cautious trees say how often
shots like this one are defective, each shot by those trees alone that did not see it (out-of-bag estimates: Breiman
2001; extremely randomised trees: Geurts, Ernst, Wehenkel 2006), and the boosting learns their log-odds in place of 0
and 1: a slow, smooth model as the teacher of a small one (Buciluă, Caruana, Niculescu-Mizil 2006; Hinton, Vinyals, Dean
2015). Only the small one is served.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

TREES = 400
MAX_SEEN = 10_000  # shots that one tree sees; more make a tree slower, hardly better
SHARED = {"max_features": 0.3, "bootstrap": True, "oob_score": True, "n_jobs": -1}
FORESTS = (RandomForestClassifier, 12), (ExtraTreesClassifier, 10)  # and the fewest shots of a leaf
BOUNDS = (0.005, 0.995)  # of a probability before it becomes log-odds

Floats = NDArray[np.float64]


def held_out_log_odds(values: NDArray[np.float32], defect: NDArray[np.bool_], seed: int) -> Floats:
    """[N]: of each of the shots [N, F], from the trees that did not see it; the mean of both forests. With 100 trees or
    more there are always some: a tree leaves out a third of the shots."""
    seen = min(len(values), MAX_SEEN)
    trees = max(TREES * seen // len(values), 100)
    found = []
    for kind, leaf in FORESTS:
        forest = kind(trees, min_samples_leaf=leaf, max_samples=seen, random_state=seed, **SHARED)
        found.append(log_odds(forest.fit(values, defect).oob_decision_function_[:, 1]))
    return np.mean(found, axis=0)


def log_odds(probability: Floats) -> Floats:
    """Log-odds of a probability, which is first brought within BOUNDS."""
    bounded = np.clip(probability, *BOUNDS)
    return np.log(bounded / (1 - bounded))
