"""Which defect types a defective shot shows: a forest that learns all types at once from the defective shots alone.

What a shot has of each type is the calibrated probability of a defect × the forest's answer, so no type is ever
likelier than a defect (decision 0014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from shotwise_training.data.table import Table
from shotwise_training.models.pipeline import impute

ENOUGH = 50  # unique shots that show a type; of a rarer one nothing is said
TREES, LEAF = 100, 12
MAX_SEEN = 10_000  # shots that one tree sees
SEED = 42


@dataclass(frozen=True)
class Types:
    """A fitted forest; median: float32 [F], which stands in for a value that was not measured."""

    median: NDArray[np.float32]
    forest: RandomForestRegressor

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """[N, F] → [N, T]: the chance that a defect of such a shot shows each type, in the table's order."""
        found: NDArray[np.float64] = self.forest.predict(impute(features, self.median))
        return found.reshape(len(features), -1)


def fit_types(table: Table, median: NDArray[np.float32]) -> Types | None:
    """Fit on the defective shots of `table`, of which there are some; None where the table tells no types apart."""
    if not table.types.shape[1]:
        return None
    shots, shown = impute(table.features[table.defect], median), table.types[table.defect].astype(np.float64)
    forest = RandomForestRegressor(TREES, min_samples_leaf=LEAF, max_features=0.3, n_jobs=-1, random_state=SEED,
                                   max_samples=min(len(shots), MAX_SEEN))
    return Types(median, forest.fit(shots, shown if shown.shape[1] > 1 else shown[:, 0]))
