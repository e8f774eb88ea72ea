"""T2 as a whole: attribution, what agrees with it, what to change, and where the chart is kept."""

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

DrawChart = Callable[[Shot, Attribution, Bundle, str], bytes]
TOP = 5


@dataclass(frozen=True)
class TopFeature:
    """A feature that drove the prediction. value: its contribution, in probability; measured: in `unit`;
    direction: high or low against the median of good shots of the product, typical at it, None where there is none."""

    name: str
    label: Mapping[str, str]
    contribution: float
    measured: float | str | None
    unit: str
    direction: str | None


@dataclass(frozen=True)
class Explanation:
    """Attribution of a shot and its strongest features. setpoints and signals: None where they were not asked for.
    unusual: the model was not trained on such shots, so that what drove it says little."""

    attribution: Attribution
    top_features: tuple[TopFeature, ...]
    setpoints: Setpoints | None
    signals: tuple[Signal, ...] | None
    imputed: tuple[str, ...]
    unusual: bool


def explain(shot: Shot, bundle: Bundle, include: Collection[str]) -> Explanation:
    """Explain `shot`; `include` may name setpoints and signals."""
    attribution, output = attribute(shot, bundle), bundle.graph.run(shot.values[None, :])
    return Explanation(
        attribution, _top(shot, attribution, bundle),
        setpoints(shot, bundle) if "setpoints" in include else None,
        signals(shot, attribution, output.feature_error[0], bundle) if "signals" in include else None,
        shot.imputed, novelty(shot.values, output, 0, bundle).kind is not None)


def store_chart(png: bytes, store: FileStore, name: str) -> str:
    """The URL of a chart in the store. The content's hash ends its key, so an id that a caller made up can never
    replace another shot's chart. Raises StoreError."""
    return store.put(f"{name}-{hashlib.sha256(png).hexdigest()[:16]}.png", png)


def _top(shot: Shot, attribution: Attribution, bundle: Bundle) -> tuple[TopFeature, ...]:
    features = [(bundle.features[index], float(attribution.contributions[index]))
                for index in strongest_columns(attribution)[:TOP]]
    return tuple(TopFeature(feature.name, feature.label, contribution, shot.measured[feature.name], feature.unit,
                            _direction(feature.name, shot, bundle)) for feature, contribution in features)


def _direction(name: str, shot: Shot, bundle: Bundle) -> str | None:
    typical = bundle.typical[bundle.product_type(shot.values)].get(name)
    measured = shot.measured[name]
    if typical is None or not isinstance(measured, int | float):
        return None
    return "typical" if measured == typical else "high" if measured > typical else "low"
