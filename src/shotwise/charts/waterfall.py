"""The picture of one attribution: from the base value to the shot's probability, each value against its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shotwise.attribution.shapley import Attribution, strongest_columns
from shotwise.bundle import Bundle, Feature
from shotwise.charts.canvas import BAND, DPI, FAINT, INK, LEFT_EDGE, LOWERS, RAISES, Axis, Canvas, Segment, fitted
from shotwise.prediction import limit_breaches
from shotwise.shot import Shot

SHOWN = 9
INCHES = (7.6, 4.6)
LABELS, GAUGE, BARS = 0.365, (0.38, 0.47), (0.49, 0.97)  # right edge of the labels; from, to of gauges and bars
BOTTOM, HEIGHT = 0.08, 0.80
ROOM = 0.16  # for the figures beside the bars, in parts of what the bars span
BESIDE = 0.25  # of the gauge, on each side of the limits
GAP = 0.008

WORDS = {
    "ko": {"title": "결함 확률 {probability:.1%}", "base": "배경 샷 평균 {base:.1%}", "others": "그 밖의 값 {count}개",
           "legend": "빨강: 확률을 높임 · 파랑: 확률을 낮춤 · 회색 띠: 양품 한계, 눈금: 이 샷의 값 · ▲▼: 한계 밖",
           "point": "%p", "absent": "측정 안 됨"},
    "en": {"title": "Probability of a defect {probability:.1%}", "base": "Mean of background shots {base:.1%}",
           "others": "{count} other values", "point": " pp", "absent": "not measured",
           "legend": "red raises · blue lowers · grey band: limits of good shots, tick: this value · ▲▼ outside"},
}


@dataclass(frozen=True)
class Bar:
    """One row: what is written beside it, the contribution in probability, and where the value stands between its
    limits (0 low, 1 high), None where it has none."""

    label: str
    contribution: float
    standing: float | None = None


def waterfall(shot: Shot, attribution: Attribution, bundle: Bundle, language: str) -> bytes:
    """The picture as PNG. `language` is ko or en; labels come from the bundle."""
    words = WORDS[language]
    canvas = Canvas(*INCHES)
    rows = bars(shot, attribution, bundle, language)
    _draw_bars(canvas, rows, attribution.base_value, words["point"])
    canvas.heading(words["title"].format(probability=attribution.probability),
                   words["base"].format(base=attribution.base_value), words["legend"])
    return canvas.png()


def bars(shot: Shot, attribution: Attribution, bundle: Bundle, language: str) -> list[Bar]:
    """The largest contributions, largest first, and the sum of the others."""
    order = strongest_columns(attribution)
    limits = bundle.limits[bundle.product_type(shot.values)]
    marks = {breach.feature: " ▲" if breach.value > breach.high else " ▼" for breach in limit_breaches(shot, bundle)}
    found = [Bar(_label(bundle.features[index], shot, language, marks.get(bundle.names[index], "")),
                 float(attribution.contributions[index]), _standing(bundle.names[index], shot, limits))
             for index in order[:SHOWN]]
    rest = order[SHOWN:]
    if rest:
        found.append(Bar(WORDS[language]["others"].format(count=len(rest)),
                         float(attribution.contributions[rest].sum())))
    return found


def _label(feature: Feature, shot: Shot, language: str, mark: str) -> str:
    value = shot.measured[feature.name]
    told = WORDS[language]["absent"] if value is None else f"{value} {feature.unit}".rstrip()
    return fitted(feature.label[language], f" = {told}{mark}", (LABELS - LEFT_EDGE) * INCHES[0] * DPI)


def _standing(name: str, shot: Shot, limits: Mapping[str, tuple[float, float]]) -> float | None:
    value = shot.measured[name]
    if name not in limits or not isinstance(value, int | float):
        return None
    low, high = limits[name]
    return (value - low) / (high - low) if high > low else 0.5 + (value > high) - (value < low)


def _draw_bars(canvas: Canvas, rows: Sequence[Bar], base: float, point: str) -> None:
    ends = [base]
    for bar in reversed(rows):  # from the base value below to the probability above, the largest last
        ends.append(ends[-1] + bar.contribution)
    span = (max(ends) - min(ends)) or 0.01
    across = Axis(min(ends), min(ends) + span, *BARS, room=ROOM)
    places = [float(across(end)) for end in ends]
    heights = [BOTTOM + HEIGHT * (row + 0.7) / (len(rows) + 0.4) for row in range(len(rows))]
    stretches = list(zip(places, places[1:], strict=False))
    canvas.lines([[(start, height), (stop, height)] for height, (start, stop) in zip(heights, stretches, strict=True)],
                 [RAISES if stop >= start else LOWERS for start, stop in stretches], 15)
    canvas.lines([[(places[0], BOTTOM), (places[0], BOTTOM + HEIGHT)]], FAINT, 0.8, dotted=True)
    for bar, height, (start, stop) in zip(reversed(rows), heights, stretches, strict=True):
        align, edge = ("left", max(start, stop) + GAP) if stop >= start else ("right", min(start, stop) - GAP)
        canvas.text(edge, height, f"{bar.contribution * 100:+.1f}{point}", align=align)
        canvas.text(LABELS, height, bar.label, align="right")
    _draw_gauges(canvas, [(bar.standing, height) for bar, height in zip(reversed(rows), heights, strict=True)])


def _draw_gauges(canvas: Canvas, standings: Sequence[tuple[float | None, float]]) -> None:
    """The limits as a band, and where the value stands; one far outside stands at the gauge's end."""
    bands: list[Segment] = []
    ticks: list[Segment] = []
    gauge = Axis(-BESIDE, 1 + BESIDE, *GAUGE, room=0)
    for standing, height in standings:
        if standing is not None:
            bands.append([(gauge(0.0), height), (gauge(1.0), height)])
            place = gauge(min(max(standing, -BESIDE), 1 + BESIDE))
            ticks.append([(place, height - 0.02), (place, height + 0.02)])
    canvas.lines(bands, BAND, 9, behind=True)
    canvas.lines(ticks, INK, 2)
