"""Schema ↔ form ↔ request, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest
from stub_api import recorded

from frontend.fields import (
    Field,
    fields_of,
    format_change,
    format_range,
    format_value,
    limits_for,
    to_features,
    to_widget,
)


def field(**changes: Any) -> Field:
    """A made-up feature: the page knows no feature by name."""
    return fields_of({"features": [{
        "name": "Depth", "label": {"ko": "깊이", "en": "Depth"}, "group": "process", "unit": "mm", "seen": [0.1, 0.9],
        "plausible": [0.0, 2.0], "resolution": 0.01, "missing": False, "constant": False, "categories": [],
        **changes}]})[0]


def test_every_feature_of_the_schema_gets_a_field(model: dict[str, Any]) -> None:
    """The form has the schema's features, in its order."""
    assert [item.name for item in fields_of(model)] == [feature["name"] for feature in model["features"]]


@pytest.mark.parametrize("sample", recorded("samples")["samples"], ids=lambda sample: sample["name"])
def test_a_shot_survives_the_form(sample: dict[str, Any], model: dict[str, Any]) -> None:
    """Values → widgets → request gives the same values, constants and the category included."""
    fields = fields_of(model)
    widgets = {item.name: to_widget(item, sample["features"][item.name]) for item in fields}
    assert to_features(fields, widgets) == sample["features"]
    assert any(item.constant for item in fields) and any(item.categories for item in fields)


def test_an_empty_widget_is_null() -> None:
    """What is not measured is sent as null, not left out and not as 0."""
    assert to_widget(field(missing=True), None) is None
    assert to_features([field(missing=True)], {"Depth": None}) == {"Depth": None}
    assert to_features([field(missing=True)], {}) == {"Depth": None}


@pytest.mark.parametrize(("resolution", "decimals", "integer"), [(0.001, 3, False), (0.5, 1, False), (1, 0, True)])
def test_the_resolution_is_the_step(resolution: float, decimals: int, integer: bool) -> None:
    """A step of the widget is the feature's resolution, shown with just the digits it needs."""
    depth = field(resolution=resolution)
    assert (depth.step, depth.decimals, depth.integer) == (resolution, decimals, integer)


def test_a_constant_without_resolution_takes_the_digits_it_was_seen_with() -> None:
    """Without a resolution the seen values tell how many digits to show."""
    assert field(resolution=None, seen=[2.25, 2.25]).decimals == 2
    assert field(resolution=None, seen=[3.0, 3.0]).decimals == 0


def test_whole_features_are_sent_as_integers_and_others_as_they_are() -> None:
    """993 stays 993; a fraction where only integers make sense is sent for the API to judge, not rounded away."""
    sent = to_features([field(resolution=1)], {"Depth": 993.0})["Depth"]
    assert sent == 993 and isinstance(sent, int)
    assert to_features([field(resolution=1)], {"Depth": 993.5})["Depth"] == 993.5


def test_a_category_is_text_however_it_comes() -> None:
    """A category given as a number finds its text; one that does not exist leaves the box empty."""
    category = field(categories=["1", "2"], resolution=None)
    assert [to_widget(category, value) for value in ("2", 2, 2.0, "9")] == ["2", "2", "2", None]


def test_values_are_shown_with_unit_and_never_less_precise_than_they_are() -> None:
    """The resolution gives the least digits, the value may need more, and a range names its unit once."""
    assert format_value(field(), 0.5) == "0.50 mm"
    assert format_value(field(), 0.1648) == "0.1648 mm"
    assert format_value(None, 12000.0) == "12,000"
    assert format_value(field(), None) == "–"
    assert format_range(field(), 0.1, 0.1648) == "0.10 – 0.1648 mm"
    assert format_change(field(), 0.5, 0.25) == "0.50 → 0.25 mm"


def test_limits_are_those_of_the_product(model: dict[str, Any]) -> None:
    """Each product type has its own limits; an unknown one gets those of all shots."""
    product = model["product_feature"]
    assert limits_for(model, {product: "2"}) == model["limits"]["2"]
    assert limits_for(model, {product: "other"}) == model["limits"]["all"]
