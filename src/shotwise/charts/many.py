"""Pictures of many attributions: which values matter (bar), which way (beeswarm), how one value acts (dependence)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle
from shotwise.charts.canvas import (
    BAND,
    DPI,
    FAINT,
    INK,
    LEFT_EDGE,
    LOWERS,
    RIGHT_EDGE,
    SCALE,
    STEPS,
    Axis,
    Canvas,
    Floats,
    fitted,
)

SHOWN = 12
INCHES = (7.6, 5.4)
LABELS, STRIP = 0.27, (0.29, 0.955)
BOTTOM, TOP = 0.13, 0.88
GAP = 0.008
SWARM = 0.8  # of a row's height that its dots may fill

WORDS = {
    "ko": {"beeswarm": "값이 결함 확률에 준 영향", "bar": "값의 영향 크기 평균", "count": "샷 {count}개",
           "dependence": "{label}의 영향", "point": "%p", "bar_legend": "영향의 절댓값 평균 (%p)",
           "beeswarm_legend": "점 하나가 샷 하나 · 가로: 확률을 낮춤 ← → 높임 (%p) · 파랑: 낮은 값, 빨강: 높은 값",
           "dependence_legend": "가로: 값{unit} · 세로: 영향 (%p) · 회색 띠: 양품 한계"},
    "en": {"beeswarm": "How values moved the probability of a defect", "bar": "Mean size of contributions",
           "count": "{count} shots", "dependence": "Contribution of {label}", "point": " pp",
           "bar_legend": "mean absolute contribution (pp)",
           "beeswarm_legend": "a dot is a shot · across: lowers ← → raises the probability (pp) · blue: low value, "
                              "red: high",
           "dependence_legend": "across: value{unit} · up: contribution (pp) · grey band: limits of good shots"},
}


@dataclass(frozen=True)
class Explained:
    """Attributions of N shots. values: float32 [N, F] as the graph takes them; contributions: float64 [N, F]."""

    values: NDArray[np.float32]
    contributions: Floats

    @property
    def sizes(self) -> Floats:
        """[F]: mean absolute contributions; zeros without a shot."""
        total: Floats = np.abs(self.contributions).sum(axis=0)
        return total / max(len(self.contributions), 1)

    def strongest(self) -> list[int]:
        """At most SHOWN columns that contribute at all, the largest mean size first."""
        sizes = self.sizes
        return [int(column) for column in np.argsort(-sizes, kind="stable")[:SHOWN] if sizes[column] > 0]


def bar(explained: Explained, bundle: Bundle, language: str) -> bytes:
    """The mean absolute contribution of each value as PNG."""
    canvas, columns = _begun(explained, "bar", language)
    sizes = 100 * explained.sizes
    across = Axis(0, max((sizes[column] for column in columns), default=1.0), *STRIP, room=0.08)
    for column, height in zip(columns, _heights(columns), strict=True):
        end = across(sizes[column])
        canvas.lines([[(across(0), height), (end, height)]], LOWERS, 13)
        canvas.text(end + GAP, height, f"{sizes[column]:.1f}{WORDS[language]['point']}")
        canvas.text(LABELS, height, _label(column, bundle, language), align="right")
    return canvas.png()


def beeswarm(explained: Explained, bundle: Bundle, language: str) -> bytes:
    """A dot for every shot and value as PNG: across its contribution, coloured by where the value stands among the
    shots; grey where it was not measured."""
    canvas, columns = _begun(explained, "beeswarm", language)
    shown = 100 * explained.contributions[:, columns]
    across = Axis(float(shown.min(initial=0)), float(shown.max(initial=0)), *STRIP)
    for tick in across.ticks():
        canvas.lines([[(across(tick), BOTTOM), (across(tick), TOP)]], FAINT if tick == 0 else BAND, 0.8, behind=True)
        canvas.text(across(tick), BOTTOM - 0.03, f"{tick:g}", colour=FAINT, align="center")
    heights = _heights(columns)
    for column, height, contributions in zip(columns, heights, shown.T, strict=True):
        canvas.text(LABELS, height, _label(column, bundle, language), align="right")
        x = across(contributions)
        y = height + _swarm(x) * SWARM * (TOP - BOTTOM) / max(len(columns), 1) / 2
        steps = _steps(explained.values[:, column])
        for step in np.unique(steps):
            canvas.points(x[steps == step], y[steps == step], FAINT if step < 0 else SCALE[step])
    return canvas.png()


def dependence(explained: Explained, feature: str, bundle: Bundle, language: str) -> bytes:
    """The contribution of one value against the value itself as PNG, a dot a shot; shots where it was not measured are
    left out. The limits are those of all products."""
    column, words = bundle.position[feature], WORDS[language]
    schema = bundle.features[column]
    measured = ~np.isnan(explained.values[:, column])
    values = explained.values[measured, column].astype(np.float64)
    contributions = 100 * explained.contributions[measured, column]
    canvas = Canvas(*INCHES)
    across = Axis(float(values.min(initial=np.inf)), float(values.max(initial=-np.inf)), 0.1, RIGHT_EDGE) \
        if len(values) else Axis(0, 1, 0.1, RIGHT_EDGE)
    upward = Axis(float(contributions.min(initial=0)), float(contributions.max(initial=0)), BOTTOM, TOP)
    if feature in bundle.limits["all"]:
        low, high = np.clip(across(np.array(bundle.limits["all"][feature])), 0.1, RIGHT_EDGE)
        canvas.lines([[((low + high) / 2, BOTTOM), ((low + high) / 2, TOP)]], BAND, (high - low) * INCHES[0] * 72,
                     behind=True)
    for tick in upward.ticks():
        canvas.lines([[(0.1, upward(tick)), (RIGHT_EDGE, upward(tick))]], FAINT, 0.8 if tick == 0 else 0.3, behind=True)
        canvas.text(0.09, upward(tick), f"{tick:g}", colour=FAINT, align="right")
    ticks = range(len(schema.categories)) if schema.categories else across.ticks()
    for tick in ticks:
        name = schema.categories[int(tick)] if schema.categories else f"{tick:g}"
        canvas.text(across(tick), BOTTOM - 0.03, name, colour=FAINT, align="center")
    canvas.points(across(values), upward(contributions), INK)
    unit = f" ({schema.unit})" if schema.unit else ""
    canvas.heading(words["dependence"].format(label=schema.label[language]),
                   words["count"].format(count=len(values)), words["dependence_legend"].format(unit=unit))
    return canvas.png()


def _begun(explained: Explained, kind: str, language: str) -> tuple[Canvas, list[int]]:
    words, canvas = WORDS[language], Canvas(*INCHES)
    canvas.heading(words[kind], words["count"].format(count=len(explained.values)), words[f"{kind}_legend"])
    return canvas, explained.strongest()


def _label(column: int, bundle: Bundle, language: str) -> str:
    return fitted(bundle.features[column].label[language], "", (LABELS - LEFT_EDGE) * INCHES[0] * DPI)


def _heights(columns: list[int]) -> list[float]:
    """Of the rows, the first one on top."""
    return [TOP - (TOP - BOTTOM) * (row + 0.5) / len(columns) for row in range(len(columns))]


def _swarm(x: Floats) -> Floats:
    """[-1, 1]: how far from the row's middle each dot goes, so that crowded places are wide: dots of one narrow bin
    are laid out in turn above and below."""
    bins = np.floor(x * 240).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    _, starts, counts = np.unique(bins[order], return_index=True, return_counts=True)
    place = np.arange(len(x)) - np.repeat(starts, counts)
    side = np.where(place % 2 == 0, 1, -1) * ((place + 1) // 2)
    found = np.empty(len(x))
    found[order] = side / max(counts.max(initial=1) / 2, 8)
    return found


def _steps(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """The step of the colour scale by rank among the shots (equal values alike); -1 where it was not measured."""
    measured = ~np.isnan(values)
    found = np.full(len(values), -1)
    known = np.sort(values[measured])
    if len(known):
        below, up_to = (np.searchsorted(known, values[measured], side) for side in ("left", "right"))
        found[measured] = np.minimum((below + up_to) * STEPS // (2 * len(known)), STEPS - 1)
    return found
