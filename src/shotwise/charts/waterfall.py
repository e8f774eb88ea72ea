"""Draw the waterfall chart of one shot: contributions from the base value to its probability, values and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shotwise.attribution.shapley import Attribution, strongest_columns
from shotwise.bundle import Bundle, Feature
from shotwise.charts.canvas import BAND, DPI, FAINT, INK, LEFT_EDGE, LOWERS, RAISES, Axis, Canvas, Segment, fit_text
from shotwise.prediction import limit_breaches
from shotwise.shot import Shot

MAX_FEATURES = 9
INCHES = (7.6, 4.6)
# In fractions of the width: right edge of the labels; left and right edges of gauges and bars.
LABEL_EDGE, GAUGE_SPAN, BAR_SPAN = 0.365, (0.38, 0.47), (0.49, 0.97)
BOTTOM, HEIGHT = 0.08, 0.80
BAR_ROOM = 0.16  # room for the numbers beside the bars, as a fraction of the span of the bars
GAUGE_ROOM = 0.25  # room on each side of the limits, in widths of the limits
GAP = 0.008

TEXTS = {
    "ko": {"title": "결함 확률 {probability:.1%}", "base": "배경 샷 평균 {base:.1%}", "others": "그 밖의 값 {count}개",
           "legend": "빨강: 확률을 높임 · 파랑: 확률을 낮춤 · 회색 띠: 양품 한계, 눈금: 이 샷의 값 · ▲▼: 한계 밖",
           "point": "%p", "not_measured": "측정 안 됨"},
    "en": {"title": "Probability of a defect {probability:.1%}", "base": "Mean of background shots {base:.1%}",
           "others": "{count} other values", "point": " pp", "not_measured": "not measured",
           "legend": "red raises · blue lowers · grey band: limits of good shots, tick: this value · ▲▼ outside"},
}


@dataclass(frozen=True)
class WaterfallRow:
    """One row of the chart.

    Attributes
    ----------
    label : str
        Name and value, with a mark if the value is outside its limits.
    contribution : float
        Signed contribution, in probability.
    limit_position : float or None
        Position of the value relative to its limits, 0 at the low and 1 at the high one; None if it has no limits.
    """

    label: str
    contribution: float
    limit_position: float | None = None


def waterfall(shot: Shot, attribution: Attribution, bundle: Bundle, language: str) -> bytes:
    """Draw the chart as PNG; `language` is `ko` or `en`."""
    texts = TEXTS[language]
    canvas = Canvas(*INCHES)
    rows = waterfall_rows(shot, attribution, bundle, language)
    _draw_bars(canvas, rows, attribution.base_value, texts["point"])
    canvas.heading(texts["title"].format(probability=attribution.probability),
                   texts["base"].format(base=attribution.base_value), texts["legend"])
    return canvas.png()


def waterfall_rows(shot: Shot, attribution: Attribution, bundle: Bundle, language: str) -> list[WaterfallRow]:
    """Return rows of the largest contributions, the largest first, and one row with the sum of all others."""
    order = strongest_columns(attribution)
    limits = bundle.limits[bundle.product_type(shot.values)]
    marks = {breach.feature: " ▲" if breach.value > breach.high else " ▼" for breach in limit_breaches(shot, bundle)}
    rows = [WaterfallRow(_label(bundle.features[column], shot, language, marks.get(bundle.names[column], "")),
                         float(attribution.contributions[column]), _limit_position(bundle.names[column], shot, limits))
            for column in order[:MAX_FEATURES]]
    others = order[MAX_FEATURES:]
    if others:
        rows.append(WaterfallRow(TEXTS[language]["others"].format(count=len(others)),
                                 float(attribution.contributions[others].sum())))
    return rows


def _label(feature: Feature, shot: Shot, language: str, mark: str) -> str:
    value = shot.measured[feature.name]
    measured = TEXTS[language]["not_measured"] if value is None else f"{value} {feature.unit}".rstrip()
    return fit_text(feature.label[language], f" = {measured}{mark}", (LABEL_EDGE - LEFT_EDGE) * INCHES[0] * DPI)


def _limit_position(name: str, shot: Shot, limits: Mapping[str, tuple[float, float]]) -> float | None:
    value = shot.measured[name]
    if name not in limits or not isinstance(value, int | float):
        return None
    low, high = limits[name]
    return (value - low) / (high - low) if high > low else 0.5 + (value > high) - (value < low)


def _draw_bars(canvas: Canvas, rows: Sequence[WaterfallRow], base_value: float, point: str) -> None:
    bottom_up = list(reversed(rows))  # from the base value up to the probability, the largest contribution last
    ends = [base_value]
    for row in bottom_up:
        ends.append(ends[-1] + row.contribution)
    span = (max(ends) - min(ends)) or 0.01
    axis = Axis(min(ends), min(ends) + span, *BAR_SPAN, room=BAR_ROOM)
    positions = [float(axis(end)) for end in ends]
    heights = [BOTTOM + HEIGHT * (index + 0.7) / (len(rows) + 0.4) for index in range(len(rows))]
    bars = list(zip(positions, positions[1:], strict=False))
    canvas.lines([[(start, height), (stop, height)] for height, (start, stop) in zip(heights, bars, strict=True)],
                 [RAISES if stop >= start else LOWERS for start, stop in bars], 15)
    canvas.lines([[(positions[0], BOTTOM), (positions[0], BOTTOM + HEIGHT)]], FAINT, 0.8, dotted=True)
    for row, height, (start, stop) in zip(bottom_up, heights, bars, strict=True):
        align, edge = ("left", max(start, stop) + GAP) if stop >= start else ("right", min(start, stop) - GAP)
        canvas.text(edge, height, f"{row.contribution * 100:+.1f}{point}", align=align)
        canvas.text(LABEL_EDGE, height, row.label, align="right")
    _draw_gauges(canvas, [(row.limit_position, height) for row, height in zip(bottom_up, heights, strict=True)])


def _draw_gauges(canvas: Canvas, gauges: Sequence[tuple[float | None, float]]) -> None:
    """Draw the limits as a band and the value as a tick; a value far outside is drawn at the end of the gauge.

    Each gauge is a pair of limit position and height.
    """
    bands: list[Segment] = []
    ticks: list[Segment] = []
    axis = Axis(-GAUGE_ROOM, 1 + GAUGE_ROOM, *GAUGE_SPAN, room=0)
    for limit_position, height in gauges:
        if limit_position is not None:
            bands.append([(axis(0.0), height), (axis(1.0), height)])
            x = axis(min(max(limit_position, -GAUGE_ROOM), 1 + GAUGE_ROOM))
            ticks.append([(x, height - 0.02), (x, height + 0.02)])
    canvas.lines(bands, BAND, 9, behind=True)
    canvas.lines(ticks, INK, 2)
