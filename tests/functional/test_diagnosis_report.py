"""The report that `shotwise diagnose` prints, from a reply of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.bundle import Bundle
from shotwise.handlers.importance import importance_handler
from shotwise.handlers.predict import predict_handler
from shotwise.handlers.replies import SETPOINT_REASONS
from shotwise_cli.diagnosis_report import diagnosis_report

ReportLines = Callable[[Bundle, str], list[str]]
Diagnose = Callable[..., dict[str, Any]]
LANGUAGES = pytest.mark.parametrize("language", ["ko", "en"])
SCHEMA = json.loads((Path(__file__).parents[2] / "models/shotwise/bundle.json").read_text("utf-8"))["features"]
LABELS = {language: {feature["name"]: feature["label"][language] for feature in SCHEMA} for language in ("ko", "en")}


@pytest.fixture
def report_lines(features: dict[str, Any]) -> ReportLines:
    """The lines of the report of a real defective shot; importance and knowledge are skipped."""

    def lines(bundle: Bundle, language: str) -> list[str]:
        prediction = predict_handler(bundle)({"features": features, "language": language}, None)
        reply = {"prediction": prediction, "importance": None, "knowledge": None, "skipped": [], "degraded": []}
        return diagnosis_report(reply, language, LABELS[language]).splitlines()

    return lines


@pytest.fixture
def diagnose(features: dict[str, Any], bundle: Bundle, tmp_path: Path) -> Diagnose:
    """The diagnosis of a real defective shot with its importance; `draw` draws the chart."""

    def diagnosis(language: str, draw: Callable[..., bytes] = blank_chart) -> dict[str, Any]:
        request = {"features": features, "language": language}
        store = FolderFileStore([tmp_path], "http://127.0.0.1:8000/charts")
        importance = importance_handler(bundle, store, draw)(request, None)
        return {"prediction": predict_handler(bundle)(request, None), "importance": importance, "knowledge": None,
                "skipped": [], "degraded": importance["degraded"]}

    return diagnosis


def blank_chart(*_: Any) -> bytes:
    """A chart that takes no time to draw."""
    return b"chart"


def broken_chart(*_: Any) -> bytes:
    """A chart that cannot be drawn."""
    raise ValueError


def with_limits(bundle: Bundle, *, novelty: float = 1e9, distance: float = 1e9) -> Bundle:
    """The bundle with other thresholds of novelty."""
    return replace(bundle, thresholds=replace(bundle.thresholds, novelty=novelty, distance=distance))


@LANGUAGES
def test_the_report_of_a_usual_shot_begins_with_the_verdict(report_lines: ReportLines, bundle: Bundle,
                                                            language: str) -> None:
    """There is no warning where nothing is new."""
    lines = report_lines(with_limits(bundle), language)
    assert lines[0].startswith({"ko": "판정: 결함", "en": "Verdict: defect"}[language])
    assert not [line for line in lines if line.startswith(("주의", "Careful"))]


@LANGUAGES
def test_new_conditions_add_one_line_above_the_verdict(report_lines: ReportLines, bundle: Bundle,
                                                       language: str) -> None:
    """The line says what a new run means for the verdict, and there is no other warning."""
    lines = report_lines(with_limits(bundle, distance=1e-12), language)
    assert {"ko": "학습 데이터에 없던", "en": "not seen conditions like these"}[language] in lines[0]
    assert lines[1:] and not [line for line in lines[1:] if line.startswith(("주의", "Careful"))]


@LANGUAGES
def test_an_unusual_shot_adds_a_warning(report_lines: ReportLines, bundle: Bundle, language: str) -> None:
    """One warning, below the verdict, for a shot with values that do not fit together."""
    lines = report_lines(with_limits(bundle, novelty=1e-12), language)
    warnings = [number for number, line in enumerate(lines) if line.startswith(("주의", "Careful"))]
    assert len(warnings) == 1 and warnings[0] > 0


@LANGUAGES
def test_defect_types_with_too_few_examples_share_one_line(report_lines: ReportLines, bundle: Bundle,
                                                           language: str) -> None:
    """They are named without a probability. Where no type has a probability, the line of likely types is left out."""
    *some, last = bundle.defect_types
    prefix = {"ko": "사례가 너무 적어 확률을 제시할 수 없는 결함: ",
              "en": "Too few examples to give a probability: "}[language]
    kinds = (*(replace(kind, modelled=True) for kind in some), replace(last, modelled=False))
    lines = report_lines(replace(bundle, defect_types=kinds), language)
    none = report_lines(replace(bundle, defect_types=tuple(replace(kind, modelled=False) for kind in kinds)), language)
    assert prefix + last.label[language] in lines
    assert [text.endswith(last.label[language]) for text in none if text.startswith(prefix)] == [True]
    likely = [[text for text in report if text.startswith(("가능한", "Possible"))] for report in (lines, none)]
    assert len(likely[0]) == 1 and likely[0][0].endswith("%") and likely[1] == []


@LANGUAGES
def test_a_proposal_lists_every_change_and_a_caveat(diagnose: Diagnose, language: str) -> None:
    """Old and new setting with the unit, the new probability, and that this is not a proven cause."""
    reply = diagnose(language)
    proposal = reply["importance"]["setpoints"]
    changes = proposal["changes"]
    lines = diagnosis_report(reply, language, LABELS[language]).splitlines()
    advice = {"ko": {"accept": "합격", "inspect": "검사 필요"}, "en": {"accept": "accept", "inspect": "inspect"}}
    start = lines.index({"ko": "설정 제안 (결함 확률 {:.1%} → {:.1%}, 판정 기준보다 낮음 · 권고: {})",
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
def test_without_a_proposal_the_report_says_why(diagnose: Diagnose, state: str, language: str) -> None:
    """The reason is one line without a caveat; there is no line where no change is needed."""
    reply = diagnose(language)
    reason = SETPOINT_REASONS[state][language]
    reply["importance"]["setpoints"] = {"state": state, "reason": reason, "changes": [], "probability": None}
    lines = diagnosis_report(reply, language, LABELS[language]).splitlines()
    proposals = [line for line in lines if line.startswith(("설정 제안", "What to change"))]
    start = {"ko": "설정 제안: ", "en": "What to change: "}[language]
    assert proposals == ([] if state == "not_needed" else [start + reason])
    assert {"ko": "입증된 원인", "en": "proven cause"}[language] not in "\n".join(lines)


@LANGUAGES
def test_each_value_has_a_line_with_its_signals(diagnose: Diagnose, language: str) -> None:
    """The line names the signals that are raised and those that are unknown; the others are left out."""
    reply = diagnose(language)
    label = reply["importance"]["signals"][0]["label"]
    reply["importance"]["signals"] = [
        {"label": label, "outside_limits": None, "high_attribution": True, "high_error": False},
        {"label": label, "outside_limits": True, "high_attribution": False, "high_error": True}]
    lines = diagnosis_report(reply, language, LABELS[language]).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(("눈여겨볼 값", "Values to look at")))
    assert lines[start + 1:start + 3] == {
        "ko": [f"  {label}: 영향 큼 (판단할 수 없음: 양품 한계 밖)", f"  {label}: 양품 한계 밖, 복원 오차 큼"],
        "en": [f"  {label}: large contribution (unknown: outside the limits of good shots)",
               f"  {label}: outside the limits of good shots, large reconstruction error"]}[language]


@LANGUAGES
def test_further_values_with_signals_share_one_line(diagnose: Diagnose, language: str) -> None:
    """The first eight have a line each; the others are named together."""
    reply = diagnose(language)
    signal = reply["importance"]["signals"][0]
    reply["importance"]["signals"] = [{**signal, "label": f"_{number}_"} for number in range(10)]
    lines = diagnosis_report(reply, language, LABELS[language]).splitlines()
    assert [number for number in range(10) if any(line.startswith(f"  _{number}_: ") for line in lines)] == [*range(8)]
    assert {"ko": "  그 밖의 값 2개: _8_, _9_", "en": "  2 more: _8_, _9_"}[language] in lines


@LANGUAGES
def test_setpoints_and_signals_can_be_left_out(diagnose: Diagnose, language: str) -> None:
    """Without them the importance part has the driving values only."""
    reply = diagnose(language)
    reply["importance"] |= {"setpoints": None, "signals": None}
    report = diagnosis_report(reply, language, LABELS[language])
    assert not any(word in report for word in ("설정 제안", "눈여겨볼", "What to change", "Values to look at"))


@LANGUAGES
def test_a_failed_chart_is_reported_once(diagnose: Diagnose, language: str) -> None:
    """By its step and error; the report gives no location of a chart, and the values are still there."""
    reply = diagnose(language, broken_chart)
    assert reply["degraded"] and reply["importance"]["visualization_url"] is None
    lines = diagnosis_report(reply, language, LABELS[language]).splitlines()
    failures = [line for line in lines if {"ko": "차트", "en": "hart"}[language] in line]
    assert failures == [{"ko": "실패: 차트 (ValueError). 나머지 결과는 유효합니다. 다시 진단하십시오.",
                         "en": "Failed: chart (ValueError). The other results stand. Diagnose again."}[language]]
    assert any(reply["importance"]["top_features"][0]["label"] in line for line in lines)


@LANGUAGES
def test_the_report_gives_the_url_of_the_chart(diagnose: Diagnose, language: str) -> None:
    """Where the chart was stored and its file is not on this machine, the report gives its URL."""
    reply = diagnose(language)
    line = {"ko": "차트: ", "en": "Chart: "}[language] + reply["importance"]["visualization_url"]
    assert diagnosis_report(reply, language, LABELS[language]).splitlines().count(line) == 1


@LANGUAGES
def test_a_report_is_in_one_language(diagnose: Diagnose, language: str) -> None:
    """Apart from units, names and the chart's URL, no word is in the other language."""
    reply = diagnose(language)
    reply["importance"]["visualization_url"] = None
    measured = (*reply["importance"]["top_features"], *reply["importance"]["setpoints"]["changes"])
    units = {word for feature in measured for word in re.findall("[A-Za-z]+", feature["unit"])}
    reply["prediction"]["limits"] = [{"feature": "Spray_Time", "value": 9.0, "low": 1.0, "high": 2.0}]
    reply["prediction"]["novelty"]["outside_seen"] = ["Cycle_Time"]
    report = diagnosis_report(reply, language, LABELS[language])
    assert LABELS[language]["Spray_Time"] in report and LABELS[language]["Cycle_Time"] in report
    words = set(re.findall("[가-힣]+" if language == "en" else "[A-Za-z]+", report))
    assert words - units == set()
