"""A bundle is served only if it is exactly as it was written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shotwise.adapters.onnx import ENGINE, OnnxGraph
from shotwise.bundle import Bundle, ExcludedColumn, load_bundle
from shotwise.errors import BundleError
from shotwise.manifest import manifest_hash

MODEL = Path(__file__).parents[2] / "models/shotwise"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped bundle to alter."""
    return Path(shutil.copytree(MODEL, tmp_path / "bundle"))


def rewrite_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change bundle.json and give it the hash that belongs to the changed content."""
    manifest = json.loads((folder / "bundle.json").read_text("utf-8"))
    manifest.pop("sha256")
    change(manifest)
    manifest["sha256"] = manifest_hash(manifest)
    (folder / "bundle.json").write_text(json.dumps(manifest), "utf-8")


def test_the_shipped_bundle_loads_from_a_copy(copied: Path) -> None:
    """The copy that the other tests alter can be loaded before they do."""
    assert load_bundle(copied, ENGINE).features


@pytest.mark.parametrize("name", ["model.onnx", "model_types.onnx", "model_history.onnx", "background.npz",
                                  "samples.json", "MODEL_CARD.md"])
def test_an_altered_file_is_refused_by_name(copied: Path, name: str) -> None:
    """One changed byte in any file makes the bundle unusable, and the message names the file."""
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(BundleError, match=name):
        load_bundle(copied, ENGINE)


def test_excluded_columns_and_rare_types_are_read(copied: Path) -> None:
    """The bundle has the label and reason of excluded columns, and knows which types have too few examples."""
    entry = {"name": "Ladle", "label": {"ko": "국자", "en": "Ladle"}, "reason": "constant"}

    def change(manifest: dict[str, Any]) -> None:
        manifest["excluded"] = [entry]
        manifest["defect_types"][0]["modelled"] = False

    rewrite_manifest(copied, change)
    loaded = load_bundle(copied, ENGINE)
    assert loaded.excluded == (ExcludedColumn(**entry),) and loaded.excluded_names == {"Ladle"}
    assert not loaded.defect_types[0].modelled


def test_a_missing_file_is_refused_by_name(copied: Path) -> None:
    """A bundle without one of its files is not served."""
    (copied / "samples.json").unlink()
    with pytest.raises(BundleError, match=r"samples\.json is missing"):
        load_bundle(copied, ENGINE)


def test_an_altered_manifest_is_refused(copied: Path) -> None:
    """A threshold edited by hand is noticed, since bundle.json carries its own hash."""
    manifest = json.loads((copied / "bundle.json").read_text("utf-8"))
    manifest["thresholds"]["decision"] = 0.9
    (copied / "bundle.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(BundleError, match="altered"):
        load_bundle(copied, ENGINE)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    """The message names the setting to correct."""
    with pytest.raises(BundleError, match="SHOTWISE_MODEL_DIR"):
        load_bundle(tmp_path, ENGINE)


def test_another_format_is_refused(copied: Path) -> None:
    """A bundle of a later format is not read by guessing."""
    rewrite_manifest(copied, lambda manifest: manifest.update(format=99))
    with pytest.raises(BundleError, match="format 99"):
        load_bundle(copied, ENGINE)


@pytest.mark.parametrize(("part", "product"), [("limits", "2"), ("typical", "all")])
def test_a_product_without_limits_is_refused(copied: Path, part: str, product: str) -> None:
    """The error comes when the bundle is loaded, not with the first shot of that product type."""
    rewrite_manifest(copied, lambda manifest: manifest[part].pop(product))
    with pytest.raises(BundleError, match=f"no {part} of {product}"):
        load_bundle(copied, ENGINE)


def test_bytes_that_are_no_graph_are_refused() -> None:
    """Bytes that onnxruntime cannot open raise BundleError, not an error of onnxruntime."""
    with pytest.raises(BundleError, match="cannot be opened"):
        OnnxGraph(b"not a graph")


def test_both_calls_of_the_graph_give_the_same_probability(bundle: Bundle) -> None:
    """`probability` equals that of `run`, and every output has a row for every shot."""
    output = bundle.graph.run(bundle.background)
    np.testing.assert_array_equal(bundle.graph.probability(bundle.background), output.probability)
    n_shots = len(bundle.background)
    assert output.distance.shape == output.reconstruction_error.shape == (n_shots,)
    assert output.feature_error.shape == bundle.background.shape


def test_few_rows_of_the_plants_data_are_shipped(bundle: Bundle) -> None:
    """Background and samples are at most 100 rows; the example events repeat two of the samples."""
    assert len(bundle.background) + len(bundle.samples) <= 100


def test_every_figure_comes_with_its_protocol_and_the_run_rate(bundle: Bundle) -> None:
    """The model card gives no figure without the definition of its protocol and the run-rate baseline."""
    for figures in bundle.manifest["figures"].values():
        assert figures["definition"] and set(figures) >= {"shotwise", "run-rate"}
        assert "run-rate" in bundle.card
