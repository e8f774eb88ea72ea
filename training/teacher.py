"""What the gradient boosting of `shotwise` is taught: a Gaussian process over the values.

Shots that lie close in time and surroundings share much of their fate, and a label is one throw of a coin. A Gaussian
process with one length scale a feature (automatic relevance determination; Rasmussen & Williams 2006, chapter 5) finds
from the labels alone which values such closeness is measured in, and gives each shot the defect rate of its
surroundings without the shot itself (leave-one-out in closed form, ibid. 5.12). It is the boosting's target in place
of the 0 or 1 of the label, and may label points between the shots and beyond the end of their runs as well, where a
tree left to itself would hold on to its outermost leaf (a smooth model as the teacher of a small one: Buciluă, Caruana,
Niculescu-Mizil 2006; Hinton, Vinyals, Dean 2015).

Only the trees are served. The cost grows with the cube of the shots, so `MOST` is where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

MOST = 6000  # shots; a matrix of 290 MB
SEEN = 1000  # shots of one step of the search for the length scales
STEPS, RATE = 60, 0.1
BOUNDS = (0.005, 0.995)  # of a probability before it becomes log-odds

Floats = NDArray[np.float64]


class Kernel(torch.nn.Module):
    """Two squared-exponential kernels with a length scale a feature, and noise; all parameters as logarithms."""

    def __init__(self, drifting: NDArray[np.bool_]) -> None:
        super().__init__()
        close = torch.ones(len(drifting), dtype=torch.float64)
        close[torch.from_numpy(drifting)] = -1.0  # what drifts is where closeness in time shows
        self.close = torch.nn.Parameter(close)
        self.wide = torch.nn.Parameter(torch.full((len(drifting),), 1.5, dtype=torch.float64))
        self.size = torch.nn.Parameter(torch.tensor([-2.0, -2.5], dtype=torch.float64))
        self.noise = torch.nn.Parameter(torch.tensor(-1.8, dtype=torch.float64))

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """[N, F], [M, F] → [N, M]."""
        return sum((torch.exp(size - _squares(left / torch.exp(scale), right / torch.exp(scale)) / 2)
                    for scale, size in zip((self.close, self.wide), self.size, strict=True)), torch.zeros(()))

    def noisy(self, shots: torch.Tensor) -> torch.Tensor:
        """[N, F] → [N, N], with the noise of the labels on the diagonal."""
        return self(shots, shots) + torch.exp(self.noise) * torch.eye(len(shots), dtype=torch.float64)


@dataclass(frozen=True)
class Teacher:
    """A fitted process. held_out: [N], log-odds of each shot of the fit without the shot itself."""

    kernel: Kernel
    shots: torch.Tensor
    weights: torch.Tensor
    mean: float
    held_out: Floats

    def __call__(self, scaled: Floats) -> Floats:
        """[M, F] scaled → log-odds [M]."""
        with torch.no_grad():
            found = self.mean + self.kernel(torch.from_numpy(scaled), self.shots) @ self.weights
        return log_odds(found.numpy())


def teach(scaled: Floats, defect: NDArray[np.bool_], drifting: NDArray[np.bool_], seed: int) -> Teacher:
    """Fit on [N, F] scaled values, N ≤ MOST; `drifting` [F] are the features that move slowly within a run."""
    shots, labels = torch.from_numpy(scaled), torch.from_numpy(defect.astype(np.float64))
    mean = float(labels.mean())
    kernel = _fit_kernel(shots, labels, drifting, seed)
    with torch.no_grad():
        inverse = torch.linalg.inv(kernel.noisy(shots))
        weights = inverse @ (labels - mean)
        held_out = labels - weights / inverse.diagonal()
    return Teacher(kernel, shots, weights, mean, log_odds(held_out.numpy()))


def log_odds(probability: Floats) -> Floats:
    """Log-odds of a probability, which is first brought within BOUNDS."""
    bounded = np.clip(probability, *BOUNDS)
    return np.log(bounded / (1 - bounded))


def _fit_kernel(shots: torch.Tensor, labels: torch.Tensor, drifting: NDArray[np.bool_], seed: int) -> Kernel:
    """Raise the marginal likelihood of the labels, on a new random part of the shots at every step."""
    kernel = Kernel(drifting)
    random = np.random.default_rng(seed)
    optimiser = torch.optim.Adam(kernel.parameters(), RATE)
    for _ in range(STEPS):
        rows = torch.from_numpy(random.choice(len(shots), min(SEEN, len(shots)), replace=False))
        target = labels[rows] - labels[rows].mean()
        root = torch.linalg.cholesky(kernel.noisy(shots[rows]))
        solved = torch.cholesky_solve(target[:, None], root)[:, 0]
        optimiser.zero_grad()
        (target @ solved / 2 + torch.log(root.diagonal()).sum()).backward()
        optimiser.step()
    return kernel


def _squares(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Squared distances [N, M]."""
    return ((left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T).clamp(min=0)
