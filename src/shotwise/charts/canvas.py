"""What every picture is drawn with: fonts, colours, marks, and the way to PNG.

Shapes are matplotlib's, straight on its figure. Words are written into the finished pixels by Pillow, which encodes
them anyway: matplotlib lays every text out twice and reads it as a formula, which took two thirds of a chart's time.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

DPI = 100
FONTS = Path(__file__).parent / "fonts"
# Sizes in pixels: 9 and 11 points.
REGULAR = ImageFont.truetype(FONTS / "NanumSquareR.ttf", 9 * DPI / 72, layout_engine=ImageFont.Layout.BASIC)
BOLD = ImageFont.truetype(FONTS / "NanumSquareB.ttf", 11 * DPI / 72, layout_engine=ImageFont.Layout.BASIC)
RAISES, LOWERS, INK, FAINT, BAND = "#c8443c", "#3a6ea5", "#22272e", "#8a94a0", "#dfe4e9"
STEPS = 7  # of the scale from low to high values
NEARLY_WHITE = 245
TITLE, LEGEND = 0.94, 0.035  # heights of the two lines of text
LEFT_EDGE, RIGHT_EDGE = 0.03, 0.97

ANCHORS = {"left": "lm", "center": "mm", "right": "rm"}

Floats = NDArray[np.float64]
Font = ImageFont.FreeTypeFont
Segment = list[tuple[float, float]]


def scale() -> list[str]:
    """Colours from a low value (blue) over grey to a high one (red)."""
    low, middle, high = (np.array(to_rgb(colour)) for colour in (LOWERS, "#b9b4b8", RAISES))
    parts = np.linspace(-1, 1, STEPS)[:, None]
    mixed = np.where(parts < 0, middle + (middle - low) * parts, middle + (high - middle) * parts)
    return [to_hex(colour) for colour in mixed]


SCALE = scale()


class Canvas:
    """A white picture of width × height inches; places are parts of both, from the lower left."""

    def __init__(self, width: float, height: float) -> None:
        self._figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        self._texts: list[tuple[float, float, str, Font, str, str]] = []

    def text(self, x: float, y: float, text: str, *, font: Font = REGULAR, colour: str = INK,
             align: str = "left") -> None:
        """One line, centred on height y."""
        self._texts.append((x, y, printable(text), font, colour, ANCHORS[align]))

    def heading(self, title: str, note: str, legend: str) -> None:
        """Title at the upper left, a note at the upper right, the legend below."""
        self.text(LEFT_EDGE, TITLE, title, font=BOLD)
        self.text(RIGHT_EDGE, TITLE, note, colour=FAINT, align="right")
        self.text(LEFT_EDGE, LEGEND, legend, colour=FAINT)

    def lines(self, segments: Sequence[Segment], colours: str | Sequence[str], width: float, *, dotted: bool = False,
              behind: bool = False) -> None:
        """Straight lines with flat ends; a wide one is a bar."""
        style: dict[str, Any] = {"linestyles": "dotted"} if dotted else {"capstyle": "butt"}
        self._figure.add_artist(LineCollection(
            list(segments), colors=colours, linewidths=width, transform=self._figure.transFigure,
            zorder=0 if behind else 1, **style))

    def points(self, x: Floats, y: Floats, colour: str, size: float = 3.2) -> None:
        """Dots of one colour; thousands cost hardly more than one."""
        self._figure.add_artist(Line2D(x, y, linestyle="none", marker="o", markersize=size, markeredgewidth=0,
                                       color=colour, transform=self._figure.transFigure))

    def png(self) -> bytes:
        """The picture in the few colours it holds: a quarter of the bytes, and of the time, that all channels take."""
        self._canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(self._canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        image = Image.fromarray(pixels).convert("RGB")
        pen = ImageDraw.Draw(image)
        for x, y, text, font, colour, anchor in self._texts:
            pen.text((x * image.width, (1 - y) * image.height), text, fill=colour, font=font, anchor=anchor)
        few = image.quantize(palette=PALETTE, dither=Image.Dither.NONE)
        file = io.BytesIO()
        few.save(file, "PNG", compress_level=3)
        return file.getvalue()


def printable(text: str) -> str:
    """One line of characters that the font has: what it lacks becomes its compatible form (µ → μ), or a box."""
    return "".join(map(_printable, " ".join(text.split())))


def fitted(text: str, ending: str, width: float, font: Font = REGULAR) -> str:
    """`text` and `ending` on one line of at most `width` pixels: what is too long for its place loses its end, the
    label first, the value behind it only where it leaves no room at all."""
    text, ending = printable(text), " " * ending.startswith(" ") + printable(ending)
    room = width - font.getlength(ending)
    if room < 0:
        return _cut(ending, width, font)
    return text + ending if font.getlength(text) <= room else _cut(text, room, font) + ending


def _cut(text: str, width: float, font: Font) -> str:
    kept = next((end for end in range(len(text), 0, -1) if font.getlength(f"{text[:end]}…") <= width), 0)
    return f"{text[:kept].rstrip()}…"


@lru_cache(maxsize=4096)
def _printable(character: str) -> str:
    glyphs = get_font(str(FONTS / "NanumSquareR.ttf")).get_char_index
    compatible = unicodedata.normalize("NFKC", character)
    return next((form for form in (character, compatible) if all(glyphs(ord(part)) for part in form)), "□")


class Axis:
    """Numbers from low to high, laid over a stretch of the picture with some room at both ends."""

    def __init__(self, low: float, high: float, start: float, stop: float, room: float = 0.03) -> None:
        span = (high - low) or abs(high) or 1.0
        self._low, self._span = low - room * span, span * (1 + 2 * room)
        self._start, self._stretch = start, stop - start

    def __call__(self, value: Any) -> Any:
        """Where a number, or an array of numbers, stands."""
        return self._start + self._stretch * (value - self._low) / self._span

    def ticks(self, most: int = 5) -> list[float]:
        """A few round numbers on the axis."""
        ticks = MaxNLocator(most).tick_values(self._low, self._low + self._span)
        return [float(tick) for tick in ticks if self._low <= tick <= self._low + self._span]


def _palette() -> Image.Image:
    """Each colour in 16 steps from white, which are what its smoothed edges show."""
    steps = np.linspace(0, 1, 16)[:, None]
    ramps = [255 + steps * (np.array(to_rgb(colour)) * 255 - 255) for colour in (INK, FAINT, BAND, *SCALE)]
    colours = np.vstack(ramps).round()
    colours[colours.min(axis=1) > NEARLY_WHITE] = 255  # else the paper itself might be taken for one of them
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.astype(np.uint8).tobytes())
    return palette


PALETTE = _palette()
