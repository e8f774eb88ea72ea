"""The picture of an attribution: a waterfall from the base value to the shot's probability, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from shotwise.attribution import Attribution, strongest
from shotwise.bundle import Bundle, Feature
from shotwise.prediction import breaches
from shotwise.shot import Shot

FONTS = Path(__file__).parent / "fonts"
REGULAR = FontProperties(fname=str(FONTS / "NanumSquareR.ttf"), size=9)
BOLD = FontProperties(fname=str(FONTS / "NanumSquareB.ttf"), size=11)
RAISES, LOWERS, INK, FAINT = "#c8443c", "#3a6ea5", "#22272e", "#9aa4af"
SHOWN = 9
INCHES = (7.6, 4.6)
DPI = 100
LABEL_EDGE = 0.36  # the part of the width, from the left, that labels may use

WORDS = {
    "ko": {"title": "결함 확률 {probability:.1%}", "base": "배경 샷 평균 {base:.1%}", "others": "그 밖의 값 {count}개",
           "legend": "빨강: 확률을 높임 · 파랑: 확률을 낮춤 · ▲▼: 양품 한계 밖", "point": "%p", "absent": "측정 안 됨"},
    "en": {"title": "Probability of a defect {probability:.1%}", "base": "Mean of background shots {base:.1%}",
           "others": "{count} other values", "legend": "red raises · blue lowers · ▲▼ outside the limits of good shots",
           "point": " pp", "absent": "not measured"},
}


@dataclass(frozen=True)
class Bar:
    """One row of the waterfall: what is written beside it and the contribution, in probability."""

    label: str
    contribution: float


def draw(shot: Shot, attribution: Attribution, bundle: Bundle, language: str) -> bytes:
    """The waterfall as PNG. `language` is ko or en; labels come from the bundle."""
    words = WORDS[language]
    figure = Figure(figsize=INCHES, dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    rows = bars(shot, attribution, bundle, language)
    _draw_bars(figure, rows, attribution.base_value, words["point"])
    title = words["title"].format(probability=attribution.probability)
    figure.text(0.03, 0.94, title, fontproperties=BOLD, color=INK, va="center")
    base = words["base"].format(base=attribution.base_value)
    figure.text(0.97, 0.94, base, fontproperties=REGULAR, color=FAINT, va="center", ha="right")
    figure.text(0.03, 0.03, words["legend"], fontproperties=REGULAR, color=FAINT, va="center")
    png = io.BytesIO()
    canvas.print_png(png, pil_kwargs={"compress_level": 1})  # type: ignore[no-untyped-call]
    return png.getvalue()


def bars(shot: Shot, attribution: Attribution, bundle: Bundle, language: str) -> list[Bar]:
    """The largest contributions, largest first, and the sum of the others."""
    order = strongest(attribution)
    marks = {breach.feature: " ▲" if breach.value > breach.high else " ▼" for breach in breaches(shot, bundle)}
    found = [Bar(_label(bundle.features[index], shot, language) + marks.get(bundle.names[index], ""),
                 float(attribution.contributions[index])) for index in order[:SHOWN]]
    rest = order[SHOWN:]
    if rest:
        found.append(Bar(WORDS[language]["others"].format(count=len(rest)),
                         float(attribution.contributions[rest].sum())))
    return found


def _label(feature: Feature, shot: Shot, language: str) -> str:
    value = shot.measured[feature.name]
    if value is None:
        return f"{feature.label[language]} = {WORDS[language]['absent']}"
    unit = f" {feature.unit}" if feature.unit else ""
    return f"{feature.label[language]} = {value}{unit}"


def _draw_bars(figure: Figure, rows: Sequence[Bar], base: float, point: str) -> None:
    """Bars as one collection: an axis with ticks and spines of its own would cost more than all the rest."""
    axes = figure.add_axes((LABEL_EDGE, 0.08, 0.94 - LABEL_EDGE, 0.80))
    axes.set_axis_off()
    ends = [base]
    for bar in reversed(rows):  # from the base value below to the probability above, the largest last
        ends.append(ends[-1] + bar.contribution)
    low, high = min(ends), max(ends)
    room = (high - low or 0.01) * 0.16  # for the figures beside the bars
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    pairs = list(zip(ends, ends[1:], strict=False))
    colours = [RAISES if stop >= start else LOWERS for start, stop in pairs]
    segments = [[(start, row), (stop, row)] for row, (start, stop) in enumerate(pairs)]
    axes.add_collection(LineCollection(segments, colors=colours, linewidths=15, capstyle="butt"), autolim=False)
    guides = [[(base, -0.7), (base, len(rows) - 0.3)]]
    axes.add_collection(LineCollection(guides, colors=FAINT, linewidths=0.8, linestyles="dotted"), autolim=False)
    for row, (bar, (start, stop)) in enumerate(zip(reversed(rows), pairs, strict=True)):
        side, edge = ("left", max(start, stop)) if stop >= start else ("right", min(start, stop))
        gap = room * 0.08 if side == "left" else -room * 0.08
        axes.text(edge + gap, row, f"{bar.contribution * 100:+.1f}{point}", fontproperties=REGULAR, color=INK,
                  ha=side, va="center")
        axes.annotate(bar.label, (0, row), xycoords=("axes fraction", "data"), xytext=(-6, 0),
                      textcoords="offset points", fontproperties=REGULAR, color=INK, ha="right", va="center")
