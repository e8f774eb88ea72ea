"""The background shots: a few real ones that stand for all. Shapley values compare a shot with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BACKGROUND = 64
MAX_WEIGHED = 20_000  # shots that a direction is fitted on; more change it hardly

Floats = NDArray[np.float64]


def background_rows(scaled: Floats) -> NDArray[np.intp]:
    """Rows of at most BACKGROUND shots of [N, F] scaled values, in order.

    The shots are halved along the direction in which they differ most (a principal direction tree: Verma, Kpotufe,
    Dasgupta 2009) until there are as many cells as background shots; of each cell, the shot nearest to its mean. Each
    stands for equally many, so no weights are needed, and they tell far more than as many shots drawn at random
    (decision 0016).
    """
    cells = [np.arange(len(scaled))]
    while len(cells) < BACKGROUND and all(len(cell) > 1 for cell in cells):
        cells = [half for cell in cells for half in _halves(scaled, cell)]
    return np.sort([_medoid(scaled, cell) for cell in cells])


def _halves(scaled: Floats, cell: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    values = scaled[cell]
    sample = values[:: max(len(values) // MAX_WEIGHED, 1)]
    _, directions = np.linalg.eigh(np.cov(sample, rowvar=False))
    order = np.argsort(values @ directions[:, -1], kind="stable")
    return cell[order[: len(cell) // 2]], cell[order[len(cell) // 2 :]]


def _medoid(scaled: Floats, cell: NDArray[np.intp]) -> np.intp:
    """The shot of a cell nearest to its mean."""
    centre = scaled[cell].mean(axis=0)
    nearest: np.intp = cell[((scaled[cell] - centre) ** 2).sum(axis=1).argmin()]
    return nearest
