"""Explain one shot by attribution, signals and setpoints together, and store its chart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from shotwise.attribution.setpoints import Setpoints, setpoints
from shotwise.attribution.shapley import Attribution, attribute, strongest_columns
from shotwise.attribution.signals import Signal, signals
from shotwise.bundle import Bundle
from shotwise.files import FileStore
from shotwise.novelty import novelty
from shotwise.shot import Shot

DrawChart = Callable[[Shot, Attribution, Bundle, str], bytes]  # the last argument is the language; returns a PNG
MAX_TOP_FEATURES = 5


@dataclass(frozen=True)
class TopFeature:
    """A feature that drove the prediction.

    Attributes
    ----------
    name : str
        Key of the feature.
    label : mapping of language to str
        Name for readers.
    contribution : float
        Signed contribution, in probability.
    measured : float, str or None
        The shot's value in `unit`; None where it was not measured.
    unit : str
        Unit of the value; empty for none.
    direction : str or None
        `high`, `low` or `typical`: the value compared with the median of good shots of the product type. None if there
        is no median or the value is not a number.
    """

    name: str
    label: Mapping[str, str]
    contribution: float
    measured: float | str | None
    unit: str
    direction: str | None


@dataclass(frozen=True)
class Explanation:
    """Why a shot was predicted as it was.

    Attributes
    ----------
    attribution : Attribution
        Contributions of all features.
    top_features : tuple of TopFeature
        Features with the largest absolute contributions, the largest first.
    setpoints : Setpoints or None
        None if not requested.
    signals : tuple of Signal or None
        None if not requested.
    imputed : tuple of str
        Features that were not measured.
    unusual : bool
        Whether the shot is unlike the training shots; its explanation then means little.
    """

    attribution: Attribution
    top_features: tuple[TopFeature, ...]
    setpoints: Setpoints | None
    signals: tuple[Signal, ...] | None
    imputed: tuple[str, ...]
    unusual: bool


def explain(shot: Shot, bundle: Bundle, include: Collection[str]) -> Explanation:
    """Explain a shot; `include` may name the extra parts `setpoints` and `signals`."""
    attribution, output = attribute(shot, bundle), bundle.graph.run(shot.values[None, :])
    return Explanation(
        attribution, _top_features(shot, attribution, bundle),
        setpoints(shot, bundle) if "setpoints" in include else None,
        signals(shot, attribution, output.feature_error[0], bundle) if "signals" in include else None,
        shot.imputed, novelty(shot.values, output, 0, bundle).kind is not None)


def store_chart(png: bytes, store: FileStore, name: str) -> str:
    """Store a chart and return its URL.

    The stored name ends with a hash of the content, so that no caller can replace the chart of another shot by sending
    that shot's id.

    Raises
    ------
    StoreError
        The store failed.
    """
    return store.put(f"{name}-{hashlib.sha256(png).hexdigest()[:16]}.png", png)


def _top_features(shot: Shot, attribution: Attribution, bundle: Bundle) -> tuple[TopFeature, ...]:
    features = [(bundle.features[column], float(attribution.contributions[column]))
                for column in strongest_columns(attribution)[:MAX_TOP_FEATURES]]
    return tuple(TopFeature(feature.name, feature.label, contribution, shot.measured[feature.name], feature.unit,
                            _direction(feature.name, shot, bundle)) for feature, contribution in features)


def _direction(name: str, shot: Shot, bundle: Bundle) -> str | None:
    typical = bundle.typical[bundle.product_type(shot.values)].get(name)
    measured = shot.measured[name]
    if typical is None or not isinstance(measured, int | float):
        return None
    return "typical" if measured == typical else "high" if measured > typical else "low"
