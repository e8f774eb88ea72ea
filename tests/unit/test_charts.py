"""The charts can be read: every glyph is there, every label inside the picture, and they tell what was found."""

from __future__ import annotations

import io
from collections.abc import Callable
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
from shotwise.charts.canvas import FONTS, SCALE, Axis, fitted, printable
from shotwise.charts.summary import Attributions, bar, beeswarm, dependence
from shotwise.charts.waterfall import bars, waterfall
from shotwise.shot import read_shot

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MANY = 1000


def pixels(png: bytes) -> np.ndarray:
    """The picture as an array [height, width, channels]."""
    return np.asarray(matplotlib.image.imread(io.BytesIO(png)))


def assert_whole(png: bytes) -> None:
    """A PNG of at most 150 KB whose outermost pixels are white, so that nothing runs over an edge."""
    assert png.startswith(SIGNATURE) and len(png) <= 150_000
    picture = pixels(png)[..., :3]
    border = np.concatenate([picture[:3].reshape(-1, 3), picture[-3:].reshape(-1, 3),
                             picture[:, :3].reshape(-1, 3), picture[:, -3:].reshape(-1, 3)])
    assert border.min() == 1.0
    assert picture.min() < 0.5


@pytest.fixture(scope="module")
def explained(bundle: Bundle) -> Attributions:
    """A thousand shots with contributions that follow their values; how they were found matters to no picture."""
    values = generate(bundle, MANY, seed=3)
    random = np.random.default_rng(5)
    centred = np.nan_to_num(values - np.nanmean(values, axis=0)) / (np.nanstd(values, axis=0) + 1e-9)
    constant = np.array([feature.constant for feature in bundle.features])
    sizes = np.where(constant, 0, random.exponential(0.02, len(constant)))
    return Attributions(values, centred * sizes + random.normal(0, 0.002, values.shape) * ~constant)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("sample", range(6))
def test_nothing_of_a_waterfall_is_clipped(bundle: Bundle, language: str, sample: int) -> None:
    """Real shots, each with its own longest labels."""
    shot = read_shot(bundle.samples[sample]["features"], bundle)
    assert_whole(waterfall(shot, attribute(shot, bundle), bundle, language))


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("draw", [bar, beeswarm])
def test_nothing_of_many_shots_is_clipped(bundle: Bundle, explained: Attributions, language: str,
                                          draw: Callable[[Attributions, Bundle, str], bytes]) -> None:
    """A thousand shots are drawn whole."""
    assert_whole(draw(explained, bundle, language))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_value_has_a_dependence_plot(bundle: Bundle, explained: Attributions, language: str) -> None:
    """Categories, constants and values with missing ones among them."""
    for name in bundle.names:
        assert_whole(dependence(explained, name, bundle, language))


def test_a_single_shot_and_none_at_all_can_be_drawn(bundle: Bundle, explained: Attributions) -> None:
    """No division by nothing: one shot, and no shot."""
    for count in (1, 0):
        few = Attributions(explained.values[:count], explained.contributions[:count])
        for png in (beeswarm(few, bundle, "ko"), bar(few, bundle, "ko"), dependence(few, "Shot", bundle, "ko")):
            assert_whole(png)


def test_a_long_label_is_shortened_not_clipped(bundle: Bundle, explained: Attributions, features: dict[str, Any]) -> None:
    """Another foundry's labels may be long: the name loses its end, the value behind it stays."""
    long = {"ko": "아주 길고 길어서 자리에 다 들어가지 않는 센서 이름",
            "en": "A sensor whose name is too long for its place"}
    wordy = replace(bundle, features=tuple(
        replace(one, label=long, categories=("1", "이름이 아주 긴 제품의 종류 " * 3) if one.categories else ())
        for one in bundle.features))
    shot = read_shot(features, wordy)
    found = attribute(shot, wordy)
    for language in ("ko", "en"):
        assert_whole(waterfall(shot, found, wordy, language))
        for draw in (beeswarm, bar):
            assert_whole(draw(explained, wordy, language))
        for name in ("Shot", "Product_Type"):
            assert_whole(dependence(explained, name, wordy, language))
        labels = [row.label for row in bars(shot, found, wordy, language)[:-1]]
        assert all("… = " in label for label in labels)


def test_a_picture_that_is_clipped_would_be_noticed(bundle: Bundle, features: dict[str, Any],
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above can fail: without the shortening, a long label runs over the left edge."""
    long = {"ko": "가" * 60, "en": "W" * 60}
    wordy = replace(bundle, features=tuple(replace(feature, label=long) for feature in bundle.features))
    shot = read_shot(features, wordy)
    monkeypatch.setattr(waterfall_chart, "fitted", lambda text, ending, width: text + ending)
    with pytest.raises(AssertionError):
        assert_whole(waterfall(shot, attribute(shot, wordy), wordy, "ko"))


@pytest.mark.parametrize(("label", "unit"), [("두께", "µm"), ("Cost $\\frac$ of $a_b$", "−°C²"), ("two\nlines 🔥", "")])
def test_any_character_can_be_drawn(bundle: Bundle, explained: Attributions, features: dict[str, Any], label: str,
                                    unit: str) -> None:
    """What the font lacks, a formula's dollar signs, a line break: another plant's labels cost no chart."""
    odd = replace(bundle, features=tuple(replace(one, label={"ko": label, "en": label}, unit=unit)
                                         for one in bundle.features))
    shot = read_shot(features, odd)
    assert_whole(waterfall(shot, attribute(shot, odd), odd, "ko"))
    assert_whole(beeswarm(explained, odd, "en"))
    assert_whole(dependence(explained, "Shot", odd, "ko"))


def test_what_the_font_lacks_is_shown_as_something_it_has() -> None:
    """The compatible form where there is one, a box where there is none; all else as it is."""
    assert printable("공장 µm 5\n🔥") == "공장 μm 5 □"


def test_what_fits_is_left_alone() -> None:
    """Only what is too long is shortened, and by no more than it must."""
    assert fitted("공장 습도", " = 46.7 %", 240) == "공장 습도 = 46.7 %"
    assert fitted("공장 습도", " = 46.7 %", 90).endswith("… = 46.7 %")


@pytest.mark.parametrize("file", ["NanumSquareR.ttf", "NanumSquareB.ttf"])
def test_the_fonts_hold_every_glyph_in_use(bundle: Bundle, file: str) -> None:
    """Every character of every label, unit and word, in both languages, has a glyph of its own."""
    font = font_manager.get_font(str(FONTS / file))
    assert isinstance(font, ft2font.FT2Font)
    text = "".join(word for words in (*waterfall_chart.WORDS.values(), *summary.WORDS.values()) for word in words.values())
    text += "".join(label for feature in bundle.features for label in (*feature.label.values(), feature.unit))
    text += "0123456789.+-=▲▼%…□"
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
    assert sum(row.contribution for row in rows) == pytest.approx(found.probability - found.base_value)
    assert "그 밖의 값" in rows[-1].label


def test_values_outside_the_limits_are_marked(bundle: Bundle, features: dict[str, Any]) -> None:
    """A breach shows in the label, with its direction, and past the end of the gauge's band."""
    high = bundle.limits["1"]["Factory_Humidity"][1]
    shot = read_shot({**features, "Factory_Humidity": high + 1}, bundle)
    rows = bars(shot, attribute(shot, bundle), bundle, "ko")
    row = next(row for row in rows if row.label.startswith("공장 습도"))
    assert row.label.endswith("▲") and row.standing is not None and row.standing > 1


def test_a_missing_value_is_named_as_such(bundle: Bundle, features: dict[str, Any]) -> None:
    """Not measured is said in words, never as nan, and stands on no gauge."""
    shot = read_shot({**features, "Factory_Humidity": None}, bundle)
    rows = bars(shot, attribute(shot, bundle), bundle, "en")
    assert not any("nan" in row.label or "None" in row.label for row in rows)
    assert all(row.standing is None for row in rows if "not measured" in row.label)


def test_dots_are_coloured_by_their_values(bundle: Bundle, explained: Attributions) -> None:
    """Both ends of the colour scale are in the picture; with no value measured, neither is."""
    def colours(png: bytes) -> set[tuple[int, ...]]:
        return {tuple(colour) for colour in np.unique((pixels(png)[..., :3] * 255).round().astype(int).reshape(-1, 3),
                                                      axis=0)}

    ends = {tuple(int(SCALE[place][start:start + 2], 16) for start in (1, 3, 5)) for place in (0, -1)}
    unmeasured = Attributions(np.full_like(explained.values, np.nan), explained.contributions)
    assert ends <= colours(beeswarm(explained, bundle, "ko"))
    assert not ends & colours(beeswarm(unmeasured, bundle, "ko"))


def test_an_axis_puts_numbers_in_their_places() -> None:
    """From end to end, in order, with round ticks inside."""
    axis = Axis(-2, 8, 0.2, 0.9, room=0)
    assert axis(-2) == pytest.approx(0.2) and axis(8) == pytest.approx(0.9) and axis(3) == pytest.approx(0.55)
    assert all(-2 <= tick <= 8 for tick in axis.ticks()) and len(axis.ticks()) >= 3


def test_the_strongest_are_shown_first(bundle: Bundle, explained: Attributions, shots: Shots) -> None:
    """By mean size, and never a value that contributes to no shot."""
    order = explained.strongest_columns()
    sizes = np.abs(explained.contributions).mean(axis=0)
    assert list(sizes[order]) == sorted(sizes, reverse=True)[:len(order)]
    assert not any(bundle.features[column].constant for column in order)
