"""The model bundle: graphs, schema, limits and background shots of one foundry, read from one folder.

No feature is named in code. Names, labels, units, ranges and limits come from `bundle.json` (the manifest), so the
bundle of another foundry changes validation, screens and charts without a change of code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle_files import read_background, read_card, read_samples
from shotwise.errors import BundleError
from shotwise.graph import DefectTypeGraph, Engine, Graph, HistoryGraph
from shotwise.manifest import read_files, read_manifest


@dataclass(frozen=True)
class Feature:
    """The schema of one feature, with the keys of an entry under `features` in the manifest.

    Attributes
    ----------
    name : str
        Key in requests and replies.
    label : mapping of language to str
        Name for readers, in `ko` and `en`.
    group : str
        `process` or `sensor`.
    unit : str
        Unit of all numbers of this feature; empty for none.
    seen : tuple of float
        Lowest and highest value of the training shots.
    plausible : tuple of float
        Range outside which a value is refused as a mistake of the sensor or unit.
    resolution : float or None
        Smallest step of the machine.
    controllable : bool
        Whether it is a setting that an operator may change.
    missing : bool
        Whether a request may send null.
    constant : bool
        Whether it is equal in all training shots; the graph then ignores it.
    condition : bool
        Whether it describes the surroundings of a run rather than the single shot.
    usual_error : float
        98 % quantile of its squared reconstruction error over the training shots, in standard deviations.
    categories : tuple of str
        Allowed categories, each coded by its position; empty for a number.
    """

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
    """A column of the plant's table that the graph does not use, and why; requests may include or omit it."""

    name: str
    label: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class DefectType:
    """A defect type.

    Attributes
    ----------
    name : str
        Key in replies.
    label : mapping of language to str
        Name for readers.
    examples : int
        Number of training shots that show it.
    modelled : bool
        Whether these are enough for the model to give a probability.
    """

    name: str
    label: Mapping[str, str]
    examples: int
    modelled: bool


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of the fused model, chosen on predictions in which each training shot was held out.

    Attributes
    ----------
    decision : float
        Probability from which a shot counts as defective.
    accept_below, reject_from : float
        Probabilities below which a part may be accepted, and from which it should be rejected.
    novelty : float
        Reconstruction error above which a shot is unusual.
    distance : float
        Distance to the nearest prototype above which a shot's conditions are new.
    """

    decision: float
    accept_below: float
    reject_from: float
    novelty: float
    distance: float


@dataclass(frozen=True)
class HistoryThresholds:
    """Thresholds of the probability with history.

    Attributes
    ----------
    decision, accept_below, reject_from : float
        As in `Thresholds`.
    evidence : float
        Summed weight of known inspection results from which the history head is used.
    """

    decision: float
    accept_below: float
    reject_from: float
    evidence: float


@dataclass(frozen=True)
class HistoryHead:
    """The graph that joins known inspection results with the probability, and the thresholds of its output."""

    graph: HistoryGraph
    thresholds: HistoryThresholds


@dataclass(frozen=True)
class Bundle:
    """A model to serve; the hashes of its files were checked when it was loaded.

    Attributes
    ----------
    version : str
        Name of the version, such as `v1.0_12D_GB`.
    features : tuple of Feature
        Features in the order of the graph's input.
    excluded : tuple of ExcludedColumn
        Columns that the graph does not use.
    defect_types : tuple of DefectType
        Defect types in the order of the defect type graph's output.
    thresholds : Thresholds
        Thresholds of the fused model.
    limits : mapping of product type to mapping of feature name to tuple of float
        Low and high limit of good shots; the product type `all` covers the shots of all types.
    typical : mapping of product type to mapping of feature name to float
        Median of good shots.
    product_feature : str or None
        Name of the feature whose categories are the product types; None if there is none.
    background : ndarray of float32, shape (n_background, n_features)
        Shots that Shapley values are computed against.
    samples : tuple of mapping
        Example shots for users, each with `name`, `outcome`, `defect_types` and `features`.
    graph : Graph
        The fused model.
    defect_type_graph : DefectTypeGraph or None
        None if the training table has no defect types or the engine does not open the graph.
    history : HistoryHead or None
        None if the model has no history head or the engine does not open it.
    manifest : mapping
        The content of bundle.json.
    card : str
        The model card, as Markdown.
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
    defect_type_graph: DefectTypeGraph | None
    history: HistoryHead | None
    manifest: Mapping[str, Any]
    card: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Feature names in the order of the graph's input."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Index of each feature in the graph's input, by name."""
        return {name: index for index, name in enumerate(self.names)}

    @cached_property
    def excluded_names(self) -> frozenset[str]:
        """Names of the excluded columns."""
        return frozenset(column.name for column in self.excluded)

    def product_type(self, values: NDArray[np.float32]) -> str:
        """Return the product type of a shot's values, shape (n_features,); `all` if it is unknown."""
        if self.product_feature is None:
            return "all"
        column = self.position[self.product_feature]
        code = values[column]
        return "all" if np.isnan(code) else self.features[column].categories[int(code)]


def load_bundle(folder: Path, engine: Engine) -> Bundle:
    """Read and verify the bundle in `folder`.

    The hash of each file is checked before its content is parsed.

    Parameters
    ----------
    folder : Path
        Folder of bundle.json and the files that it lists.
    engine : Engine
        The adapter that opens the graphs.

    Returns
    -------
    bundle : Bundle
        The verified model.

    Raises
    ------
    BundleError
        A file is missing, malformed, does not match its sha256 in bundle.json, or has an unsupported format.
    """
    manifest = read_manifest(folder)
    files = read_files(folder, manifest)
    features = tuple(_feature(entry) for entry in manifest["features"])
    _check_products(manifest, features)
    return Bundle(
        version=manifest["version"], features=features,
        excluded=tuple(ExcludedColumn(**entry) for entry in manifest["excluded"]),
        defect_types=tuple(DefectType(**entry) for entry in manifest["defect_types"]),
        thresholds=Thresholds(**manifest["thresholds"]),
        limits={product: {name: (low, high) for name, (low, high) in limits.items()}
                for product, limits in manifest["limits"].items()},
        typical=manifest["typical"], product_feature=manifest["product_feature"],
        background=read_background(folder / "background.npz", files["background.npz"], len(features)),
        samples=read_samples(folder / "samples.json", files["samples.json"]),
        graph=engine.graph(files["model.onnx"]), defect_type_graph=_defect_type_graph(manifest, files, engine),
        history=_history_head(manifest["history"], files, engine),
        manifest=manifest, card=read_card(folder / "MODEL_CARD.md", files["MODEL_CARD.md"]))


def _check_products(manifest: Mapping[str, Any], features: tuple[Feature, ...]) -> None:
    """Require limits and medians for every product type, and for shots of an unknown type (`all`)."""
    products = {"all", *(name for feature in features if feature.name == manifest["product_feature"]
                         for name in feature.categories)}
    for part in ("limits", "typical"):
        if missing := products - set(manifest[part]):
            raise BundleError(f"bundle.json has no {part} of {', '.join(sorted(missing))}; retrain the bundle")


def _defect_type_graph(manifest: Mapping[str, Any], files: Mapping[str, bytes],
                       engine: Engine) -> DefectTypeGraph | None:
    return engine.types(files["model_types.onnx"]) if engine.types and manifest["defect_types"] else None


def _history_head(thresholds: Mapping[str, float] | None, files: Mapping[str, bytes],
                  engine: Engine) -> HistoryHead | None:
    if engine.history is None or thresholds is None:
        return None
    return HistoryHead(engine.history(files["model_history.onnx"]), HistoryThresholds(**thresholds))


def _feature(entry: Mapping[str, Any]) -> Feature:
    ranges = {key: (float(entry[key][0]), float(entry[key][1])) for key in ("seen", "plausible")}
    return Feature(**{**entry, **ranges, "categories": tuple(entry["categories"])})
