"""Draw charts of many shots: mean contributions (bar), all contributions (beeswarm) or one feature's (dependence)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.charts.canvas import (
    BAND,
    BOLD,
    COLOUR_SCALE,
    DPI,
    FAINT,
    INK,
    LEFT_EDGE,
    LOWERS,
    RIGHT_EDGE,
    SCALE_STEPS,
    Axis,
    Canvas,
    Floats,
    fit_text,
)

MAX_FEATURES = 12
INCHES = (7.6, 5.4)
# Fractions of the width: right edge of the labels; left and right edge of the rows, and of a dependence plot.
LABEL_EDGE, ROW_SPAN, PLOT_SPAN = 0.27, (0.29, 0.955), (0.1, 0.955)
BOTTOM, TOP = 0.13, 0.88
GAP = 0.008
EDGE_TICK_WIDTH = 2 * (1 - PLOT_SPAN[1] - 0.005) * INCHES[0] * DPI  # room for a name that is centred on the plot's edge
TITLE_WIDTH = 0.6 * INCHES[0] * DPI
SWARM_HEIGHT = 0.8  # part of a row's height for its dots
SWARM_BINS = 240  # number of bins over the width of the picture

TEXTS = {
    "ko": {"beeswarm": "값이 결함 확률에 준 영향", "bar": "값마다 평균 낸 영향 크기", "count": "샷 {count}개",
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
    """The attributions of many shots.

    Attributes
    ----------
    values : ndarray of float32, shape (n_shots, n_features)
        The graph's input; NaN where a value was not measured.
    contributions : ndarray of float64, shape (n_shots, n_features)
        Signed contributions, in probability.
    """

    values: NDArray[np.float32]
    contributions: Floats

    @property
    def mean_sizes(self) -> Floats:
        """Mean absolute contributions, shape (n_features,); zeros if there are no shots."""
        total: Floats = np.abs(self.contributions).sum(axis=0)
        return total / max(len(self.contributions), 1)

    def strongest_columns(self) -> list[int]:
        """List at most MAX_FEATURES columns with a contribution other than 0, the largest mean size first."""
        sizes = self.mean_sizes
        return [int(column) for column in np.argsort(-sizes, kind="stable")[:MAX_FEATURES] if sizes[column] > 0]


def bar(attributions: Attributions, bundle: Bundle, language: str) -> bytes:
    """Draw the mean absolute contribution of each value as PNG; `language` is `ko` or `en`."""
    canvas, columns = _start(attributions, "bar", language)
    sizes = 100 * attributions.mean_sizes
    x_axis = Axis(0, max((sizes[column] for column in columns), default=1.0), *ROW_SPAN, room=0.08)
    for column, height in zip(columns, _row_heights(columns), strict=True):
        end = x_axis(sizes[column])
        canvas.lines([[(x_axis(0), height), (end, height)]], LOWERS, 13)
        canvas.text(end + GAP, height, f"{sizes[column]:.1f}{TEXTS[language]['point']}")
        canvas.text(LABEL_EDGE, height, _label(column, bundle, language), align="right")
    return canvas.png()


def beeswarm(attributions: Attributions, bundle: Bundle, language: str) -> bytes:
    """Draw a dot for every shot and value as PNG; `language` is `ko` or `en`.

    The position of a dot on the x axis is the contribution, its colour the rank of the value among the shots, grey if
    it was not measured. The time grows with the number of shots; the chart is meant for a few thousand.
    """
    canvas, columns = _start(attributions, "beeswarm", language)
    points = 100 * attributions.contributions[:, columns]
    x_axis = Axis(float(points.min(initial=0)), float(points.max(initial=0)), *ROW_SPAN)
    for tick in x_axis.ticks():
        canvas.lines([[(x_axis(tick), BOTTOM), (x_axis(tick), TOP)]], FAINT if tick == 0 else BAND, 0.8, behind=True)
        canvas.text(x_axis(tick), BOTTOM - 0.03, f"{tick:g}", colour=FAINT, align="center")
    x, y, steps = x_axis(points), np.zeros(points.shape), np.zeros(points.shape, np.int64)
    for row, (column, height) in enumerate(zip(columns, _row_heights(columns), strict=True)):
        canvas.text(LABEL_EDGE, height, _label(column, bundle, language), align="right")
        y[:, row] = height + _swarm_offsets(x[:, row]) * SWARM_HEIGHT * (TOP - BOTTOM) / len(columns) / 2
        steps[:, row] = _colour_steps(attributions.values[:, column])
    for step in np.unique(steps):  # all rows together, because a call takes as long as thousands of dots
        canvas.points(x[steps == step], y[steps == step], FAINT if step < 0 else COLOUR_SCALE[step])
    return canvas.png()


def dependence(attributions: Attributions, feature: str, bundle: Bundle, language: str) -> bytes:
    """Draw the contribution of one feature against its value as PNG, with a dot for every shot.

    Parameters
    ----------
    attributions : Attributions
        The attributions; shots in which the feature was not measured are left out.
    feature : str
        Name of the feature.
    bundle : Bundle
        The model; its limits of good shots of all product types are drawn as a band.
    language : str
        `ko` or `en`.
    """
    column, texts = bundle.position[feature], TEXTS[language]
    schema = bundle.features[column]
    measured = ~np.isnan(attributions.values[:, column])
    values = attributions.values[measured, column].astype(np.float64)
    contributions = 100 * attributions.contributions[measured, column]
    canvas = Canvas(*INCHES)
    x_axis = Axis(float(values.min()), float(values.max()), *PLOT_SPAN) if len(values) else Axis(0, 1, *PLOT_SPAN)
    y_axis = Axis(float(contributions.min(initial=0)), float(contributions.max(initial=0)), BOTTOM, TOP)
    if feature in bundle.limits["all"]:
        _draw_limits(canvas, x_axis, bundle.limits["all"][feature])
    _draw_y_ticks(canvas, y_axis)
    _draw_x_ticks(canvas, x_axis, schema)
    canvas.points(x_axis(values), y_axis(contributions), INK)
    unit = f" ({schema.unit})" if schema.unit else ""
    title = texts["dependence"].format(label=fit_text(schema.label[language], "", TITLE_WIDTH, BOLD))
    legend = fit_text(texts["dependence_legend"].format(unit=unit), "", (RIGHT_EDGE - LEFT_EDGE) * INCHES[0] * DPI)
    canvas.heading(title, texts["count"].format(count=len(values)), legend)
    return canvas.png()


def _draw_limits(canvas: Canvas, x_axis: Axis, limits: tuple[float, float]) -> None:
    """Draw the limits of good shots as a vertical band over the full height of the plot."""
    low, high = np.clip(x_axis(np.array(limits)), *PLOT_SPAN)
    canvas.lines([[((low + high) / 2, BOTTOM), ((low + high) / 2, TOP)]], BAND, (high - low) * INCHES[0] * 72,
                 behind=True)


def _draw_y_ticks(canvas: Canvas, y_axis: Axis) -> None:
    """Write round numbers beside the plot, each with a thin line across."""
    for tick in y_axis.ticks():
        height = y_axis(tick)
        canvas.lines([[(PLOT_SPAN[0], height), (PLOT_SPAN[1], height)]], FAINT, 0.8 if tick == 0 else 0.3, behind=True)
        canvas.text(PLOT_SPAN[0] - GAP, height, f"{tick:g}", colour=FAINT, align="right")


def _draw_x_ticks(canvas: Canvas, x_axis: Axis, feature: Feature) -> None:
    """Write round numbers, or the names of the categories, below the plot."""
    names = {float(code): name for code, name in enumerate(feature.categories)} or \
        {tick: f"{tick:g}" for tick in x_axis.ticks()}
    width = (PLOT_SPAN[1] - PLOT_SPAN[0]) * INCHES[0] * DPI / (len(names) + 1)
    for tick, name in names.items():
        x = float(x_axis(tick))
        if PLOT_SPAN[0] <= x <= PLOT_SPAN[1]:  # a category that no shot has may be outside
            canvas.text(x, BOTTOM - 0.03, fit_text(name, "", min(width, EDGE_TICK_WIDTH)), colour=FAINT,
                        align="center")


def _start(attributions: Attributions, kind: str, language: str) -> tuple[Canvas, list[int]]:
    """Return a canvas with the heading of this kind of chart, and the columns to draw."""
    texts, canvas = TEXTS[language], Canvas(*INCHES)
    canvas.heading(texts[kind], texts["count"].format(count=len(attributions.values)), texts[f"{kind}_legend"])
    return canvas, attributions.strongest_columns()


def _label(column: int, bundle: Bundle, language: str) -> str:
    return fit_text(bundle.features[column].label[language], "", (LABEL_EDGE - LEFT_EDGE) * INCHES[0] * DPI)


def _row_heights(columns: list[int]) -> list[float]:
    """Return the centres of the rows, the first row on top."""
    return [TOP - (TOP - BOTTOM) * (row + 0.5) / len(columns) for row in range(len(columns))]


def _swarm_offsets(x: Floats) -> Floats:
    """Compute the vertical offsets of the dots of one row, in [-1, 1], so that they do not hide one another.

    The dots in a narrow bin of the x axis are placed alternately above and below the middle.
    """
    bins = np.floor(x * SWARM_BINS).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    _, starts, counts = np.unique(bins[order], return_index=True, return_counts=True)
    rank_in_bin = np.arange(len(x)) - np.repeat(starts, counts)
    signed_rank = np.where(rank_in_bin % 2 == 0, 1, -1) * ((rank_in_bin + 1) // 2)
    offsets = np.empty(len(x))
    offsets[order] = signed_rank / max(counts.max(initial=1) / 2, 8)
    return offsets


def _colour_steps(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Compute the steps of the colour scale from the ranks of the values; -1 where a value was not measured."""
    measured = ~np.isnan(values)
    steps = np.full(len(values), -1)
    ordered = np.sort(values[measured])
    if len(ordered):
        below, up_to = (np.searchsorted(ordered, values[measured], side) for side in ("left", "right"))
        steps[measured] = np.minimum((below + up_to) * SCALE_STEPS // (2 * len(ordered)), SCALE_STEPS - 1)
    return steps
