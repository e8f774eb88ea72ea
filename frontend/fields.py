"""Convert between the model's schema, the form's widgets and a request's features. No feature is named here."""

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
        The feature's name in a request.
    label : mapping
        Its name for people, by language.
    group : str
        `process`, `sensor`, or another group of the schema.
    unit : str
        Its unit; empty where it has none.
    step : float
        What one click on the widget adds, in `unit`.
    decimals : int
        Digits after the point to show.
    plausible : tuple of float
        Lowest and highest plausible value, in `unit`.
    missing : bool
        Whether the value may be left out, as not measured.
    constant : bool
        Whether every shot seen had the same value.
    categories : tuple of str
        The values to choose from; empty for a number.
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
        """True where the resolution allows integers only."""
        return self.decimals == 0


def fields_of(model: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of the form, from the schema that GET /model gives, in its order."""
    return tuple(_field(feature) for feature in model["features"])


def _field(feature: Mapping[str, Any]) -> Field:
    low, high = feature["plausible"]
    resolution = feature["resolution"]
    # Without a resolution (constants), the digits that the seen values need.
    decimals = _decimals([resolution]) if resolution else _decimals(feature["seen"])
    return Field(feature["name"], feature["label"], feature["group"], feature["unit"],
                 float(resolution or 10.0 ** -decimals), decimals, (low, high), feature["missing"],
                 feature["constant"], tuple(feature["categories"]))


def _decimals(values: Iterable[float]) -> int:
    return max(next((digits for digits in range(MAX_DECIMALS) if abs(round(value, digits) - value) < 1e-9),
                    MAX_DECIMALS) for value in values)


def to_widget(field: Field, value: Any) -> Value:
    """Return what the widget of `field` shows for a value of a request: a category as text, a number as float."""
    if value is None:
        return None
    if field.categories:
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        return text if text in field.categories else None
    return float(value)


def to_features(fields: Iterable[Field], widgets: Mapping[str, Value]) -> dict[str, Value]:
    """Return the features of a request from the values of the widgets; an empty widget is null, not measured."""
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
    """Format a value and the one to put in its place, with their unit once."""
    return _with_unit(field, f"{_number(field, before)} → {_number(field, after)}")


def _number(field: Field | None, value: float) -> str:
    decimals = max(field.decimals if field else 0, _decimals([float(value)]))
    return f"{value:,.{decimals}f}"


def _with_unit(field: Field | None, text: str) -> str:
    return f"{text} {field.unit}" if field and field.unit else text


def limits_for(model: Mapping[str, Any], features: Mapping[str, Any]) -> Mapping[str, list[float]]:
    """Return the limits of good shots that apply to this shot's product type."""
    limits: Mapping[str, Mapping[str, list[float]]] = model["limits"]
    product = features.get(model["product_feature"] or "")
    return limits.get(str(product)) or limits.get("all") or {}
