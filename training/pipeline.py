"""Fitting: autoencoder (torch) → 12 latents → gradient boosting (scikit-learn) → calibrated probability.

This is the pipeline as trained; `graph` turns it into the one that is served, and the parity tests hold the two
together. The autoencoder is trained in float32 and evaluated in float64: the trees compare latents with thresholds, and
two float32 implementations that differ in the last digit send a shot near a threshold down different branches (a
difference of up to 0.04 in probability, measured); in float64 the difference is gone after rounding.
Every statistic (medians, scales, weights, trees, calibration) comes from the shots that `fit` is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict

LATENTS = 12
HIDDEN = 24
SCALED_LIMIT = 8.0  # standard deviations; a wilder value must not saturate the encoder for every other feature


class Autoencoder(torch.nn.Module):
    """F → 24 → 12 → 24 → F with tanh, on scaled values. The 12 in the middle are the latents."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.encode_hidden = torch.nn.Linear(features, HIDDEN)
        self.encode = torch.nn.Linear(HIDDEN, LATENTS)
        self.decode_hidden = torch.nn.Linear(LATENTS, HIDDEN)
        self.decode = torch.nn.Linear(HIDDEN, features)

    def latent(self, scaled: torch.Tensor) -> torch.Tensor:
        """[N, F] scaled → [N, 12], each in (-1, 1)."""
        return torch.tanh(self.encode(torch.tanh(self.encode_hidden(scaled))))

    def forward(self, scaled: torch.Tensor) -> torch.Tensor:
        """[N, F] scaled → [N, F] reconstructed."""
        return self.decode(torch.tanh(self.decode_hidden(self.latent(scaled))))


@dataclass(frozen=True)
class Output:
    """What the pipeline says of N shots; the same names as the graph's outputs.

    probability [N] calibrated; latent [N, 12]; reconstruction_error [N]; feature_error [N, F], squared, in
    standard deviations of the training shots.
    """

    probability: NDArray[np.float64]
    latent: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    feature_error: NDArray[np.float32]


@dataclass(frozen=True)
class Pipeline:
    """A fitted pipeline. median, mean, scale: float32 [F]. slope, intercept: of the calibration on log-odds.
    threshold: the probability with the best F1 on out-of-fold predictions of the training shots."""

    median: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    autoencoder: Autoencoder
    booster: HistGradientBoostingClassifier
    slope: float
    intercept: float
    threshold: float

    def __call__(self, features: NDArray[np.float32]) -> Output:
        """Predict for float32 [N, F]; NaN = not measured, replaced by the training median."""
        imputed = impute(features, self.median)
        scaled = standardise(imputed, self.mean, self.scale)
        bounded = bound(scaled)
        with torch.no_grad():
            latent = self.autoencoder.latent(bounded).numpy().astype(np.float32)
            error = ((scaled - self.autoencoder(bounded).numpy()) ** 2).astype(np.float32)
        margin = self.booster.decision_function(np.hstack([imputed, latent]))
        return Output(sigmoid(self.slope * margin + self.intercept), latent, error.mean(axis=1), error)


def fit(features: NDArray[np.float32], defect: NDArray[np.bool_], seed: int = 42) -> Pipeline:
    """Fit on float32 [N, F] and bool [N]. The calibration is fitted on out-of-fold margins of these same shots."""
    median = np.nanmedian(features, axis=0).astype(np.float32)
    imputed = impute(features, median)
    mean = imputed.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = imputed.std(axis=0, dtype=np.float64)
    # A constant column has no scale of its own: with 1 a slightly different value stays slightly different, where
    # a tiny scale would blow it up to an enormous reconstruction error.
    constant = np.ptp(imputed, axis=0) == 0
    scale = np.where(constant, 1, spread).astype(np.float32)
    bounded = bound(standardise(imputed, mean, scale))
    autoencoder = _fit_autoencoder(bounded.float(), seed).double()
    with torch.no_grad():
        latent = autoencoder.latent(bounded).numpy().astype(np.float32)
    joined = np.hstack([imputed, latent])
    margin = _out_of_fold_margin(joined, defect, seed)
    slope, intercept = _calibration(margin, defect)
    threshold = best_f1_threshold(sigmoid(slope * margin + intercept), defect)
    booster = new_booster(seed).fit(joined, defect)
    return Pipeline(median, mean, scale, autoencoder, booster, slope, intercept, threshold)


def impute(features: NDArray[np.float32], median: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace NaN by the column's median."""
    return np.where(np.isnan(features), median, features).astype(np.float32)


def standardise(imputed: NDArray[np.float32], mean: NDArray[np.float32],
                scale: NDArray[np.float32]) -> NDArray[np.float64]:
    """(value - mean) / scale, in float64 as the graph does it."""
    return (imputed.astype(np.float64) - mean) / scale


def bound(scaled: NDArray[np.float64]) -> torch.Tensor:
    """What the encoder reads: no value further out than SCALED_LIMIT."""
    return torch.from_numpy(np.clip(scaled, -SCALED_LIMIT, SCALED_LIMIT))


def new_booster(seed: int) -> HistGradientBoostingClassifier:
    """The gradient boosting, unfitted: shallow and slow to learn, which honest protocols reward."""
    return HistGradientBoostingClassifier(
        learning_rate=0.04, max_iter=200, max_leaf_nodes=8, min_samples_leaf=25, l2_regularization=2.0,
        max_features=0.4, early_stopping=False, random_state=seed)


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds → probability."""
    return 1 / (1 + np.exp(-log_odds))


def best_f1_threshold(probability: NDArray[np.float64], defect: NDArray[np.bool_]) -> float:
    """The probability from which calling a shot defective gives the best F1 on these shots."""
    precision, recall, thresholds = precision_recall_curve(defect, probability)
    score = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[np.argmax(score[:-1])])


def _out_of_fold_margin(joined: NDArray[np.float32], defect: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return cross_val_predict(new_booster(seed), joined, defect, cv=folds, method="decision_function")


def _calibration(margin: NDArray[np.float64], defect: NDArray[np.bool_]) -> tuple[float, float]:
    """Platt scaling: one slope and one intercept on the log-odds, smooth and monotone, so ranks stay as they are."""
    fitted = LogisticRegression(C=1e6).fit(margin[:, None], defect)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _fit_autoencoder(data: torch.Tensor, seed: int, epochs: int = 150) -> Autoencoder:
    torch.manual_seed(seed)
    model = Autoencoder(data.shape[1])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-2, total_steps=epochs)
    for _ in range(epochs):
        for batch in torch.randperm(len(data)).split(256):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(model(data[batch]), data[batch]).backward()
            optimiser.step()
        schedule.step()
    return model.eval()
