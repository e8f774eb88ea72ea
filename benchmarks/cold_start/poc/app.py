"""Predict in the layout of the proof of concept, pickled scikit-learn and torch weights: to be timed, not to serve.

`layout.py` writes the three files beside a copy of this one. It does less than our function: no check of values, no
defect types, no limits, no logs, no metrics.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
HIDDEN, LATENTS = 24, 12


class Encoder(torch.nn.Module):
    """The first half of the autoencoder: scaled values to latents."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.encode_hidden = torch.nn.Linear(features, HIDDEN)
        self.encode = torch.nn.Linear(HIDDEN, LATENTS)

    def forward(self, scaled: torch.Tensor) -> torch.Tensor:
        """Encode scaled values, shape (n_shots, n_features), as latents, shape (n_shots, 12)."""
        return torch.tanh(self.encode(torch.tanh(self.encode_hidden(scaled))))


with (HERE / "scaler.pkl").open("rb") as file:
    scaler = pickle.load(file)  # noqa: S301 - loading it is what is timed, and layout.py wrote it
with (HERE / "booster.pkl").open("rb") as file:
    booster = pickle.load(file)  # noqa: S301
encoder = Encoder(scaler.n_features_in_)
encoder.load_state_dict(torch.load(HERE / "encoder.pth", weights_only=True))
encoder.eval()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Predict the class, the probability and the latents of one shot, `{"features": {name: value}}`."""
    values = event["features"].values()
    row = np.array([[np.nan if value is None else float(value) for value in values]], np.float32)
    scaled = scaler.transform(row).astype(np.float32)
    with torch.no_grad():
        latent = encoder(torch.from_numpy(scaled)).numpy()
    probability = float(booster.predict_proba(np.hstack([scaled, latent]))[0, 1])
    return {"prediction": {"class": "defect" if probability >= 0.5 else "normal", "probability": probability},
            "latent_features": latent[0].tolist()}
