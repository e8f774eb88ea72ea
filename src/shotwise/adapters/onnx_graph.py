"""The fused graph in onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from shotwise.bundle import GraphOutput
from shotwise.errors import BundleError

OUTPUTS = ["probability", "latent", "reconstruction_error", "feature_error", "distance"]


class OnnxGraph:
    """Implements `bundle.Graph`. One thread: a Lambda has one or two cores, and a shot is one row."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class but Exception
            raise BundleError(f"model.onnx cannot be opened: {error}") from error
        names = [output.name for output in self._session.get_outputs()]
        if names != OUTPUTS:
            raise BundleError(f"model.onnx gives {', '.join(names)}; expected {', '.join(OUTPUTS)}")

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """All outputs for float32 [N, F]."""
        return GraphOutput(*self._session.run(OUTPUTS, {"features": features}))

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N] for float32 [N, F]."""
        found: NDArray[np.float32] = self._session.run(["probability"], {"features": features})[0]
        return found
