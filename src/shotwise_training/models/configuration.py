"""The two named configurations: the one that is served, and the proof of concept's, which memorises repeated shots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor

LATENTS = 12
SEED = 42

Booster: TypeAlias = GradientBoostingClassifier | HistGradientBoostingRegressor


@dataclass(frozen=True)
class Configuration:
    """How a pipeline is fitted.

    Attributes
    ----------
    name : str
        Name in commands, reports and manifests.
    version : str
        Version of its bundles.
    booster : Booster
        Unfitted. A classifier learns the labels, a regressor the log-odds of forests (`distillation`).
    keep_duplicates : bool
        Whether repeated rows stay in the training shots.
    history : bool
        Whether a history head, for known inspection results, is fitted.
    latents : int
        Number of latents of the autoencoder; if 0, the trees read the values alone.
    epochs : int
        Epochs of the autoencoder; a large table has fewer (`autoencoder.MAX_STEPS`).
    forest_trees : int
        Trees of each forest that a regressor learns from; a large table has fewer, but 100 at least.
    """

    name: str
    version: str
    booster: Booster
    keep_duplicates: bool
    history: bool = False
    latents: int = LATENTS
    epochs: int = 150
    forest_trees: int = 400


# Chosen by protocols that never score a shot twice, on the first 70 % of every run only (decision 0010).
SHOTWISE = Configuration(
    "shotwise", "v1.2_12D_GB", keep_duplicates=False, history=True,
    booster=HistGradientBoostingRegressor(
        learning_rate=0.1, max_iter=100, max_leaf_nodes=16, min_samples_leaf=10, l2_regularization=1.0,
        max_features=0.5, early_stopping=False, random_state=SEED))

# The pipeline of the proof of concept: trees deep enough to memorise every shot, fitted with the repeated rows.
POC_BASELINE = Configuration(
    "poc_baseline", "v1.1_12D_GB", keep_duplicates=True,
    booster=GradientBoostingClassifier(
        learning_rate=0.03, n_estimators=150, max_depth=16, max_features="sqrt", random_state=SEED))

CONFIGURATIONS = {configuration.name: configuration for configuration in (SHOTWISE, POC_BASELINE)}
