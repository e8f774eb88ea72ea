"""Print the table of process windows that the process manual shows, computed from the KAMP table.

The table is read as for training (shotwise_training.data.table with kamp.toml). Duplicates and defective shots are
dropped, and P1, median and P99 of every measured feature are computed per product type. The table in process-manual.md
is this output, character for character.

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
    """List the features that have a window: those with a resolution, except counters and categories."""
    return [column for column in read_columns(SCHEMA)
            if column.resolution is not None and not column.counter and not column.categories]


def decimals(resolution: float) -> int:
    """Return the decimal places that an instrument of this resolution shows: 3 for 0.001, 0 for 1."""
    return len(str(resolution).partition(".")[2]) if resolution < 1 else 0


def quantile_cells(values: NDArray[np.float32], resolution: float) -> list[str]:
    """Return P1, median and P99 as text; NaN stands for a value that was not measured."""
    places = decimals(resolution)
    # Rounding restores the short decimal that a float32 of the table was read from.
    present = np.round(values[~np.isnan(values)].astype(np.float64), places)
    return [f"{quantile:.{places}f}" for quantile in np.quantile(present, QUANTILES)]


def window_table(csv_path: str | Path) -> str:
    """Write the Markdown table of P1, median and P99 of unique good shots, per product type."""
    unique = read_table(Path(csv_path), SCHEMA).without_duplicates()
    good = unique.select(~unique.defect)
    names = [column.name for column in good.columns]
    products = good.columns[names.index(PRODUCT)].categories
    shots = {product: good.select(good.features[:, names.index(PRODUCT)] == code)
             for code, product in enumerate(products)}
    header = ["변수", "식별자", "단위"]
    header += [f"제품 {product} {quantile}" for product in products for quantile in ("P1", "중앙값", "P99")]
    lines = [header, ["---"] * 3 + ["---:"] * (len(header) - 3)]
    lines += [_row(column, names.index(column.name), list(shots.values())) for column in window_columns()]
    # Last row: the number of shots, in the median column of each product type.
    lines.append(["샷 수", "–", "개"] + [cell for product in products
                                       for cell in ("–", str(len(shots[product])), "–")])
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
