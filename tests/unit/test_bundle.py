"""A bundle is served only as it was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from shotwise.adapters.onnx import ENGINE, OnnxGraph
from shotwise.bundle import Bundle, ExcludedColumn, load_bundle
from shotwise.errors import BundleError
from shotwise.manifest import manifest_hash

MODEL = Path(__file__).parents[2] / "models/shotwise"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped bundle to spoil."""
    return Path(shutil.copytree(MODEL, tmp_path / "bundle"))


def test_the_shipped_bundle_loads_from_a_copy(copied: Path) -> None:
    """The copy that the other tests spoil is good before they do."""
    assert len(load_bundle(copied, ENGINE).features) == 30


@pytest.mark.parametrize("folder", sorted(path.parent for path in MODEL.parent.glob("*/bundle.json")), ids=lambda folder: folder.name)
def test_every_shipped_bundle_loads(folder: Path) -> None:
    """The one that is served and the proof of concept's."""
    assert len(load_bundle(folder, ENGINE).features) == 30


@pytest.mark.parametrize("name", ["model.onnx", "model_types.onnx", "model_history.onnx", "background.npz",
                                  "samples.json", "MODEL_CARD.md"])
def test_an_altered_file_is_refused_by_name(copied: Path, name: str) -> None:
    """One changed byte in any file stops the bundle, and the message names the file."""
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(BundleError, match=name):
        load_bundle(copied, ENGINE)


def test_what_is_excluded_is_read(copied: Path) -> None:
    """Name, label and reason of a column that the graph never sees, and which types have too few examples."""
    document = json.loads((copied / "bundle.json").read_text("utf-8"))
    document.pop("sha256")
    entry = {"name": "Ladle", "label": {"ko": "국자", "en": "Ladle"}, "reason": "constant"}
    document["excluded"] = [entry]
    document["defect_types"][0]["modelled"] = False
    document["sha256"] = manifest_hash(document)
    (copied / "bundle.json").write_text(json.dumps(document), "utf-8")
    found = load_bundle(copied, ENGINE)
    assert found.excluded == (ExcludedColumn(**entry),) and found.excluded_names == {"Ladle"}
    assert not found.defect_types[0].modelled


def test_an_absent_file_is_refused_by_name(copied: Path) -> None:
    """A bundle without one of its files is not served."""
    (copied / "samples.json").unlink()
    with pytest.raises(BundleError, match=r"samples\.json is missing"):
        load_bundle(copied, ENGINE)


def test_an_altered_document_is_refused(copied: Path) -> None:
    """A threshold edited by hand does not pass: bundle.json carries its own hash."""
    document = json.loads((copied / "bundle.json").read_text("utf-8"))
    document["thresholds"]["decision"] = 0.9
    (copied / "bundle.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(BundleError, match="altered"):
        load_bundle(copied, ENGINE)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    """The message says which setting to correct."""
    with pytest.raises(BundleError, match="SHOTWISE_MODEL_DIR"):
        load_bundle(tmp_path, ENGINE)


def test_another_format_is_refused(copied: Path) -> None:
    """A bundle of a later format is not guessed at."""
    document = json.loads((copied / "bundle.json").read_text("utf-8"))
    document.pop("sha256")
    document["format"] = 99
    document["sha256"] = manifest_hash(document)
    (copied / "bundle.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(BundleError, match="format 99"):
        load_bundle(copied, ENGINE)


@pytest.mark.parametrize(("part", "product"), [("limits", "2"), ("typical", "all")])
def test_a_product_without_limits_is_refused(copied: Path, part: str, product: str) -> None:
    """Sooner at the start than with the first shot of that product."""
    document = json.loads((copied / "bundle.json").read_text("utf-8"))
    document.pop("sha256")
    del document[part][product]
    document["sha256"] = manifest_hash(document)
    (copied / "bundle.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(BundleError, match=f"no {part} of {product}"):
        load_bundle(copied, ENGINE)


def test_a_graph_of_another_shape_is_refused() -> None:
    """Bytes that are no graph of ours are a BundleError, not onnxruntime's own."""
    with pytest.raises(BundleError, match="cannot be opened"):
        OnnxGraph(b"not a graph")


def test_the_probability_alone_is_that_of_the_whole_run(bundle: Bundle) -> None:
    """Both calls of the graph give the same numbers, and every output has a row for every shot."""
    whole = bundle.graph.run(bundle.background)
    np.testing.assert_array_equal(bundle.graph.probability(bundle.background), whole.probability)
    count = len(bundle.background)
    assert whole.distance.shape == whole.reconstruction_error.shape == (count,)
    assert whole.feature_error.shape == bundle.background.shape


def test_what_ships_of_the_data_stays_small(bundle: Bundle) -> None:
    """At most 100 rows of the data ship: background, samples; events repeat two of the samples."""
    assert len(bundle.background) + len(bundle.samples) <= 100


def test_figures_stand_with_their_protocol_and_run_rate(bundle: Bundle) -> None:
    """No figure of the card stands without its protocol's definition and run-rate beside it."""
    for figures in bundle.manifest["figures"].values():
        assert figures["definition"] and set(figures) >= {"shotwise", "run-rate"}
        assert "run-rate" in bundle.card
