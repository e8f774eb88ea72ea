"""Predict which defect types a defective shot shows: one forest for all types, fitted on the defective shots alone.

The probability of a type is the calibrated probability of a defect × the forest's output, so no type is ever likelier
than a defect (decision 0014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from shotwise_training.data.table import Table
from shotwise_training.models.scaling import impute

MIN_EXAMPLES = 50  # unique shots that show a type; a rarer type gets no probability
TREES, MIN_LEAF_SHOTS = 100, 12
MAX_TREE_SHOTS = 10_000  # shots that one tree sees
SEED = 42


@dataclass(frozen=True)
class DefectTypeModel:
    """A fitted model of defect types.

    Attributes
    ----------
    median : ndarray of float32, shape (n_features,)
        Replaces values that were not measured.
    forest : RandomForestRegressor
        Imputed values → chance of each type.
    """

    median: NDArray[np.float32]
    forest: RandomForestRegressor

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict the chance that a defect of a shot shows each type.

        Parameters
        ----------
        features : ndarray of float32, shape (n_shots, n_features)
            NaN where a value was not measured.

        Returns
        -------
        ndarray of float64, shape (n_shots, n_types)
            The types are in the table's order.
        """
        chances: NDArray[np.float64] = self.forest.predict(impute(features, self.median))
        return chances.reshape(len(features), -1)


def fit_defect_types(table: Table, median: NDArray[np.float32]) -> DefectTypeModel | None:
    """Fit the model of defect types.

    Parameters
    ----------
    table : Table
        Training shots; at least one of them is defective.
    median : ndarray of float32, shape (n_features,)
        Replaces values that were not measured, as in the pipeline.

    Returns
    -------
    DefectTypeModel or None
        None if the table has no defect types.
    """
    if not table.types.shape[1]:
        return None
    shots, types = impute(table.features[table.defect], median), table.types[table.defect].astype(np.float64)
    forest = RandomForestRegressor(TREES, min_samples_leaf=MIN_LEAF_SHOTS, max_features=0.3, n_jobs=-1,
                                   random_state=SEED, max_samples=min(len(shots), MAX_TREE_SHOTS))
    return DefectTypeModel(median, forest.fit(shots, types if types.shape[1] > 1 else types[:, 0]))
