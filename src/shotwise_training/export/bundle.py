"""Write a bundle folder: graphs, background shots, samples, model card, manifest.

The folder is written under another name and renamed, so that a bundle is never half-written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.onnx import OnnxGraph
from shotwise.manifest import manifest_hash
from shotwise_training.data.table import Table
from shotwise_training.export.background import background_rows
from shotwise_training.export.graph import fuse, history_graph, types_graph
from shotwise_training.export.manifest import Figures, build_manifest
from shotwise_training.export.model_card import model_card
from shotwise_training.export.pipeline_files import FittedModels, pipeline_folder, save_pipeline
from shotwise_training.export.samples import choose_samples
from shotwise_training.models.configuration import Configuration
from shotwise_training.models.pipeline import Pipeline
from shotwise_training.models.scaling import Scaling

MAX_DRIFT = 1e-5  # largest difference in probability; float32 addition accounts for a quarter of it


class DriftError(RuntimeError):
    """The exported graph does not compute what the trained pipeline computes."""


def write_bundle(out: Path, configuration: Configuration, table: Table, models: FittedModels,
                 figures: Figures) -> dict[str, Any]:
    """Write a bundle, and the fitted models that the parity tests compare it with; return the bundle's manifest.

    Parameters
    ----------
    out : Path
        The bundle folder, which is replaced if it exists. The models go to `pipeline_folder(out)`.
    configuration : Configuration
        How the models were fitted.
    table : Table
        All shots, with their duplicates.
    models : FittedModels
        The fitted models.
    figures : Figures
        The scores of the configuration.

    Raises
    ------
    DriftError
        If the graph differs from the pipeline on the training shots; nothing has been written then.
    """
    unique, pipeline = table.without_duplicates(), models.pipeline
    graph = fuse(pipeline).SerializeToString()
    _check_parity(graph, pipeline, unique.features)
    partial = out.with_name(out.name + ".writing")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / "model.onnx").write_bytes(graph)
    _write_optional_graphs(partial, models)
    np.savez_compressed(partial / "background.npz", features=_background(unique, pipeline.scaling))
    _write_json(partial / "samples.json", choose_samples(unique, pipeline))
    manifest = build_manifest(configuration, table, models, figures)
    (partial / "MODEL_CARD.md").write_text(model_card(manifest), "utf-8")
    _write_manifest(partial, manifest)
    _replace(out, partial)
    save_pipeline(models, pipeline_folder(out))
    return manifest


def _check_parity(graph: bytes, pipeline: Pipeline, features: NDArray[np.float32]) -> None:
    served, trained = OnnxGraph(graph).probability(features), pipeline(features).probability
    drift = float(np.abs(served - trained).max())
    if drift > MAX_DRIFT:
        raise DriftError(f"the graph differs from the pipeline by {drift:.1e} in probability; nothing was written")


def _write_optional_graphs(folder: Path, models: FittedModels) -> None:
    if models.types:
        (folder / "model_types.onnx").write_bytes(types_graph(models.types).SerializeToString())
    if models.history:
        (folder / "model_history.onnx").write_bytes(history_graph(models.history).SerializeToString())


def _background(table: Table, scaling: Scaling) -> NDArray[np.float32]:
    return table.features[background_rows(scaling.standardise(scaling.impute(table.features)))]


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Add the hashes of the folder's files, and the manifest's own, to the manifest, and write it."""
    manifest["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    manifest["sha256"] = manifest_hash(manifest)
    _write_json(folder / "bundle.json", manifest)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _replace(out: Path, replacement: Path) -> None:
    """Put a folder in the place of `out`, which need not exist."""
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    replacement.rename(out)
    shutil.rmtree(old, ignore_errors=True)
