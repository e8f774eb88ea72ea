"""Every malformed bundle is a BundleError with one sentence that names the file and the fault."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import load_bundle
from shotwise.errors import BundleError
from shotwise.manifest import manifest_hash

MODEL = Path(__file__).parents[2] / "models/shotwise"
MANIFEST = json.loads((MODEL / "bundle.json").read_text("utf-8"))
Change = Callable[[dict[str, Any]], object]


def refusal(folder: Path) -> str:
    """The message with which a bundle is refused: one line."""
    with pytest.raises(BundleError) as caught:
        load_bundle(folder, ENGINE)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 500
    return message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped bundle to alter."""
    return Path(shutil.copytree(MODEL, tmp_path / "bundle"))


def rewrite(folder: Path, change: Change) -> None:
    """Change bundle.json and give it the hash that belongs to the changed content."""
    manifest = json.loads((folder / "bundle.json").read_text("utf-8"))
    manifest.pop("sha256")
    change(manifest)
    manifest["sha256"] = manifest_hash(manifest)
    (folder / "bundle.json").write_text(json.dumps(manifest), "utf-8")


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Write another content into a file, with the hash that belongs to it."""
    (folder / name).write_bytes(content)
    rewrite(folder, lambda manifest: manifest["files"].update({name: hashlib.sha256(content).hexdigest()}))


@pytest.mark.parametrize("content", [
    b"[]", b"{}", b'"x"', b"null", b"1", b"true", b"", b"{", b"\xff\xfe", "가".encode("cp949"), b"[" * 100_000,
    b'{"format":' * 100_000, b'{"format": ' + b"9" * 5000 + b"}", b'{"format": NaN}', b'{"format": 1e400}',
    b'{"format": [4]}', b'{"format": 4}', b'{"format": 4, "x": "\\ud800"}', b'{"format": 4, "sha256": 5}', b"\0" * 50],
    ids=lambda content: repr(content[:20]))
def test_any_content_of_the_manifest_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    """No object, no JSON, no UTF-8, nested without end, of another format, without hash."""
    (tmp_path / "bundle.json").write_bytes(content)
    assert "bundle.json" in refusal(tmp_path)


def test_a_folder_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """A file, a missing folder, and a manifest that is a folder or a pipe; the setting is named, and nothing hangs."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "odd/bundle.json").mkdir(parents=True)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe/bundle.json")
    for name in ("file", "absent", "odd", "pipe", "file/x"):
        message = refusal(tmp_path / name)
        assert "SHOTWISE_MODEL_DIR" in message and str(tmp_path / name) in message


def paths(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every member of the manifest, with one entry of each list and mapping of the same kind."""
    if isinstance(node, list) and node:
        return [path, *paths(node[0], (*path, 0))]
    if isinstance(node, dict) and node:
        keys = list(node)[:1] if path[:1] in (("limits",), ("typical",), ("files",)) else list(node)
        return [path, *(deeper for key in keys for deeper in paths(node[key], (*path, key)))]
    return [path]


READ = ("version", "product_feature", "features", "excluded", "defect_types", "thresholds", "history", "limits",
        "typical", "files")
PATHS = [path for path in paths(MANIFEST) if path and path[0] in READ]


def put(manifest: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """Set a member by its path."""
    node: Any = manifest
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value


def kind(value: Any) -> str:
    """The kind of a value, as JSON has it."""
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_a_member_of_another_type_is_refused_by_its_path(folder: Path, path: tuple[str | int, ...]) -> None:
    """Whatever stands in the place of a text, number, list or object, the message names the member."""
    original: Any = MANIFEST
    for key in path:
        original = original[key]
    may_be = {"resolution": ("NoneType", "number"), "product_feature": ("NoneType",), "history": ("NoneType",)}
    for value in ("x", 5, True, [], {}, [{}], {"a": 1}, None):
        if kind(value) in (kind(original), *may_be.get(str(path[-1]), ())):
            continue
        (folder / "bundle.json").write_bytes((MODEL / "bundle.json").read_bytes())
        rewrite(folder, lambda manifest, value=value: put(manifest, path, value))  # type: ignore[misc]
        message = refusal(folder)
        assert "bundle.json" in message and str(path[0]) in message, (value, message)


@pytest.mark.parametrize("path", [path for path in PATHS if isinstance(path[-1], str) and path[0] != "files"
                                  and not (path[0] in ("limits", "typical") and len(path) == 3)],
                         ids=lambda path: ".".join(map(str, path)))
def test_a_missing_member_is_refused_by_its_path(folder: Path, path: tuple[str | int, ...]) -> None:
    """But for an entry of limits and medians, which not every feature has."""
    def remove(manifest: dict[str, Any]) -> None:
        node: Any = manifest
        for key in path[:-1]:
            node = node[key]
        del node[path[-1]]

    rewrite(folder, remove)
    assert str(path[-1]) in refusal(folder)


@pytest.mark.parametrize(("change", "named"), [
    (lambda manifest: manifest["features"][0].update(extra=1), "features"),
    (lambda manifest: manifest["features"].append(manifest["features"][0]), "features"),
    (lambda manifest: manifest.update(features=[]), "features"),
    (lambda manifest: manifest.update(product_feature="Nobody"), "product_feature"),
    (lambda manifest: manifest["limits"]["all"].update(Nobody=[1, 2]), "Nobody"),
    (lambda manifest: manifest["typical"]["all"].update(Nobody=1), "Nobody"),
    (lambda manifest: manifest["limits"]["all"].update(Spray_Time=[1, 2, 3]), "Spray_Time"),
    (lambda manifest: manifest["features"][1].update(seen=[1]), "seen"),
    (lambda manifest: manifest["features"][1]["label"].update(ko="가" * 201), "features[1].label.ko"),
    (lambda manifest: manifest["files"].pop("model.onnx"), "model.onnx"),
    (lambda manifest: manifest["files"].pop("model_history.onnx"), "model_history.onnx"),
    (lambda manifest: manifest["files"].update({"../secret": "0" * 64}), "secret"),
    (lambda manifest: manifest["files"].update({"a\0b": "0" * 64}), "files"),
    (lambda manifest: manifest["files"].update({"": "0" * 64}), "files")])
def test_what_does_not_fit_together_is_refused(folder: Path, change: Change, named: str) -> None:
    """Unknown members, doubled and unknown features, files outside of the folder."""
    rewrite(folder, change)
    assert named in refusal(folder)


def npz(**arrays: Any) -> bytes:
    """The bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(("name", "content"), [
    ("background.npz", b""), ("background.npz", b"no archive"), ("background.npz", npz(other=np.zeros((3, 30)))),
    ("background.npz", npz(features=np.zeros((3, 29), np.float32))), ("background.npz", npz(features=np.zeros(30))),
    ("background.npz", npz(features=np.zeros((0, 30), np.float32))), ("background.npz", npz(features=np.array("x"))),
    ("background.npz", npz(features=np.array([{"pickled": 1}], object))), ("samples.json", b"{"),
    ("samples.json", b"{}"), ("samples.json", b"[1]"), ("samples.json", b"\xff"), ("samples.json", b"[" * 100_000),
    ("MODEL_CARD.md", b"\xff\xfe"), ("model.onnx", b"no graph"), ("model.onnx", b"")])
def test_a_file_of_another_kind_is_refused_by_its_name(folder: Path, name: str, content: bytes) -> None:
    """Its hash is right, its content is not."""
    replace_file(folder, name, content)
    assert name in refusal(folder)


@pytest.mark.parametrize("name", ["model.onnx", "samples.json"])
def test_a_file_that_is_a_folder_is_refused_by_its_name(folder: Path, name: str) -> None:
    """No error of the system reaches the caller."""
    (folder / name).unlink()
    (folder / name).mkdir()
    assert name in refusal(folder)
