"""T2 as a whole: attribution, chart, and where the chart is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shotwise.attribution import Attribution, attribute, strongest
from shotwise.bundle import Bundle
from shotwise.files import FileStore
from shotwise.shot import Shot

Draw = Callable[[Shot, Attribution, Bundle, str], bytes]
TOP = 5


@dataclass(frozen=True)
class TopFeature:
    """A feature that drove the prediction. value: its contribution, in probability; measured: in `unit`;
    direction: high or low against the median of good shots of the product, typical at it, None where there is none."""

    name: str
    label: Mapping[str, str]
    value: float
    measured: float | str | None
    unit: str
    direction: str | None


@dataclass(frozen=True)
class Explanation:
    """Attribution of a shot, its strongest features, and the chart's URL, None where no chart was asked for."""

    attribution: Attribution
    top: tuple[TopFeature, ...]
    visualization_url: str | None


def explain(shot: Shot, bundle: Bundle, store: FileStore, draw: Draw | None, language: str, name: str) -> Explanation:
    """Explain `shot`. `draw` None means no chart; `name` begins the chart's key, the hash of its content ends it."""
    attribution = attribute(shot, bundle)
    url = None
    if draw is not None:
        png = draw(shot, attribution, bundle, language)
        # The content's hash in the key: an id that a caller made up can never replace another shot's chart.
        url = store.put(f"{name}-{hashlib.sha256(png).hexdigest()[:16]}.png", png)
    return Explanation(attribution, _top(shot, attribution, bundle), url)


def _top(shot: Shot, attribution: Attribution, bundle: Bundle) -> tuple[TopFeature, ...]:
    features = [(bundle.features[index], float(attribution.contributions[index]))
                for index in strongest(attribution)[:TOP]]
    return tuple(TopFeature(feature.name, feature.label, contribution, shot.measured[feature.name], feature.unit,
                            _direction(feature.name, shot, bundle)) for feature, contribution in features)


def _direction(name: str, shot: Shot, bundle: Bundle) -> str | None:
    typical = bundle.typical[bundle.product(shot.values)].get(name)
    measured = shot.measured[name]
    if typical is None or not isinstance(measured, int | float):
        return None
    return "typical" if measured == typical else "high" if measured > typical else "low"
