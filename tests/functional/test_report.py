"""The report of the command line, from a diagnosis as the API gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shotwise.adapters.files import FolderStore
from shotwise.bundle import Bundle
from shotwise.handlers.importance import importance_function
from shotwise.handlers.predict import predict_function
from shotwise.handlers.replies import WHY_NONE
from shotwise_cli.report import report

Reported = Callable[[Bundle, str], list[str]]
Explained = Callable[..., dict[str, Any]]
LANGUAGES = pytest.mark.parametrize("language", ["ko", "en"])
SCHEMA = json.loads((Path(__file__).parents[2] / "models/shotwise/bundle.json").read_text("utf-8"))["features"]
LABELS = {language: {feature["name"]: feature["label"][language] for feature in SCHEMA} for language in ("ko", "en")}


@pytest.fixture
def reported(features: dict[str, Any]) -> Reported:
    """The lines of the report of a real defective shot, whose other steps were skipped."""

    def lines(bundle: Bundle, language: str) -> list[str]:
        prediction = predict_function(bundle)({"features": features, "language": language}, None)
        reply = {"prediction": prediction, "importance": None, "knowledge": None, "skipped": [], "degraded": []}
        return report(reply, language, LABELS[language]).splitlines()

    return lines


@pytest.fixture
def explained(features: dict[str, Any], bundle: Bundle, tmp_path: Path) -> Explained:
    """The diagnosis of a real defective shot with its importance, drawn by `draw`."""

    def diagnosis(language: str, draw: Callable[..., bytes] = drawn) -> dict[str, Any]:
        request = {"features": features, "language": language}
        store = FolderStore([tmp_path], "http://127.0.0.1:8000/charts")
        importance = importance_function(bundle, store, draw)(request, None)
        return {"prediction": predict_function(bundle)(request, None), "importance": importance, "knowledge": None,
                "skipped": [], "degraded": importance["degraded"]}

    return diagnosis


def drawn(*_: Any) -> bytes:
    """A picture that costs no time."""
    return b"chart"


def broken_chart(*_: Any) -> bytes:
    """A picture that cannot be drawn."""
    raise ValueError


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


@LANGUAGES
def test_a_proposal_names_every_change_and_its_caveat(explained: Explained, language: str) -> None:
    """From and to with the unit, the probability then, and that it is no proven cause."""
    reply = explained(language)
    proposal = reply["importance"]["setpoints"]
    changes = proposal["changes"]
    lines = report(reply, language, LABELS[language]).splitlines()
    advice = {"ko": {"accept": "합격", "inspect": "검사 필요"}, "en": {"accept": "accept", "inspect": "inspect"}}
    start = lines.index({"ko": "바꿔 볼 설정 (결함 확률 {:.1%} → {:.1%}, 판정 기준보다 낮음 · 권고: {})",
                         "en": "What to change (probability of a defect {:.1%} → {:.1%}, under the threshold · "
                               "advice: {})"}[language].format(reply["importance"]["probability"],
                                                               proposal["probability"],
                                                               advice[language][proposal["advice"]]))
    end = start + 1 + len(changes)
    assert proposal["state"] == "found" and lines[start + 1:end] == [
        f"  {change['label']}: {change['from']:.12g} → {change['to']:.12g} {change['unit']}" for change in changes]
    assert {"ko": "입증된 원인이 아닙니다", "en": "not a proven cause"}[language] in lines[end]


@LANGUAGES
@pytest.mark.parametrize("state", ["no_settings", "unusual_shot", "unusual_change", "out_of_reach", "not_needed"])
def test_without_a_proposal_the_reason_stands(explained: Explained, state: str, language: str) -> None:
    """Why there is none is one line, without advice; where none is needed there is no line either."""
    reply = explained(language)
    reason = WHY_NONE[state][language]
    reply["importance"]["setpoints"] = {"state": state, "reason": reason, "changes": [], "probability": None}
    lines = report(reply, language, LABELS[language]).splitlines()
    told = [line for line in lines if line.startswith(("바꿔 볼", "What to change"))]
    start = {"ko": "바꿔 볼 설정: ", "en": "What to change: "}[language]
    assert told == ([] if state == "not_needed" else [start + reason])
    assert {"ko": "입증된 원인", "en": "proven cause"}[language] not in report(reply, language, LABELS[language])


@LANGUAGES
def test_signals_are_lines_that_tell_where_they_disagree(explained: Explained, language: str) -> None:
    """Each value has what is said of it, and what cannot be said; what is not the case is left out."""
    reply = explained(language)
    label = reply["importance"]["signals"][0]["label"]
    reply["importance"]["signals"] = [
        {"label": label, "outside_limits": None, "high_attribution": True, "high_error": False},
        {"label": label, "outside_limits": True, "high_attribution": False, "high_error": True}]
    lines = report(reply, language, LABELS[language]).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(("눈여겨볼 값", "Values to look at")))
    assert lines[start + 1:start + 3] == {
        "ko": [f"  {label}: 큰 영향 (판단할 수 없음: 양품 한계 밖)", f"  {label}: 양품 한계 밖, 복원 오차 큼"],
        "en": [f"  {label}: large contribution (cannot be said: outside good shots)",
               f"  {label}: outside good shots, badly rebuilt"]}[language]


@LANGUAGES
def test_many_signals_end_in_a_line_of_names(explained: Explained, language: str) -> None:
    """The first eight have a line each; the others are still named."""
    reply = explained(language)
    signal = reply["importance"]["signals"][0]
    reply["importance"]["signals"] = [{**signal, "label": f"_{number}_"} for number in range(10)]
    lines = report(reply, language, LABELS[language]).splitlines()
    assert [number for number in range(10) if any(line.startswith(f"  _{number}_: ") for line in lines)] == [*range(8)]
    assert {"ko": "  그 밖의 값 2개: _8_, _9_", "en": "  2 more: _8_, _9_"}[language] in lines


@LANGUAGES
def test_what_was_left_out_of_an_importance_leaves_no_trace(explained: Explained, language: str) -> None:
    """Without setpoints and signals the report has only what drove the probability."""
    reply = explained(language)
    reply["importance"] |= {"setpoints": None, "signals": None}
    told = report(reply, language, LABELS[language])
    assert not any(word in told for word in ("바꿔 볼", "눈여겨볼", "What to change", "Values to look at"))


@LANGUAGES
def test_a_failed_chart_is_told_once(explained: Explained, language: str) -> None:
    """By its name and its error; no place of a chart is given, and the values stand."""
    reply = explained(language, broken_chart)
    assert reply["degraded"] and reply["importance"]["visualization_url"] is None
    lines = report(reply, language, LABELS[language]).splitlines()
    told = [line for line in lines if {"ko": "차트", "en": "hart"}[language] in line]
    assert told == [{"ko": "실패: 차트 (ValueError)", "en": "Failed: chart (ValueError)"}[language]]
    assert any(reply["importance"]["top_features"][0]["label"] in line for line in lines)


@LANGUAGES
def test_the_place_of_a_chart_is_told(explained: Explained, language: str) -> None:
    """Where the chart was kept, its address stands in the report."""
    reply = explained(language)
    place = {"ko": "차트: ", "en": "Chart: "}[language] + reply["importance"]["visualization_url"]
    assert report(reply, language, LABELS[language]).splitlines().count(place) == 1


@LANGUAGES
def test_a_report_speaks_one_language(explained: Explained, language: str) -> None:
    """Beside units, names and the chart's address, nothing is of the other language."""
    reply = explained(language)
    reply["importance"]["visualization_url"] = None
    measured = (*reply["importance"]["top_features"], *reply["importance"]["setpoints"]["changes"])
    units = {word for found in measured for word in re.findall("[A-Za-z]+", found["unit"])}
    reply["prediction"]["limits"] = [{"feature": "Spray_Time", "value": 9.0, "low": 1.0, "high": 2.0}]
    reply["prediction"]["novelty"]["outside_seen"] = ["Cycle_Time"]
    told = report(reply, language, LABELS[language])
    assert LABELS[language]["Spray_Time"] in told and LABELS[language]["Cycle_Time"] in told
    words = set(re.findall("[가-힣]+" if language == "en" else "[A-Za-z]+", told))
    assert words - units == set()
