"""The chart can be read: every glyph is there and every label inside the picture."""

from __future__ import annotations

import io
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib import font_manager, ft2font

from shotwise.attribution import attribute
from shotwise.bundle import Bundle
from shotwise.chart import FONTS, WORDS, bars, draw
from shotwise.shot import read_shot

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def pixels(png: bytes) -> np.ndarray:
    """The picture as an array [height, width, channels]."""
    return np.asarray(matplotlib.image.imread(io.BytesIO(png)))


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("sample", range(6))
def test_nothing_is_clipped(bundle: Bundle, language: str, sample: int) -> None:
    """The outermost pixels are all white, so no label, bar or title runs over an edge."""
    shot = read_shot(bundle.samples[sample]["features"], bundle)
    png = draw(shot, attribute(shot, bundle), bundle, language)
    picture = pixels(png)[..., :3]
    border = np.concatenate([picture[:3].reshape(-1, 3), picture[-3:].reshape(-1, 3),
                             picture[:, :3].reshape(-1, 3), picture[:, -3:].reshape(-1, 3)])
    assert png.startswith(SIGNATURE) and len(png) <= 150_000
    assert border.min() == 1.0


@pytest.mark.parametrize("file", ["NanumSquareR.ttf", "NanumSquareB.ttf"])
def test_the_fonts_hold_every_glyph_in_use(bundle: Bundle, file: str) -> None:
    """Every character of every label, unit and word, in both languages, has a glyph of its own."""
    font = font_manager.get_font(str(FONTS / file))
    assert isinstance(font, ft2font.FT2Font)
    text = "".join(word for words in WORDS.values() for word in words.values())
    text += "".join(label for feature in bundle.features for label in (*feature.label.values(), feature.unit))
    text += "0123456789.+-=▲▼%"
    assert {character for character in text if not font.get_char_index(ord(character))} == set()


def test_a_missing_glyph_would_be_noticed() -> None:
    """The check above can fail: a character that no such font has is found missing."""
    font = font_manager.get_font(str(FONTS / "NanumSquareR.ttf"))
    assert font.get_char_index(ord("𓀀")) == 0


def test_bars_tell_all_contributions(bundle: Bundle, features: dict[str, Any]) -> None:
    """What is not shown by name is in the last bar: the bars add up to probability minus base value."""
    shot = read_shot(features, bundle)
    found = attribute(shot, bundle)
    rows = bars(shot, found, bundle, "ko")
    assert sum(bar.contribution for bar in rows) == pytest.approx(found.probability - found.base_value)
    assert "그 밖의 값" in rows[-1].label


def test_values_outside_the_limits_are_marked(bundle: Bundle, features: dict[str, Any]) -> None:
    """A breach shows in the label, with its direction."""
    high = bundle.limits["1"]["Factory_Humidity"][1]
    shot = read_shot({**features, "Factory_Humidity": high + 1}, bundle)
    labels = [bar.label for bar in bars(shot, attribute(shot, bundle), bundle, "ko")]
    assert any(label.startswith("공장 습도") and label.endswith("▲") for label in labels)


def test_a_missing_value_is_named_as_such(bundle: Bundle, features: dict[str, Any]) -> None:
    """Not measured is said in words, never as nan."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    labels = [bar.label for bar in bars(shot, attribute(shot, bundle), bundle, "en")]
    assert not any("nan" in label or "None" in label for label in labels)
