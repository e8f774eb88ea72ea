"""A shot is taken only as the schema allows, and every bad value is named at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from shots import as_features

from shotwise.bundle import Bundle
from shotwise.errors import InvalidInput
from shotwise.shot import read_shot


def refused(features: Any, bundle: Bundle) -> dict[str, str]:
    """What read_shot says of each bad field."""
    with pytest.raises(InvalidInput) as caught:
        read_shot(features, bundle)
    return {error.field: error.reason for error in caught.value.errors}


def test_reads_values_in_the_graphs_order(bundle: Bundle, features: dict[str, Any]) -> None:
    """The values stand where the graph expects them, whatever the order of the keys."""
    shuffled = dict(sorted(features.items(), reverse=True))
    shot = read_shot(shuffled, bundle)
    assert shot.values[bundle.position["Cycle_Time"]] == np.float32(features["Cycle_Time"])
    assert list(shot.measured) == list(bundle.names)


def test_every_shot_at_hand_is_accepted(bundle: Bundle, shots: Any) -> None:
    """Each real (or synthetic) shot passes, and comes back with the values that it had."""
    for row in shots.features:
        np.testing.assert_array_equal(read_shot(as_features(row, bundle), bundle).values, row)


def test_names_every_bad_value_at_once(bundle: Bundle, features: dict[str, Any]) -> None:
    """One answer names the absent, the unknown and each unusable value."""
    bad = {**features, "Shot": True, "Cycle_Time": "20", "Spray_Time": math.nan, "Air_Pressure": math.inf,
           "Coolant_Temp": None, "Velocity_1": [1], "Product_Type": "3", "Factory_Temp": 10**400, "nonsense": 1}
    del bad["Clamping_Force"]
    assert set(refused(bad, bundle)) == {
        f"features.{name}" for name in (
            "Shot", "Cycle_Time", "Spray_Time", "Air_Pressure", "Coolant_Temp", "Velocity_1", "Product_Type",
            "Factory_Temp", "nonsense", "Clamping_Force")}


def test_null_is_taken_only_where_the_schema_allows_it(bundle: Bundle, features: dict[str, Any]) -> None:
    """A value that may be missing is imputed in the graph and listed; another is refused."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    assert shot.imputed == ("Factory_Humidity",)
    assert np.isnan(shot.values[bundle.position["Factory_Humidity"]])
    assert "must not be null" in refused({**features, "Cycle_Time": None}, bundle)["features.Cycle_Time"]


@pytest.mark.parametrize("given", ["1", 1, 1.0])
def test_a_category_may_be_text_or_number(bundle: Bundle, features: dict[str, Any], given: Any) -> None:
    """The category 1 is meant by "1" and by the number that a table holds."""
    assert read_shot({**features, "Product_Type": given}, bundle).values[bundle.position["Product_Type"]] == 0


@pytest.mark.parametrize("given", [1.0000001, 1.5, True, None, "1.0", "", [], -1])
def test_a_category_is_not_guessed(bundle: Bundle, features: dict[str, Any], given: Any) -> None:
    """What is nearly a category is none."""
    assert set(refused({**features, "Product_Type": given}, bundle)) == {"features.Product_Type"}


def test_an_unknown_category_names_the_allowed_ones(bundle: Bundle, features: dict[str, Any]) -> None:
    """The refusal says what may be sent."""
    assert refused({**features, "Product_Type": "A"}, bundle) == {"features.Product_Type": "must be one of 1, 2"}


def test_the_implausible_is_refused_and_the_unseen_is_not(bundle: Bundle, features: dict[str, Any]) -> None:
    """Outside `plausible` is a sensor's or a unit's mistake; outside the range seen is an unusual shot."""
    cycle = bundle.features[bundle.position["Cycle_Time"]]
    beyond = {**features, "Cycle_Time": cycle.plausible[1] + 1}
    assert "plausible" in refused(beyond, bundle)["features.Cycle_Time"]
    read_shot({**features, "Cycle_Time": cycle.seen[1] + 1}, bundle)


@pytest.mark.parametrize("given", [3, -0.5, 10**400, "", "A-12", None])
def test_an_excluded_column_changes_nothing(excluding: Bundle, features: dict[str, Any], given: Any) -> None:
    """Sent with any number, text or null, or left out: the shot is the same."""
    sent, left_out = read_shot({"Ladle": given, **features}, excluding), read_shot(features, excluding)
    np.testing.assert_array_equal(sent.values, left_out.values)
    assert (sent.measured, sent.imputed) == (left_out.measured, left_out.imputed)


@pytest.mark.parametrize("given", [True, [], {}, math.nan, -math.inf])
def test_an_excluded_column_is_still_a_json_scalar(excluding: Bundle, features: dict[str, Any], given: Any) -> None:
    """A list, an object, true or what is no JSON number is named; so is a name that the bundle does not know."""
    found = refused({**features, "Ladle": given, "Spoon": 1}, excluding)
    assert set(found) == {"features.Ladle", "features.Spoon"} and "left out" in found["features.Ladle"]


@pytest.mark.parametrize("given", [None, [], "x", 3])
def test_features_must_be_an_object(bundle: Bundle, given: Any) -> None:
    """Anything but an object is one error on `features`."""
    assert set(refused(given, bundle)) == {"features"}
