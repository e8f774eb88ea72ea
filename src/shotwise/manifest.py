"""Read and verify the manifest of a bundle, bundle.json, and the files that it lists with their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shotwise.errors import BundleError

FORMAT = 4


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read bundle.json, verify its own hash and return it without that hash.

    Raises
    ------
    BundleError
        The manifest is missing, altered or of another format.
    """
    path = folder / "bundle.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BundleError(f"{path} is missing; set SHOTWISE_MODEL_DIR to the folder of a model bundle") from None
    except ValueError as error:
        raise BundleError(f"{path} is not JSON ({error}); restore or retrain the bundle") from None
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{path} has format {manifest.get('format')!r}; this version reads {FORMAT}")
    stated_hash = manifest.pop("sha256", None)
    if stated_hash != manifest_hash(manifest):
        raise BundleError(f"{path} was altered: its own sha256 does not match; restore or retrain the bundle")
    return manifest


def read_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Read every file that the manifest lists, by name.

    Raises
    ------
    BundleError
        A file is missing or does not match its sha256 in the manifest.
    """
    return {name: _verified_content(folder / name, digest) for name, digest in manifest["files"].items()}


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """Compute the sha256 of a manifest without its own hash, over its canonical JSON."""
    canonical = json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _verified_content(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path} is missing though bundle.json lists it; restore or retrain the bundle") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(f"{path} was altered: its sha256 is not the one in bundle.json; restore or retrain")
    return content
