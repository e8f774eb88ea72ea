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
    """A checked shot.

    Attributes
    ----------
    values : ndarray of float32, shape (n_features,)
        Values in the order of the graph's input: NaN where not measured, categories as their codes.
    measured : mapping of feature name to float, str or None
        The values as the caller sent them; None where not measured.
    imputed : tuple of str
        Names of the features that were not measured, which the graph imputes.
    """

    values: NDArray[np.float32]
    measured: Mapping[str, float | str | None]
    imputed: tuple[str, ...]


def read_shot(features: object, bundle: Bundle, path: str = "features") -> Shot:
    """Check the values of a request against the bundle's schema.

    Parameters
    ----------
    features : object
        Should be a dict of feature name to number, string or None. None means not measured and is accepted where the
        schema allows a missing value. Excluded columns are accepted and ignored.
    bundle : Bundle
        The model that the shot is meant for.
    path : str
        Path of `features` in the request; errors name each field as `path.NAME`.

    Raises
    ------
    InvalidInput
        Names every missing, unknown or unusable value at once.
    """
    if not isinstance(features, dict):
        raise InvalidInput([FieldError(path, "not_features")])
    errors = [FieldError(f"{path}.{name}", code) for name, value in features.items()
              if name not in bundle.position and (code := _unknown_name_code(name, value, bundle))]
    values = np.full(len(bundle.features), np.nan, np.float32)
    for column, feature in enumerate(bundle.features):
        field = f"{path}.{feature.name}"
        if feature.name not in features:
            errors.append(FieldError(field, "missing_nullable" if feature.missing else "missing"))
            continue
        number = _graph_value(features[feature.name], feature, field)
        if isinstance(number, FieldError):
            errors.append(number)
        else:
            values[column] = number
    if errors:
        raise InvalidInput(errors)
    imputed = tuple(name for name in bundle.names if features[name] is None)
    return Shot(values, {name: features[name] for name in bundle.names}, imputed)


def _unknown_name_code(name: str, value: Any, bundle: Bundle) -> str | None:
    """Return the error code for a name that is not a feature; None for an excluded column with a JSON scalar."""
    if name not in bundle.excluded_names:
        return "unknown_feature"
    scalar = value is None or isinstance(value, str | int | float) and not isinstance(value, bool)
    if not scalar or (isinstance(value, float) and not math.isfinite(value)):
        return "excluded_not_scalar"
    return None


def _graph_value(value: Any, feature: Feature, field: str) -> float | FieldError:
    """Return the number that the graph takes for `value`, NaN for None; a FieldError for an invalid value."""
    if value is None:
        return math.nan if feature.missing else FieldError(field, "null_not_allowed")
    if feature.categories:
        return _category_code(value, feature, field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return FieldError(field, "not_a_number", {"unit": feature.unit})
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return FieldError(field, "not_finite")
    low, high = feature.plausible
    if not low <= number <= high:
        return FieldError(field, "out_of_range", {"low": low, "high": high, "unit": feature.unit})
    return number


def _category_code(value: Any, feature: Feature, field: str) -> float | FieldError:
    """Return the code of a category, which may be sent as text or as the number in the plant's table."""
    not_a_category = FieldError(field, "not_a_category", {"allowed": feature.categories})
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return not_a_category
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return float(feature.categories.index(text)) if text in feature.categories else not_a_category
