"""Tables of shots that tests write: in the layout of the KAMP table, and of an unknown foundry."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shots import as_features

from shotwise.bundle import Bundle

TYPES = ("Short_Shot", "Bubble", "Exfoliation", "Blow_Hole", "Stain", "Dent", "Deformation", "Contamination",
         "Impurity", "Crack", "Scratch", "Buring_Mark", "Inclusions")


@dataclass(frozen=True)
class Kamp:
    """A table in the layout of the KAMP table, and the counts that reading it has to give.

    Attributes
    ----------
    path : the CSV file.
    rows : number of shots.
    duplicates : rows that repeat an earlier one.
    unique : rows that are left without them.
    runs : number of production runs.
    missing : column → number of empty cells.
    """

    path: Path
    rows: int
    duplicates: int
    unique: int
    runs: int
    missing: dict[str, int]


def write_csv(path: Path, columns: dict[str, Sequence[Any]], *, groups: Sequence[str] = (), encoding: str = "utf-8",
              separator: str = ",") -> Path:
    """Write columns of equal length under one header row, or two if there are groups."""
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=separator)
        if groups:
            writer.writerow(groups)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def write_kamp(path: Path, bundle: Bundle, rows: NDArray[np.float32], defective: NDArray[np.bool_]) -> Path:
    """Write shots in the layout of the KAMP table.

    Every 20th shot stands there twice; a defective one has the severity 2 in one of the 26 label cells.
    """
    names = [f" {name} " for name in bundle.names] + [kind + cavity for cavity in ("_1", "_2") for kind in TYPES]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["Process"] * 17 + ["Sensor"] * 14 + ["Defects"] * 26)
        writer.writerow(["id", *names])
        for number, (row, is_defective) in enumerate(zip(rows, defective, strict=True)):
            values = ["" if value is None else value for value in as_features(row, bundle).values()]
            labels = [2 if is_defective and index == number % 13 else 0 for index in range(26)]
            for copy in range(2 if number % 20 == 0 else 1):
                writer.writerow([number * 10 + copy, *values, *labels])
    return path


def foundry(count: int = 600, seed: int = 3) -> dict[str, list[Any]]:
    """Make the table of a Korean foundry as columns.

    It has five runs, a product, three measured values of which one drives the defects a little, and a label that no
    column leaks.
    """
    random = np.random.default_rng(seed)
    pressure = random.normal(80, 5, count).round(1)
    defective = random.random(count) < 0.15 + 0.2 * (pressure < 76)
    start = np.datetime64("2024-01-31T08:00:00")
    return {"일시": [str(start + np.timedelta64(40 * row, "s")).replace("T", " ") for row in range(count)],
            "샷번호": [row % (count // 5) + 1 for row in range(count)],
            "제품": [("가", "나")[row] for row in random.integers(2, size=count)],
            "주조압력(MPa)": list(pressure),
            "용탕온도 [℃]": list(random.normal(670, 8, count).round(1)),
            "속도": list(random.normal(2.4, 0.2, count).round(3)),
            "판정": ["불량" if is_defective else "양품" for is_defective in defective]}
