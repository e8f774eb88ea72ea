"""Fitting: autoencoder (torch) → latents → gradient boosting (scikit-learn) → calibrated probability.

This is the pipeline as trained; `graph` turns it into the one that is served, and the parity tests hold the two
together. The autoencoder is trained in float32 and evaluated in float64: the trees compare latents with thresholds, and
two float32 implementations that differ in the last digit send a shot near a threshold down different branches (a
difference of up to 0.04 in probability, measured); in float64 the difference is gone after rounding.
Every statistic (medians, scales, weights, trees, calibration, prototypes) comes from the shots that `fit` is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from shotwise.bundle import Thresholds
from shotwise_training.data.table import Table
from shotwise_training.metrics import best_f1_threshold
from shotwise_training.models.autoencoder import Autoencoder, fit_autoencoder
from shotwise_training.models.configuration import Booster, Configuration
from shotwise_training.models.distillation import held_out_log_odds
from shotwise_training.models.drift import persistence

SCALED_LIMIT = 8.0  # standard deviations; a wilder value must not saturate the encoder for every other feature
PROTOTYPES = 64
FOLDS = 3  # of what is held out for thresholds and calibration
INSPECTED = 0.28  # the part of the shots, nearest to the decision, that a person should look at
ERROR_QUANTILE, DISTANCE_QUANTILE = 0.99, 0.97

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Output:
    """What the pipeline says of N shots; the same names as the graph's outputs.

    probability [N] calibrated; latent [N, D]; reconstruction_error [N]; feature_error [N, F], squared, in
    standard deviations of the training shots; distance [N], to the nearest prototype of the training shots.
    """

    probability: Floats
    latent: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    feature_error: NDArray[np.float32]
    distance: NDArray[np.float32]


@dataclass(frozen=True)
class Scaling:
    """median, mean, scale: float32 [F] of the training shots."""

    median: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def impute(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Replace NaN by the column's median."""
        return impute(features, self.median)

    def standardise(self, imputed: NDArray[np.float32]) -> Floats:
        """(value - mean) / scale, in float64 as the graph does it."""
        return (imputed.astype(np.float64) - self.mean) / self.scale


@dataclass(frozen=True)
class Pipeline:
    """A fitted pipeline. slope, intercept: of the calibration on log-odds. thresholds: from the training shots;
    those of the probability from predictions in which each shot was held out. prototypes: float64 [K, F], of the
    weighted scaled values; weights [F]: how persistent each value is from shot to shot.
    latents: whether the trees read them."""

    scaling: Scaling
    autoencoder: Autoencoder
    booster: Booster
    slope: float
    intercept: float
    thresholds: Thresholds
    prototypes: Floats
    weights: Floats
    latents: bool

    def __call__(self, features: NDArray[np.float32]) -> Output:
        """Predict for float32 [N, F]; NaN = not measured, replaced by the training median."""
        imputed = self.scaling.impute(features)
        scaled = self.scaling.standardise(imputed)
        bounded = bound(scaled)
        with torch.no_grad():
            encoded = self.autoencoder.latent(torch.from_numpy(bounded))
            latent, rebuilt = encoded.numpy().astype(np.float32), self.autoencoder.rebuild(encoded).numpy()
        error = ((scaled - rebuilt) ** 2).astype(np.float32)
        margin = _margin(self.booster, np.hstack([imputed, latent]) if self.latents else imputed)
        return Output(sigmoid(self.slope * margin + self.intercept), latent, error.mean(axis=1), error,
                      self._distance(bounded))

    def _distance(self, bounded: Floats) -> NDArray[np.float32]:
        weighted = bounded * self.weights
        squares = (weighted**2).sum(axis=1)[:, None] - 2 * weighted @ self.prototypes.T + (self.prototypes**2).sum(1)
        return np.sqrt(np.maximum(squares.min(axis=1), 0)).astype(np.float32)


@dataclass(frozen=True)
class Prepared:
    """What is fitted without labels, and the training shots as it sees them, in order of time."""

    scaling: Scaling
    autoencoder: Autoencoder
    imputed: NDArray[np.float32]
    bounded: Floats
    run: NDArray[np.int64]
    defect: NDArray[np.bool_]
    latents: bool

    def joined(self, imputed: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the trees read: the values, and the latents where the configuration has them."""
        if not self.latents:
            return imputed
        bounded = torch.from_numpy(bound(self.scaling.standardise(imputed)))
        with torch.no_grad():
            latent: NDArray[np.float32] = self.autoencoder.latent(bounded).numpy().astype(np.float32)
        return np.hstack([imputed, latent])


def fit(table: Table, configuration: Configuration, seed: int = 42) -> Pipeline:
    """Fit on the shots of `table`. Thresholds and calibration come from predictions that held each shot out: the
    teacher's, where the boosting is taught, else those of cross-validation."""
    prepared = prepare(table, configuration, seed)
    booster, margin = _boost(prepared, configuration.booster, seed)
    slope, intercept = calibration(margin, prepared.defect)
    prototypes, weights = _prototypes(prepared, seed)
    open_ended = Pipeline(prepared.scaling, prepared.autoencoder, booster, slope, intercept,
                          Thresholds(0.5, 0.5, 0.5, 1.0, 1.0), prototypes, weights, prepared.latents)
    known = open_ended(prepared.imputed)
    held_out = sigmoid(slope * margin + intercept)
    decision = best_f1_threshold(held_out, prepared.defect)
    return replace(open_ended, thresholds=Thresholds(
        decision, *band(held_out, decision), float(np.quantile(known.reconstruction_error, ERROR_QUANTILE)),
        float(np.quantile(known.distance, DISTANCE_QUANTILE))))


def impute(features: NDArray[np.float32], median: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, F] with `median` [F] where a value was not measured."""
    return np.where(np.isnan(features), median, features).astype(np.float32)


def bound(scaled: Floats) -> Floats:
    """What encoder and prototypes read: no value further out than SCALED_LIMIT."""
    return np.clip(scaled, -SCALED_LIMIT, SCALED_LIMIT)


def sigmoid(log_odds: Floats) -> Floats:
    """Log-odds → probability."""
    return 1 / (1 + np.exp(-log_odds))


def prepare(table: Table, configuration: Configuration, seed: int) -> Prepared:
    """Scaling and autoencoder of the shots of `table`, which needs no label."""
    table = table.select(np.lexsort((table.order, table.run)))
    scaling = scaling_of(table.features)
    imputed = scaling.impute(table.features)
    bounded = bound(scaling.standardise(imputed))
    autoencoder = fit_autoencoder(torch.from_numpy(bounded), max(configuration.latents, 1), seed)
    return Prepared(scaling, autoencoder, imputed, bounded, table.run, table.defect, configuration.latents > 0)


def scaling_of(features: NDArray[np.float32]) -> Scaling:
    """Of [N, F]; a column that was never measured has median 0."""
    median = np.nan_to_num(_quiet_median(features)).astype(np.float32)
    imputed = impute(features, median)
    mean = imputed.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = imputed.std(axis=0, dtype=np.float64)
    # A constant column has no scale of its own: with 1 a slightly different value stays slightly different, where
    # a tiny scale would blow it up to an enormous reconstruction error.
    scale = np.where(np.ptp(imputed, axis=0) == 0, 1, spread).astype(np.float32)
    return Scaling(median, mean, scale)


def _quiet_median(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """[F]; NaN where a column was never measured."""
    measured = ~np.isnan(features).all(axis=0)
    found = np.full(features.shape[1], np.nan, np.float32)
    found[measured] = np.nanmedian(features[:, measured], axis=0)
    return found


def _boost(prepared: Prepared, unfitted: Booster, seed: int) -> tuple[Booster, Floats]:
    """The boosting, and the log-odds [N] of the shots by something that did not see them."""
    joined, booster = prepared.joined(prepared.imputed), clone(unfitted)
    if isinstance(booster, HistGradientBoostingRegressor):
        taught = held_out_log_odds(prepared.imputed, prepared.defect, seed)
        return booster.fit(joined, taught), taught
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    margin = cross_val_predict(booster, joined, prepared.defect, cv=folds, method="decision_function", n_jobs=-1)
    return booster.fit(joined, prepared.defect), margin


def _margin(booster: Booster, joined: NDArray[np.float32]) -> Floats:
    if isinstance(booster, HistGradientBoostingRegressor):
        return booster.predict(joined)
    return booster.decision_function(joined)


def calibration(margin: Floats, defect: NDArray[np.bool_]) -> tuple[float, float]:
    """Platt scaling: one slope and one intercept on the log-odds, smooth and monotone, so ranks stay as they are."""
    fitted = LogisticRegression(C=1e6).fit(margin[:, None], defect)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def band(probability: Floats, decision: float) -> tuple[float, float]:
    """The probabilities that enclose the INSPECTED part of the shots, half of it on either side of `decision`."""
    rank = float(np.mean(probability < decision))
    low, high = max(rank - INSPECTED / 2, 0.0), min(rank + INSPECTED / 2, 1.0)
    return float(np.quantile(probability, low)), float(np.quantile(probability, high))


def _prototypes(prepared: Prepared, seed: int) -> tuple[Floats, Floats]:
    """Centres [K, F] of the training shots, in which a value counts as much as it persists: what a run is made in, not
    what every shot throws anew. Where nothing persists (shots in no order) every value counts."""
    weights = np.maximum(persistence(prepared.bounded, prepared.run), 0)
    weights = weights if weights.max() > 0.5 else np.ones(len(weights))
    distinct = len(np.unique(prepared.bounded, axis=0))
    centres = MiniBatchKMeans(min(PROTOTYPES, distinct), n_init=3, random_state=seed, batch_size=2048)
    return centres.fit(prepared.bounded * weights).cluster_centers_.astype(np.float64), weights
