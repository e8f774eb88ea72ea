"""Read and verify the manifest of a bundle, bundle.json, and the files that it lists with their hashes."""

from __future__ import annotations

import hashlib
import json
import reprlib
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shotwise.errors import BundleError
from shotwise.manifest_shape import manifest_fault

FORMAT = 4


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read bundle.json, verify its own hash and return it without that hash.

    Raises
    ------
    BundleError
        The manifest is missing, altered, malformed or of another format.
    """
    path = folder / "bundle.json"
    try:
        content = _file_content(path)
    except BundleError as error:
        raise BundleError(f"{error}; set SHOTWISE_MODEL_DIR to the folder of a model bundle") from None
    manifest = parse_json(path, content)
    if not isinstance(manifest, dict):
        raise BundleError(f"{path} is no JSON object; restore or retrain the bundle")
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{path} has format {reprlib.repr(manifest.get('format'))}; this version reads {FORMAT}")
    stated_hash = manifest.pop("sha256", None)
    if stated_hash != manifest_hash(manifest):
        raise BundleError(f"{path} was altered: its own sha256 does not match; restore or retrain the bundle")
    if fault := manifest_fault(manifest):
        raise BundleError(f"{path} is malformed: {fault}; restore or retrain the bundle")
    return manifest


def read_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Read every file that the manifest lists, by name.

    Raises
    ------
    BundleError
        A file is missing or does not match its sha256 in the manifest.
    """
    return {name: _verified_content(folder / name, digest) for name, digest in manifest["files"].items()}


def parse_json(path: Path, content: bytes) -> Any:
    """Parse the content of a JSON file of a bundle, strictly. Raises BundleError, which names the file."""
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # half a surrogate pair could not be served
    except RecursionError:
        raise BundleError(f"{path} is nested too deeply; restore or retrain the bundle") from None
    except ValueError as error:
        raise BundleError(f"{path} is not JSON ({str(error)[:120]}); restore or retrain the bundle") from None
    return document


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """Compute the sha256 of a manifest without its own hash, over its canonical JSON."""
    canonical = json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _verified_content(path: Path, digest: str) -> bytes:
    try:
        content = _file_content(path)
    except BundleError as error:
        remedy = "it is there compressed: run `make baseline`" if path.with_name(f"{path.name}.xz").exists() \
            else "restore or retrain the bundle"
        raise BundleError(f"{error} though bundle.json lists it; {remedy}") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(f"{path} was altered: its sha256 is not the one in bundle.json; restore or retrain")
    return content


def _file_content(path: Path) -> bytes:
    """Read a regular file; a pipe or device could be read without end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BundleError(f"{path} is no file")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{path} is missing") from None
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror})") from None


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
