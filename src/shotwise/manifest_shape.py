"""The shape of a bundle's JSON files, and the check that names the first member which does not have it."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from shotwise.limits import MAX_LABEL_CHARACTERS

# A shape is one of: a type; a tuple of the shapes of a list with as many entries; a mapping of member to shape; ListOf,
# MappingOf, Optional or NAME.
Shape = Any
NAME = f"a text of at most {MAX_LABEL_CHARACTERS} characters"  # as long as a request to /rag-query takes it


@dataclass(frozen=True)
class ListOf:
    """A list whose entries have a shape."""

    shape: Shape


@dataclass(frozen=True)
class MappingOf:
    """An object with any names, whose members have a shape."""

    shape: Shape


@dataclass(frozen=True)
class Optional:
    """A shape, or null."""

    shape: Shape


LABEL = {"ko": NAME, "en": NAME}
RANGE = (float, float)
FEATURE = {
    "name": NAME, "label": LABEL, "group": str, "unit": str, "seen": RANGE, "plausible": RANGE,
    "resolution": Optional(float), "controllable": bool, "missing": bool, "constant": bool, "condition": bool,
    "usual_error": float, "categories": ListOf(str)}
ADVICE = {"decision": float, "accept_below": float, "reject_from": float}
MANIFEST = {
    "format": int, "version": str, "product_feature": Optional(str), "features": ListOf(FEATURE),
    "excluded": ListOf({"name": NAME, "label": LABEL, "reason": str}),
    "defect_types": ListOf({"name": NAME, "label": LABEL, "examples": int, "modelled": bool}),
    "thresholds": {**ADVICE, "novelty": float, "distance": float}, "history": Optional({**ADVICE, "evidence": float}),
    "limits": MappingOf(MappingOf(RANGE)), "typical": MappingOf(MappingOf(float)), "figures": MappingOf(dict),
    "type_figures": MappingOf(dict), "training": dict, "files": MappingOf(str)}
SAMPLES = ListOf({"name": str, "outcome": str, "defect_types": ListOf(str), "features": dict})
_TYPE_NAMES = {str: "a text", bool: "true or false", float: "a finite number", int: "a whole number", dict: "an object"}
FILES = ("MODEL_CARD.md", "background.npz", "model.onnx", "samples.json")


def shape_fault(node: Any, shape: Shape, path: str) -> str | None:
    """Return which member does not have its shape, by its path and with what is expected; None if all have it."""
    if isinstance(shape, Optional):
        return None if node is None else shape_fault(node, shape.shape, path)
    if shape is NAME:
        fits = isinstance(node, str) and len(node) <= MAX_LABEL_CHARACTERS
        return None if fits else _expected(path, node, NAME)
    if isinstance(shape, type):
        return None if _has_type(node, shape) else _expected(path, node, _TYPE_NAMES[shape])
    if isinstance(shape, ListOf | tuple):
        return _list_fault(node, shape, path)
    return _object_fault(node, shape, path)


def manifest_fault(manifest: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a manifest: a member without its shape, or members that do not fit together."""
    if fault := shape_fault(manifest, MANIFEST, ""):
        return fault
    names = [feature["name"] for feature in manifest["features"]]
    if not names or len(set(names)) < len(names):
        return "features must be a list of features with different names"
    if manifest["product_feature"] not in (None, *names):
        return f"product_feature is {reprlib.repr(manifest['product_feature'])}, which is no feature"
    for part in ("limits", "typical"):
        if unknown := {name for features in manifest[part].values() for name in features} - set(names):
            return f"{part} has {reprlib.repr(min(unknown))}, which is no feature"
    return _files_fault(manifest)


def _files_fault(manifest: Mapping[str, Any]) -> str | None:
    files = manifest["files"]
    for name in files:
        if not name or PurePath(name).name != name or not name.isprintable():
            return f"files has {reprlib.repr(name)}, which is no file name"
    required = [*FILES, *(["model_types.onnx"] if manifest["defect_types"] else []),
                *(["model_history.onnx"] if manifest["history"] is not None else [])]
    missing = [name for name in required if name not in files]
    return f"files has no {missing[0]}" if missing else None


def _list_fault(node: Any, shape: ListOf | tuple[Shape, ...], path: str) -> str | None:
    if not isinstance(node, list):
        return _expected(path, node, "a list")
    if isinstance(shape, tuple) and len(node) != len(shape):
        return _expected(path, node, f"a list of {len(shape)}")
    shapes: Sequence[Shape] = shape if isinstance(shape, tuple) else [shape.shape] * len(node)
    return _first_fault((f"{path}[{number}]", entry, entry_shape)
                        for number, (entry, entry_shape) in enumerate(zip(node, shapes, strict=True)))


def _object_fault(node: Any, shape: MappingOf | Mapping[str, Shape], path: str) -> str | None:
    if not isinstance(node, dict):
        return _expected(path, node, "an object")
    if isinstance(shape, MappingOf):
        return _first_fault((_member(path, name), child, shape.shape) for name, child in node.items())
    for name in shape:
        if name not in node:
            return f"{_member(path, name)} is missing"
    for name in node:
        if name not in shape:
            return f"{_member(path, name)} is not known"
    return _first_fault((_member(path, name), node[name], shape[name]) for name in shape)


def _first_fault(members: Any) -> str | None:
    return next((fault for path, node, shape in members if (fault := shape_fault(node, shape, path))), None)


def _has_type(node: Any, kind: type) -> bool:
    """Whether a node has the type; `float` stands for any finite number, and a boolean is no number."""
    if kind in (int, float) and isinstance(node, bool):
        return False
    return isinstance(node, int | float) and math.isfinite(node) if kind is float else isinstance(node, kind)


def _member(path: str, name: str) -> str:
    return f"{path}.{name[:40]}" if path else name[:40]


def _expected(path: str, node: Any, expected: str) -> str:
    return f"{path} is {reprlib.repr(node)}; expected {expected}"
