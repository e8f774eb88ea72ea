"""The KAMP table where the environment names it, else a synthetic one in its layout."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from shots import generate, kamp_csv
from tables import Kamp, write_kamp

from shotwise.bundle import Bundle

SYNTHETIC_RUNS = (90, 200, 70, 50, 110, 20, 60)


@pytest.fixture(scope="session")
def kamp(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Kamp:
    """The real table, or 600 synthetic shots in 7 runs, every 20th twice, with a label that no column leaks."""
    path = kamp_csv()
    if path is not None:
        return counted(path)
    rows = generate(bundle, sum(SYNTHETIC_RUNS), seed=11)
    rows[:, bundle.position["Shot"]] = np.concatenate([np.arange(1, size + 1) for size in SYNTHETIC_RUNS])
    defective = np.random.default_rng(12).random(len(rows)) < 0.25
    return counted(write_kamp(tmp_path_factory.mktemp("kamp") / "shots.csv", bundle, rows, defective))


def counted(path: Path) -> Kamp:
    """Count, from the text of the cells alone, what reading and auditing the table have to find."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        _, header, *rows = csv.reader(file)
    names = [name.strip() for name in header]
    unique = len({tuple(row[1:]) for row in rows})  # without the row's own number
    counter = [int(float(row[names.index("Shot")])) for row in rows]
    missing = Counter(name for row in rows for name, cell in zip(names, row, strict=True) if not cell)
    return Kamp(path, len(rows), len(rows) - unique, unique, 1 + sum(later < earlier for earlier, later in
                                                                     pairwise(counter)), dict(missing))
