"""Fit the pipeline: autoencoder (torch) → latents → gradient boosting (scikit-learn) → calibrated probability.

`export.graph` converts the fitted pipeline to the graph that is served, and the parity tests compare the two. The
autoencoder is trained in float32 and evaluated in float64: the trees compare latents with thresholds, and two float32
implementations that differ in the last digit send a shot near a threshold down different branches (a difference of up
to 0.04 in probability, measured); float64 results are equal once they are rounded.

Everything (medians, scales, weights, trees, calibration, prototypes) is fitted on the shots passed to `fit` alone.
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
from shotwise_training.models.scaling import Scaling, clip, fit_scaling

PROTOTYPES = 64
FOLDS = 3  # of the cross-validation that thresholds and calibration are fitted on
INSPECTED_SHARE = 0.28  # share of the shots, nearest to the decision threshold, that a person should inspect
ERROR_QUANTILE, DISTANCE_QUANTILE = 0.99, 0.97
MIN_LIMIT = 1e-6  # of error and distance, which are divided by their limits; 0 where all shots are one of a few

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PipelineOutput:
    """Output of the pipeline for some shots; the attributes are named like the graph's outputs.

    Attributes
    ----------
    probability : ndarray of float64, shape (n_shots,)
        Calibrated probability of a defect.
    latent : ndarray of float32, shape (n_shots, n_latents)
        Latents of the autoencoder.
    reconstruction_error : ndarray of float32, shape (n_shots,)
        Mean of `feature_error`.
    feature_error : ndarray of float32, shape (n_shots, n_features)
        Squared reconstruction error, in standard deviations of the training shots.
    distance : ndarray of float32, shape (n_shots,)
        Distance to the nearest prototype of the training shots.
    """

    probability: Floats
    latent: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    feature_error: NDArray[np.float32]
    distance: NDArray[np.float32]


@dataclass(frozen=True)
class Pipeline:
    """A fitted pipeline.

    Attributes
    ----------
    scaling : Scaling
        Imputation and standardisation.
    autoencoder : Autoencoder
        Fitted, in float64.
    booster : Booster
        Fitted; its output is a margin, in log-odds before calibration.
    slope, intercept : float
        Calibration: log-odds = slope × margin + intercept.
    thresholds : Thresholds
        Chosen on the training shots; those of the probability on predictions in which each shot was held out.
    prototypes : ndarray of float64, shape (n_prototypes, n_features)
        Cluster centres of the scaled and weighted training shots.
    weights : ndarray of float64, shape (n_features,)
        Weight of each value in the distance: how much it persists from shot to shot.
    latents : bool
        Whether the trees read the latents.
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
        """Predict for `features`, shape (n_shots, n_features), NaN where a value was not measured."""
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
    """The training shots in order of run and time, with the scaling and the autoencoder that were fitted on them.

    Attributes
    ----------
    scaling : Scaling
        Imputation and standardisation.
    autoencoder : Autoencoder
        Fitted, in float64.
    imputed : ndarray of float32, shape (n_shots, n_features)
        Values with the median in place of missing ones.
    clipped : ndarray of float64, shape (n_shots, n_features)
        Scaled values, clipped to ±SCALED_LIMIT.
    run : ndarray of int64, shape (n_shots,)
        Number of the shot's run.
    defect : ndarray of bool, shape (n_shots,)
        Whether the shot is defective.
    latents : bool
        Whether the trees read the latents.
    """

    scaling: Scaling
    autoencoder: Autoencoder
    imputed: NDArray[np.float32]
    clipped: Floats
    run: NDArray[np.int64]
    defect: NDArray[np.bool_]
    latents: bool

    def booster_input(self, imputed: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the input of the trees: imputed values, shape (n_shots, n_features), and latents if configured."""
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
    table : Table
        Training shots.
    configuration : Configuration
        How the pipeline is fitted.
    seed : int
        Seed of every random draw.

    Notes
    -----
    Thresholds and calibration come from predictions in which each shot was held out: out-of-bag estimates if the
    booster is distilled from forests, else a cross-validation.
    """
    prepared = prepare(table, configuration, seed)
    booster, margin = _fit_booster(prepared, configuration, seed)
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
        max(float(np.quantile(output.reconstruction_error, ERROR_QUANTILE)), MIN_LIMIT),
        max(float(np.quantile(output.distance, DISTANCE_QUANTILE)), MIN_LIMIT)))


def sigmoid(log_odds: Floats) -> Floats:
    """Convert log-odds to probabilities."""
    return 1 / (1 + np.exp(-log_odds))


def prepare(table: Table, configuration: Configuration, seed: int) -> PreparedShots:
    """Fit scaling and autoencoder on the shots of a table; no label is used."""
    table = table.select(np.lexsort((table.order, table.run)))
    scaling = fit_scaling(table.features)
    imputed = scaling.impute(table.features)
    clipped = clip(scaling.standardise(imputed))
    autoencoder = fit_autoencoder(torch.from_numpy(clipped), max(configuration.latents, 1), configuration.epochs,
                                  seed)
    return PreparedShots(scaling, autoencoder, imputed, clipped, table.run, table.defect, configuration.latents > 0)


def _fit_booster(prepared: PreparedShots, configuration: Configuration, seed: int) -> tuple[Booster, Floats]:
    """The fitted booster, and log-odds of the shots, shape (n_shots,), from models that did not see them."""
    inputs, booster = prepared.booster_input(prepared.imputed), clone(configuration.booster)
    if isinstance(booster, HistGradientBoostingRegressor):
        targets = out_of_bag_log_odds(prepared.imputed, prepared.defect, configuration.forest_trees, seed)
        return booster.fit(inputs, targets), targets
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    margin = cross_val_predict(booster, inputs, prepared.defect, cv=folds, method="decision_function", n_jobs=-1)
    return booster.fit(inputs, prepared.defect), margin


def _margin(booster: Booster, inputs: NDArray[np.float32]) -> Floats:
    margin: Floats = (booster.predict(inputs) if isinstance(booster, HistGradientBoostingRegressor)
                      else booster.decision_function(inputs))
    return margin


def calibrate(margin: Floats, defect: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit a Platt scaling of log-odds, and return its slope and intercept. It is monotone, so ranks do not change."""
    regression = LogisticRegression(C=1e6).fit(margin[:, None], defect)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])


def inspection_band(probability: Floats, decision: float) -> tuple[float, float]:
    """Find the probabilities that enclose INSPECTED_SHARE of the shots, half of it on either side of `decision`.

    Returns
    -------
    accept_below, reject_from : float
        A part is accepted below the first, rejected from the second on, and inspected by a person between them.
    """
    rank = float(np.mean(probability < decision))
    low, high = max(rank - INSPECTED_SHARE / 2, 0.0), min(rank + INSPECTED_SHARE / 2, 1.0)
    return float(np.quantile(probability, low)), float(np.quantile(probability, high))


def _prototypes(prepared: PreparedShots, seed: int) -> tuple[Floats, Floats]:
    """Prototypes of the training shots, shape (n_prototypes, n_features), and weights of the values, (n_features,).

    A value weighs as much as it persists from shot to shot, so the distance measures the conditions of a run, not what
    varies with every shot. If nothing persists, because the shots are in no order, all values weigh the same.
    """
    weights = np.maximum(persistence(prepared.clipped, prepared.run), 0)
    weights = weights if weights.max() > 0.5 else np.ones(len(weights))
    distinct = len(np.unique(prepared.clipped, axis=0))
    centres = MiniBatchKMeans(min(PROTOTYPES, distinct), n_init=3, random_state=seed, batch_size=2048)
    return centres.fit(prepared.clipped * weights).cluster_centers_.astype(np.float64), weights
