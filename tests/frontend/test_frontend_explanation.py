"""The importance on the page: what to change, the signals of a value, and a chart that failed."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from page_text import LANGUAGES, OpenPage, assert_one_language, diagnosed, visible_text, without_quotes
from stub_api import Reply, StubApi, recorded

from frontend.messages import Messages

FAILED_CHART = {"step": "chart", "error": "StoreError", "code": "chart_failed", "params": {}}


def answered(api: StubApi, language: str, **changes: Any) -> dict[str, Any]:
    """Let the stand-in answer with the recorded proposal, with `changes` in its importance, and return that."""
    reply: dict[str, Any] = recorded(f"proposal_{language}")
    reply["importance"] |= changes
    api.replies[f"POST /diagnose {language}"] = Reply(200, reply)
    return reply


def without_proposal(state: str) -> dict[str, Any]:
    """Return setpoints that propose nothing, with a reason in neither language."""
    return {"state": state, "reason": "Warum?", "changes": [], "probability": None}


def rows_of(page: Any, head: str) -> list[list[str]]:
    """Return the cells of the table with `head` in its head; what only a screen reader finds is in brackets."""
    (table,) = (html_table for item in page.html for html_table in re.findall("<table.*?</table>", item.value)
                if head in html_table)
    marked = re.sub(r'<span class="sw-hidden">(.*?)</span>', r"[\1]", table)
    return [[html.unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall("<td.*?</td>", row)]
            for row in re.findall("<tr>.*?</tr>", marked)[1:]]


@LANGUAGES
def test_every_change_is_shown_with_what_comes_of_it(language: str, open_page: OpenPage, api: StubApi,
                                                     model: dict[str, Any]) -> None:
    """Settings with both values, unit and limits, the probability then, and that it is no proven cause."""
    reply, messages = answered(api, language), Messages(language)
    page = diagnosed(open_page(language))
    text = visible_text(page)
    assert rows_of(page, messages("setpoints.change")) == {
        "ko": [["1속 사출 속도", "0.170 → 0.163 m/s", "0.138 – 0.164 m/s"],
               ["1차 스프레이 시간", "1.0 → 0.9 s", "0.7 – 1.2 s"]],
        "en": [["Velocity 1", "0.170 → 0.163 m/s", "0.138 – 0.164 m/s"],
               ["Spray 1 time", "1.0 → 0.9 s", "0.7 – 1.2 s"]]}[language]
    assert {"ko": "결함 확률은 24.4%로, 판정 기준 24.9%보다 낮습니다 (지금 36.4%)",
            "en": "then 24.4%, under the decision threshold of 24.9% (now 36.4%)"}[language] in text
    assert text.count({"ko": "입증된 원인이 아닙니다", "en": "not a proven cause"}[language]) == 1
    assert_one_language(without_quotes(text, reply), language, model)


def test_a_proposal_follows_the_values_and_not_the_inspection_results(open_page: OpenPage, api: StubApi) -> None:
    """Where inspection results set another threshold for the verdict, the proposal keeps that of the values alone."""
    reply = answered(api, "en")
    reply["prediction"]["prediction"]["threshold"] = 0.1
    assert "under the decision threshold of 24.9%" in visible_text(diagnosed(open_page("en")))


def test_a_probability_right_under_the_threshold_is_distinguishable(open_page: OpenPage, api: StubApi,
                                                                    model: dict[str, Any]) -> None:
    """Both get as many digits as they need to differ; equal numbers would deny that one is under the other."""
    model["thresholds"]["decision"] = 0.24812
    api.replies["GET /model"] = Reply(200, model)
    answered(api, "en", setpoints={**recorded("proposal_en")["importance"]["setpoints"], "probability": 0.24809})
    assert "then 24.809%, under the decision threshold of 24.812%" in visible_text(diagnosed(open_page("en")))


@LANGUAGES
@pytest.mark.parametrize(("state", "explanation"), [
    ("no_settings", {"ko": "바꿀 수 있는 설정이 없어", "en": "none of the measured values is a setting"}),
    ("unusual_shot", {"ko": "설정을 어떻게 바꾸어도", "en": "whatever its settings"}),
    ("unusual_change", {"ko": "학습한 적 없는 유형의 샷이 되므로", "en": "a kind that the model has never seen"}),
    ("out_of_reach", {"ko": "설정을 세 개까지 바꾸어", "en": "no change of up to three settings"})])
def test_the_lack_of_a_proposal_is_worded_by_its_state(state: str, explanation: dict[str, str], language: str,
                                                       open_page: OpenPage, api: StubApi,
                                                       model: dict[str, Any]) -> None:
    """The page has a text for each state, so it follows the page's language; nothing is advised."""
    reply = answered(api, language, setpoints=without_proposal(state))
    text = visible_text(diagnosed(open_page(language)))
    assert text.count(Messages(language)("setpoints.title")) == 1 and text.count(explanation[language]) == 1
    assert Messages(language)("setpoints.caveat") not in text and "Warum?" not in text
    assert_one_language(without_quotes(text, reply), language, model)


@pytest.mark.parametrize("changes", [{"setpoints": without_proposal("not_needed")},
                                     {"setpoints": None, "signals": None}, {"setpoints": None, "signals": []}],
                         ids=["not needed", "left out", "no signal"])
def test_what_there_is_no_need_for_is_not_shown(changes: dict[str, Any], open_page: OpenPage, api: StubApi) -> None:
    """A shot that needs no change has no such part; nor has a reply that left the parts out."""
    answered(api, "en", **changes)
    text, messages = visible_text(diagnosed(open_page("en"))), Messages("en")
    assert messages("importance.title") in text and messages("setpoints.title") not in text
    assert (messages("signals.title") in text) == ("signals" not in changes)


@LANGUAGES
def test_signals_stand_side_by_side_where_they_disagree(language: str, open_page: OpenPage, api: StubApi,
                                                        model: dict[str, Any]) -> None:
    """Yes, no and unknown each have a mark and a text for a screen reader, whatever the other two signals are."""
    first, *others = recorded(f"proposal_{language}")["importance"]["signals"]
    marks = ((True, False, None), (False, True, True), (None, False, True))
    signals = [{**first, "outside_limits": outside, "high_attribution": attribution, "high_error": error}
               for outside, attribution, error in marks]
    reply = answered(api, language, signals=signals)
    page = diagnosed(open_page(language))
    yes, no, unknown = {"ko": ("●[해당]", "[해당 없음]", "–[판단할 수 없음]"),
                        "en": ("●[yes]", "[no]", "–[cannot be said]")}[language]
    assert others and rows_of(page, Messages(language)("signals.high_error")) == [
        [first["label"], yes, no, unknown], [first["label"], no, yes, yes], [first["label"], unknown, no, yes]]
    assert {"ko": "● 해당 · – 판단할 수 없음", "en": "● yes · – cannot be said"}[language] in visible_text(page)
    assert_one_language(without_quotes(visible_text(page), reply), language, model)


@LANGUAGES
def test_many_signals_are_a_short_table_and_a_line(language: str, open_page: OpenPage, api: StubApi) -> None:
    """The values of an unusual shot that the table has no room for are still named."""
    api.diagnose_with("suspect")
    labels = [signal["label"] for signal in recorded(f"suspect_{language}")["importance"]["signals"]]
    page = diagnosed(open_page(language))
    assert len(labels) > 8
    assert [row[0] for row in rows_of(page, Messages(language)("signals.high_error"))] == labels[:8]
    rest = {"ko": f"그 밖의 값 {len(labels) - 8}개: ", "en": f"{len(labels) - 8} more: "}[language]
    assert rest + ", ".join(labels[8:]) in visible_text(page)


@LANGUAGES
def test_a_chart_that_failed_is_reported_once(language: str, open_page: OpenPage, api: StubApi,
                                              model: dict[str, Any]) -> None:
    """Where the chart would stand, and not again among the steps; the values and what to change stand."""
    reply = answered(api, language, visualization_url=None, degraded=[FAILED_CHART])
    reply["degraded"] = [FAILED_CHART]
    text = visible_text(diagnosed(open_page(language)))
    assert text.count({"ko": "차트", "en": "chart"}[language]) == 1
    assert {"ko": "차트를 불러오지 못했습니다", "en": "The chart could not be loaded"}[language] in text
    assert reply["importance"]["top_features"][0]["label"] in text and Messages(language)("setpoints.title") in text
    assert_one_language(without_quotes(text, reply), language, model)


@LANGUAGES
def test_a_failed_chart_without_its_values_is_a_failed_step(language: str, open_page: OpenPage, api: StubApi) -> None:
    """Where there is no importance to show, the chart is listed among the failed steps."""
    reply = answered(api, language)
    reply |= {"importance": None, "degraded": [FAILED_CHART]}
    explanation = {"ko": "차트 단계를 마치지 못했습니다", "en": "This step failed: chart"}[language]
    assert explanation in visible_text(diagnosed(open_page(language)))
