"""A shot: the values of one casting cycle, checked against the bundle's schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.errors import FieldError, InvalidInput


@dataclass(frozen=True)
class Shot:
    """values: float32 [F] in the graph's order, NaN = not measured, a category as its code.
    measured: the values as the caller gave them. imputed: names of the values that were not measured."""

    values: NDArray[np.float32]
    measured: Mapping[str, float | str | None]
    imputed: tuple[str, ...]


def read_shot(features: object, bundle: Bundle, path: str = "features") -> Shot:
    """Check `features` (name → number, string or null) and turn it into a Shot.

    null is accepted where the schema allows a missing value; it is imputed inside the graph. An excluded column may
    stand among them and plays no part. Raises InvalidInput that names every absent, unknown or unusable value at once,
    each as `path.NAME`.
    """
    if not isinstance(features, dict):
        raise InvalidInput([FieldError(path, "must be an object of feature names and values; GET /model lists them")])
    errors = [FieldError(f"{path}.{name}", reason) for name, given in features.items()
              if name not in bundle.position and (reason := _no_feature(name, given, bundle))]
    values = np.full(len(bundle.features), np.nan, np.float32)
    for index, feature in enumerate(bundle.features):
        if feature.name not in features:
            errors.append(FieldError(f"{path}.{feature.name}", _absent(feature)))
            continue
        value, reason = _value(features[feature.name], feature)
        if reason:
            errors.append(FieldError(f"{path}.{feature.name}", reason))
        values[index] = value
    if errors:
        raise InvalidInput(errors)
    imputed = tuple(name for name in bundle.names if features[name] is None)
    return Shot(values, {name: features[name] for name in bundle.names}, imputed)


def _no_feature(name: str, given: Any, bundle: Bundle) -> str:
    """What is wrong with a name that is no feature; nothing where it is an excluded column with a JSON scalar."""
    if name not in bundle.ignored:
        return "is not a feature of this model; remove it (GET /model lists the names)"
    scalar = given is None or isinstance(given, str | int | float) and not isinstance(given, bool)
    if not scalar or (isinstance(given, float) and not math.isfinite(given)):
        return "must be a number, text or null; this model does not use it, so it may be left out"
    return ""


def _absent(feature: Feature) -> str:
    return "is absent; give its value, or null where it was not measured" if feature.missing \
        else "is absent; give its value"


def _value(given: Any, feature: Feature) -> tuple[float, str]:
    """The value for the graph and "", or NaN and what is wrong with it."""
    if given is None:
        return math.nan, "" if feature.missing else "must not be null; this model knows no missing values here"
    if feature.categories:
        return _category(given, feature)
    if isinstance(given, bool) or not isinstance(given, int | float):
        return math.nan, f"must be a number{_in_unit(feature)}"
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return math.nan, "must be a finite number"
    low, high = feature.plausible
    if not low <= number <= high:
        return math.nan, f"is outside what is plausible, {low:g} to {high:g}{_in_unit(feature)}; check sensor and unit"
    return number, ""


def _category(given: Any, feature: Feature) -> tuple[float, str]:
    allowed = ", ".join(feature.categories)
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return math.nan, f"must be one of {allowed}"
    text = str(int(given)) if isinstance(given, float) and given.is_integer() else str(given)
    if text not in feature.categories:
        return math.nan, f"must be one of {allowed}"
    return float(feature.categories.index(text)), ""


def _in_unit(feature: Feature) -> str:
    return f" in {feature.unit}" if feature.unit else ""
