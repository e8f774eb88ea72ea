"""The list of documents, adding and removing, run by Streamlit's own test runner against a stand-in for the API."""

from __future__ import annotations

from typing import Any

import pytest
from page_text import LANGUAGES, OpenPage, assert_one_language, checked, visible_text
from streamlit.testing.v1 import AppTest
from stub_api import Reply, StubApi, recorded

from frontend.messages import Messages
from frontend.messages.document_codes import DOCUMENT_FAILURES, DOCUMENT_NOTES
from frontend.uploads import MAX_WAIT
from shotwise.messages import Message, failure_text, note_text

SHIPPED, OWN = "process-manual.pdf", "그림.pdf"
OWN_PATH = "%EA%B7%B8%EB%A6%BC.pdf"


@pytest.fixture(autouse=True)
def listed(api: StubApi) -> None:
    """The recorded list: four manuals and a file of pictures that could not be read."""
    api.replies["GET /documents"] = Reply(200, recorded("documents"))


def document(**changes: Any) -> dict[str, Any]:
    """Return a document that is searched, with `changes`."""
    return {"name": "a.pdf", "title": "a.pdf", "version": "1", "pages": 2, "passages": 3, "notes": [],
            "note_details": [], "failure": None, "failure_detail": None} | changes


def failing(code: str, **params: Any) -> dict[str, Any]:
    """Return the fields of a document that could not be read, as the API sends them."""
    failure = Message(code, params)
    return {"failure": failure_text("a.pdf", failure), "failure_detail": {"code": code, "params": params}}


def noted(*notes: Message) -> dict[str, Any]:
    """Return the fields of a document with notes, as the API sends them."""
    return {"notes": [note_text("a.pdf", note) for note in notes],
            "note_details": [{"code": note.code, "params": dict(note.params)} for note in notes]}


def list_documents(api: StubApi, *documents: dict[str, Any]) -> None:
    """Let the stand-in list these from now on."""
    api.replies["GET /documents"] = Reply(200, {"documents": list(documents)})


def accept_uploads(api: StubApi, name: str = "a.pdf", status: int = 200) -> None:
    """Let the stand-in take files, or refuse them, at an address of its own."""
    api.replies["POST /documents"] = Reply(200, {"name": name, "upload": {
        "url": f"{api.url}/store", "method": "PUT", "headers": {"Content-Type": "application/pdf"}}})
    api.replies["PUT /store"] = Reply(status, b"")


def uploaded(page: AppTest, *names: str) -> AppTest:
    """Return the page after files were chosen and the button was pressed."""
    page.file_uploader[0].set_value([(name, b"%PDF", "application/pdf") for name in names])
    return checked(checked(page.run()).button(key="add").click().run())


def removed(page: AppTest, name: str) -> AppTest:
    """Return the page after a document was removed and that was confirmed."""
    checked(page.button(key=f"remove:{name}").click().run())
    return checked(page.button(key="confirm_removal").click().run())


def failure_in(language: str, code: str, **params: Any) -> str:
    """Return the page's text for a failure."""
    text = Messages(language).of_code(DOCUMENT_FAILURES, code, params)
    assert text
    return text


def own_text(page: AppTest) -> str:
    """Return the page's own text: without the titles and names of documents."""
    text = visible_text(page)
    for document in recorded("documents")["documents"]:
        text = text.replace(document["title"], "").replace(document["name"], "")
    return text.replace("a.pdf", "")


@LANGUAGES
def test_every_document_is_listed_with_its_state(language: str, open_page: OpenPage, api: StubApi,
                                                 model: dict[str, Any]) -> None:
    """Title, file name, pages, state, a link to the file, and why one could not be read."""
    page = open_page(language, "documents")
    text, messages = visible_text(page), Messages(language)
    drawn = "".join(item.value for item in page.html)
    for manual in recorded("documents")["documents"][:4]:
        pages = messages("documents.pages", count=manual["pages"])
        assert f"{manual['title']}" in text and f"{manual['name']} · {pages}" in text
        assert f'href="{api.url}/documents/{manual["name"]}#page=1"' in drawn
    assert messages("documents.title", count=5) in text and text.count(messages("documents.searched")) == 4
    assert text.count(messages("documents.failed")) == 1 and failure_in(language, "no_text") in text
    assert_one_language(own_text(page), language, model)


@LANGUAGES
def test_an_empty_list_says_what_to_do(language: str, open_page: OpenPage, api: StubApi, model: dict[str, Any]) -> None:
    """Without documents the page says so, and there is nothing to remove."""
    list_documents(api)
    page = open_page(language, "documents")
    assert Messages(language)("documents.none") in visible_text(page)
    assert not [item for item in page.button if (item.key or "").startswith("remove:")]
    assert_one_language(visible_text(page), language, model)


@LANGUAGES
def test_a_failed_new_version_leaves_the_older_one_searched(language: str, open_page: OpenPage, api: StubApi,
                                                            model: dict[str, Any]) -> None:
    """The state says that an older version is searched, with the reason; the first three notes are shown."""
    notes = [Message("page_empty", {"page": number, "cause": "PAGE"}) for number in range(2, 7)]
    list_documents(api, document(pages=1, **failing("encrypted"), **noted(*notes)))
    page = open_page(language, "documents")
    text, messages = visible_text(page), Messages(language)
    assert messages("documents.older") in text and failure_in(language, "encrypted") in text
    assert messages("documents.page", count=1) in text
    shown = [Messages(language).of_code(DOCUMENT_NOTES, note.code, note.params) in text for note in notes]
    assert shown == [True, True, True, False, False]
    assert messages("documents.more_notes", count=2) in text
    assert_one_language(own_text(page).replace("PAGE", ""), language, model)


@LANGUAGES
def test_a_failure_of_an_unknown_code_is_the_servers_message(language: str, open_page: OpenPage, api: StubApi) -> None:
    """The server's English text is marked as such, and is text."""
    list_documents(api, document(version=None, failure="a.pdf: <b>odd</b>",
                                 failure_detail={"code": "odd", "params": {}}))
    page = open_page(language, "documents")
    (drawn,) = (item.value for item in page.html if '"sw-own"' in item.value)
    assert Messages(language)("documents.server_message") in visible_text(page)
    assert '<code class="sw-own" translate="no">&lt;b&gt;odd&lt;/b&gt;</code>' in drawn


@LANGUAGES
def test_a_list_that_cannot_be_had_leaves_the_question(language: str, open_page: OpenPage, api: StubApi,
                                                       model: dict[str, Any]) -> None:
    """The page says so, tries again at a press, and a question can be asked meanwhile."""
    api.replies["GET /documents"] = Reply(503, {"title": "Nope", "status": 503})
    page = open_page(language, "documents")
    assert Messages(language)("problem.documents.title") in visible_text(page) and "Nope" not in visible_text(page)
    assert page.button(key="ask_press")
    assert_one_language(visible_text(page), language, model)
    list_documents(api)
    checked(page.button(key="retry").click().run())
    assert Messages(language)("documents.none") in visible_text(page)


@LANGUAGES
def test_an_uploaded_file_is_waited_for_until_it_is_searched(language: str, open_page: OpenPage, api: StubApi,
                                                             model: dict[str, Any]) -> None:
    """It is sent to the given address; the page says that it is being read, then that it is searched."""
    accept_uploads(api)
    page = uploaded(open_page(language, "documents"), "a.pdf")
    messages = Messages(language)
    assert api.bodies("POST /documents") == [{"name": "a.pdf"}] and api.bodies("PUT /store") == [b"%PDF"]
    assert messages("add.reading") in visible_text(page) and not page.file_uploader[0].value
    assert_one_language(own_text(page), language, model)
    list_documents(api, document())
    checked(page.run())
    assert messages("add.reading") not in visible_text(page) and messages("add.searched") in visible_text(page)


@LANGUAGES
def test_an_uploaded_file_that_cannot_be_read_says_why(language: str, open_page: OpenPage, api: StubApi,
                                                       model: dict[str, Any]) -> None:
    """The reader's reason stands under the file's name in the page's language."""
    accept_uploads(api)
    page = uploaded(open_page(language, "documents"), "a.pdf")
    list_documents(api, document(version=None, pages=0, **failing("damaged")))
    text, messages = visible_text(checked(page.run())), Messages(language)
    # Among the uploads and in the list.
    assert text.count(messages("add.failed")) == 2 and text.count(failure_in(language, "damaged")) == 2
    assert_one_language(own_text(page), language, model)


@LANGUAGES
@pytest.mark.parametrize(("call", "reply", "reason"), [
    ("POST /documents", Reply(400, recorded("bad_name")),
     {"ko": "폴더나 / \\ :", "en": "no folder and none of / \\ :"}),
    ("PUT /store", Reply(413, b"<Error/>"), "problem.upload.413"),
    ("PUT /store", Reply(403, b"<Error/>"), "problem.upload.403"),
    ("PUT /store", Reply(500, b""), "problem.other")])
def test_a_refused_file_says_why(call: str, reply: Reply, reason: str | dict[str, str], language: str,
                                 open_page: OpenPage, api: StubApi, model: dict[str, Any]) -> None:
    """Whoever refuses it, the reason is in the page's language, and another file is sent all the same."""
    accept_uploads(api)
    api.replies[call] = reply
    page = uploaded(open_page(language, "documents"), "b.pdf", "c.pdf")
    text, messages = visible_text(page), Messages(language)
    explanation = messages(reason) if isinstance(reason, str) else reason[language]
    assert text.count(messages("add.refused")) == 2 and text.count(explanation) == 2
    assert_one_language(own_text(page).replace("b.pdf", "").replace("c.pdf", ""), language, model)


@LANGUAGES
def test_a_file_that_takes_long_can_be_looked_for_again(language: str, open_page: OpenPage, api: StubApi,
                                                        model: dict[str, Any]) -> None:
    """After a minute the page stops looking by itself and says why that may be; a press looks again."""
    accept_uploads(api)
    page = uploaded(open_page(language, "documents"), "a.pdf")
    (change,) = page.session_state["changes"].values()
    object.__setattr__(change, "started", change.started - MAX_WAIT - 1)
    messages = Messages(language)
    assert messages("add.late_note") in visible_text(checked(page.run()))
    assert_one_language(own_text(page), language, model)
    list_documents(api, document())
    checked(page.button(key="check").click().run())
    assert messages("add.searched") in visible_text(page) and messages("add.late_note") not in visible_text(page)


def test_a_list_that_fails_while_waiting_is_asked_again(open_page: OpenPage, api: StubApi) -> None:
    """One failed look at the list ends nothing."""
    accept_uploads(api)
    page = uploaded(open_page("ko", "documents"), "a.pdf")
    api.replies["GET /documents"] = Reply(503, b"")
    checked(page.run())
    list_documents(api, document())
    assert Messages("ko")("add.searched") in visible_text(checked(page.run()))


@LANGUAGES
def test_a_file_of_a_known_name_is_announced(language: str, open_page: OpenPage) -> None:
    """Before it is sent, the page says which document it will replace, also where the name is spelt in jamo."""
    page = open_page(language, "documents")
    jamo = "\u1100\u1173\u1105\u1175\u11b7.pdf"
    page.file_uploader[0].set_value([(SHIPPED, b"%PDF", "application/pdf"), (jamo, b"%PDF", "application/pdf")])
    text = visible_text(checked(page.run()))
    assert Messages(language)("add.replaces", names=f"{SHIPPED}, {OWN}") in text
    assert not page.button(key="add").disabled


@LANGUAGES
def test_an_own_document_is_removed_after_a_confirmation(language: str, open_page: OpenPage, api: StubApi,
                                                         model: dict[str, Any]) -> None:
    """Asked once more; then it is shown to be leaving, and is gone when the list says so."""
    api.replies[f"DELETE /documents/{OWN_PATH}"] = Reply(202, {"name": OWN})
    page = open_page(language, "documents")
    checked(page.button(key=f"remove:{OWN}").click().run())
    messages = Messages(language)
    assert messages("remove.sure") in visible_text(page) and not api.bodies(f"DELETE /documents/{OWN_PATH}")
    assert_one_language(own_text(page), language, model)
    checked(page.button(key="confirm_removal").click().run())
    assert api.bodies(f"DELETE /documents/{OWN_PATH}") == [None]
    assert messages("documents.removing") in visible_text(page) and messages("remove.sure") not in visible_text(page)
    api.replies["GET /documents"] = Reply(200, {"documents": recorded("documents")["documents"][:4]})
    checked(page.run())
    assert OWN not in visible_text(page) and messages("documents.title", count=4) in visible_text(page)


def test_a_removal_can_be_cancelled(open_page: OpenPage, api: StubApi) -> None:
    """Cancelling asks nothing of the API."""
    page = open_page("ko", "documents")
    checked(page.button(key=f"remove:{OWN}").click().run())
    checked(page.button(key="cancel_removal").click().run())
    assert Messages("ko")("remove.sure") not in visible_text(page)
    assert not [call for call, _ in api.received if call.startswith("DELETE")]


@LANGUAGES
@pytest.mark.parametrize(("reply", "key"), [
    (Reply(404, recorded("stays")), "problem.remove.shipped_document"),
    (Reply(404, {"detail": "No file."}), "problem.remove.404"),
    (Reply(503, {"title": "Nope"}), "problem.503"), (Reply(500, {"title": "Nope"}), "problem.other"),
    (Reply(403, {"title": "Nope"}), "problem.403")])
def test_a_refused_removal_says_why(reply: Reply, key: str, language: str, open_page: OpenPage, api: StubApi,
                                    model: dict[str, Any]) -> None:
    """The document stays, with the reason under it in the page's language."""
    api.replies[f"DELETE /documents/{SHIPPED}"] = reply
    page = removed(open_page(language, "documents"), SHIPPED)
    text = visible_text(page)
    assert Messages(language)(key) in text and "Nope" not in text and SHIPPED in text
    assert_one_language(own_text(page), language, model)


def test_names_and_titles_are_never_markup(open_page: OpenPage, api: StubApi) -> None:
    """A document's title, name and failure are text, in the list and while it is uploaded."""
    evil = "<img src=http:x> ![a](http:x).pdf"
    accept_uploads(api, evil)
    page = uploaded(open_page("en", "documents"), evil)
    list_documents(api, document(name=evil, title=evil, notes=[f"{evil}: {evil}"],
                                 note_details=[{"code": "earlier_text", "params": {"text": evil}}]))
    checked(page.run())
    drawn = "".join(item.value for item in page.html)
    assert "<img" not in drawn and drawn.count("&lt;img") >= 3
    assert not [item for item in page.markdown if "http:x" in item.value]
