"""A question to the documents, run by Streamlit's own test runner against a stand-in for the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from screen import LANGUAGES, Opened, assert_one_language, checked, screen
from streamlit.testing.v1 import AppTest
from stub_api import Pieces, Reply, StubApi, recorded, recorded_stream, stream

from frontend.event_stream import events
from frontend.messages import Words

QUESTION = {"ko": "비스킷 두께가 얇으면?", "en": "What if the biscuit is thin?"}


@pytest.fixture(autouse=True)
def listed(api: StubApi) -> None:
    """No documents: this is about the other side."""
    api.replies["GET /documents"] = Reply(200, {"documents": []})


def asked(page: AppTest, language: str) -> AppTest:
    """The page after a question was put."""
    page.text_input(key="query").set_value(QUESTION[language])
    return checked(page.button(key="ask_press").click().run())


def answered(api: StubApi, language: str, scene: str = "query_answered", **changes: Any) -> dict[str, Any]:
    """The recorded answer with `changes`, which the stand-in now streams."""
    *before, (kind, text) = events([recorded_stream(f"{scene}_{language}")])
    reply: dict[str, Any] = {**json.loads(text), **changes}
    body = stream(*((kind, json.loads(data)) for kind, data in before), (kind, reply))
    api.replies[f"POST /query {language}"] = Reply(200, body)
    return reply


def own_words(page: AppTest, reply: dict[str, Any]) -> str:
    """What the page says itself: without what it quotes from documents."""
    text = screen(page)
    for quoted in (reply["answer"], *reply["answer"].splitlines(), *reply["recommendations"],
                   *(source[key] for source in reply["sources"] for key in ("quote", "title"))):
        text = text.replace(quoted, "")
    return text


@LANGUAGES
def test_the_place_opens_from_the_address(language: str, opened: Opened, api: StubApi, model: dict[str, Any]) -> None:
    """?page=documents opens the documents, in one language, without asking for what the diagnosis needs."""
    page = opened(language, "documents")
    assert Words(language)("ask.start") in screen(page)
    assert {call for call, _ in api.received} == {"GET /documents"}
    assert_one_language(screen(page), language, model)


def test_the_choice_of_the_place_stays_in_the_address(opened: Opened) -> None:
    """A reload finds the place again; the first place needs no mention, and an unknown one is the first."""
    page = opened("en", "nonsense")
    assert page.button(key="diagnose")
    checked(page.segmented_control(key="place").set_value("documents").run())
    assert page.query_params["page"] == "documents" and page.query_params["lang"] == "en"
    checked(page.segmented_control(key="place").set_value("diagnosis").run())
    assert "page" not in page.query_params and page.button(key="diagnose")


def test_both_places_keep_what_was_typed_and_found(opened: Opened, api: StubApi) -> None:
    """Going to the other place and back loses neither values nor the diagnosis, neither question nor answer."""
    api.diagnose_with("good")
    answered(api, "ko")
    page = opened("ko")
    page.number_input(key="value:Biscuit_Thickness").set_value(4.0)
    checked(page.button(key="diagnose").click().run())
    asked(checked(page.segmented_control(key="place").set_value("documents").run()), "ko")
    checked(page.segmented_control(key="place").set_value("diagnosis").run())
    assert page.number_input(key="value:Biscuit_Thickness").value == 4.0 and "판정" in screen(page)
    checked(page.segmented_control(key="place").set_value("documents").run())
    assert page.text_input(key="query").value == QUESTION["ko"] and "권고 조치" in screen(page)
    assert len(api.bodies()) == 1 and len(api.bodies("POST /query")) == 1


@LANGUAGES
def test_an_answer_is_told_with_its_sources(language: str, opened: Opened, api: StubApi, model: dict[str, Any]) -> None:
    """Question, answer, actions and sources stand there, each source with a link to its page."""
    reply = answered(api, language)
    page = asked(opened(language, "documents"), language)
    text = screen(page)
    assert api.bodies("POST /query") == [{"query": QUESTION[language], "language": language}]
    assert QUESTION[language] in text and all(line in text for line in reply["answer"].splitlines())
    assert reply["recommendations"] and all(action in text for action in reply["recommendations"])
    drawn = "".join(item.value for item in page.html)
    for source in reply["sources"]:
        assert f'href="{api.url}/documents/{source["document"]}#page={source["page"]}"' in drawn
    assert_one_language(own_words(page, reply), language, model)


@LANGUAGES
def test_an_example_is_asked_at_once(language: str, opened: Opened, api: StubApi) -> None:
    """Pressing one puts it into the box and asks it."""
    answered(api, language)
    page = opened(language, "documents")
    checked(page.button(key="example:1").click().run())
    example = Words(language)("ask.example.1")
    assert page.text_input(key="query").value == example
    assert api.bodies("POST /query") == [{"query": example, "language": language}]


@LANGUAGES
def test_no_answer_is_said_to_be_so(language: str, opened: Opened, api: StubApi, model: dict[str, Any]) -> None:
    """Where the documents do not answer, the page says that and shows no sources."""
    reply = answered(api, language, "query_unanswered")
    page = asked(opened(language, "documents"), language)
    assert reply["answer"] in screen(page) and Words(language)("knowledge.sources") not in screen(page)
    assert_one_language(own_words(page, reply), language, model)


@LANGUAGES
@pytest.mark.parametrize(("step", "generator", "key"), [
    ("embedding", "extractive", "embedding"), ("generation", "extractive", "generation"),
    ("generation", "a-model", "early")])
def test_a_degraded_answer_says_what_failed(step: str, generator: str, key: str, language: str, opened: Opened,
                                            api: StubApi, model: dict[str, Any]) -> None:
    """In words, once, and never by the error's name."""
    reply = answered(api, language, generator=generator, degraded=[{"step": step, "error": "KnowledgeError"}])
    page = asked(opened(language, "documents"), language)
    assert screen(page).count(Words(language)(f"knowledge.degraded.{key}")) == 1
    assert "KnowledgeError" not in screen(page)
    assert_one_language(own_words(page, reply).replace(generator, ""), language, model)


@LANGUAGES
def test_a_degraded_answer_inside_a_diagnosis_says_so(language: str, opened: Opened, api: StubApi) -> None:
    """The same words stand under the answer that a diagnosis brings."""
    reply = recorded(f"suspect_{language}")
    reply["knowledge"]["degraded"] = [{"step": "embedding", "error": "KnowledgeError"}]
    api.replies[f"POST /diagnose {language}"] = Reply(200, reply)
    page = checked(opened(language).button(key="diagnose").click().run())
    assert screen(page).count(Words(language)("knowledge.degraded.embedding")) == 1


PASSAGE = {"document": "process-manual.pdf", "title": "Manual", "page": 8, "headings": [], "relevance": 1.0}
BEGUN = stream(("passage", PASSAGE), ("passage", PASSAGE), ("token", {"text": "42 [1]"}))


@LANGUAGES
@pytest.mark.parametrize(("body", "key"), [
    (BEGUN + stream(("error", {"title": "Nope", "status": 500, "detail": "Nope."})), "ask.failed"),
    (BEGUN, "ask.broken"), (Pieces([BEGUN], cut=True), "ask.broken")])
def test_an_interrupted_answer_keeps_what_came(body: Any, key: str, language: str, opened: Opened, api: StubApi,
                                               model: dict[str, Any]) -> None:
    """The error is told in words, the text so far and the places found stay, and the question can be put again."""
    api.replies["POST /query"] = Reply(200, body)
    page = asked(opened(language, "documents"), language)
    text, words = screen(page), Words(language)
    assert words(key) in text and "42 [1]" in text and "Nope" not in text
    place = words("knowledge.page", title="Manual", page=8)
    assert text.count(place) == 1
    assert_one_language(text.replace("Manual", ""), language, model)
    answered(api, language)
    checked(page.button(key="ask_again").click().run())
    assert words("knowledge.sources") in screen(page) and words(key) not in screen(page)


@LANGUAGES
@pytest.mark.parametrize("reply", [Reply(503, {"title": "Nope", "status": 503}), Reply(200, b""),
                                   Reply(200, stream(("error", {"title": "Nope", "status": 503})))])
def test_a_question_that_got_nothing_is_a_problem(reply: Reply, language: str, opened: Opened, api: StubApi,
                                                  model: dict[str, Any]) -> None:
    """Where nothing came, the page says so in its own words, and the question can be put again."""
    api.replies["POST /query"] = reply
    page = asked(opened(language, "documents"), language)
    words = Words(language)
    assert words("problem.query.title" if reply.body else "problem.unreachable") in screen(page)
    assert page.button(key="ask_again") and "Nope" not in screen(page)
    assert_one_language(screen(page).replace(api.url, ""), language, model)


@LANGUAGES
def test_a_refused_question_is_explained(language: str, opened: Opened, api: StubApi, model: dict[str, Any]) -> None:
    """The reason stands there in the page's language; asking the same again is not offered."""
    api.replies["POST /query"] = Reply(400, recorded("bad_query"))
    page = asked(opened(language, "documents"), language)
    assert {"ko": "질문 : 무엇을", "en": "Question : is over 2000"}[language] in screen(page)
    assert "ask_again" not in [item.key for item in page.button]
    assert_one_language(screen(page), language, model)


def test_another_language_asks_again(opened: Opened, api: StubApi) -> None:
    """The answer turns with the page's language, and a further run asks nothing anew."""
    answered(api, "ko")
    answered(api, "en")
    page = asked(opened("ko", "documents"), "ko")
    checked(page.segmented_control(key="language").set_value("en").run())
    checked(page.run())
    assert [body["language"] for body in api.bodies("POST /query")] == ["ko", "en"]
    assert "Recommended actions" in screen(page)


@pytest.mark.parametrize("broken", [False, True])
def test_an_answer_is_never_markup(broken: bool, opened: Opened, api: StubApi) -> None:
    """Neither HTML nor Markdown of a document or a model becomes a picture or a link, whole or interrupted."""
    evil = "<img src=http://x/1> ![a](http://x/2) [b](http://x/3) <a href=http://x/4>c</a>"
    reply = {
        "answer": evil, "grounded": True, "generator": evil, "recommendations": [evil], "recommendation_sources": [0],
        "sources": [{"document": evil, "title": evil, "page": 1, "relevance": 1, "quote": evil + "."}],
        "degraded": [], "processing_time_ms": 1.0}
    passage = ("passage", {**PASSAGE, "title": evil, "document": evil})
    end = [] if broken else [("done", reply)]
    api.replies["POST /query"] = Reply(200, stream(passage, ("token", {"text": evil}), *end))
    page = asked(opened("en", "documents"), "en")
    drawn = "".join(item.value for item in page.html)
    assert "<img" not in drawn and 'href="http://x' not in drawn and "<a href=http" not in drawn
    assert drawn.count("&lt;img") >= 2
    assert not [item for item in page.markdown if "http://x" in item.value]
