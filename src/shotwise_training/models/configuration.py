"""The two named configurations. One cannot serve both ends: what memorises repeated shots is worse on unseen ones."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor

LATENTS = 12
SEED = 42

Booster = GradientBoostingClassifier | HistGradientBoostingRegressor


@dataclass(frozen=True)
class Configuration:
    """How a pipeline is fitted.

    booster: unfitted; a classifier learns the labels, a regressor is taught (`teacher`). twins: repeated rows are kept.
    history: with a head for known inspection results. latents: how many the autoencoder has; 0 leaves them out of what
    the trees read.
    """

    name: str
    version: str
    booster: Booster
    twins: bool
    history: bool = False
    latents: int = LATENTS


# Chosen by the honest protocols inside the first 70 % of every run alone (decision 0010).
SHOTWISE = Configuration(
    "shotwise", "v1.2_12D_GB", twins=False, history=True,
    booster=HistGradientBoostingRegressor(
        learning_rate=0.1, max_iter=100, max_leaf_nodes=16, min_samples_leaf=10, l2_regularization=1.0,
        max_features=0.5, early_stopping=False, random_state=SEED))

# The PoC's pipeline: trees deep enough to know every shot again, fitted with the repeated rows.
POC_BASELINE = Configuration(
    "poc_baseline", "v1.1_12D_GB", twins=True,
    booster=GradientBoostingClassifier(
        learning_rate=0.03, n_estimators=150, max_depth=16, max_features="sqrt", random_state=SEED))

CONFIGURATIONS = {configuration.name: configuration for configuration in (SHOTWISE, POC_BASELINE)}
