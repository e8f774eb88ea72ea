"""The report of the command line, from a diagnosis as the API gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.report import report
from shotwise.bundle import Bundle
from shotwise.edge.predict import predict_function

Reported = Callable[[Bundle, str], list[str]]
LANGUAGES = pytest.mark.parametrize("language", ["ko", "en"])


@pytest.fixture
def reported(features: dict[str, Any]) -> Reported:
    """The lines of the report of a real defective shot, whose other steps were skipped."""

    def lines(bundle: Bundle, language: str) -> list[str]:
        prediction = predict_function(bundle)({"features": features, "language": language}, None)
        reply = {"prediction": prediction, "importance": None, "knowledge": None, "skipped": [], "degraded": []}
        return report(reply, language).splitlines()

    return lines


def with_limits(bundle: Bundle, *, novelty: float = 1e9, distance: float = 1e9) -> Bundle:
    """The bundle with other limits of what is usual."""
    return replace(bundle, thresholds=replace(bundle.thresholds, novelty=novelty, distance=distance))


@LANGUAGES
def test_a_usual_shot_begins_with_its_verdict(reported: Reported, bundle: Bundle, language: str) -> None:
    """Nothing warns where nothing is new."""
    lines = reported(with_limits(bundle), language)
    assert lines[0].startswith({"ko": "판정: 결함", "en": "Verdict: defect"}[language])
    assert not [line for line in lines if line.startswith(("주의", "Careful"))]


@LANGUAGES
def test_new_conditions_are_one_line_above_the_verdict(reported: Reported, bundle: Bundle, language: str) -> None:
    """It says what a new run means for the verdict, and no warning is added."""
    lines = reported(with_limits(bundle, distance=1e-12), language)
    assert {"ko": "학습 데이터에 없던", "en": "not seen conditions like these"}[language] in lines[0]
    assert lines[1:] and not [line for line in lines[1:] if line.startswith(("주의", "Careful"))]


@LANGUAGES
def test_an_odd_shot_is_a_warning(reported: Reported, bundle: Bundle, language: str) -> None:
    """A shot whose values do not fit together is warned of, below its verdict, as before."""
    lines = reported(with_limits(bundle, novelty=1e-12), language)
    warned = [number for number, line in enumerate(lines) if line.startswith(("주의", "Careful"))]
    assert len(warned) == 1 and warned[0] > 0


@LANGUAGES
def test_types_with_too_few_examples_are_one_line(reported: Reported, bundle: Bundle, language: str) -> None:
    """They are named without a probability; where no type has one, that line is left out."""
    *some, last = bundle.defect_types
    line = {"ko": "예가 너무 적어 확률을 말할 수 없는 결함: ",
            "en": "Too few examples to give a probability: "}[language]
    kinds = (*(replace(kind, modelled=True) for kind in some), replace(last, modelled=False))
    lines = reported(replace(bundle, defect_types=kinds), language)
    none = reported(replace(bundle, defect_types=tuple(replace(kind, modelled=False) for kind in kinds)), language)
    assert line + last.label[language] in lines
    assert [text.endswith(last.label[language]) for text in none if text.startswith(line)] == [True]
    likely = [[text for text in found if text.startswith(("가능한", "Possible"))] for found in (lines, none)]
    assert len(likely[0]) == 1 and likely[0][0].endswith("%") and likely[1] == []
