"""The graph of the proof of concept's bundle is stored compressed, and unpacks to what bundle.json lists."""

from __future__ import annotations

import json
import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import load_bundle
from shotwise.errors import BundleError
from shotwise.shot import read_shot
from shotwise_tools.packed_model import main, pack, unpack

BASELINE = Path(__file__).parents[2] / "models/poc_baseline"
GRAPH = "model.onnx"
PACKED = "model.onnx.xz"
MAX_BYTES = 5_000_000  # of the folder in git; the graph has 20 MB


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder as git has it."""
    return Path(shutil.copytree(BASELINE, tmp_path / "poc_baseline", ignore=shutil.ignore_patterns(GRAPH)))


def test_the_bundle_is_small_and_works_unpacked(folder: Path) -> None:
    """It loads, so its files have their hashes, and it tells its defective samples from its good ones."""
    assert sum(path.stat().st_size for path in folder.iterdir()) < MAX_BYTES
    unpack(folder / GRAPH)
    bundle = load_bundle(folder, ENGINE)
    shots = [read_shot(sample["features"], bundle) for sample in bundle.samples]
    probabilities = bundle.graph.probability(np.stack([shot.values for shot in shots]))
    assert [bool(probability >= bundle.thresholds.decision) for probability in probabilities] \
        == [sample["outcome"] == "defect" for sample in bundle.samples]


def test_a_bundle_without_its_graph_says_what_to_run(folder: Path) -> None:
    """Only where the compressed file is there."""
    with pytest.raises(BundleError, match=r"model\.onnx is missing .* compressed: run `make baseline`$"):
        load_bundle(folder, ENGINE)
    (folder / PACKED).unlink()
    with pytest.raises(BundleError, match="restore or retrain"):
        load_bundle(folder, ENGINE)


def test_packing_and_unpacking_give_the_same_bytes(tmp_path: Path) -> None:
    """A second packing changes nothing."""
    graph = tmp_path / GRAPH
    graph.write_bytes(b"graph" * 1000)
    manifest = json.loads((BASELINE / "bundle.json").read_text("utf-8"))
    pack(graph)
    packed = (tmp_path / PACKED).read_bytes()
    pack(graph)
    assert (tmp_path / PACKED).read_bytes() == packed and len(packed) < 200
    (tmp_path / "bundle.json").write_text(json.dumps({"files": {GRAPH: manifest["files"][GRAPH]}}))
    with pytest.raises(BundleError, match="another graph"):
        unpack(graph)


@pytest.mark.parametrize("content", [b"", b"no archive", lzma.compress(b"graph" * 1000)[:-9], None])
def test_a_damaged_archive_is_a_sentence(folder: Path, content: bytes | None,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    """Of one line, and there is no graph afterwards."""
    (folder / PACKED).unlink()
    if content is not None:
        (folder / PACKED).write_bytes(content)
    assert main("unpack", str(folder / GRAPH)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("shotwise: ") and PACKED in printed and printed.count("\n") == 1
    assert not (folder / GRAPH).exists()
