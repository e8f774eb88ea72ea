"""Which defect types a defective shot shows: a forest that learns all types at once from the defective shots alone.

The probability of a type is the calibrated probability of a defect × the forest's answer, so no type is ever likelier
than a defect (decision 0014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from shotwise_training.data.table import Table
from shotwise_training.models.pipeline import impute

MIN_EXAMPLES = 50  # unique shots that show a type; nothing is said of a rarer type
TREES, MIN_LEAF_SHOTS = 100, 12
MAX_TREE_SHOTS = 10_000  # shots that one tree sees
SEED = 42


@dataclass(frozen=True)
class DefectTypeModel:
    """A fitted model of defect types.

    Attributes
    ----------
    median : float32 [F], which replaces a value that was not measured.
    forest : regression forest, imputed values [N, F] → chance of each type [N, T].
    """

    median: NDArray[np.float32]
    forest: RandomForestRegressor

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict the chance that a defect of a shot shows each type.

        Parameters
        ----------
        features : float32 [N, F], NaN where a value was not measured.

        Returns
        -------
        float64 [N, T], types in the table's order.
        """
        chances: NDArray[np.float64] = self.forest.predict(impute(features, self.median))
        return chances.reshape(len(features), -1)


def fit_defect_types(table: Table, median: NDArray[np.float32]) -> DefectTypeModel | None:
    """Fit the model of defect types.

    Parameters
    ----------
    table : training shots; at least one of them is defective.
    median : float32 [F], as the pipeline imputes.

    Returns
    -------
    The model; None if the table does not tell types apart.
    """
    if not table.types.shape[1]:
        return None
    shots, types = impute(table.features[table.defect], median), table.types[table.defect].astype(np.float64)
    forest = RandomForestRegressor(TREES, min_samples_leaf=MIN_LEAF_SHOTS, max_features=0.3, n_jobs=-1,
                                   random_state=SEED, max_samples=min(len(shots), MAX_TREE_SHOTS))
    return DefectTypeModel(median, forest.fit(shots, types if types.shape[1] > 1 else types[:, 0]))
