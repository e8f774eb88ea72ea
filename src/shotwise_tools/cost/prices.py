"""The price table: prices.toml, and a reader's own file over it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from shotwise_tools.cost.models import CostError, Price

TABLE = Path(__file__).with_name("prices.toml")
TEXTS = ("unit", "source", "basis")
FIELDS = {"value", "date", "weak", "free", *TEXTS}


def read_prices(override: Path | None = None) -> dict[str, Price]:
    """Key → price. A file given over the table replaces fields of its prices, or adds whole ones.

    Raises CostError for a file that cannot be read or a price that is not whole."""
    sources, entries = _tables(TABLE)
    if override:
        more, given = _tables(override)
        sources |= more
        for key, entry in given.items():
            entries[key] = {**entries.get(key, {}), **entry}
    return {key: _price(key, entry, sources) for key, entry in entries.items()}


def _tables(path: Path) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CostError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CostError(f"{path} is no TOML: {error}") from None
    if unknown := set(content) - {"source", "price"}:
        raise CostError(f"{path}: {', '.join(sorted(unknown))} is not known; prices are under [price]")
    entries = content.get("price", {})
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise CostError(f"{path}: write each price as NAME = {{ value = … }} under [price]")
    return content.get("source", {}), entries


def _price(key: str, entry: Mapping[str, Any], sources: Mapping[str, str]) -> Price:
    """A price with its source's address for the name of it."""
    if unknown := set(entry) - FIELDS:
        raise CostError(f"the price {key} has {', '.join(sorted(unknown))}, which is not known")
    for name in TEXTS:
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            raise CostError(f"the price {key} needs {name}, a text")
    if not isinstance(entry.get("date"), date):
        raise CostError(f"the price {key} needs date, the day that it is known of")
    return Price(key, _amount(key, entry, "value"), entry["unit"], sources.get(entry["source"], entry["source"]),
                 entry["date"].isoformat(), entry["basis"], entry.get("weak") is True,
                 _amount(key, {"free": 0, **entry}, "free"))


def _amount(key: str, entry: Mapping[str, Any], name: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise CostError(f"the price {key} needs {name}, a number that is not below 0; it has {value!r}")
    return float(value)
