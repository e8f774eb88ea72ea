"""The picture of an attribution: a waterfall from the base value to the shot's probability, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from shotwise.attribution import Attribution, strongest
from shotwise.bundle import Bundle, Feature
from shotwise.prediction import breaches
from shotwise.shot import Shot

# Hinting costs a quarter of the drawing and shifts the small Korean glyphs apart.
matplotlib.rcParams["text.hinting"] = "none"
FONTS = Path(__file__).parent / "fonts"
REGULAR = FontProperties(fname=str(FONTS / "NanumSquareR.ttf"), size=9)
BOLD = FontProperties(fname=str(FONTS / "NanumSquareB.ttf"), size=11)
RAISES, LOWERS, INK, FAINT = "#c8443c", "#3a6ea5", "#22272e", "#9aa4af"
SHOWN = 9
INCHES = (7.6, 4.6)
DPI = 100
LEFT, WIDTH, BOTTOM, HEIGHT = 0.36, 0.58, 0.08, 0.80  # where the bars stand, in parts of the picture; labels left of it
ROOM = 0.16  # for the figures beside the bars, in parts of what the bars span
GAP = 0.008

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
    return _png(canvas)


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
    """Bars and labels straight on the figure, in parts of its width and height: axes would cost more than all else."""
    ends = [base]
    for bar in reversed(rows):  # from the base value below to the probability above, the largest last
        ends.append(ends[-1] + bar.contribution)
    low, span = min(ends), (max(ends) - min(ends)) or 0.01
    across = [LEFT + WIDTH * (end - low + ROOM * span) / (span + 2 * ROOM * span) for end in ends]
    upward = [BOTTOM + HEIGHT * (row + 0.7) / (len(rows) + 0.4) for row in range(len(rows))]
    pairs = list(zip(across, across[1:], strict=False))
    _lines(figure, [[(start, height), (stop, height)] for height, (start, stop) in zip(upward, pairs, strict=True)],
           colors=[RAISES if stop >= start else LOWERS for start, stop in pairs], linewidths=15, capstyle="butt")
    _lines(figure, [[(across[0], BOTTOM), (across[0], BOTTOM + HEIGHT)]],
           colors=FAINT, linewidths=0.8, linestyles="dotted")
    for bar, height, (start, stop) in zip(reversed(rows), upward, pairs, strict=True):
        side, edge = ("left", max(start, stop) + GAP) if stop >= start else ("right", min(start, stop) - GAP)
        figure.text(edge, height, f"{bar.contribution * 100:+.1f}{point}", fontproperties=REGULAR, color=INK,
                    ha=side, va="center")
        figure.text(LEFT - GAP, height, bar.label, fontproperties=REGULAR, color=INK, ha="right", va="center")


def _lines(figure: Figure, segments: list[list[tuple[float, float]]], **style: Any) -> None:
    figure.add_artist(LineCollection(segments, transform=figure.transFigure, **style))


def _png(canvas: FigureCanvasAgg) -> bytes:
    """The drawn canvas in the few colours it holds: a quarter of the bytes, and of the time, that all channels take."""
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    few = Image.fromarray(pixels).convert("RGB").quantize(palette=PALETTE, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _palette() -> Image.Image:
    """Each colour in 16 steps from white, which are what its smoothed edges show."""
    steps = np.linspace(0, 1, 16)[:, None]
    ramps = [255 + steps * (np.array(to_rgb(colour)) * 255 - 255) for colour in (RAISES, LOWERS, INK, FAINT)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.vstack(ramps).round().astype(np.uint8).tobytes())
    return palette


PALETTE = _palette()
