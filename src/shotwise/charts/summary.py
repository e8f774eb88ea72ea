"""Pictures of many attributions: which values matter (bar), which way (beeswarm), how one value acts (dependence)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.charts.canvas import (
    BAND,
    BOLD,
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
PLANE = (0.1, 0.955)  # of a dependence plot, across
EDGE_ROOM = 2 * (1 - PLANE[1] - 0.005) * INCHES[0] * DPI  # of a name under a plane's very end
TITLE_WIDTH = 0.6 * INCHES[0] * DPI
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
class Attributions:
    """Attributions of N shots. values: float32 [N, F] as the graph takes them; contributions: float64 [N, F]."""

    values: NDArray[np.float32]
    contributions: Floats

    @property
    def sizes(self) -> Floats:
        """[F]: mean absolute contributions; zeros without a shot."""
        total: Floats = np.abs(self.contributions).sum(axis=0)
        return total / max(len(self.contributions), 1)

    def strongest_columns(self) -> list[int]:
        """At most SHOWN columns that contribute at all, the largest mean size first."""
        sizes = self.sizes
        return [int(column) for column in np.argsort(-sizes, kind="stable")[:SHOWN] if sizes[column] > 0]


def bar(explained: Attributions, bundle: Bundle, language: str) -> bytes:
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


def beeswarm(explained: Attributions, bundle: Bundle, language: str) -> bytes:
    """A dot for every shot and value as PNG: across its contribution, coloured by where the value stands among the
    shots; grey where it was not measured. Time and dots are as many as the shots: for a few thousand."""
    canvas, columns = _begun(explained, "beeswarm", language)
    shown = 100 * explained.contributions[:, columns]
    across = Axis(float(shown.min(initial=0)), float(shown.max(initial=0)), *STRIP)
    for tick in across.ticks():
        canvas.lines([[(across(tick), BOTTOM), (across(tick), TOP)]], FAINT if tick == 0 else BAND, 0.8, behind=True)
        canvas.text(across(tick), BOTTOM - 0.03, f"{tick:g}", colour=FAINT, align="center")
    x, y, steps = across(shown), np.zeros(shown.shape), np.zeros(shown.shape, np.int64)
    for place, (column, height) in enumerate(zip(columns, _heights(columns), strict=True)):
        canvas.text(LABELS, height, _label(column, bundle, language), align="right")
        y[:, place] = height + _swarm(x[:, place]) * SWARM * (TOP - BOTTOM) / len(columns) / 2
        steps[:, place] = _steps(explained.values[:, column])
    for step in np.unique(steps):  # all rows at once: a line of dots costs as much as thousands of dots
        canvas.points(x[steps == step], y[steps == step], FAINT if step < 0 else SCALE[step])
    return canvas.png()


def dependence(explained: Attributions, feature: str, bundle: Bundle, language: str) -> bytes:
    """The contribution of one value against the value itself as PNG, a dot a shot; shots where it was not measured are
    left out. The limits are those of all products."""
    column, words = bundle.position[feature], WORDS[language]
    schema = bundle.features[column]
    measured = ~np.isnan(explained.values[:, column])
    values = explained.values[measured, column].astype(np.float64)
    contributions = 100 * explained.contributions[measured, column]
    canvas = Canvas(*INCHES)
    across = Axis(float(values.min()), float(values.max()), *PLANE) if len(values) else Axis(0, 1, *PLANE)
    upward = Axis(float(contributions.min(initial=0)), float(contributions.max(initial=0)), BOTTOM, TOP)
    if feature in bundle.limits["all"]:
        _draw_limits(canvas, across, bundle.limits["all"][feature])
    for tick in upward.ticks():
        height = upward(tick)
        canvas.lines([[(PLANE[0], height), (PLANE[1], height)]], FAINT, 0.8 if tick == 0 else 0.3, behind=True)
        canvas.text(PLANE[0] - GAP, height, f"{tick:g}", colour=FAINT, align="right")
    _draw_ticks(canvas, across, schema)
    canvas.points(across(values), upward(contributions), INK)
    unit = f" ({schema.unit})" if schema.unit else ""
    title = words["dependence"].format(label=fitted(schema.label[language], "", TITLE_WIDTH, BOLD))
    legend = fitted(words["dependence_legend"].format(unit=unit), "", (RIGHT_EDGE - LEFT_EDGE) * INCHES[0] * DPI)
    canvas.heading(title, words["count"].format(count=len(values)), legend)
    return canvas.png()


def _draw_limits(canvas: Canvas, across: Axis, limits: tuple[float, float]) -> None:
    """The limits of good shots as a band as high as the plane."""
    low, high = np.clip(across(np.array(limits)), *PLANE)
    canvas.lines([[((low + high) / 2, BOTTOM), ((low + high) / 2, TOP)]], BAND, (high - low) * INCHES[0] * 72,
                 behind=True)


def _draw_ticks(canvas: Canvas, across: Axis, feature: Feature) -> None:
    """Round numbers, or the names of the categories, below the plane."""
    names = {float(code): name for code, name in enumerate(feature.categories)} or \
        {tick: f"{tick:g}" for tick in across.ticks()}
    room = (PLANE[1] - PLANE[0]) * INCHES[0] * DPI / (len(names) + 1)
    for tick, name in names.items():
        place = float(across(tick))
        if PLANE[0] <= place <= PLANE[1]:  # of the categories, those that the shots have
            canvas.text(place, BOTTOM - 0.03, fitted(name, "", min(room, EDGE_ROOM)), colour=FAINT, align="center")


def _begun(explained: Attributions, kind: str, language: str) -> tuple[Canvas, list[int]]:
    words, canvas = WORDS[language], Canvas(*INCHES)
    canvas.heading(words[kind], words["count"].format(count=len(explained.values)), words[f"{kind}_legend"])
    return canvas, explained.strongest_columns()


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
