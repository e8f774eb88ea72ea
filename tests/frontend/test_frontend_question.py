"""A question to the documents, run by Streamlit's own test runner against a stand-in for the API."""

from __future__ import annotations

from typing import Any

import pytest
from page_text import LANGUAGES, OpenPage, assert_one_language, checked, visible_text
from streamlit.testing.v1 import AppTest
from stub_api import Pieces, Reply, StubApi, recorded, recorded_events, stream

from frontend.messages import Messages
from frontend.messages.codes import DEGRADED_STEPS

QUESTION = {"ko": "비스킷 두께가 얇으면?", "en": "What if the biscuit is thin?"}


@pytest.fixture(autouse=True)
def listed(api: StubApi) -> None:
    """No documents: these tests are about the question."""
    api.replies["GET /documents"] = Reply(200, {"documents": []})


def asked(page: AppTest, language: str) -> AppTest:
    """Return the page after a question was asked."""
    page.text_input(key="query").set_value(QUESTION[language])
    return checked(page.button(key="ask_press").click().run())


def answered(api: StubApi, language: str, scene: str = "query_answered", **changes: Any) -> dict[str, Any]:
    """Let the stand-in stream the recorded answer with `changes`, and return it."""
    *before, (kind, recorded_reply) = recorded_events(f"{scene}_{language}")
    reply: dict[str, Any] = {**recorded_reply, **changes}
    api.replies[f"POST /query {language}"] = Reply(200, stream(*before, (kind, reply)))
    return reply


def failed_step(step: str) -> dict[str, Any]:
    """Return a failed step as the API reports it."""
    return {"step": step, "error": "KnowledgeError", "code": f"{step}_failed", "params": {}}


def own_text(page: AppTest, reply: dict[str, Any]) -> str:
    """Return the page's own text: without what it quotes from documents."""
    text = visible_text(page)
    for quoted in (reply["answer"], *reply["answer"].splitlines(), *reply["recommendations"],
                   *(source[key] for source in reply["sources"] for key in ("quote", "title"))):
        text = text.replace(quoted, "")
    return text


@LANGUAGES
def test_the_screen_opens_from_the_address(language: str, open_page: OpenPage, api: StubApi,
                                           model: dict[str, Any]) -> None:
    """?page=documents opens the documents, in one language, without asking for what the diagnosis needs."""
    page = open_page(language, "documents")
    assert Messages(language)("ask.start") in visible_text(page)
    assert {call for call, _ in api.received} == {"GET /documents"}
    assert_one_language(visible_text(page), language, model)


def test_the_choice_of_the_screen_stays_in_the_address(open_page: OpenPage) -> None:
    """A reload finds the screen again; the first one needs no mention, and an unknown one is the first."""
    page = open_page("en", "nonsense")
    assert page.button(key="diagnose")
    checked(page.segmented_control(key="screen").set_value("documents").run())
    assert page.query_params["page"] == "documents" and page.query_params["lang"] == "en"
    checked(page.segmented_control(key="screen").set_value("diagnosis").run())
    assert "page" not in page.query_params and page.button(key="diagnose")


def test_both_screens_keep_what_was_typed_and_answered(open_page: OpenPage, api: StubApi) -> None:
    """Going to the other screen and back loses neither values nor the diagnosis, neither question nor answer."""
    api.diagnose_with("good")
    answered(api, "ko")
    page = open_page("ko")
    page.number_input(key="value:Biscuit_Thickness").set_value(4.0)
    checked(page.button(key="diagnose").click().run())
    asked(checked(page.segmented_control(key="screen").set_value("documents").run()), "ko")
    checked(page.segmented_control(key="screen").set_value("diagnosis").run())
    assert page.number_input(key="value:Biscuit_Thickness").value == 4.0 and "판정" in visible_text(page)
    checked(page.segmented_control(key="screen").set_value("documents").run())
    assert page.text_input(key="query").value == QUESTION["ko"] and "권고 조치" in visible_text(page)
    assert len(api.bodies()) == 1 and len(api.bodies("POST /query")) == 1


@LANGUAGES
def test_an_answer_is_shown_with_its_sources(language: str, open_page: OpenPage, api: StubApi,
                                             model: dict[str, Any]) -> None:
    """Question, answer, actions and sources are shown, each source with a link to its page."""
    reply = answered(api, language)
    page = asked(open_page(language, "documents"), language)
    text = visible_text(page)
    assert api.bodies("POST /query") == [{"query": QUESTION[language], "language": language}]
    assert QUESTION[language] in text and all(line in text for line in reply["answer"].splitlines())
    assert reply["recommendations"] and all(action in text for action in reply["recommendations"])
    drawn = "".join(item.value for item in page.html)
    for source in reply["sources"]:
        assert f'href="{api.url}/documents/{source["document"]}#page={source["page"]}"' in drawn
    assert_one_language(own_text(page, reply), language, model)


@LANGUAGES
def test_an_example_is_asked_at_once(language: str, open_page: OpenPage, api: StubApi) -> None:
    """Pressing one puts it into the box and asks it."""
    answered(api, language)
    page = open_page(language, "documents")
    checked(page.button(key="example:1").click().run())
    example = Messages(language)("ask.example.1")
    assert page.text_input(key="query").value == example
    assert api.bodies("POST /query") == [{"query": example, "language": language}]


@LANGUAGES
def test_a_question_without_an_answer_is_said_to_be_so(language: str, open_page: OpenPage, api: StubApi,
                                                       model: dict[str, Any]) -> None:
    """Where the documents do not answer, the page says that and shows no sources."""
    reply = answered(api, language, "query_unanswered")
    page = asked(open_page(language, "documents"), language)
    assert reply["answer"] in visible_text(page) and Messages(language)("knowledge.sources") not in visible_text(page)
    assert_one_language(own_text(page, reply), language, model)


@LANGUAGES
@pytest.mark.parametrize(("step", "generator", "explanation"), [
    ("embedding", "extractive", {"ko": "낱말이 같은 구절만", "en": "only the words were searched"}),
    ("generation", "extractive", {"ko": "문장을 그대로 옮겼습니다", "en": "documents are quoted instead"}),
    ("generation", "a-model", {"ko": "답이 다 끝나지 않았습니다", "en": "the answer ends early"})])
def test_a_degraded_answer_says_what_failed(step: str, generator: str, explanation: dict[str, str], language: str,
                                            open_page: OpenPage, api: StubApi, model: dict[str, Any]) -> None:
    """In the page's language, once, and never by the error's name."""
    reply = answered(api, language, generator=generator, degraded=[failed_step(step)])
    page = asked(open_page(language, "documents"), language)
    assert visible_text(page).count(explanation[language]) == 1
    assert "KnowledgeError" not in visible_text(page)
    assert_one_language(own_text(page, reply).replace(generator, ""), language, model)


@LANGUAGES
def test_a_degraded_answer_inside_a_diagnosis_says_so(language: str, open_page: OpenPage, api: StubApi) -> None:
    """The same text stands under the answer that a diagnosis brings."""
    reply = recorded(f"suspect_{language}")
    reply["knowledge"]["degraded"] = [failed_step("embedding")]
    api.replies[f"POST /diagnose {language}"] = Reply(200, reply)
    page = checked(open_page(language).button(key="diagnose").click().run())
    assert visible_text(page).count(DEGRADED_STEPS["embedding_failed"][language == "en"]) == 1


def test_a_failed_step_of_an_unknown_code_is_the_servers_message(open_page: OpenPage, api: StubApi) -> None:
    """A newer API may have further steps that fail."""
    answered(api, "ko", degraded=[{"step": "rerank", "error": "ModelError", "code": "rerank_failed", "params": {}}])
    assert "서버 메시지: ModelError" in visible_text(asked(open_page("ko", "documents"), "ko"))


PASSAGE = {"document": "process-manual.pdf", "title": "Manual", "page": 8, "headings": [], "relevance": 1.0}
BEGUN = stream(("passage", PASSAGE), ("passage", PASSAGE), ("token", {"text": "42 [1]"}))


@LANGUAGES
@pytest.mark.parametrize(("body", "key"), [
    (BEGUN + stream(("error", {"title": "Nope", "status": 500, "detail": "Nope."})), "ask.failed"),
    (BEGUN, "ask.broken"), (Pieces([BEGUN], cut=True), "ask.broken")])
def test_an_interrupted_answer_keeps_what_came(body: Any, key: str, language: str, open_page: OpenPage, api: StubApi,
                                               model: dict[str, Any]) -> None:
    """The failure is explained, the text so far and the passages stay, and the question can be asked again."""
    api.replies["POST /query"] = Reply(200, body)
    page = asked(open_page(language, "documents"), language)
    text, messages = visible_text(page), Messages(language)
    assert messages(key) in text and "42 [1]" in text and "Nope" not in text
    assert text.count(messages("knowledge.page", title="Manual", page=8)) == 1
    assert_one_language(text.replace("Manual", ""), language, model)
    answered(api, language)
    checked(page.button(key="ask_again").click().run())
    assert messages("knowledge.sources") in visible_text(page) and messages(key) not in visible_text(page)


@LANGUAGES
@pytest.mark.parametrize("reply", [Reply(503, {"title": "Nope", "status": 503}), Reply(200, b""),
                                   Reply(200, stream(("error", {"title": "Nope", "status": 503})))])
def test_a_question_without_any_reply_is_a_problem(reply: Reply, language: str, open_page: OpenPage, api: StubApi,
                                                   model: dict[str, Any]) -> None:
    """Where nothing came, the page explains it, and the question can be asked again."""
    api.replies["POST /query"] = reply
    page = asked(open_page(language, "documents"), language)
    messages = Messages(language)
    assert messages("problem.query.title" if reply.body else "problem.unreachable") in visible_text(page)
    assert page.button(key="ask_again") and "Nope" not in visible_text(page)
    assert_one_language(visible_text(page).replace(api.url, ""), language, model)


@LANGUAGES
def test_a_refused_question_is_explained(language: str, open_page: OpenPage, api: StubApi,
                                         model: dict[str, Any]) -> None:
    """The reason stands there in the page's language; asking the same again is not offered."""
    api.replies["POST /query"] = Reply(400, recorded("bad_query"))
    page = asked(open_page(language, "documents"), language)
    reason = {"ko": "질문 : 2,000자를 넘습니다", "en": "Question : It is over 2,000 characters"}[language]
    assert reason in visible_text(page)
    assert "ask_again" not in [item.key for item in page.button]
    assert_one_language(visible_text(page), language, model)


def test_another_language_asks_again(open_page: OpenPage, api: StubApi) -> None:
    """The answer turns with the page's language, and a further run asks nothing anew."""
    answered(api, "ko")
    answered(api, "en")
    page = asked(open_page("ko", "documents"), "ko")
    checked(page.segmented_control(key="language").set_value("en").run())
    checked(page.run())
    assert [body["language"] for body in api.bodies("POST /query")] == ["ko", "en"]
    assert "Recommended actions" in visible_text(page)


@pytest.mark.parametrize("broken", [False, True])
def test_an_answer_is_never_markup(broken: bool, open_page: OpenPage, api: StubApi) -> None:
    """Neither HTML nor Markdown of a document or a model becomes a picture or a link, whole or interrupted."""
    evil = "<img src=http://x/1> ![a](http://x/2) [b](http://x/3) <a href=http://x/4>c</a>"
    reply = {
        "answer": evil, "grounded": True, "generator": evil, "recommendations": [evil], "recommendation_sources": [0],
        "sources": [{"document": evil, "title": evil, "page": 1, "relevance": 1, "quote": evil + "."}],
        "degraded": [], "processing_time_ms": 1.0}
    passage = ("passage", {**PASSAGE, "title": evil, "document": evil})
    end = [] if broken else [("done", reply)]
    api.replies["POST /query"] = Reply(200, stream(passage, ("token", {"text": evil}), *end))
    page = asked(open_page("en", "documents"), "en")
    drawn = "".join(item.value for item in page.html)
    assert "<img" not in drawn and 'href="http://x' not in drawn and "<a href=http" not in drawn
    assert drawn.count("&lt;img") >= 2
    assert not [item for item in page.markdown if "http://x" in item.value]
