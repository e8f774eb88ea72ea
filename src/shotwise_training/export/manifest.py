"""Build the manifest of a bundle (`bundle.json`): schema, limits, thresholds, figures and origin of the model."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.manifest import FORMAT
from shotwise_training.data.schema import Column
from shotwise_training.data.table import Table
from shotwise_training.export.pipeline_files import FittedModels
from shotwise_training.models.configuration import Configuration
from shotwise_training.models.defect_types import MIN_EXAMPLES
from shotwise_training.models.drift import persistence
from shotwise_training.models.pipeline import Pipeline

MIN_CONDITION_CORRELATION = 0.8  # correlation with the shot before, above which a value is a condition of the run
LIMIT_QUANTILES = (0.01, 0.99)
USUAL_ERROR_QUANTILE = 0.98  # exceeded by as many shots as there are good shots outside the limits: 2 %
PLAUSIBLE_SPANS = 3
# Name → module, whose version is asked: a build for a GPU has another name in the registry.
LIBRARIES = {"torch": "torch", "scikit-learn": "sklearn", **{name: name for name in ("onnx", "onnxruntime", "numpy")}}


@dataclass(frozen=True)
class Figures:
    """Figures measured on shots that the measured models had not seen.

    Attributes
    ----------
    by_protocol : dict
        Protocol → its `definition`, and the figures of the configuration and of the rates, each by its name.
    types : dict
        Protocol → defect type → figures.
    """

    by_protocol: dict[str, Any]
    types: dict[str, Any]


def build_manifest(configuration: Configuration, table: Table, models: FittedModels,
                   figures: Figures) -> dict[str, Any]:
    """Build the manifest without the hashes of the bundle's files.

    Parameters
    ----------
    configuration : Configuration
        How the models were fitted.
    table : Table
        All shots, with their duplicates.
    models : FittedModels
        The fitted models.
    figures : Figures
        The scores of the configuration.
    """
    unique = table.without_duplicates()
    return {
        "format": FORMAT, "version": configuration.version,
        "product_feature": None if table.product is None else table.columns[table.product].name,
        "features": _features(unique, models.pipeline),
        "excluded": [{"name": column.name, "label": column.label, "reason": column.excluded}
                     for column in table.excluded],
        "defect_types": _defect_types(unique), "thresholds": vars(models.pipeline.thresholds),
        "history": vars(models.history.thresholds) if models.history else None, "limits": _limits(unique),
        "typical": _quantiles(unique, 0.5),
        "figures": figures.by_protocol, "type_figures": figures.types,
        "training": _training(configuration, table, unique)}


def product_masks(table: Table) -> dict[str, NDArray[np.bool_]]:
    """Return product type → mask of its shots, shape (n_shots,); `all` stands for every shot."""
    everything = np.ones(len(table), bool)
    index = table.product
    if index is None:
        return {"all": everything}
    masks = {category: table.features[:, index] == code
             for code, category in enumerate(table.columns[index].categories)}
    return {**masks, "all": everything}


def shortest_decimal(value: np.float32) -> float:
    """Convert a float32 back to the short decimal that it was read from."""
    return float(str(np.float32(value)))


def _features(table: Table, pipeline: Pipeline) -> list[dict[str, Any]]:
    ordered, scaling = table.select(np.lexsort((table.order, table.run))), pipeline.scaling
    scaled = scaling.standardise(scaling.impute(ordered.features))
    conditions = persistence(scaled, ordered.run) > MIN_CONDITION_CORRELATION
    usual_errors = np.quantile(pipeline(table.features).feature_error, USUAL_ERROR_QUANTILE, axis=0)
    return [_feature(column, values, bool(condition), float(error)) for column, values, condition, error
            in zip(table.columns, table.features.T, conditions, usual_errors, strict=True)]


def _feature(column: Column, values: NDArray[np.float32], condition: bool, usual_error: float) -> dict[str, Any]:
    low, high = shortest_decimal(np.nanmin(values)), shortest_decimal(np.nanmax(values))
    # A constant has no span; its size takes the place, so that a plant may change the constant within reason.
    span = (high - low) or abs(high) or 1.0
    floor = 0.0 if column.nonnegative else -np.inf
    plausible = (low, high) if column.categories else (max(low - PLAUSIBLE_SPANS * span, floor),
                                                       high + PLAUSIBLE_SPANS * span)
    plausible = column.plausible or plausible
    return {"name": column.name, "label": column.label, "group": column.group, "unit": column.unit,
            "seen": [low, high], "plausible": [round(bound, _decimals(span)) for bound in plausible],
            "resolution": column.resolution, "controllable": column.controllable, "missing": column.missing,
            "constant": low == high, "condition": condition, "usual_error": usual_error,
            "categories": list(column.categories)}


def _defect_types(table: Table) -> list[dict[str, Any]]:
    counts = [int(count) for count in table.types.sum(axis=0)]
    return [{"name": name, "label": label, "examples": count, "modelled": count >= MIN_EXAMPLES}
            for (name, label), count in zip(table.type_labels.items(), counts, strict=True)]


def _limits(table: Table) -> dict[str, dict[str, list[float]]]:
    """Product type → feature → [low, high] of good shots."""
    lows, highs = (_quantiles(table, quantile) for quantile in LIMIT_QUANTILES)
    return {product: {name: [low, highs[product][name]] for name, low in by_feature.items()}
            for product, by_feature in lows.items()}


def _quantiles(table: Table, quantile: float) -> dict[str, dict[str, float]]:
    """Product type → feature → quantile of good shots, for every number that varies and is not a counter.

    A product type without a good shot in which the number was measured has none for it.
    """
    spans = [(column, index, span) for index, column in enumerate(table.columns)
             if not column.categories and not column.counter and (span := _span(table.features[:, index])) > 0]
    quantiles: dict[str, dict[str, float]] = {}
    for product, shots in product_masks(table).items():
        good = table.features[shots & ~table.defect].astype(np.float64)
        quantiles[product] = {column.name: _to_resolution(np.nanquantile(good[:, index], quantile), column, span)
                              for column, index, span in spans if not np.isnan(good[:, index]).all()}
    return quantiles


def _to_resolution(value: float, column: Column, span: float) -> float:
    """Round a value to the machine's resolution; no gauge could show a limit of 674.368 °C."""
    decimals = _decimals(span)
    step = column.resolution or 10.0 ** (2 - decimals)
    return round(round(float(value) / step) * step, decimals)


def _decimals(span: float) -> int:
    """Decimals that a number of this span is rounded to: 6, or more for a small one, such as a leak rate of 2e-6."""
    return max(6, 5 - math.floor(math.log10(span)))


def _span(values: NDArray[np.float32]) -> float:
    return float(np.nanmax(values)) - float(np.nanmin(values))


def _training(configuration: Configuration, table: Table, unique: Table) -> dict[str, Any]:
    return {"configuration": configuration.name, "data_sha256": table.sha256, "attribution": table.attribution,
            "shots": len(table), "unique_shots": len(unique), "defective_unique_shots": int(unique.defect.sum()),
            "runs": len(np.unique(table.run)),
            "libraries": {name: str(importlib.import_module(module).__version__) for name, module in LIBRARIES.items()}}
