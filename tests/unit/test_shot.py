"""A shot is accepted only as the schema allows, and one error names every bad value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from shots import as_features

from shotwise.bundle import Bundle
from shotwise.errors import InvalidInput
from shotwise.shot import read_shot


def reasons(features: Any, bundle: Bundle) -> dict[str, str]:
    """The reason that read_shot gives for each bad field."""
    with pytest.raises(InvalidInput) as caught:
        read_shot(features, bundle)
    return {error.field: error.reason for error in caught.value.errors}


def test_values_are_read_in_the_graphs_order(bundle: Bundle, features: dict[str, Any]) -> None:
    """Every value is in the column that the graph expects, whatever the order of the keys."""
    shuffled = dict(sorted(features.items(), reverse=True))
    shot = read_shot(shuffled, bundle)
    assert shot.values[bundle.position["Cycle_Time"]] == np.float32(features["Cycle_Time"])
    assert list(shot.measured) == list(bundle.names)


def test_every_shot_at_hand_is_accepted(bundle: Bundle, shots: Any) -> None:
    """Every real (or synthetic) shot is valid and keeps its values."""
    for row in shots.features:
        np.testing.assert_array_equal(read_shot(as_features(row, bundle), bundle).values, row)


def test_every_bad_value_is_named_at_once(bundle: Bundle, features: dict[str, Any]) -> None:
    """One error names the missing, the unknown and all unusable values."""
    bad = {**features, "Shot": True, "Cycle_Time": "20", "Spray_Time": math.nan, "Air_Pressure": math.inf,
           "Coolant_Temp": None, "Velocity_1": [1], "Product_Type": "3", "Factory_Temp": 10**400, "nonsense": 1}
    del bad["Clamping_Force"]
    assert set(reasons(bad, bundle)) == {
        f"features.{name}" for name in (
            "Shot", "Cycle_Time", "Spray_Time", "Air_Pressure", "Coolant_Temp", "Velocity_1", "Product_Type",
            "Factory_Temp", "nonsense", "Clamping_Force")}


def test_null_is_accepted_only_where_the_schema_allows_it(bundle: Bundle, features: dict[str, Any]) -> None:
    """A value that may be missing is listed as imputed; any other null is refused."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    assert shot.imputed == ("Factory_Humidity",)
    assert np.isnan(shot.values[bundle.position["Factory_Humidity"]])
    assert "must not be null" in reasons({**features, "Cycle_Time": None}, bundle)["features.Cycle_Time"]


@pytest.mark.parametrize("category", ["1", 1, 1.0])
def test_a_category_may_be_text_or_number(bundle: Bundle, features: dict[str, Any], category: Any) -> None:
    """Category 1 may be sent as "1" or as the number that a table holds."""
    assert read_shot({**features, "Product_Type": category}, bundle).values[bundle.position["Product_Type"]] == 0


@pytest.mark.parametrize("category", [1.0000001, 1.5, True, None, "1.0", "", [], -1])
def test_a_category_is_not_guessed(bundle: Bundle, features: dict[str, Any], category: Any) -> None:
    """A value that is almost a category is refused."""
    assert set(reasons({**features, "Product_Type": category}, bundle)) == {"features.Product_Type"}


def test_an_unknown_category_names_the_allowed_ones(bundle: Bundle, features: dict[str, Any]) -> None:
    """The reason lists what may be sent."""
    assert reasons({**features, "Product_Type": "A"}, bundle) == {"features.Product_Type": "must be one of 1, 2"}


def test_implausible_values_are_refused_and_unseen_ones_are_not(bundle: Bundle, features: dict[str, Any]) -> None:
    """A value outside `plausible` is a mistake; one outside the range seen makes an unusual shot."""
    cycle = bundle.features[bundle.position["Cycle_Time"]]
    beyond = {**features, "Cycle_Time": cycle.plausible[1] + 1}
    assert "plausible" in reasons(beyond, bundle)["features.Cycle_Time"]
    read_shot({**features, "Cycle_Time": cycle.seen[1] + 1}, bundle)


@pytest.mark.parametrize("value", [3, -0.5, 10**400, "", "A-12", None])
def test_an_excluded_column_changes_nothing(excluding: Bundle, features: dict[str, Any], value: Any) -> None:
    """The shot is the same whether the column is left out or sent as any number, text or null."""
    sent, left_out = read_shot({"Ladle": value, **features}, excluding), read_shot(features, excluding)
    np.testing.assert_array_equal(sent.values, left_out.values)
    assert (sent.measured, sent.imputed) == (left_out.measured, left_out.imputed)


@pytest.mark.parametrize("value", [True, [], {}, math.nan, -math.inf])
def test_an_excluded_column_must_be_a_json_scalar(excluding: Bundle, features: dict[str, Any], value: Any) -> None:
    """A list, an object, true, NaN and infinity are named, and so is a name that the bundle does not know."""
    named = reasons({**features, "Ladle": value, "Spoon": 1}, excluding)
    assert set(named) == {"features.Ladle", "features.Spoon"} and "left out" in named["features.Ladle"]


@pytest.mark.parametrize("features", [None, [], "x", 3])
def test_features_must_be_an_object(bundle: Bundle, features: Any) -> None:
    """Anything but an object is one error on `features`."""
    assert set(reasons(features, bundle)) == {"features"}


def test_errors_carry_codes_with_parameters(bundle: Bundle, features: dict[str, Any]) -> None:
    """A client can build its own wording: limits are numbers, categories a list, the unit a parameter."""
    velocity = bundle.features[bundle.position["Velocity_1"]]
    with pytest.raises(InvalidInput) as caught:
        read_shot({**features, "Velocity_1": 99, "Velocity_2": "x", "Product_Type": "A"}, bundle)
    low, high = velocity.plausible
    assert {error.field: (error.code, error.params) for error in caught.value.errors} == {
        "features.Velocity_1": ("out_of_range", {"low": low, "high": high, "unit": "m/s"}),
        "features.Velocity_2": ("not_a_number", {"unit": "m/s"}),
        "features.Product_Type": ("not_a_category", {"allowed": ("1", "2")})}
    assert reasons({**features, "Velocity_1": 99}, bundle)["features.Velocity_1"] == (
        f"is outside what is plausible, {low:g} to {high:g} in m/s; check sensor and unit")
