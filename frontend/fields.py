"""Convert between the model's schema, the widgets of the form and the features of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_DECIMALS = 6

Value = float | str | None


@dataclass(frozen=True)
class Field:
    """One feature in the form.

    Attributes
    ----------
    name : str
        Name of the feature in requests.
    label : mapping of language to str
        Name for readers.
    group : str
        `process`, `sensor`, or another group of the schema.
    unit : str
        Unit of the value; empty for none.
    step : float
        Change of the value by one click on the widget, in `unit`.
    decimals : int
        Number of digits to show after the decimal point.
    plausible : tuple of float
        Lowest and highest plausible value, in `unit`.
    missing : bool
        Whether the value may be left empty, as not measured.
    constant : bool
        Whether all training shots have the same value.
    categories : tuple of str
        Values to choose from; empty for a number.
    """

    name: str
    label: Mapping[str, str]
    group: str
    unit: str
    step: float
    decimals: int
    plausible: tuple[float, float]
    missing: bool
    constant: bool
    categories: tuple[str, ...]

    @property
    def integer(self) -> bool:
        """Whether only integers are shown."""
        return self.decimals == 0


def fields_of(model: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of the form for the schema of GET /model, in the same order."""
    return tuple(_field(feature) for feature in model["features"])


def _field(feature: Mapping[str, Any]) -> Field:
    low, high = feature["plausible"]
    resolution = feature["resolution"]
    # Without a resolution (constants), as many digits as the lowest and highest value seen have.
    decimals = _decimals([resolution]) if resolution else _decimals(feature["seen"])
    return Field(feature["name"], feature["label"], feature["group"], feature["unit"],
                 float(resolution or 10.0 ** -decimals), decimals, (low, high), feature["missing"],
                 feature["constant"], tuple(feature["categories"]))


def _decimals(values: Iterable[float]) -> int:
    return max(next((digits for digits in range(MAX_DECIMALS) if abs(round(value, digits) - value) < 1e-9),
                    MAX_DECIMALS) for value in values)


def to_widget(field: Field, value: Any) -> Value:
    """Convert a value of a request to the value of its widget: a category as text, a number as float."""
    if value is None:
        return None
    if field.categories:
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        return text if text in field.categories else None
    return float(value)


def to_features(fields: Iterable[Field], widgets: Mapping[str, Value]) -> dict[str, Value]:
    """Convert the values of the widgets to the features of a request; an empty widget becomes null (not measured)."""
    return {field.name: _to_request(field, widgets.get(field.name)) for field in fields}


def _to_request(field: Field, value: Value) -> Value:
    if isinstance(value, float) and field.integer and value.is_integer():
        return int(value)
    return value


def format_value(field: Field | None, value: Value) -> str:
    """Format a value with its unit, as precise as the field's resolution and no less precise than the value."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else _number(field, value)
    return _with_unit(field, text)


def format_range(field: Field | None, low: float, high: float) -> str:
    """Format a range, with its unit once."""
    return _with_unit(field, f"{_number(field, low)} – {_number(field, high)}")


def format_change(field: Field | None, before: float, after: float) -> str:
    """Format a current and a proposed value, with their unit once."""
    return _with_unit(field, f"{_number(field, before)} → {_number(field, after)}")


def _number(field: Field | None, value: float) -> str:
    decimals = max(field.decimals if field else 0, _decimals([float(value)]))
    return f"{value:,.{decimals}f}"


def _with_unit(field: Field | None, text: str) -> str:
    return f"{text} {field.unit}" if field and field.unit else text


def limits_for(model: Mapping[str, Any], features: Mapping[str, Any]) -> Mapping[str, list[float]]:
    """Return the limits of good shots for the shot's product type."""
    limits: Mapping[str, Mapping[str, list[float]]] = model["limits"]
    product = features.get(model["product_feature"] or "")
    return limits.get(str(product)) or limits.get("all") or {}
