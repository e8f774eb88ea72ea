"""The file of ranking weights: it is complete, and a mistake in it is named."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import resources

import pytest

from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS, RankingWeights, read_weights

TEXT = resources.files("shotwise.knowledge.retrieval").joinpath("ranking_weights.toml").read_text("utf-8")


def test_the_shipped_weights_are_those_of_the_file() -> None:
    """Every attribute has the number that the file gives, in the file's order, and an integer stays one."""
    assert read_weights(TEXT) == WEIGHTS
    assert re.findall(r"^(\w+) =", TEXT, re.MULTILINE) == [field.name for field in fields(RankingWeights)]
    assert type(WEIGHTS.candidates) is int and type(WEIGHTS.k1) is float


def test_every_weight_is_explained() -> None:
    """A comment stands right above each number, or above the pair that it belongs to."""
    lines = TEXT.splitlines()
    unexplained = [line for before, line in zip(lines, lines[1:], strict=False)
                   if line and not line.startswith("#") and not before.startswith("#")]
    assert unexplained == ["min_line_similarity = 0.5"]


@pytest.mark.parametrize(("change", "message"), [
    (("k1 = 1.2\n", ""), "lacks k1"), (("k1 = 1.2\n", "k2 = 1.2\n"), "lacks k1 and has unknown k2"),
    (("b = 0.75\n", "b = 0.75\nb2 = 1\na = 1\n"), "has unknown a, b2"),
    (("k1 = 1.2\n", 'k1 = "1.2"\n'), "k1 must be a number"), (("k1 = 1.2\n", "k1 = true\n"), "k1 must be a number"),
    (("candidates = 40\n", "candidates = 40.0\n"), "candidates must be a whole number"),
    (("candidates = 40\n", "candidates = true\n"), "candidates must be a whole number")])
def test_a_mistake_in_the_file_is_named(change: tuple[str, str], message: str) -> None:
    """A missing key, an unknown one, and a value that is no number of its kind are refused."""
    assert change[0] in TEXT
    with pytest.raises(ValueError, match=f"ranking_weights.toml:? {message}"):
        read_weights(TEXT.replace(*change))


def test_a_whole_number_may_stand_for_a_fraction() -> None:
    """k1 = 2 is 2.0."""
    assert read_weights(TEXT.replace("k1 = 1.2\n", "k1 = 2\n")).k1 == 2.0


def test_text_that_is_not_toml_is_a_value_error() -> None:
    """As the docstring says."""
    with pytest.raises(ValueError):
        read_weights("k1 =")
