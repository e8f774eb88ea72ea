"""The fused graph in onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from shotwise.errors import BundleError
from shotwise.graph import Engine, GraphOutput

OUTPUTS = ["probability", "latent", "reconstruction_error", "feature_error", "distance"]


class OnnxGraph:
    """Implements `graph.Graph`."""

    def __init__(self, model: bytes) -> None:
        self._session = _opened(model, "model.onnx", OUTPUTS)

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """All outputs for float32 [N, F]."""
        return GraphOutput(*self._session.run(OUTPUTS, {"features": features}))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N] for float32 [N, F]."""
        found: NDArray[np.float32] = self._session.run(["probability"], {"features": features})[0]
        return found


class OnnxHistory:
    """Implements `graph.HistoryGraph`."""

    def __init__(self, model: bytes) -> None:
        self._session = _opened(model, "model_history.onnx", ["with_history", "results"])

    def __call__(self, probability: float, outcomes: NDArray[np.float32]) -> tuple[float, float]:
        """The probability with history, and the summed weight of results; outcomes: float32 [H], newest last."""
        given = {"probability": np.array([probability], np.float32), "outcome": outcomes}
        probability_with, results = self._session.run(["with_history", "results"], given)
        return float(probability_with[0]), float(results[0])


class OnnxTypes:
    """Implements `graph.DefectTypeGraph`."""

    def __init__(self, model: bytes) -> None:
        self._session = _opened(model, "model_types.onnx", ["types"])

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N, T] for float32 [N, F]."""
        found: NDArray[np.float32] = self._session.run(["types"], {"features": features})[0]
        return found


ENGINE = Engine(OnnxGraph, OnnxHistory, OnnxTypes)


def _opened(model: bytes, name: str, outputs: list[str]) -> onnxruntime.InferenceSession:
    """One thread: a Lambda has one or two cores, and a shot is one row."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but Exception
        raise BundleError(f"{name} cannot be opened: {error}") from error
    names = [output.name for output in session.get_outputs()]
    if names != outputs:
        raise BundleError(f"{name} gives {', '.join(names)}; expected {', '.join(outputs)}")
    return session
