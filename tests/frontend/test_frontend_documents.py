"""The list of documents, adding and removing, run by Streamlit's own test runner against a stand-in for the API."""

from __future__ import annotations

from typing import Any

import pytest
from screen import LANGUAGES, Opened, assert_one_language, checked, screen
from streamlit.testing.v1 import AppTest
from stub_api import Reply, StubApi, recorded

from frontend.messages import Words
from frontend.uploads import WAIT

SHIPPED, OWN = "process-manual.pdf", "그림.pdf"
OWN_PATH = "%EA%B7%B8%EB%A6%BC.pdf"


@pytest.fixture(autouse=True)
def listed(api: StubApi) -> None:
    """The recorded list: four manuals and a file of pictures that could not be read."""
    api.replies["GET /documents"] = Reply(200, recorded("documents"))


def document(**changes: Any) -> dict[str, Any]:
    """A document that is searched, with `changes`."""
    return {"name": "a.pdf", "title": "a.pdf", "version": "1", "pages": 2, "passages": 3, "notes": [],
            "failure": None} | changes


def listing(api: StubApi, *documents: dict[str, Any]) -> None:
    """The stand-in lists these from now on."""
    api.replies["GET /documents"] = Reply(200, {"documents": list(documents)})


def taking(api: StubApi, name: str = "a.pdf", status: int = 200) -> None:
    """The stand-in takes files, or refuses them, at an address of its own."""
    api.replies["POST /documents"] = Reply(200, {"name": name, "upload": {
        "url": f"{api.url}/store", "method": "PUT", "headers": {"Content-Type": "application/pdf"}}})
    api.replies["PUT /store"] = Reply(status, b"")


def sent(page: AppTest, *names: str) -> AppTest:
    """The page after files were chosen and the button was pressed."""
    page.file_uploader[0].set_value([(name, b"%PDF", "application/pdf") for name in names])
    return checked(checked(page.run()).button(key="add").click().run())


def removed(page: AppTest, name: str) -> AppTest:
    """The page after a document was removed and that was confirmed."""
    checked(page.button(key=f"remove:{name}").click().run())
    return checked(page.button(key="sure").click().run())


def own_words(page: AppTest) -> str:
    """What the page says itself: without titles and names."""
    text = screen(page)
    for found in recorded("documents")["documents"]:
        text = text.replace(found["title"], "").replace(found["name"], "")
    return text.replace("a.pdf", "")


@LANGUAGES
def test_every_document_is_listed_with_its_state(language: str, opened: Opened, api: StubApi,
                                                 model: dict[str, Any]) -> None:
    """Title, file name, pages, state, a link to the file, and why one could not be read."""
    page = opened(language, "documents")
    text, words = screen(page), Words(language)
    found = recorded("documents")["documents"]
    drawn = "".join(item.value for item in page.html)
    for one in found[:4]:
        assert f"{one['title']}" in text and f"{one['name']} · {words('documents.pages', count=one['pages'])}" in text
        assert f'href="{api.url}/documents/{one["name"]}#page=1"' in drawn
    assert words("documents.title", count=5) in text and text.count(words("documents.searched")) == 4
    assert text.count(words("documents.failed")) == 1 and words("failure.images") in text
    assert_one_language(own_words(page), language, model)


@LANGUAGES
def test_an_empty_list_says_what_to_do(language: str, opened: Opened, api: StubApi, model: dict[str, Any]) -> None:
    """Without documents there is a word about it, and nothing to remove."""
    listing(api)
    page = opened(language, "documents")
    assert Words(language)("documents.none") in screen(page)
    assert not [item for item in page.button if (item.key or "").startswith("remove:")]
    assert_one_language(screen(page), language, model)


@LANGUAGES
def test_a_failed_new_version_leaves_the_older_one_searched(language: str, opened: Opened, api: StubApi,
                                                            model: dict[str, Any]) -> None:
    """The state says that an older version is searched, with the reason; notes are told, the first three of them."""
    notes = [f"a.pdf: page {number} crashed the reader; it is left empty" for number in range(2, 7)]
    listing(api, document(failure="a.pdf: is encrypted; store it without a password", notes=notes, pages=1))
    page = opened(language, "documents")
    text, words = screen(page), Words(language)
    assert words("documents.older") in text and words("failure.encrypted") in text
    assert words("documents.page", count=1) in text
    assert words("note.page_empty", page=4) in text and words("note.page_empty", page=5) not in text
    assert words("documents.more_notes", count=2) in text
    assert_one_language(own_words(page), language, model)


@LANGUAGES
def test_an_unknown_reason_is_set_apart_as_it_is(language: str, opened: Opened, api: StubApi) -> None:
    """The reader's own message is marked as such, and is text."""
    listing(api, document(failure="a.pdf: <b>odd</b>", version=None))
    page = opened(language, "documents")
    (drawn,) = (item.value for item in page.html if '"sw-own"' in item.value)
    assert Words(language)("documents.own_message") in screen(page)
    assert '<code class="sw-own" translate="no">&lt;b&gt;odd&lt;/b&gt;</code>' in drawn


@LANGUAGES
def test_a_list_that_cannot_be_had_leaves_the_question(language: str, opened: Opened, api: StubApi,
                                                       model: dict[str, Any]) -> None:
    """The page says so in words, tries again when told to, and a question can be put meanwhile."""
    api.replies["GET /documents"] = Reply(503, {"title": "Nope", "status": 503})
    page = opened(language, "documents")
    assert Words(language)("problem.documents.title") in screen(page) and "Nope" not in screen(page)
    assert page.button(key="ask_press")
    assert_one_language(screen(page), language, model)
    listing(api)
    checked(page.button(key="retry").click().run())
    assert Words(language)("documents.none") in screen(page)


@LANGUAGES
def test_a_sent_file_is_waited_for_until_it_is_searched(language: str, opened: Opened, api: StubApi,
                                                        model: dict[str, Any]) -> None:
    """It is sent to the given address; the page says that it is being read, then that it is searched."""
    taking(api)
    page = sent(opened(language, "documents"), "a.pdf")
    words = Words(language)
    assert api.bodies("POST /documents") == [{"name": "a.pdf"}] and api.bodies("PUT /store") == [b"%PDF"]
    assert words("add.reading") in screen(page) and not page.file_uploader[0].value
    assert_one_language(own_words(page), language, model)
    listing(api, document())
    checked(page.run())
    assert words("add.reading") not in screen(page) and words("add.searched") in screen(page)


@LANGUAGES
def test_a_sent_file_that_cannot_be_read_says_why(language: str, opened: Opened, api: StubApi,
                                                  model: dict[str, Any]) -> None:
    """The reader's reason stands under the file's name in the page's language."""
    taking(api)
    page = sent(opened(language, "documents"), "a.pdf")
    listing(api, document(version=None, pages=0, failure="a.pdf: is damaged; export it again as PDF"))
    text, words = screen(checked(page.run())), Words(language)
    assert text.count(words("add.failed")) == 2 and text.count(words("failure.damaged")) == 2  # there and in the list
    assert_one_language(own_words(page), language, model)


@LANGUAGES
@pytest.mark.parametrize(("call", "reply", "key"), [
    ("POST /documents", Reply(400, recorded("bad_name")), "reason.name"),
    ("PUT /store", Reply(413, b"<Error/>"), "problem.upload.413"),
    ("PUT /store", Reply(403, b"<Error/>"), "problem.upload.403"),
    ("PUT /store", Reply(500, b""), "problem.other")])
def test_a_refused_file_says_why(call: str, reply: Reply, key: str, language: str, opened: Opened, api: StubApi,
                                 model: dict[str, Any]) -> None:
    """Whoever refuses it, the reason is in the page's language, and another file is sent all the same."""
    taking(api)
    api.replies[call] = reply
    page = sent(opened(language, "documents"), "b.pdf", "c.pdf")
    text, words = screen(page), Words(language)
    assert text.count(words("add.refused")) == 2 and text.count(words(key)) == 2
    assert_one_language(own_words(page).replace("b.pdf", "").replace("c.pdf", ""), language, model)


@LANGUAGES
def test_a_file_that_takes_long_can_be_looked_for_again(language: str, opened: Opened, api: StubApi,
                                                        model: dict[str, Any]) -> None:
    """After a minute the page stops looking by itself and says why that may be; a press looks again."""
    taking(api)
    page = sent(opened(language, "documents"), "a.pdf")
    (transfer,) = page.session_state["transfers"].values()
    object.__setattr__(transfer, "since", transfer.since - WAIT - 1)
    words = Words(language)
    assert words("add.late_note") in screen(checked(page.run()))
    assert_one_language(own_words(page), language, model)
    listing(api, document())
    checked(page.button(key="check").click().run())
    assert words("add.searched") in screen(page) and words("add.late_note") not in screen(page)


def test_a_list_that_fails_while_waiting_is_asked_again(opened: Opened, api: StubApi) -> None:
    """One failed look at the list ends nothing."""
    taking(api)
    page = sent(opened("ko", "documents"), "a.pdf")
    api.replies["GET /documents"] = Reply(503, b"")
    checked(page.run())
    listing(api, document())
    assert Words("ko")("add.searched") in screen(checked(page.run()))


@LANGUAGES
def test_a_file_of_a_known_name_is_announced(language: str, opened: Opened) -> None:
    """Before it is sent, the page says which document it will replace, also where the name is spelt in jamo."""
    page = opened(language, "documents")
    jamo = "\u1100\u1173\u1105\u1175\u11b7.pdf"
    page.file_uploader[0].set_value([(SHIPPED, b"%PDF", "application/pdf"), (jamo, b"%PDF", "application/pdf")])
    text = screen(checked(page.run()))
    assert Words(language)("add.replaces", names=f"{SHIPPED}, {OWN}") in text
    assert not page.button(key="add").disabled


@LANGUAGES
def test_an_own_document_is_removed_after_a_confirmation(language: str, opened: Opened, api: StubApi,
                                                         model: dict[str, Any]) -> None:
    """Asked once more; then it is shown to be leaving, and is gone when the list says so."""
    api.replies[f"DELETE /documents/{OWN_PATH}"] = Reply(202, {"name": OWN})
    page = opened(language, "documents")
    checked(page.button(key=f"remove:{OWN}").click().run())
    words = Words(language)
    assert words("remove.sure") in screen(page) and not api.bodies(f"DELETE /documents/{OWN_PATH}")
    assert_one_language(own_words(page), language, model)
    checked(page.button(key="sure").click().run())
    assert api.bodies(f"DELETE /documents/{OWN_PATH}") == [None]
    assert words("documents.removing") in screen(page) and words("remove.sure") not in screen(page)
    api.replies["GET /documents"] = Reply(200, {"documents": recorded("documents")["documents"][:4]})
    checked(page.run())
    assert OWN not in screen(page) and words("documents.title", count=4) in screen(page)


def test_a_removal_can_be_thought_better_of(opened: Opened, api: StubApi) -> None:
    """Cancelling asks nothing of the API."""
    page = opened("ko", "documents")
    checked(page.button(key=f"remove:{OWN}").click().run())
    checked(page.button(key="unsure").click().run())
    assert Words("ko")("remove.sure") not in screen(page)
    assert not [call for call, _ in api.received if call.startswith("DELETE")]


@LANGUAGES
@pytest.mark.parametrize(("reply", "key"), [
    (Reply(404, recorded("stays")), "remove.shipped"), (Reply(404, {"detail": "No file."}), "problem.remove.404"),
    (Reply(503, {"title": "Nope"}), "problem.other"), (Reply(403, {"title": "Nope"}), "problem.403")])
def test_a_refused_removal_says_why(reply: Reply, key: str, language: str, opened: Opened, api: StubApi,
                                    model: dict[str, Any]) -> None:
    """The document stays, with the reason under it in the page's language."""
    api.replies[f"DELETE /documents/{SHIPPED}"] = reply
    page = removed(opened(language, "documents"), SHIPPED)
    text = screen(page)
    assert Words(language)(key) in text and "Nope" not in text and SHIPPED in text
    assert_one_language(own_words(page), language, model)


def test_names_and_titles_are_never_markup(opened: Opened, api: StubApi) -> None:
    """A document's title, name and failure are text, in the list and while it is sent."""
    evil = "<img src=http:x> ![a](http:x).pdf"
    taking(api, evil)
    page = sent(opened("en", "documents"), evil)
    listing(api, document(name=evil, title=evil, notes=[f"{evil}: {evil}"]))
    checked(page.run())
    drawn = "".join(item.value for item in page.html)
    assert "<img" not in drawn and drawn.count("&lt;img") >= 3
    assert not [item for item in page.markdown if "http:x" in item.value]
