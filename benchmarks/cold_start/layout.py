"""Write the layout of the proof of concept: its handler, and the three files that it loads."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shotwise_training.export.pipeline_files import load_pipeline
from shotwise_training.models.configuration import POC_BASELINE

HERE = Path(__file__).parent
AUTOENCODER = HERE.parent.parent / "src/shotwise_training/pipelines/shotwise"


def write(folder: Path, features: NDArray[np.float32], defect: NDArray[np.bool_]) -> None:
    """Fit the models and write app.py, scaler.pkl, booster.pkl and encoder.pth.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    features : ndarray of float32, shape (n_shots, n_features)
        NaN where a value was not measured.
    defect : ndarray of bool, shape (n_shots,)
        Whether each shot is defective.

    Notes
    -----
    The boosting is that of the configuration `poc_baseline`, fitted here. The autoencoder is the stored one of
    `shotwise`, which has the same shape: it would take a minute to train, and only its size matters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "poc/app.py", folder)
    scaler = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    scaled = scaler.fit_transform(features).astype(np.float32)
    autoencoder = load_pipeline(AUTOENCODER).pipeline.autoencoder.float()
    with torch.no_grad():
        latent = autoencoder.latent(torch.from_numpy(scaled)).numpy()
    booster = clone(POC_BASELINE.booster).fit(np.hstack([scaled, latent]), defect)
    weights = {name: weight for name, weight in autoencoder.state_dict().items() if name.startswith("encode")}
    torch.save(weights, folder / "encoder.pth")
    for name, estimator in (("scaler", scaler), ("booster", booster)):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(estimator))
