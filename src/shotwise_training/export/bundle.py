"""Writing a bundle: graph, schema, background, samples, model card. Aside first, then renamed: never half a bundle."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

import numpy as np
import skops.io
import torch
from numpy.typing import NDArray

from shotwise.adapters.onnx import OnnxGraph
from shotwise.bundle import HistoryThresholds, Thresholds
from shotwise.manifest import FORMAT, manifest_hash
from shotwise_training.data.table import Column, Table
from shotwise_training.export.background import background_rows
from shotwise_training.export.graph import fuse, history_graph, types_graph
from shotwise_training.export.model_card import model_card
from shotwise_training.models.autoencoder import Autoencoder
from shotwise_training.models.configuration import Configuration
from shotwise_training.models.defect_types import ENOUGH, Types
from shotwise_training.models.drift import persistence
from shotwise_training.models.history import History
from shotwise_training.models.pipeline import Pipeline, Scaling

MAX_DRIFT = 1e-5  # in probability; float32 addition explains a quarter of it
SAMPLES = 3  # of each class
CONDITION = 0.8  # correlation with the shot before from which a value belongs to what a run is made in
LIMIT_QUANTILES = (0.01, 0.99)
USUAL_ERROR = 0.98  # as few shots are beyond it as good ones are outside both limits
PLAUSIBLE_SPANS = 3
PIPELINES = Path(__file__).resolve().parents[1] / "pipelines"
MODELS = Path(__file__).resolve().parents[3] / "models"
LIBRARIES = ("torch", "scikit-learn", "onnx", "onnxruntime", "numpy")
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
           "sklearn.tree._tree.Tree"]  # beyond what skops trusts by itself


class DriftError(RuntimeError):
    """The exported graph is not the pipeline that was trained."""


@dataclass(frozen=True)
class Fitted:
    """What a bundle is made of; types: None where the table tells none apart; history: None where there is no head."""

    pipeline: Pipeline
    types: Types | None
    history: History | None = None


@dataclass(frozen=True)
class Figures:
    """Measured on shots that the measured models had not seen. by_protocol: protocol → definition, and figures by name;
    types: protocol → defect type → figures."""

    by_protocol: dict[str, Any]
    types: dict[str, Any]


def write(out: Path, configuration: Configuration, table: Table, fitted: Fitted, figures: Figures) -> dict[str, Any]:
    """Write the bundle folder `out`, and into `pipeline_folder(out)` what the parity tests compare it with. Raises
    DriftError, and writes nothing, where the graph does not say what the pipeline says of the training shots."""
    unique, pipeline = table.without_duplicates(), fitted.pipeline
    graph = fuse(pipeline).SerializeToString()
    _check_parity(graph, pipeline, unique.features)
    aside = out.with_name(out.name + ".writing")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    manifest = {
        "format": FORMAT, "version": configuration.version,
        "product_feature": None if table.product is None else table.columns[table.product].name,
        "features": _features(unique, pipeline),
        "excluded": [{"name": column.name, "label": column.label, "reason": column.excluded}
                     for column in table.excluded],
        "defect_types": _defect_types(unique), "thresholds": vars(pipeline.thresholds),
        "history": vars(fitted.history.thresholds) if fitted.history else None, "limits": _limits(unique),
        "typical": _quantiles(unique, 0.5),
        "figures": figures.by_protocol, "type_figures": figures.types,
        "training": _training(configuration, table, unique)}
    (aside / "model.onnx").write_bytes(graph)
    if fitted.types:
        (aside / "model_types.onnx").write_bytes(types_graph(fitted.types).SerializeToString())
    if fitted.history:
        (aside / "model_history.onnx").write_bytes(history_graph(fitted.history).SerializeToString())
    np.savez_compressed(aside / "background.npz", features=_background(unique, pipeline.scaling))
    _write_json(aside / "samples.json", _samples(unique, pipeline))
    (aside / "MODEL_CARD.md").write_text(model_card(manifest), "utf-8")
    manifest["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(aside.iterdir())}
    manifest["sha256"] = manifest_hash(manifest)
    _write_json(aside / "bundle.json", manifest)
    _replace(aside, out)
    save_pipeline(fitted, pipeline_folder(out))
    return manifest


def _check_parity(graph: bytes, pipeline: Pipeline, features: NDArray[np.float32]) -> None:
    served, trained = OnnxGraph(graph).probability(features), pipeline(features).probability
    worst = float(np.abs(served - trained).max())
    if worst > MAX_DRIFT:
        raise DriftError(f"the graph differs from the pipeline by {worst:.1e} in probability; nothing was written")


def pipeline_folder(bundle: Path) -> Path:
    """Where the fitted pipeline of a bundle is kept: of a shipped one under training/, of any other beside it."""
    shipped = bundle.resolve().parent == MODELS
    return PIPELINES / bundle.name if shipped else bundle.with_name(f"{bundle.name}.pipeline")


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _replace(aside: Path, out: Path) -> None:
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    aside.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _products(table: Table) -> dict[str, NDArray[np.bool_]]:
    index = table.product
    if index is None:
        return {"all": np.ones(len(table), bool)}
    rows = {category: table.features[:, index] == code
            for code, category in enumerate(table.columns[index].categories)}
    return {**rows, "all": np.ones(len(table), bool)}


def _features(table: Table, pipeline: Pipeline) -> list[dict[str, Any]]:
    ordered, scaling = table.select(np.lexsort((table.order, table.run))), pipeline.scaling
    stays = persistence(scaling.standardise(scaling.impute(ordered.features)), ordered.run) > CONDITION
    usual = np.quantile(pipeline(table.features).feature_error, USUAL_ERROR, axis=0)
    return [_feature(column, values, bool(stay), float(error))
            for column, values, stay, error in zip(table.columns, table.features.T, stays, usual, strict=True)]


def _feature(column: Column, values: NDArray[np.float32], condition: bool, usual_error: float) -> dict[str, Any]:
    low, high = _decimal(np.nanmin(values)), _decimal(np.nanmax(values))
    # A constant has no span; its own size stands in, so that a limit that a plant has moved is still answered.
    span = (high - low) or abs(high) or 1.0
    floor = 0.0 if column.nonnegative else -np.inf
    plausible = (low, high) if column.categories else (max(low - PLAUSIBLE_SPANS * span, floor),
                                                       high + PLAUSIBLE_SPANS * span)
    plausible = column.plausible or plausible
    return {"name": column.name, "label": column.label, "group": column.group, "unit": column.unit,
            "seen": [low, high], "plausible": [round(bound, 6) for bound in plausible],
            "resolution": column.resolution, "controllable": column.controllable, "missing": column.missing,
            "constant": low == high, "condition": condition, "usual_error": usual_error,
            "categories": list(column.categories)}


def _decimal(value: np.float32) -> float:
    """A float32 as the short decimal that it was read from."""
    return float(str(np.float32(value)))


def _defect_types(table: Table) -> list[dict[str, Any]]:
    counts = [int(count) for count in table.types.sum(axis=0)]
    return [{"name": name, "label": label, "examples": count, "modelled": count >= ENOUGH}
            for (name, label), count in zip(table.type_labels.items(), counts, strict=True)]


def _limits(table: Table) -> dict[str, dict[str, list[float]]]:
    """product → feature → [low, high] of good shots."""
    low, high = (_quantiles(table, quantile) for quantile in LIMIT_QUANTILES)
    return {product: {name: [low[product][name], high[product][name]] for name in values}
            for product, values in low.items()}


def _quantiles(table: Table, quantile: float) -> dict[str, dict[str, float]]:
    """product → feature → quantile of good shots, of every measured value that varies and is no counter."""
    found: dict[str, dict[str, float]] = {}
    for product, rows in _products(table).items():
        good = table.features[rows & ~table.defect].astype(np.float64)
        found[product] = {column.name: _resolved(np.nanquantile(good[:, index], quantile), column)
                          for index, column in enumerate(table.columns)
                          if not column.categories and not column.counter and _varies(table.features[:, index])}
    return found


def _resolved(value: float, column: Column) -> float:
    """A value as the machine could show it: a limit of 674.368 °C would claim what no gauge can tell."""
    step = column.resolution or 0.0001
    return round(round(float(value) / step) * step, 6)


def _varies(values: NDArray[np.float32]) -> bool:
    return bool(np.nanmin(values) < np.nanmax(values))


def _background(table: Table, scaling: Scaling) -> NDArray[np.float32]:
    return table.features[background_rows(scaling.standardise(scaling.impute(table.features)))]


def _samples(table: Table, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Shots to try, alternating products: defective ones that the model calls, good ones that it accepts."""
    probability = pipeline(table.features).probability
    clear_defect = table.defect & (probability >= pipeline.thresholds.reject_from)
    clear_good = ~table.defect & (probability < pipeline.thresholds.accept_below)
    products = [rows for name, rows in _products(table).items() if name != "all"] or [np.ones(len(table), bool)]
    random = np.random.default_rng(7)
    chosen: list[int] = []
    for rows in (clear_defect, clear_good):
        for number in range(SAMPLES):
            wanted = [rows & products[number % len(products)], rows, table.defect if rows is clear_defect
                      else ~table.defect]
            found = next((left for mask in wanted if len(left := np.setdiff1d(np.flatnonzero(mask), chosen))), None)
            if found is not None:
                chosen.append(int(random.choice(found)))
    return [_sample(table, row, number) for number, row in enumerate(chosen, 1)]


def _sample(table: Table, row: int, number: int) -> dict[str, Any]:
    outcome = "defect" if table.defect[row] else "normal"
    kinds = [name for name, shown in zip(table.type_labels, table.types[row], strict=True) if shown]
    return {"name": f"sample-{number}-{outcome}", "outcome": outcome, "defect_types": kinds,
            "features": {column.name: _given(table.features[row, index], column)
                         for index, column in enumerate(table.columns)}}


def _given(value: np.float32, column: Column) -> float | str | None:
    """A value as a caller would send it."""
    if np.isnan(value):
        return None
    if column.categories:
        return column.categories[int(value)]
    number = _decimal(value)
    return int(number) if column.resolution is not None and column.resolution >= 1 else number


def _training(configuration: Configuration, table: Table, unique: Table) -> dict[str, Any]:
    return {"configuration": configuration.name, "data_sha256": table.sha256, "attribution": table.attribution,
            "shots": len(table), "unique_shots": len(unique), "defective_unique_shots": int(unique.defect.sum()),
            "runs": len(np.unique(table.run)),
            "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES}}


def save_pipeline(fitted: Fitted, folder: Path) -> None:
    """Keep the fitted pipeline without pickle: tensors (loaded with weights_only) and the booster by skops."""
    pipeline, history = fitted.pipeline, fitted.history
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"autoencoder": pipeline.autoencoder.state_dict(), "latents": pipeline.latents,
                "scaling": {name: torch.from_numpy(array) for name, array in vars(pipeline.scaling).items()},
                "calibration": (pipeline.slope, pipeline.intercept), "thresholds": vars(pipeline.thresholds),
                "prototypes": torch.from_numpy(pipeline.prototypes), "weights": torch.from_numpy(pipeline.weights),
                "history": history and (history.slope, history.intercept, vars(history.thresholds))},
               folder / "pipeline.pt")
    skops.io.dump(pipeline.booster, folder / "booster.skops", compression=ZIP_DEFLATED)
    (folder / "types.skops").unlink(missing_ok=True)
    if fitted.types:
        skops.io.dump(fitted.types.forest, folder / "types.skops", compression=ZIP_DEFLATED)


def load_pipeline(folder: Path) -> Fitted:
    """The fitted pipeline as `save_pipeline` left it."""
    saved = torch.load(folder / "pipeline.pt", weights_only=True)
    weights = saved["autoencoder"]
    latents, features = weights["encode.weight"].shape[0], weights["decode.bias"].shape[0]
    autoencoder = Autoencoder(features, latents).double()
    autoencoder.load_state_dict(weights)
    booster = skops.io.load(folder / "booster.skops", trusted=TRUSTED)
    pipeline = Pipeline(
        Scaling(**{name: tensor.numpy() for name, tensor in saved["scaling"].items()}), autoencoder.eval(), booster,
        *saved["calibration"], Thresholds(**saved["thresholds"]), saved["prototypes"].numpy(),
        saved["weights"].numpy(), saved["latents"])
    forest = folder / "types.skops"
    types = Types(pipeline.scaling.median, skops.io.load(forest, trusted=TRUSTED)) if forest.exists() else None
    if saved["history"] is None:
        return Fitted(pipeline, types)
    slope, intercept, thresholds = saved["history"]
    return Fitted(pipeline, types, History(slope, intercept, HistoryThresholds(**thresholds)))
