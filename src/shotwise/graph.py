"""The interfaces of a bundle's graphs: their inputs and outputs.

`shotwise.adapters.onnx` implements these protocols with onnxruntime; tests implement them with a few lines of numpy.
All arrays have a leading axis of n_shots; NaN in `features` means not measured and is imputed inside the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GraphOutput:
    """All outputs of the fused model, each float32.

    Attributes
    ----------
    probability : ndarray, shape (n_shots,)
        Calibrated probability of a defect.
    latent : ndarray, shape (n_shots, 12)
        The autoencoder's latent features.
    reconstruction_error : ndarray, shape (n_shots,)
        Mean of `feature_error`.
    feature_error : ndarray, shape (n_shots, n_features)
        Squared reconstruction error of each value, in standard deviations.
    distance : ndarray, shape (n_shots,)
        Distance of the shot's conditions from the nearest prototype of the training shots.
    """

    probability: NDArray[np.float32]
    latent: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    feature_error: NDArray[np.float32]
    distance: NDArray[np.float32]


class Graph(Protocol):
    """The fused model: imputation, scaling, autoencoder, booster and calibration in one graph."""

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """Compute all outputs for float32 features, shape (n_shots, n_features)."""
        ...

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the probability alone, shape (n_shots,); attribution calls this for thousands of rows."""
        ...


class HistoryGraph(Protocol):
    """The history head: joins the fused model's probability with the run's inspection results."""

    def __call__(self, probability: float, outcomes: NDArray[np.float32]) -> tuple[float, float]:
        """Compute the probability of a defect with history.

        Parameters
        ----------
        probability : float
            Probability by the fused model.
        outcomes : ndarray of float32, shape (n_earlier_shots,)
            Inspection results of the earlier shots, newest last: 1 defect, 0 normal, NaN not inspected.

        Returns
        -------
        probability : float
            Probability with history.
        evidence : float
            Summed weight of the inspection results.
        """
        ...


class DefectTypeGraph(Protocol):
    """The model of defect types."""

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the probability that a defective shot shows each type, shape (n_shots, n_types)."""
        ...


@dataclass(frozen=True)
class Engine:
    """Opens the graphs of a bundle from the bytes of their files.

    A function that uses neither history nor defect types leaves these two out, and its bundle then has neither.

    Attributes
    ----------
    graph : callable
        Opens the fused model.
    history : callable, optional
        Opens the history head.
    types : callable, optional
        Opens the model of defect types.
    """

    graph: Callable[[bytes], Graph]
    history: Callable[[bytes], HistoryGraph] | None = None
    types: Callable[[bytes], DefectTypeGraph] | None = None
