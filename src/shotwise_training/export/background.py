"""Choose the background shots, a few real shots that represent all: Shapley values compare a shot with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BACKGROUND = 64
MAX_SAMPLE = 20_000  # shots that a direction is computed from; more hardly change it

Floats = NDArray[np.float64]


def background_rows(scaled: Floats) -> NDArray[np.intp]:
    """Choose at most BACKGROUND shots.

    Parameters
    ----------
    scaled : ndarray of float64, shape (n_shots, n_features)
        Standardised values without NaN.

    Returns
    -------
    ndarray of intp, shape (n_background,)
        Rows of the chosen shots, ascending.

    Notes
    -----
    The shots are halved along the direction in which they differ most (a principal direction tree) until there are as
    many cells as background shots; the shot nearest to the mean of each cell is chosen. All cells have equally many
    shots, so no weights are needed, and the chosen shots represent the rest far better than random ones
    (decision 0016).

    References
    ----------
    Verma, N., Kpotufe, S., Dasgupta, S. (2009). Which spatial partition trees are adaptive to intrinsic dimension? UAI.
    """
    cells = [np.arange(len(scaled))]
    while len(cells) < BACKGROUND and all(len(cell) > 1 for cell in cells):
        cells = [half for cell in cells for half in _halves(scaled, cell)]
    return np.sort([_medoid(scaled, cell) for cell in cells])


def _halves(scaled: Floats, cell: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of a cell below and above the median along its first principal direction."""
    values = scaled[cell]
    sample = values[:: max(len(values) // MAX_SAMPLE, 1)]
    _, directions = np.linalg.eigh(np.atleast_2d(np.cov(sample, rowvar=False)))
    order = np.argsort(values @ directions[:, -1], kind="stable")
    return cell[order[: len(cell) // 2]], cell[order[len(cell) // 2 :]]


def _medoid(scaled: Floats, cell: NDArray[np.intp]) -> np.intp:
    """The shot of a cell that is nearest to its mean."""
    centre = scaled[cell].mean(axis=0)
    nearest: np.intp = cell[((scaled[cell] - centre) ** 2).sum(axis=1).argmin()]
    return nearest
