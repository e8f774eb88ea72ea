"""Run the graph over many rows on all cores; onnxruntime releases Python's lock while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MAX_THREADS = 2  # the cores of a Lambda function with 3 GB of memory
MIN_ROWS = 64  # fewer rows are computed faster than they are handed to threads

POOL = ThreadPoolExecutor(MAX_THREADS, "graph")

Output = TypeVar("Output")


def map_rows(compute: Callable[[NDArray[np.float32]], Output], rows: NDArray[np.float32]) -> list[Output]:
    """Split rows, shape (n_rows, n_features), among the cores and return the output of each part in order."""
    threads = min(_available_cores(), MAX_THREADS)
    if len(rows) <= MIN_ROWS or threads == 1:
        return [compute(rows)]
    return list(POOL.map(compute, np.array_split(rows, threads)))


def _available_cores() -> int:
    """Return the number of cores that this process may use at the moment; it may change while the process runs."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
