"""The model bundle: graph, schema, background shots, limits. Everything a foundry's model is, read from one folder.

Nothing about a feature stands in code: names, labels, units, ranges and limits come from `bundle.json`, so another
foundry's bundle changes validation, screens and charts without a line of code.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shotwise.errors import BundleError

FORMAT = 4


@dataclass(frozen=True)
class Feature:
    """One input value. `seen` and `plausible` are (low, high) in `unit`; a category's code is its position. condition:
    it stays from shot to shot, as what a run is made in does. usual_error: squared reconstruction error, in standard
    deviations, that 98 % of the training shots stay within."""

    name: str
    label: Mapping[str, str]
    group: str
    unit: str
    seen: tuple[float, float]
    plausible: tuple[float, float]
    resolution: float | None
    controllable: bool
    missing: bool
    constant: bool
    condition: bool
    usual_error: float
    categories: tuple[str, ...]


@dataclass(frozen=True)
class ExcludedColumn:
    """A column of the plant's table that never enters the graph, and why; a request may send it or leave it out."""

    name: str
    label: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class DefectType:
    """A defect type. modelled: its `examples` among the training shots are enough to give a probability."""

    name: str
    label: Mapping[str, str]
    examples: int
    modelled: bool


@dataclass(frozen=True)
class Thresholds:
    """Chosen out of fold on training shots. Probabilities, but `novelty`, a reconstruction error, and `distance`, of a
    shot's conditions to the nearest prototype of the training shots."""

    decision: float
    accept_below: float
    reject_from: float
    novelty: float
    distance: float


@dataclass(frozen=True)
class HistoryThresholds:
    """Of the probability with history. evidence: the summed weight of known results from which it is used."""

    decision: float
    accept_below: float
    reject_from: float
    evidence: float


@dataclass(frozen=True)
class GraphOutput:
    """What the graph says of N shots: probability [N], latent [N, 12], reconstruction_error [N], feature_error
    [N, F], distance [N] of the shot's conditions to the nearest prototype of the training shots."""

    probability: NDArray[np.float32]
    latent: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    feature_error: NDArray[np.float32]
    distance: NDArray[np.float32]


class Graph(Protocol):
    """The fused model. Both calls take float32 [N, F] with NaN = not measured."""

    def run(self, features: NDArray[np.float32]) -> GraphOutput:
        """All outputs."""
        ...

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N] only; what attribution calls thousands of times."""
        ...


class HistoryGraph(Protocol):
    """The history head."""

    def __call__(self, probability: float, outcomes: NDArray[np.float32]) -> tuple[float, float]:
        """The fused model's probability and what inspection found on the shots before, float32 [H], newest last
        (1 defect, 0 normal, NaN not known) → probability of a defect, and the summed weight of the known results."""
        ...


class TypesGraph(Protocol):
    """The model of defect types."""

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [N, F] with NaN = not measured → [N, T]: the chance that a defect shows each type."""
        ...


@dataclass(frozen=True)
class Engine:
    """What runs the graphs of a bundle: the bytes of each file → the graph. Without history and types, which T1 alone
    asks, the bundle has neither."""

    graph: Callable[[bytes], Graph]
    history: Callable[[bytes], HistoryGraph] | None = None
    types: Callable[[bytes], TypesGraph] | None = None


@dataclass(frozen=True)
class HistoryHead:
    """The graph that joins known inspection results with the probability, and the thresholds of what it gives."""

    graph: HistoryGraph
    thresholds: HistoryThresholds


@dataclass(frozen=True)
class Bundle:
    """A model that may be served: its hashes were checked when it was loaded.

    types: None where the table told no types apart. history: None where there is no head.
    limits and typical: product → feature → (low, high) and median of good shots; background: float32 [B, F].
    """

    version: str
    features: tuple[Feature, ...]
    excluded: tuple[ExcludedColumn, ...]
    defect_types: tuple[DefectType, ...]
    thresholds: Thresholds
    limits: Mapping[str, Mapping[str, tuple[float, float]]]
    typical: Mapping[str, Mapping[str, float]]
    product_feature: str | None
    background: NDArray[np.float32]
    samples: tuple[Mapping[str, Any], ...]
    graph: Graph
    types: TypesGraph | None
    history: HistoryHead | None
    manifest: Mapping[str, Any]
    card: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Feature names in the graph's order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Feature name → column of the graph's input."""
        return {name: index for index, name in enumerate(self.names)}

    @cached_property
    def ignored(self) -> frozenset[str]:
        """Names of the excluded columns."""
        return frozenset(column.name for column in self.excluded)

    def product(self, values: NDArray[np.float32]) -> str:
        """The product type of a shot [F]: the key of its limits."""
        if self.product_feature is None:
            return "all"
        column = self.position[self.product_feature]
        code = values[column]
        return "all" if np.isnan(code) else self.features[column].categories[int(code)]


def load_bundle(folder: Path, engine: Engine) -> Bundle:
    """Read and verify the bundle in `folder`; `engine` is the adapter that runs its graphs.

    Raises BundleError when a file is absent, when a file's sha256 is not the one in bundle.json, or when the format
    is not this version's. Nothing is parsed before its hash was checked.
    """
    manifest = _read_manifest(folder)
    files = {name: _verified(folder / name, digest) for name, digest in manifest["files"].items()}
    features = tuple(_feature(entry) for entry in manifest["features"])
    _check_products(manifest, features)
    with np.load(io.BytesIO(files["background.npz"]), allow_pickle=False) as arrays:
        background = arrays["features"]
    return Bundle(
        version=manifest["version"], features=features,
        excluded=tuple(ExcludedColumn(**entry) for entry in manifest["excluded"]),
        defect_types=tuple(DefectType(**entry) for entry in manifest["defect_types"]),
        thresholds=Thresholds(**manifest["thresholds"]),
        limits={product: {name: (low, high) for name, (low, high) in limits.items()}
                for product, limits in manifest["limits"].items()},
        typical=manifest["typical"], product_feature=manifest["product_feature"], background=background,
        samples=tuple(json.loads(files["samples.json"])),
        graph=engine.graph(files["model.onnx"]), types=_types(manifest, files, engine),
        history=_history(manifest["history"], files, engine),
        manifest=manifest, card=files["MODEL_CARD.md"].decode("utf-8"))


def _check_products(manifest: Mapping[str, Any], features: tuple[Feature, ...]) -> None:
    """Every product type that a shot may have has limits and medians, and so has a shot whose type is not known."""
    products = {"all", *(name for feature in features if feature.name == manifest["product_feature"]
                         for name in feature.categories)}
    for part in ("limits", "typical"):
        if lacking := products - set(manifest[part]):
            raise BundleError(f"bundle.json has no {part} of {', '.join(sorted(lacking))}; retrain the bundle")


def _types(manifest: Mapping[str, Any], files: Mapping[str, bytes], engine: Engine) -> TypesGraph | None:
    return engine.types(files["model_types.onnx"]) if engine.types and manifest["defect_types"] else None


def _history(thresholds: Mapping[str, float] | None, files: Mapping[str, bytes], engine: Engine) -> HistoryHead | None:
    if engine.history is None or thresholds is None:
        return None
    return HistoryHead(engine.history(files["model_history.onnx"]), HistoryThresholds(**thresholds))


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / "bundle.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BundleError(f"{path} is absent: no model bundle there; set SHOTWISE_MODEL_DIR to a bundle") from None
    except ValueError as error:
        raise BundleError(f"{path} is not JSON ({error}); restore or retrain the bundle") from None
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{path} has format {manifest.get('format')!r}; this version reads {FORMAT}")
    stated = manifest.pop("sha256", None)
    if stated != manifest_hash(manifest):
        raise BundleError(f"{path} was altered: its own sha256 does not match; restore or retrain the bundle")
    return manifest


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """sha256 over bundle.json without its own hash, in canonical form."""
    canonical = json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _verified(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path} is absent though bundle.json lists it; restore or retrain the bundle") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(f"{path} was altered: its sha256 is not the one in bundle.json; restore or retrain")
    return content


def _feature(entry: Mapping[str, Any]) -> Feature:
    pairs = {key: (float(entry[key][0]), float(entry[key][1])) for key in ("seen", "plausible")}
    return Feature(**{**entry, **pairs, "categories": tuple(entry["categories"])})
