"""Fit the pipeline: autoencoder (torch) → latents → gradient boosting (scikit-learn) → calibrated probability.

This is the pipeline as it is trained; `export.graph` turns it into the graph that is served, and the parity tests hold
the two together. The autoencoder is trained in float32 and evaluated in float64: the trees compare latents with
thresholds, and two float32 implementations that differ in the last digit send a shot near a threshold down different
branches (a difference of up to 0.04 in probability, measured); in float64 the difference is gone after rounding.

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
from shotwise_training.models.distillation import out_of_bag_log_odds
from shotwise_training.models.drift import persistence

SCALED_LIMIT = 8.0  # standard deviations; a wilder value must not saturate the encoder for every other feature
PROTOTYPES = 64
FOLDS = 3  # of the predictions that thresholds and calibration are fitted on
INSPECTED_SHARE = 0.28  # share of the shots, nearest to the decision, that a person should look at
ERROR_QUANTILE, DISTANCE_QUANTILE = 0.99, 0.97

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PipelineOutput:
    """What the pipeline computes for N shots; the names are those of the graph's outputs.

    Attributes
    ----------
    probability : float64 [N], calibrated probability of a defect.
    latent : float32 [N, D].
    reconstruction_error : float32 [N], mean of `feature_error`.
    feature_error : float32 [N, F], squared error in standard deviations of the training shots.
    distance : float32 [N], to the nearest prototype of the training shots.
    """

    probability: Floats
    latent: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    feature_error: NDArray[np.float32]
    distance: NDArray[np.float32]


@dataclass(frozen=True)
class Scaling:
    """Imputation and standardisation by the training shots.

    Attributes
    ----------
    median : float32 [F], in place of a value that was not measured.
    mean : float32 [F].
    scale : float32 [F], standard deviation; 1 for a constant.
    """

    median: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def impute(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Replace NaN in [N, F] by the column's median."""
        return impute(features, self.median)

    def standardise(self, imputed: NDArray[np.float32]) -> Floats:
        """Compute (value - mean) / scale of [N, F] in float64, as the graph does."""
        return (imputed.astype(np.float64) - self.mean) / self.scale


@dataclass(frozen=True)
class Pipeline:
    """A fitted pipeline.

    Attributes
    ----------
    scaling : imputation and standardisation.
    autoencoder : float64.
    booster : fitted; its output is a margin, in log-odds before calibration.
    slope : slope of the calibration on log-odds.
    intercept : intercept of the calibration on log-odds.
    thresholds : of the training shots; those of the probability are chosen on predictions that held each shot out.
    prototypes : float64 [K, F], centres of the weighted scaled training shots.
    weights : float64 [F], how persistent each value is from shot to shot; 0 leaves it out of the distance.
    latents : whether the trees read the latents.
    """

    scaling: Scaling
    autoencoder: Autoencoder
    booster: Booster
    slope: float
    intercept: float
    thresholds: Thresholds
    prototypes: Floats
    weights: Floats
    latents: bool

    def __call__(self, features: NDArray[np.float32]) -> PipelineOutput:
        """Predict for shots [N, F]; NaN means not measured and is replaced by the training median."""
        imputed = self.scaling.impute(features)
        scaled = self.scaling.standardise(imputed)
        clipped = clip(scaled)
        with torch.no_grad():
            encoded = self.autoencoder.latent(torch.from_numpy(clipped))
            latent, rebuilt = encoded.numpy().astype(np.float32), self.autoencoder.reconstruct(encoded).numpy()
        error = ((scaled - rebuilt) ** 2).astype(np.float32)
        margin = _margin(self.booster, np.hstack([imputed, latent]) if self.latents else imputed)
        return PipelineOutput(sigmoid(self.slope * margin + self.intercept), latent, error.mean(axis=1), error,
                              self._distance(clipped))

    def _distance(self, clipped: Floats) -> NDArray[np.float32]:
        weighted = clipped * self.weights
        squares = (weighted**2).sum(axis=1)[:, None] - 2 * weighted @ self.prototypes.T + (self.prototypes**2).sum(1)
        distance: NDArray[np.float32] = np.sqrt(np.maximum(squares.min(axis=1), 0)).astype(np.float32)
        return distance


@dataclass(frozen=True)
class PreparedShots:
    """The N training shots in order of run and time, with the scaling and the autoencoder that were fitted on them.

    Attributes
    ----------
    scaling : imputation and standardisation.
    autoencoder : float64.
    imputed : float32 [N, F].
    clipped : float64 [N, F], scaled values within SCALED_LIMIT.
    run : int64 [N].
    defect : bool [N].
    latents : whether the trees read the latents.
    """

    scaling: Scaling
    autoencoder: Autoencoder
    imputed: NDArray[np.float32]
    clipped: Floats
    run: NDArray[np.int64]
    defect: NDArray[np.bool_]
    latents: bool

    def booster_input(self, imputed: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute what the trees read of imputed shots [M, F]: the values and, if configured, their latents."""
        if not self.latents:
            return imputed
        clipped = torch.from_numpy(clip(self.scaling.standardise(imputed)))
        with torch.no_grad():
            latent: NDArray[np.float32] = self.autoencoder.latent(clipped).numpy().astype(np.float32)
        return np.hstack([imputed, latent])


def fit(table: Table, configuration: Configuration, seed: int = 42) -> Pipeline:
    """Fit a pipeline on all shots of a table.

    Parameters
    ----------
    table : training shots.
    configuration : how the pipeline is fitted.
    seed : seed of everything that is drawn.

    Notes
    -----
    Thresholds and calibration come from predictions that held each shot out: the out-of-bag estimates where the booster
    is distilled from forests, else those of a cross-validation.
    """
    prepared = prepare(table, configuration, seed)
    booster, margin = _fit_booster(prepared, configuration.booster, seed)
    slope, intercept = calibrate(margin, prepared.defect)
    prototypes, weights = _prototypes(prepared, seed)
    no_thresholds = Thresholds(0.5, 0.5, 0.5, 1.0, 1.0)
    pipeline = Pipeline(prepared.scaling, prepared.autoencoder, booster, slope, intercept, no_thresholds, prototypes,
                        weights, prepared.latents)
    output = pipeline(prepared.imputed)
    held_out = sigmoid(slope * margin + intercept)
    decision = best_f1_threshold(held_out, prepared.defect)
    return replace(pipeline, thresholds=Thresholds(
        decision, *inspection_band(held_out, decision),
        float(np.quantile(output.reconstruction_error, ERROR_QUANTILE)),
        float(np.quantile(output.distance, DISTANCE_QUANTILE))))


def impute(features: NDArray[np.float32], median: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace NaN in [N, F] by `median` [F]."""
    return np.where(np.isnan(features), median, features).astype(np.float32)


def clip(scaled: Floats) -> Floats:
    """Limit scaled values to SCALED_LIMIT on either side, as encoder and prototypes read them."""
    return np.clip(scaled, -SCALED_LIMIT, SCALED_LIMIT)


def sigmoid(log_odds: Floats) -> Floats:
    """Convert log-odds to probabilities."""
    return 1 / (1 + np.exp(-log_odds))


def prepare(table: Table, configuration: Configuration, seed: int) -> PreparedShots:
    """Fit scaling and autoencoder on the shots of a table; no label is used."""
    table = table.select(np.lexsort((table.order, table.run)))
    scaling = fit_scaling(table.features)
    imputed = scaling.impute(table.features)
    clipped = clip(scaling.standardise(imputed))
    autoencoder = fit_autoencoder(torch.from_numpy(clipped), max(configuration.latents, 1), seed)
    return PreparedShots(scaling, autoencoder, imputed, clipped, table.run, table.defect, configuration.latents > 0)


def fit_scaling(features: NDArray[np.float32]) -> Scaling:
    """Fit median, mean and scale of [N, F]; a column that was never measured has median 0."""
    median = np.nan_to_num(_column_medians(features)).astype(np.float32)
    imputed = impute(features, median)
    mean = imputed.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = imputed.std(axis=0, dtype=np.float64)
    # A constant column has no scale of its own: with 1 a slightly different value stays slightly different, where
    # a tiny scale would blow it up to an enormous reconstruction error.
    scale = np.where(np.ptp(imputed, axis=0) == 0, 1, spread).astype(np.float32)
    return Scaling(median, mean, scale)


def _column_medians(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each column without NaN; NaN, without numpy's warning, where a column was never measured."""
    measured = ~np.isnan(features).all(axis=0)
    medians = np.full(features.shape[1], np.nan, np.float32)
    medians[measured] = np.nanmedian(features[:, measured], axis=0)
    return medians


def _fit_booster(prepared: PreparedShots, unfitted: Booster, seed: int) -> tuple[Booster, Floats]:
    """The fitted booster, and the log-odds [N] of the shots by a model that did not see them."""
    inputs, booster = prepared.booster_input(prepared.imputed), clone(unfitted)
    if isinstance(booster, HistGradientBoostingRegressor):
        targets = out_of_bag_log_odds(prepared.imputed, prepared.defect, seed)
        return booster.fit(inputs, targets), targets
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    margin = cross_val_predict(booster, inputs, prepared.defect, cv=folds, method="decision_function", n_jobs=-1)
    return booster.fit(inputs, prepared.defect), margin


def _margin(booster: Booster, inputs: NDArray[np.float32]) -> Floats:
    margin: Floats = (booster.predict(inputs) if isinstance(booster, HistGradientBoostingRegressor)
                      else booster.decision_function(inputs))
    return margin


def calibrate(margin: Floats, defect: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit a Platt scaling: slope and intercept on log-odds [N], smooth and monotone, so ranks stay as they are."""
    regression = LogisticRegression(C=1e6).fit(margin[:, None], defect)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])


def inspection_band(probability: Floats, decision: float) -> tuple[float, float]:
    """Find the probabilities that enclose INSPECTED_SHARE of the shots, half of it on either side of `decision`.

    Returns
    -------
    Below the first a part is accepted, from the second on it is rejected, and between them a person inspects it.
    """
    rank = float(np.mean(probability < decision))
    low, high = max(rank - INSPECTED_SHARE / 2, 0.0), min(rank + INSPECTED_SHARE / 2, 1.0)
    return float(np.quantile(probability, low)), float(np.quantile(probability, high))


def _prototypes(prepared: PreparedShots, seed: int) -> tuple[Floats, Floats]:
    """Centres [K, F] of the training shots, and the weight [F] of each value in the distance to them.

    A value counts as much as it persists from shot to shot: the conditions that a run is made in, not what varies with
    every shot. Where nothing persists, because the shots are in no order, every value counts.
    """
    weights = np.maximum(persistence(prepared.clipped, prepared.run), 0)
    weights = weights if weights.max() > 0.5 else np.ones(len(weights))
    distinct = len(np.unique(prepared.clipped, axis=0))
    centres = MiniBatchKMeans(min(PROTOTYPES, distinct), n_init=3, random_state=seed, batch_size=2048)
    return centres.fit(prepared.clipped * weights).cluster_centers_.astype(np.float64), weights
