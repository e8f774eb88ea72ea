"""Print the table of process windows that the process manual shows, computed from the KAMP table.

Stages: read the feature names, labels and resolutions (training/kamp.toml) → read the CSV with its two header rows →
keep each shot once (twins dropped) → keep the good ones → per product, take P1, median and P99 of every measured
feature → a Markdown table. The table in process-manual.md is this output, character for character.

    python manuals/windows.py --data DieCasting_Quality_Raw_Data.csv
"""

from __future__ import annotations

import argparse
import csv
import tomllib
from pathlib import Path

import numpy as np

SCHEMA = Path(__file__).resolve().parent.parent / "training" / "kamp.toml"
PRODUCT = "Product_Type"
QUANTILES = (0.01, 0.50, 0.99)


def read_schema(path: Path = SCHEMA) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def window_features(schema: dict) -> dict[str, dict]:
    """The features that get a window: measured ones. A counter, a category and the constant limits have none."""
    return {
        name: spec
        for name, spec in schema["features"].items()
        if "resolution" in spec and not spec.get("counter") and "categories" not in spec
    }


def read_table(csv_path: str | Path, schema: dict) -> tuple[list[str], list[str], list[list[str]]]:
    """Groups, names and unique rows. A row equal to an earlier one in all but the ignored columns is its twin."""
    with Path(csv_path).open(newline="", encoding="utf-8-sig") as source:
        rows = csv.reader(source)
        heads = [[cell.strip() for cell in next(rows)] for _ in range(schema["table"]["header_rows"])]
        groups, names = heads[0], heads[-1]
        compared = [i for i, name in enumerate(names) if name not in schema["table"]["twin_ignores"]]
        unique: dict[tuple[str, ...], list[str]] = {}
        for row in rows:
            unique.setdefault(tuple(row[i].strip() for i in compared), [cell.strip() for cell in row])
    return groups, names, list(unique.values())


def good_shots(groups: list[str], rows: list[list[str]], label_group: str) -> list[list[str]]:
    labels = [i for i, group in enumerate(groups) if group == label_group]
    return [row for row in rows if not any(float(row[i] or 0) > 0 for i in labels)]


def decimals(resolution: float) -> int:
    """0.001 → 3, 1 → 0: as many places as the instrument shows, no more."""
    return len(str(resolution).partition(".")[2]) if resolution < 1 else 0


def quantile_cells(values: list[str], resolution: float) -> list[str]:
    present = np.array([float(value) for value in values if value])  # an empty cell is not a zero
    return [f"{q:.{decimals(resolution)}f}" for q in np.quantile(present, QUANTILES)]


def window_table(csv_path: str | Path) -> str:
    """The Markdown table of P1, median and P99 of unique good shots, per product type."""
    schema = read_schema()
    groups, names, rows = read_table(csv_path, schema)
    good = good_shots(groups, rows, schema["label"]["group"])
    product_at = names.index(PRODUCT)
    products = schema["features"][PRODUCT]["categories"]
    shots = {product: [row for row in good if row[product_at] == product] for product in products}
    head = ["변수", "식별자", "단위"]
    head += [f"제품 {p} {column}" for p in products for column in ("P1", "중앙값", "P99")]
    lines = [head, ["---"] * 3 + ["---:"] * (len(head) - 3)]
    for name, spec in window_features(schema).items():
        at = names.index(name)
        cells = [spec["ko"], name, spec["unit"]]
        for product in products:
            cells += quantile_cells([row[at] for row in shots[product]], spec["resolution"])
        lines.append(cells)
    # How many shots stand behind the numbers: one count per product, under its median.
    lines.append(["샷 수", "–", "개"] + [cell for p in products for cell in ("–", str(len(shots[p])), "–")])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the window table of the process manual.")
    parser.add_argument("--data", required=True, help="the KAMP CSV (two header rows)")
    print(window_table(parser.parse_args().data))


if __name__ == "__main__":
    main()
