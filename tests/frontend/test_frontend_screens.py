"""The diagnosis screen, run by Streamlit's own test runner against a stand-in for the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from page_text import (
    LANGUAGES,
    OpenPage,
    assert_one_language,
    checked,
    diagnosed,
    hangul_words,
    latin_words,
    visible_text,
    without_quotes,
)
from stub_api import Reply, StubApi, recorded


@LANGUAGES
def test_the_page_opens_with_a_sample_in_the_form(language: str, open_page: OpenPage, model: dict[str, Any]) -> None:
    """The first sample fills every field, its inspection result is shown, and nothing is asked yet."""
    page = open_page(language)
    first = recorded("samples")["samples"][0]
    widgets = {item.key: item.value for item in (*page.number_input, *page.selectbox)}
    for feature in model["features"]:
        assert widgets[f"value:{feature['name']}"] == first["features"][feature["name"]], feature["name"]
    inspection = {"ko": "검사에서 찾은 결함: 함몰", "en": "Found at inspection: Dent"}
    assert inspection[language] in visible_text(page)
    assert_one_language(visible_text(page), language, model)
    checked(page.selectbox(key="sample").select_index(1).run())
    both = {"ko": "검사에서 찾은 결함: 미성형, 기공", "en": "Found at inspection: Short shot, Blow hole"}
    assert both[language] in visible_text(page)


@LANGUAGES
@pytest.mark.parametrize("interval", [[0.45, 0.55], [0.51, 0.58]], ids=["holds chance", "above chance"])
def test_the_note_says_when_the_values_identify_the_run_alone(language: str, interval: list[float],
                                                              open_page: OpenPage, api: StubApi,
                                                              model: dict[str, Any]) -> None:
    """Once for every protocol in which chance lies inside the interval of the model's within-run figure."""
    for figures in model["figures"].values():
        figures["shotwise"]["interval"]["within_run_roc_auc"] = interval
    api.replies["GET /model"] = Reply(200, model)
    notes = {"ko": "값으로 알 수 있는 것은 그 샷이 불량인지가 아니라 어느 런의 샷인지입니다",
             "en": "the values tell the run, not the shot"}
    count = visible_text(diagnosed(open_page(language))).count(notes[language])
    assert count == (len(model["figures"]) if interval[0] < 0.5 else 0)


@LANGUAGES
def test_a_diagnosis_is_shown_whole_and_in_one_language(language: str, open_page: OpenPage, api: StubApi,
                                                        model: dict[str, Any]) -> None:
    """Verdict, warnings, values, answer, actions and sources with pages are shown, in the page's language alone."""
    api.diagnose_with("suspect")
    page = diagnosed(open_page(language))
    text, reply = visible_text(page), recorded(f"suspect_{language}")
    prediction, knowledge = reply["prediction"], reply["knowledge"]
    assert ("결함" if language == "ko" else "Defect") in text
    assert f"{prediction['prediction']['probability']:.1%}" in text
    assert all(item["label"] in text for item in reply["importance"]["top_features"])
    assert ("1속 사출 속도" if language == "ko" else "Velocity 1") in text and "0.300 m/s" in text
    page_of = {"ko": "{title} {page}쪽", "en": "{title}, p. {page}"}[language]
    assert knowledge["sources"]
    assert all(page_of.format(**source) in text and source["quote"] in text for source in knowledge["sources"])
    assert all(action in text for action in knowledge["recommendations"])
    assert prediction["prediction_id"] in text
    assert_one_language(without_quotes(text, reply), language, model)


@LANGUAGES
def test_warnings_are_shown(language: str, open_page: OpenPage, api: StubApi) -> None:
    """An unusual shot, values outside what was seen, filled-in values and broken limits are all named."""
    api.diagnose_with("suspect")
    text = visible_text(diagnosed(open_page(language)))
    expected = {"ko": ("학습한 적 없는 유형", "학습 범위를 벗어난 값: 1속 사출 속도",
                       "측정되지 않아 채운 값: 공장 온도", "양품 한계를 벗어난 값"),
                "en": ("never seen a shot like this", "Outside the range of the training shots: Velocity 1",
                       "filled in: Factory temperature", "Outside the limits of good shots")}
    assert all(line in text for line in expected[language])


@LANGUAGES
def test_new_conditions_are_one_banner_and_no_warning(language: str, open_page: OpenPage, api: StubApi,
                                                      model: dict[str, Any]) -> None:
    """Above the verdict the page says what a new run means for it; nothing is added to the warnings."""
    reply = recorded(f"good_{language}")
    reply["prediction"]["prediction"]["confidence"] = "low"
    reply["prediction"]["novelty"] = {"score": 3.0, "unusual": True, "kind": "conditions", "outside_seen": []}
    api.replies[f"POST /diagnose {language}"] = Reply(200, reply)
    text = visible_text(diagnosed(open_page(language)))
    banner, verdict = {"ko": ("조건은 학습 데이터에 없던", "판정 기준"),
                       "en": ("not seen conditions like these", "Decision threshold")}[language]
    assert text.count(banner) == 1 and text.index(banner) < text.index(verdict)
    assert ("학습한 적 없는" if language == "ko" else "never seen a shot") not in text
    assert_one_language(without_quotes(text, reply), language, model)


@LANGUAGES
def test_types_with_too_few_examples_are_one_quiet_line(language: str, open_page: OpenPage, api: StubApi) -> None:
    """They are named together, without a probability, below those that have one."""
    api.diagnose_with("suspect")
    text = visible_text(diagnosed(open_page(language)))
    types = recorded(f"suspect_{language}")["prediction"]["defect_types"]
    few = ", ".join(kind["label"] for kind in types if kind["probability"] is None)
    line = {"ko": f"사례가 너무 적어 확률을 제시할 수 없는 결함: {few}",
            "en": f"Too few examples to give a probability: {few}"}[language]
    assert few and text.count(line) == 1 and text.index(types[0]["label"]) < text.index(line)


def test_an_excluded_column_is_not_in_the_form(open_page: OpenPage, api: StubApi, model: dict[str, Any]) -> None:
    """A sample may still hold its value; the page neither shows nor sends it."""
    (excluded,) = (feature for feature in model["features"] if feature["name"] == "Spray_Time")
    model["features"].remove(excluded)
    model["excluded"] = [{"name": excluded["name"], "label": excluded["label"], "reason": "of the run"}]
    api.replies["GET /model"] = Reply(200, model)
    api.diagnose_with("good")
    page = diagnosed(open_page("en"))
    assert excluded["label"]["en"] not in [item.label.split(" (")[0] for item in page.number_input]
    assert excluded["name"] not in api.bodies()[0]["features"] and api.bodies()[0]["features"]


def test_sources_link_to_their_page(open_page: OpenPage, api: StubApi) -> None:
    """A source opens the document at the page it names."""
    api.diagnose_with("suspect")
    drawn = "".join(item.value for item in diagnosed(open_page("ko")).html)
    for source in recorded("suspect_ko")["knowledge"]["sources"]:
        assert f'href="{api.url}/documents/{source["document"]}#page={source["page"]}"' in drawn


@LANGUAGES
def test_a_good_shot_says_what_was_skipped(language: str, open_page: OpenPage, api: StubApi,
                                           model: dict[str, Any]) -> None:
    """A shot that looks fine has its verdict and the steps that were not run."""
    api.diagnose_with("good")
    text = visible_text(diagnosed(open_page(language)))
    assert ("정상" if language == "ko" else "Normal") in text
    assert text.count("건너뛰었습니다" if language == "ko" else "this step was skipped") == 2
    assert_one_language(without_quotes(text, recorded(f"good_{language}")), language, model)


@LANGUAGES
def test_an_unanswered_question_is_said_to_be_so(language: str, open_page: OpenPage, api: StubApi,
                                                 model: dict[str, Any]) -> None:
    """Where the documents do not answer, the page says that and shows no sources."""
    api.diagnose_with("unanswered")
    page = open_page(language)
    page.text_area(key="question").set_value("왜?" if language == "ko" else "Why?")
    text = visible_text(diagnosed(page))
    assert recorded(f"unanswered_{language}")["knowledge"]["answer"] in text
    assert ("출처" if language == "ko" else "Sources") not in text
    assert_one_language(without_quotes(text, recorded(f"unanswered_{language}")), language, model)


@LANGUAGES
def test_failed_steps_leave_the_rest(language: str, open_page: OpenPage, api: StubApi, model: dict[str, Any]) -> None:
    """A degraded diagnosis keeps its verdict and says which steps failed, without the error's name."""
    reply = recorded(f"suspect_{language}")
    reply |= {"importance": None, "knowledge": None, "degraded": [
        {"step": "importance", "error": "StoreError", "code": "importance_failed", "params": {}},
        {"step": "knowledge", "error": "States.Timeout", "code": "knowledge_failed", "params": {}}]}
    api.replies[f"POST /diagnose {language}"] = Reply(200, reply)
    text = visible_text(diagnosed(open_page(language)))
    assert ("영향 분석 단계를 마치지 못했습니다" if language == "ko" else "This step failed: importance") in text
    assert ("문서 근거 단계가 제시간에" if language == "ko" else "This step took too long: documents") in text
    assert "StoreError" not in text
    assert_one_language(without_quotes(text, reply), language, model)


@LANGUAGES
def test_a_lost_chart_leaves_the_rest(language: str, open_page: OpenPage, api: StubApi) -> None:
    """A chart that cannot be fetched is said to be missing; the table of values stays."""
    api.diagnose_with("suspect")
    api.replies = {call: reply for call, reply in api.replies.items() if "/charts/" not in call}
    text = visible_text(diagnosed(open_page(language)))
    assert ("차트를 불러오지 못했습니다" if language == "ko" else "The chart could not be loaded") in text
    assert recorded(f"suspect_{language}")["importance"]["top_features"][0]["label"] in text


@LANGUAGES
def test_refused_values_are_listed_by_label(language: str, open_page: OpenPage, api: StubApi,
                                            model: dict[str, Any]) -> None:
    """Every bad field is named by its label, with a reason in the page's language."""
    api.replies["POST /diagnose"] = Reply(400, recorded("problem"))
    page = open_page(language)
    page.number_input(key="value:Velocity_1").set_value(None)
    page.number_input(key="value:Velocity_2").set_value(9.0)
    text = visible_text(diagnosed(page))
    expected = {"ko": ("제품 종류 : 다음 중 하나를 고르십시오: 1, 2",
                       "1속 사출 속도 : 비워 둘 수 없는 항목입니다. 값을 입력하십시오.",
                       "2속 사출 속도 : 타당 범위(0 – 0.374 m/s)를 벗어났습니다.", "질문 : 2,000자를 넘습니다."),
                "en": ("Product type : Choose one of: 1, 2", "Velocity 1 : This must not be empty. Enter a value.",
                       "Velocity 2 : Outside what is plausible (0 – 0.374 m/s).",
                       "Question : It is over 2,000 characters")}
    for line in expected[language]:
        assert line in text
    assert_one_language(text, language, model)


@LANGUAGES
@pytest.mark.parametrize("status", [403, 413, 429, 500, 502, 504])
def test_refusals_are_explained(status: int, language: str, open_page: OpenPage, api: StubApi,
                                model: dict[str, Any]) -> None:
    """Any other refusal is explained in the page's language, never by the server's own text."""
    api.replies["POST /diagnose"] = Reply(status, {"title": "Nope", "status": status, "detail": "Nope."})
    text = visible_text(diagnosed(open_page(language)))
    assert ("진단하지 못했습니다" if language == "ko" else "could not be diagnosed") in text
    assert "Nope" not in text
    assert_one_language(text, language, model)


def test_edited_values_and_wishes_are_what_is_sent(open_page: OpenPage, api: StubApi) -> None:
    """An edit, an emptied field, a question and the ticked steps reach the API, with the language."""
    api.diagnose_with("suspect")
    page = open_page("en")
    page.number_input(key="value:Biscuit_Thickness").set_value(4.0)
    page.number_input(key="value:Factory_Temp").set_value(None)
    page.text_area(key="question").set_value("Why?")
    page.checkbox(key="always:knowledge").check()
    diagnosed(page)
    features = {**recorded("samples")["samples"][0]["features"], "Biscuit_Thickness": 4, "Factory_Temp": None}
    assert api.bodies() == [{"features": features, "always": ["knowledge"], "question": "Why?", "language": "en"}]


def test_a_second_sample_replaces_the_values(open_page: OpenPage, api: StubApi) -> None:
    """Picking another sample fills the form with its values."""
    api.diagnose_with("good")
    page = open_page("ko")
    checked(page.selectbox(key="sample").select_index(1).run())
    diagnosed(page)
    assert api.bodies()[0]["features"] == recorded("samples")["samples"][1]["features"]


def test_another_language_keeps_the_edits_and_asks_again(open_page: OpenPage, api: StubApi) -> None:
    """Switching the language keeps what was edited and shows the diagnosis in the new language."""
    api.diagnose_with("suspect")
    page = open_page("ko")
    page.number_input(key="value:Biscuit_Thickness").set_value(4.0)
    diagnosed(page)
    checked(page.segmented_control(key="language").set_value("en").run())
    assert [body["language"] for body in api.bodies()] == ["ko", "en"]
    assert api.bodies()[1]["features"] == api.bodies()[0]["features"]
    assert "Verdict" in visible_text(page) and page.number_input(key="value:Biscuit_Thickness").value == 4.0


def test_a_diagnosis_of_older_values_is_marked(open_page: OpenPage, api: StubApi) -> None:
    """After an edit the page says that the diagnosis below is of the shot before."""
    api.diagnose_with("suspect")
    page = diagnosed(open_page("ko"))
    assert "고치기 전의 진단" not in visible_text(page)
    checked(page.number_input(key="value:Biscuit_Thickness").set_value(5.0).run())
    assert "고치기 전의 진단" in visible_text(page) and len(api.bodies()) == 1


def test_texts_of_the_api_are_never_markup(open_page: OpenPage, api: StubApi) -> None:
    """A quote with HTML in it is shown as text."""
    reply = json.loads(json.dumps(recorded("suspect_ko")).replace("[1]", "<img src=x onerror=alert(1)>"))
    api.replies["POST /diagnose ko"] = Reply(200, reply)
    drawn = "".join(item.value for item in diagnosed(open_page("ko")).html)
    assert "<img" not in drawn and "&lt;img" in drawn


def test_another_schema_makes_another_form(open_page: OpenPage, api: StubApi) -> None:
    """A foundry with other features gets its own form; none is expected by name."""
    label = {"ko": "깊이", "en": "Depth"}
    feature = {"name": "Depth", "label": label, "group": "camera", "unit": "mm", "seen": [0, 1], "plausible": [0, 2],
               "resolution": 0.5, "missing": True, "constant": False, "categories": []}
    grade = {**feature, "name": "Grade", "label": {"ko": "등급", "en": "Grade"}, "categories": ["A", "B"]}
    api.replies["GET /model"] = Reply(200, {**recorded("model"), "features": [feature, grade], "product_feature": None})
    api.replies["GET /samples"] = Reply(200, {"samples": []})
    api.diagnose_with("good")
    page = open_page("en")
    page.number_input(key="value:Depth").set_value(1.5)
    diagnosed(page)
    assert api.bodies()[0]["features"] == {"Depth": 1.5, "Grade": None}


def test_the_language_check_sees_a_foreign_word(model: dict[str, Any]) -> None:
    """The checks above can fail: a word of the other language is found, units and names are not."""
    assert latin_words("정상 Deploy 0.3 m/s (°C) +1.0%p ROC-AUC", model) == {"Deploy"}
    assert hangul_words("Verdict 정상") == {"정상"}
