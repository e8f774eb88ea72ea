"""The canvas that all charts are drawn on: fonts, colours, lines, dots, text, and the encoding as PNG.

Matplotlib draws the shapes on its figure. Pillow then writes the text into the pixels, which it also encodes:
matplotlib lays out every text twice and parses it as a formula, which took two thirds of a chart's time.
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
# Font sizes in pixels, for 9 and 11 points.
REGULAR = ImageFont.truetype(FONTS / "NanumSquareR.ttf", 9 * DPI / 72, layout_engine=ImageFont.Layout.BASIC)
BOLD = ImageFont.truetype(FONTS / "NanumSquareB.ttf", 11 * DPI / 72, layout_engine=ImageFont.Layout.BASIC)
RAISES, LOWERS, INK, FAINT, BAND = "#c8443c", "#3a6ea5", "#22272e", "#8a94a0", "#dfe4e9"
SCALE_STEPS = 7  # number of colours from low to high values
MIN_NEARLY_WHITE = 245  # of 255, in every channel
TITLE_HEIGHT, LEGEND_HEIGHT = 0.94, 0.035
LEFT_EDGE, RIGHT_EDGE = 0.03, 0.97

ANCHORS = {"left": "lm", "center": "mm", "right": "rm"}

Floats = NDArray[np.float64]
Font = ImageFont.FreeTypeFont
Segment = list[tuple[float, float]]


def _colour_scale() -> list[str]:
    """Return the colours from low values (blue) over grey to high values (red)."""
    low, middle, high = (np.array(to_rgb(colour)) for colour in (LOWERS, "#b9b4b8", RAISES))
    positions = np.linspace(-1, 1, SCALE_STEPS)[:, None]
    mixed = np.where(positions < 0, middle + (middle - low) * positions, middle + (high - middle) * positions)
    return [to_hex(colour) for colour in mixed]


COLOUR_SCALE = _colour_scale()


class Canvas:
    """A white picture of width × height inches; positions are fractions of both, from the lower left corner."""

    def __init__(self, width: float, height: float) -> None:
        self._figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        self._texts: list[tuple[float, float, str, Font, str, str]] = []

    def text(self, x: float, y: float, text: str, *, font: Font = REGULAR, colour: str = INK,
             align: str = "left") -> None:
        """Write one line of text, vertically centred on y."""
        self._texts.append((x, y, printable(text), font, colour, ANCHORS[align]))

    def heading(self, title: str, note: str, legend: str) -> None:
        """Write the title at the upper left, a note at the upper right and the legend below."""
        self.text(LEFT_EDGE, TITLE_HEIGHT, title, font=BOLD)
        self.text(RIGHT_EDGE, TITLE_HEIGHT, note, colour=FAINT, align="right")
        self.text(LEFT_EDGE, LEGEND_HEIGHT, legend, colour=FAINT)

    def lines(self, segments: Sequence[Segment], colours: str | Sequence[str], width: float, *, dotted: bool = False,
              behind: bool = False) -> None:
        """Draw straight lines with flat ends, `width` in points; a wide line is a bar."""
        style: dict[str, Any] = {"linestyles": "dotted"} if dotted else {"capstyle": "butt"}
        self._figure.add_artist(LineCollection(
            list(segments), colors=colours, linewidths=width, transform=self._figure.transFigure,
            zorder=0 if behind else 1, **style))

    def points(self, x: Floats, y: Floats, colour: str, size: float = 3.2) -> None:
        """Draw dots of one colour, `size` in points; thousands of dots take hardly longer than one."""
        self._figure.add_artist(Line2D(x, y, linestyle="none", marker="o", markersize=size, markeredgewidth=0,
                                       color=colour, transform=self._figure.transFigure))

    def png(self) -> bytes:
        """Encode the picture with a palette, which takes a quarter of the bytes and the time of full colour."""
        self._canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(self._canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        image = Image.fromarray(pixels).convert("RGB")
        pen = ImageDraw.Draw(image)
        for x, y, text, font, colour, anchor in self._texts:
            pen.text((x * image.width, (1 - y) * image.height), text, fill=colour, font=font, anchor=anchor)
        quantized = image.quantize(palette=PALETTE, dither=Image.Dither.NONE)
        file = io.BytesIO()
        quantized.save(file, "PNG", compress_level=3)
        return file.getvalue()


def printable(text: str) -> str:
    """Put text on one line, and replace characters that are missing in the font by a compatible form or a box."""
    return "".join(map(_printable, " ".join(text.split())))


def fit_text(text: str, ending: str, width: float, font: Font = REGULAR) -> str:
    """Join `text` and `ending` and shorten them to `width` pixels.

    The text, such as a label, is cut first; the ending, such as the value after it, only if it alone is too wide.
    """
    text, ending = printable(text), " " * ending.startswith(" ") + printable(ending)
    room = width - font.getlength(ending)
    if room < 0:
        return _cut(ending, width, font)
    return text + ending if font.getlength(text) <= room else _cut(text, room, font) + ending


def _cut(text: str, width: float, font: Font) -> str:
    length = next((end for end in range(len(text), 0, -1) if font.getlength(f"{text[:end]}…") <= width), 0)
    return f"{text[:length].rstrip()}…"


@lru_cache(maxsize=4096)
def _printable(character: str) -> str:
    glyphs = get_font(str(FONTS / "NanumSquareR.ttf")).get_char_index
    compatible = unicodedata.normalize("NFKC", character)
    return next((form for form in (character, compatible) if all(glyphs(ord(part)) for part in form)), "□")


class Axis:
    """Maps the numbers from `low` to `high` to positions from `start` to `stop`, with some room at both ends."""

    def __init__(self, low: float, high: float, start: float, stop: float, room: float = 0.03) -> None:
        span = (high - low) or abs(high) or 1.0
        self._low, self._span = low - room * span, span * (1 + 2 * room)
        self._start, self._stretch = start, stop - start

    def __call__(self, value: Any) -> Any:
        """Compute the position of a number or of an array of numbers."""
        return self._start + self._stretch * (value - self._low) / self._span

    def ticks(self, max_intervals: int = 5) -> list[float]:
        """Choose a few round numbers on the axis."""
        ticks = MaxNLocator(max_intervals).tick_values(self._low, self._low + self._span)
        return [float(tick) for tick in ticks if self._low <= tick <= self._low + self._span]


def _palette() -> Image.Image:
    """Return a palette of every colour in 16 steps from white, because smoothed edges have the steps in between."""
    steps = np.linspace(0, 1, 16)[:, None]
    ramps = [255 + steps * (np.array(to_rgb(colour)) * 255 - 255) for colour in (INK, FAINT, BAND, *COLOUR_SCALE)]
    colours = np.vstack(ramps).round()
    colours[colours.min(axis=1) > MIN_NEARLY_WHITE] = 255  # otherwise the white background might become one of them
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.astype(np.uint8).tobytes())
    return palette


PALETTE = _palette()
