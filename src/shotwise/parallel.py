"""Many rows for the graph on all cores: it leaves Python free while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MOST = 2  # what 3 GB of memory bring on Lambda
FEW = 64  # rows that are asked sooner than handed over

POOL = ThreadPoolExecutor(MOST, "graph")

Found = TypeVar("Found")


def map_rows(ask: Callable[[NDArray[np.float32]], Found], rows: NDArray[np.float32]) -> list[Found]:
    """What `ask` says of each part of the rows [N, F], in their order."""
    cores = min(_cores(), MOST)
    if len(rows) <= FEW or cores == 1:
        return [ask(rows)]
    return list(POOL.map(ask, np.array_split(rows, cores)))


def _cores() -> int:
    """Those that this process may use; asked anew, as a process can be moved."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
