"""Read the files of a bundle besides its manifest and graphs; each error names the file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.errors import BundleError
from shotwise.manifest import parse_json
from shotwise.manifest_shape import SAMPLES, shape_fault


def read_background(path: Path, content: bytes, n_features: int) -> NDArray[np.float32]:
    """Read the background shots, shape (n_background, n_features). Raises BundleError."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            background: NDArray[np.float32] = arrays["features"]
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        # A plain array is no archive, so it can be neither closed nor asked for a name.
        raise BundleError(f"{path} holds no background shots ({error}); restore or retrain the bundle") from None
    if background.dtype != np.float32 or background.ndim != 2 or background.shape[1] != n_features \
            or not len(background):
        raise BundleError(f"{path} holds {background.dtype} of shape {background.shape}; expected float32 shots of "
                          f"{n_features} features")
    return background


def read_samples(path: Path, content: bytes) -> tuple[Mapping[str, Any], ...]:
    """Read the example shots. Raises BundleError."""
    samples = parse_json(path, content)
    if fault := shape_fault(samples, SAMPLES, "samples"):
        raise BundleError(f"{path} is malformed: {fault}; restore or retrain the bundle")
    return tuple(samples)


def read_card(path: Path, content: bytes) -> str:
    """Read the model card. Raises BundleError."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BundleError(f"{path} is not UTF-8; restore or retrain the bundle") from None
