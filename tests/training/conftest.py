"""The KAMP table where the environment names it, else a synthetic one in its layout."""

from __future__ import annotations

import numpy as np
import pytest
from shots import generate, kamp_csv
from tables import Kamp, write_kamp

from shotwise.bundle import Bundle

FACTORY = ("Factory_Temp", "Factory_Temp_Min", "Factory_Temp_Max", "Factory_Humidity", "Factory_Humidity_Min",
           "Factory_Humidity_Max")
SYNTHETIC_RUNS = (90, 200, 70, 50, 110, 20, 60)


@pytest.fixture(scope="session")
def kamp(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Kamp:
    """The real table, or 600 synthetic shots in 7 runs, every 20th twice, with a label that no column leaks."""
    path = kamp_csv()
    if path is not None:
        return Kamp(path, 7535, 2918, 4617, 7, dict.fromkeys(FACTORY, 90))
    rows = generate(bundle, sum(SYNTHETIC_RUNS), seed=11)
    rows[:, bundle.position["Shot"]] = np.concatenate([np.arange(1, size + 1) for size in SYNTHETIC_RUNS])
    defective = np.random.default_rng(12).random(len(rows)) < 0.25
    empty = np.isnan(rows).sum(axis=0) + np.isnan(rows[::20]).sum(axis=0)
    return Kamp(write_kamp(tmp_path_factory.mktemp("kamp") / "shots.csv", bundle, rows, defective), 630, 30, 600, 7,
                {name: int(empty[bundle.position[name]]) for name in FACTORY})
