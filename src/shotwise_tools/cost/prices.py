"""Read the price table: prices.toml, and optionally a file of the user that overrides it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from shotwise_tools.cost.models import CostError, Price, PriceTable

TABLE = Path(__file__).with_name("prices.toml")
TEXTS = ("unit", "source", "basis")
FIELDS = {"value", "date", "weak", "free", *TEXTS}


def read_prices(override: Path | None = None) -> PriceTable:
    """Read the price table.

    Parameters
    ----------
    override : Path, optional
        A TOML file that replaces fields of prices, or adds prices.

    Raises
    ------
    CostError
        If a file cannot be read, or a price lacks a field.
    """
    sources, entries = _read_table(TABLE)
    if override:
        override_sources, override_entries = _read_table(override)
        sources |= override_sources
        for key, entry in override_entries.items():
            entries[key] = {**entries.get(key, {}), **entry}
    return {key: _price(key, entry, sources) for key, entry in entries.items()}


def _read_table(path: Path) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CostError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CostError(f"{path} is not valid TOML: {error}") from None
    if unknown := set(content) - {"source", "price"}:
        raise CostError(f"{path}: {', '.join(sorted(unknown))} is not known; prices are under [price]")
    entries = content.get("price", {})
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise CostError(f"{path}: write each price as NAME = {{ value = … }} under [price]")
    return content.get("source", {}), entries


def _price(key: str, entry: Mapping[str, Any], sources: Mapping[str, str]) -> Price:
    """Check an entry of the table; the name of its source is replaced by the source's address."""
    if unknown := set(entry) - FIELDS:
        raise CostError(f"the price {key} has {', '.join(sorted(unknown))}, which is not known")
    for name in TEXTS:
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            raise CostError(f"the price {key} needs {name}, a text")
    if not isinstance(entry.get("date"), date):
        raise CostError(f"the price {key} needs date, a day on which it was valid")
    return Price(key, _amount(key, entry, "value"), entry["unit"], sources.get(entry["source"], entry["source"]),
                 entry["date"].isoformat(), entry["basis"], entry.get("weak") is True,
                 _amount(key, {"free": 0, **entry}, "free"))


def _amount(key: str, entry: Mapping[str, Any], name: str) -> float:
    amount = entry.get(name)
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < float("inf"):
        raise CostError(f"the price {key} needs {name}, a number that is not below 0; it has {amount!r}")
    return float(amount)
