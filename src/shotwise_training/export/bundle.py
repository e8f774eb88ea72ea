"""Write a bundle folder: graphs, background shots, samples, model card, manifest.

The bundle and its fitted models are written into new folders, which then take the places of earlier ones
(`output_folder`). The models go first, so a bundle is never there without its own; a kill between the two leaves the
earlier bundle beside the new models, and the next run replaces both.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.onnx import ENGINE, OnnxGraph
from shotwise.bundle import load_bundle
from shotwise.manifest import manifest_hash
from shotwise_training.data.table import Table
from shotwise_training.export.background import background_rows
from shotwise_training.export.graph import fuse, history_graph, types_graph
from shotwise_training.export.manifest import Figures, build_manifest
from shotwise_training.export.model_card import model_card
from shotwise_training.export.output_folder import OutputFolder, written_beside
from shotwise_training.export.pipeline_files import FittedModels, pipeline_output, save_pipeline
from shotwise_training.export.samples import choose_samples
from shotwise_training.models.configuration import Configuration
from shotwise_training.models.pipeline import Pipeline

FILES = frozenset(("model.onnx", "model_types.onnx", "model_history.onnx", "background.npz", "samples.json",
                   "MODEL_CARD.md", "bundle.json"))
MAX_DRIFT = 1e-5  # largest difference in probability; float32 addition accounts for a quarter of it


class DriftError(RuntimeError):
    """The exported graph does not compute what the trained pipeline computes."""


def write_bundle(out: Path, configuration: Configuration, table: Table, models: FittedModels,
                 figures: Figures) -> dict[str, Any]:
    """Write a bundle, and the fitted models that the parity tests compare it with; return its manifest.

    Parameters
    ----------
    out : Path
        The bundle folder; an earlier bundle is replaced. The models go to `pipeline_folder(out)`.
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
        If the graph differs from the pipeline on the training shots.
    BundleError, OutputError, OSError
        If the bundle would not load, a folder cannot be written or holds anything else, or the disk is full.
    """
    unique, pipeline = table.without_duplicates(), models.pipeline
    graph = fuse(pipeline).SerializeToString()
    _check_parity(graph, pipeline, unique.features)
    manifest = build_manifest(configuration, table, models, figures)
    bundle_output, models_output = outputs(out)
    with written_beside(models_output.path) as new_models, written_beside(bundle_output.path) as new_bundle:
        save_pipeline(models, new_models)
        _write_graphs(new_bundle, graph, models)
        _write_shots(new_bundle, unique, pipeline)
        (new_bundle / "MODEL_CARD.md").write_text(model_card(manifest), "utf-8")
        _seal(new_bundle, manifest)
    models_output.put(new_models)
    bundle_output.put(new_bundle)
    return manifest


def outputs(out: Path) -> tuple[OutputFolder, OutputFolder]:
    """Return the folders that `write_bundle` writes: the bundle's, and its fitted models'."""
    names = FILES | _packed(FILES)
    return OutputFolder(Path(os.path.realpath(out)), "bundle", names, _bundle_files), pipeline_output(out)


def _bundle_files(folder: Path) -> frozenset[str]:
    """The files of a bundle, by its manifest; none if the folder is no bundle. A damaged file is a bundle's still."""
    try:
        manifest = json.loads((folder / "bundle.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return frozenset()
    if not isinstance(manifest, dict) or "format" not in manifest or not isinstance(manifest.get("files"), dict):
        return frozenset()
    return frozenset(("bundle.json", *manifest["files"])) | _packed(manifest["files"])


def _packed(names: Iterable[str]) -> frozenset[str]:
    """The names of the compressed files, as git has the largest graph."""
    return frozenset(f"{name}.xz" for name in names)


def _check_parity(graph: bytes, pipeline: Pipeline, features: NDArray[np.float32]) -> None:
    served, trained = OnnxGraph(graph).probability(features), pipeline(features).probability
    drift = float(np.abs(served - trained).max())
    if drift > MAX_DRIFT:
        raise DriftError(f"the graph differs from the pipeline by {drift:.1e} in probability; nothing was written")


def _write_graphs(folder: Path, graph: bytes, models: FittedModels) -> None:
    (folder / "model.onnx").write_bytes(graph)
    if models.types:
        (folder / "model_types.onnx").write_bytes(types_graph(models.types).SerializeToString())
    if models.history:
        (folder / "model_history.onnx").write_bytes(history_graph(models.history).SerializeToString())


def _write_shots(folder: Path, table: Table, pipeline: Pipeline) -> None:
    scaling = pipeline.scaling
    background = table.features[background_rows(scaling.standardise(scaling.impute(table.features)))]
    np.savez_compressed(folder / "background.npz", features=background)
    _write_json(folder / "samples.json", choose_samples(table, pipeline))


def _seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Add the hashes of the folder's files, and the manifest's own, write it, and check that the bundle loads."""
    manifest["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    manifest["sha256"] = manifest_hash(manifest)
    _write_json(folder / "bundle.json", manifest)
    load_bundle(folder, ENGINE)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")

