"""Charts are legible: every glyph exists, no label is clipped, and they show the attribution as it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib import font_manager, ft2font
from shots import Shots, generate

from shotwise.attribution.shapley import attribute
from shotwise.bundle import Bundle
from shotwise.charts import summary
from shotwise.charts import waterfall as waterfall_chart
from shotwise.charts.canvas import COLOUR_SCALE, FONTS, Axis, Canvas, fit_text, printable
from shotwise.charts.summary import Attributions, bar, beeswarm, dependence
from shotwise.charts.waterfall import INCHES, LABEL_EDGE, waterfall, waterfall_rows
from shotwise.shot import read_shot

SIGNATURE = b"\x89PNG\r\n\x1a\n"
N_SHOTS = 1000


def pixels(png: bytes) -> np.ndarray:
    """The picture as an array of shape (height, width, channels)."""
    return np.asarray(matplotlib.image.imread(io.BytesIO(png)))


def assert_not_clipped(png: bytes) -> None:
    """The PNG has at most 150 KB and white borders, so nothing runs over an edge."""
    assert png.startswith(SIGNATURE) and len(png) <= 150_000
    picture = pixels(png)[..., :3]
    border = np.concatenate([picture[:3].reshape(-1, 3), picture[-3:].reshape(-1, 3),
                             picture[:, :3].reshape(-1, 3), picture[:, -3:].reshape(-1, 3)])
    assert border.min() == 1.0
    assert picture.min() < 0.5


@pytest.fixture(scope="module")
def attributions(bundle: Bundle) -> Attributions:
    """A thousand shots with made-up contributions that follow their values."""
    values = generate(bundle, N_SHOTS, seed=3)
    random = np.random.default_rng(5)
    centred = np.nan_to_num(values - np.nanmean(values, axis=0)) / (np.nanstd(values, axis=0) + 1e-9)
    constant = np.array([feature.constant for feature in bundle.features])
    sizes = np.where(constant, 0, random.exponential(0.02, len(constant)))
    return Attributions(values, centred * sizes + random.normal(0, 0.002, values.shape) * ~constant)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("sample", range(6))
def test_nothing_of_a_waterfall_is_clipped(bundle: Bundle, language: str, sample: int) -> None:
    """Real shots have labels of different lengths."""
    shot = read_shot(bundle.samples[sample]["features"], bundle)
    assert_not_clipped(waterfall(shot, attribute(shot, bundle), bundle, language))


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("draw", [bar, beeswarm])
def test_nothing_of_many_shots_is_clipped(bundle: Bundle, attributions: Attributions, language: str,
                                          draw: Callable[[Attributions, Bundle, str], bytes]) -> None:
    """Neither chart of a thousand shots runs over an edge."""
    assert_not_clipped(draw(attributions, bundle, language))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_value_has_a_dependence_plot(bundle: Bundle, attributions: Attributions, language: str) -> None:
    """Every feature can be drawn, also categories, constants and values that are missing in some shots."""
    for name in bundle.names:
        assert_not_clipped(dependence(attributions, name, bundle, language))


def test_a_single_shot_and_none_at_all_can_be_drawn(bundle: Bundle, attributions: Attributions) -> None:
    """One shot and no shot cause no division by zero."""
    for count in (1, 0):
        subset = Attributions(attributions.values[:count], attributions.contributions[:count])
        for png in (beeswarm(subset, bundle, "ko"), bar(subset, bundle, "ko"),
                    dependence(subset, "Shot", bundle, "ko")):
            assert_not_clipped(png)


def test_a_long_label_is_shortened_not_clipped(bundle: Bundle, attributions: Attributions,
                                               features: dict[str, Any]) -> None:
    """A long label, as another foundry may have, loses its end; the value behind it stays."""
    long = {"ko": "아주 길고 길어서 자리에 다 들어가지 않는 센서 이름",
            "en": "A sensor whose name is too long for its place"}
    wordy = replace(bundle, features=tuple(
        replace(feature, label=long, categories=("1", "이름이 아주 긴 제품의 종류 " * 3) if feature.categories else ())
        for feature in bundle.features))
    shot = read_shot(features, wordy)
    attribution = attribute(shot, wordy)
    for language in ("ko", "en"):
        assert_not_clipped(waterfall(shot, attribution, wordy, language))
        for draw in (beeswarm, bar):
            assert_not_clipped(draw(attributions, wordy, language))
        for name in ("Shot", "Product_Type"):
            assert_not_clipped(dependence(attributions, name, wordy, language))
        labels = [row.label for row in waterfall_rows(shot, attribution, wordy, language)[:-1]]
        assert all("… = " in label for label in labels)


@pytest.mark.parametrize("length", [5, 60])
def test_a_clipped_label_would_be_noticed(length: int) -> None:
    """The check above fails for a label that is not shortened and runs over the left edge, and for no other."""
    canvas = Canvas(*INCHES)
    canvas.text(LABEL_EDGE, 0.5, "가" * length, align="right")
    with pytest.raises(AssertionError) if length == 60 else nullcontext():
        assert_not_clipped(canvas.png())


@pytest.mark.parametrize(("label", "unit"), [("두께", "µm"), ("Cost $\\frac$ of $a_b$", "−°C²"), ("two\nlines 🔥", "")])
def test_any_character_can_be_drawn(bundle: Bundle, attributions: Attributions, features: dict[str, Any], label: str,
                                    unit: str) -> None:
    """No label breaks a chart: not a missing glyph, a formula's dollar signs or a line break."""
    odd = replace(bundle, features=tuple(replace(feature, label={"ko": label, "en": label}, unit=unit)
                                         for feature in bundle.features))
    shot = read_shot(features, odd)
    assert_not_clipped(waterfall(shot, attribute(shot, odd), odd, "ko"))
    assert_not_clipped(beeswarm(attributions, odd, "en"))
    assert_not_clipped(dependence(attributions, "Shot", odd, "ko"))


def test_characters_that_the_font_lacks_are_replaced() -> None:
    """A compatible form takes the place of such a character, or a box; all others stay."""
    assert printable("공장 µm 5\n🔥") == "공장 μm 5 □"


def test_text_is_shortened_only_where_it_is_too_long() -> None:
    """A text that fits stays as it is; a longer one loses its end and keeps the value."""
    assert fit_text("공장 습도", " = 46.7 %", 240) == "공장 습도 = 46.7 %"
    assert fit_text("공장 습도", " = 46.7 %", 90).endswith("… = 46.7 %")


@pytest.mark.parametrize("file", ["NanumSquareR.ttf", "NanumSquareB.ttf"])
def test_the_fonts_hold_every_glyph_in_use(bundle: Bundle, file: str) -> None:
    """Every character of every label, unit and text, in both languages, has a glyph of its own."""
    font = font_manager.get_font(str(FONTS / file))
    assert isinstance(font, ft2font.FT2Font)
    tables = (*waterfall_chart.TEXTS.values(), *summary.TEXTS.values())
    text = "".join(text for texts in tables for text in texts.values())
    text += "".join(label for feature in bundle.features for label in (*feature.label.values(), feature.unit))
    text += "0123456789.+-=▲▼%…□"
    assert {character for character in text if not font.get_char_index(ord(character))} == set()


def test_a_missing_glyph_would_be_noticed() -> None:
    """The check above fails for a character that the font lacks."""
    font = font_manager.get_font(str(FONTS / "NanumSquareR.ttf"))
    assert font.get_char_index(ord("𓀀")) == 0


def test_rows_add_up_to_all_contributions(bundle: Bundle, features: dict[str, Any]) -> None:
    """The last row sums up the features without a row, so all rows add up to probability minus base value."""
    shot = read_shot(features, bundle)
    attribution = attribute(shot, bundle)
    rows = waterfall_rows(shot, attribution, bundle, "ko")
    assert sum(row.contribution for row in rows) == pytest.approx(attribution.probability - attribution.base_value)
    assert "그 밖의 값" in rows[-1].label


def test_values_outside_the_limits_are_marked(bundle: Bundle, features: dict[str, Any]) -> None:
    """The label shows the direction of the breach, and the tick lies beyond the band."""
    high = bundle.limits["1"]["Factory_Humidity"][1]
    shot = read_shot({**features, "Factory_Humidity": high + 1}, bundle)
    rows = waterfall_rows(shot, attribute(shot, bundle), bundle, "ko")
    row = next(row for row in rows if row.label.startswith("공장 습도"))
    assert row.label.endswith("▲") and row.limit_position is not None and row.limit_position > 1


def test_a_missing_value_is_named_as_such(bundle: Bundle, features: dict[str, Any]) -> None:
    """A value that was not measured is labelled in words, never as nan, and has no tick."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    rows = waterfall_rows(shot, attribute(shot, bundle), bundle, "en")
    assert not any("nan" in row.label or "None" in row.label for row in rows)
    assert all(row.limit_position is None for row in rows if "not measured" in row.label)


def test_dots_are_coloured_by_their_values(bundle: Bundle, attributions: Attributions) -> None:
    """Both ends of the colour scale occur in the chart; if no value was measured, neither does."""
    def colours(png: bytes) -> set[tuple[int, ...]]:
        return {tuple(colour) for colour in np.unique((pixels(png)[..., :3] * 255).round().astype(int).reshape(-1, 3),
                                                      axis=0)}

    ends = {tuple(int(COLOUR_SCALE[end][start:start + 2], 16) for start in (1, 3, 5)) for end in (0, -1)}
    unmeasured = Attributions(np.full_like(attributions.values, np.nan), attributions.contributions)
    assert ends <= colours(beeswarm(attributions, bundle, "ko"))
    assert not ends & colours(beeswarm(unmeasured, bundle, "ko"))


def test_an_axis_maps_numbers_to_positions() -> None:
    """Both ends map to both ends, the middle to the middle, and the ticks lie between."""
    axis = Axis(-2, 8, 0.2, 0.9, room=0)
    assert axis(-2) == pytest.approx(0.2) and axis(8) == pytest.approx(0.9) and axis(3) == pytest.approx(0.55)
    assert all(-2 <= tick <= 8 for tick in axis.ticks()) and len(axis.ticks()) >= 3


def test_the_strongest_features_come_first(bundle: Bundle, attributions: Attributions, shots: Shots) -> None:
    """Features are ordered by mean size, and one that never contributes is left out."""
    order = attributions.strongest_columns()
    sizes = np.abs(attributions.contributions).mean(axis=0)
    assert list(sizes[order]) == sorted(sizes, reverse=True)[:len(order)]
    assert not any(bundle.features[column].constant for column in order)
