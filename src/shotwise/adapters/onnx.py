"""Run the graphs of a bundle with onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from shotwise.errors import BundleError
from shotwise.graph import Engine, GraphOutput

OUTPUTS = ["probability", "latent", "reconstruction_error", "feature_error", "distance"]


class OnnxGraph:
    """Implements `graph.Graph`."""

    def __init__(self, model: bytes) -> None:
        self._session = _open_session(model, "model.onnx", OUTPUTS)

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """Compute all outputs for float32 features, shape (n_shots, n_features)."""
        return GraphOutput(*self._session.run(OUTPUTS, {"features": features}))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the probability alone, shape (n_shots,)."""
        probability: NDArray[np.float32] = self._session.run(["probability"], {"features": features})[0]
        return probability


class OnnxHistory:
    """Implements `graph.HistoryGraph`."""

    def __init__(self, model: bytes) -> None:
        self._session = _open_session(model, "model_history.onnx", ["with_history", "results"])

    def __call__(self, probability: float, outcomes: NDArray[np.float32]) -> tuple[float, float]:
        """Compute the probability with history, and the summed weight of the known results."""
        inputs = {"probability": np.array([probability], np.float32), "outcome": outcomes}
        with_history, evidence = self._session.run(["with_history", "results"], inputs)
        return float(with_history[0]), float(evidence[0])


class OnnxDefectTypes:
    """Implements `graph.DefectTypeGraph`."""

    def __init__(self, model: bytes) -> None:
        self._session = _open_session(model, "model_types.onnx", ["types"])

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the probability of each type, shape (n_shots, n_types)."""
        probabilities: NDArray[np.float32] = self._session.run(["types"], {"features": features})[0]
        return probabilities


ENGINE = Engine(OnnxGraph, OnnxHistory, OnnxDefectTypes)


def _open_session(model: bytes, file_name: str, expected_outputs: Sequence[str]) -> onnxruntime.InferenceSession:
    """Open a graph with one thread, because a Lambda function has one or two cores and a shot is one row."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but Exception
        raise BundleError(f"{file_name} cannot be opened: {error}") from error
    outputs = [output.name for output in session.get_outputs()]
    if outputs != list(expected_outputs):
        raise BundleError(f"{file_name} gives {', '.join(outputs)}; expected {', '.join(expected_outputs)}")
    return session
