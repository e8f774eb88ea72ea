"""Impute missing values and standardise all values, as the graph does when serving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALED_LIMIT = 8.0  # standard deviations; a more extreme value would saturate the encoder for all other features

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """Imputation and standardisation, fitted on the training shots.

    Attributes
    ----------
    median : ndarray of float32, shape (n_features,)
        Replaces values that were not measured.
    mean : ndarray of float32, shape (n_features,)
        Mean of the imputed values.
    scale : ndarray of float32, shape (n_features,)
        Standard deviation of the imputed values; 1 for a constant.
    """

    median: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def impute(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Replace NaN in `features`, shape (n_shots, n_features), by the column's median."""
        return impute(features, self.median)

    def standardise(self, imputed: NDArray[np.float32]) -> Floats:
        """Compute (value - mean) / scale, shape (n_shots, n_features), in float64, as the graph does."""
        return (imputed.astype(np.float64) - self.mean) / self.scale


def impute(features: NDArray[np.float32], median: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace NaN in `features`, shape (n_shots, n_features), by `median`, shape (n_features,)."""
    return np.where(np.isnan(features), median, features).astype(np.float32)


def clip(scaled: Floats) -> Floats:
    """Clip scaled values to ±SCALED_LIMIT, for the encoder and the prototypes."""
    return np.clip(scaled, -SCALED_LIMIT, SCALED_LIMIT)


def fit_scaling(features: NDArray[np.float32]) -> Scaling:
    """Compute median, mean and scale of each column; a column that was never measured has median 0."""
    median = np.nan_to_num(_column_medians(features)).astype(np.float32)
    imputed = impute(features, median)
    mean = imputed.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = imputed.std(axis=0, dtype=np.float64)
    # A constant has scale 1: divided by a tiny one, a slightly different value would give an enormous reconstruction
    # error.
    scale = np.where(np.ptp(imputed, axis=0) == 0, 1, spread).astype(np.float32)
    return Scaling(median, mean, scale)


def _column_medians(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of the measured values of each column; NaN, without numpy's warning, if a column has none."""
    measured = ~np.isnan(features).all(axis=0)
    medians = np.full(features.shape[1], np.nan, np.float32)
    medians[measured] = np.nanmedian(features[:, measured], axis=0)
    return medians
