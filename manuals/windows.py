"""Print the table of process windows that the process manual shows, computed from the KAMP table.

Stages: read the table as training does (shotwise_training.data.table, by kamp.toml) → keep each shot once and the good
ones → per product, take P1, median and P99 of every measured feature → a Markdown table. The table in
process-manual.md is this output, character for character.

    python manuals/windows.py --data DieCasting_Quality_Raw_Data.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.schema import Column, read_columns
from shotwise_training.data.table import Table, read_table

SCHEMA = Path(__file__).resolve().parent.parent / "src/shotwise_training/kamp.toml"
PRODUCT = "Product_Type"
QUANTILES = (0.01, 0.50, 0.99)


def window_columns() -> list[Column]:
    """The features that get a window: measured ones. A counter, a category and the constant limits have none."""
    return [column for column in read_columns(SCHEMA)
            if column.resolution is not None and not column.counter and not column.categories]


def decimals(resolution: float) -> int:
    """0.001 → 3, 1 → 0: as many places as the instrument shows, no more."""
    return len(str(resolution).partition(".")[2]) if resolution < 1 else 0


def quantile_cells(values: NDArray[np.float32], resolution: float) -> list[str]:
    """The quantiles of what was measured, as text."""
    places = decimals(resolution)
    # A float32 of the table stands for the short decimal that it was read from; NaN is an empty cell, not a zero.
    present = np.round(values[~np.isnan(values)].astype(np.float64), places)
    return [f"{quantile:.{places}f}" for quantile in np.quantile(present, QUANTILES)]


def window_table(csv_path: str | Path) -> str:
    """The Markdown table of P1, median and P99 of unique good shots, per product type."""
    unique = read_table(Path(csv_path), SCHEMA).without_duplicates()
    good = unique.select(~unique.defect)
    names = [column.name for column in good.columns]
    products = good.columns[names.index(PRODUCT)].categories
    shots = {product: good.select(good.features[:, names.index(PRODUCT)] == code)
             for code, product in enumerate(products)}
    head = ["변수", "식별자", "단위"]
    head += [f"제품 {p} {column}" for p in products for column in ("P1", "중앙값", "P99")]
    lines = [head, ["---"] * 3 + ["---:"] * (len(head) - 3)]
    lines += [_row(column, names.index(column.name), list(shots.values())) for column in window_columns()]
    # How many shots stand behind the numbers: one count per product, under its median.
    lines.append(["샷 수", "–", "개"] + [cell for p in products for cell in ("–", str(len(shots[p])), "–")])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _row(column: Column, index: int, products: list[Table]) -> list[str]:
    cells = [column.label["ko"], column.name, column.unit]
    return cells + [cell for table in products
                    for cell in quantile_cells(table.features[:, index], column.resolution or 1)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print the window table of the process manual.")
    parser.add_argument("--data", required=True, help="the KAMP CSV (two header rows)")
    print(window_table(parser.parse_args().data))


if __name__ == "__main__":
    main()
