"""What the real reader of documents and the real checks of requests report becomes a text of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.client import ApiError
from frontend.messages import Messages
from frontend.views import problems, reading
from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.parse import parse
from shotwise.messages import failure_text


@pytest.mark.parametrize(("content", "korean", "english"), [
    (b"", "빈 파일", "file is empty"), (b"Hello", "PDF 파일이 아닙니다", "not a PDF"),
    (b"%PDF-1.7", "잘려", "end of the file is missing")])
def test_a_failure_of_the_reader_is_explained_in_the_pages_language(content: bytes, korean: str, english: str,
                                                                    tmp_path: Path) -> None:
    """The reader's own error about a bad file has a text in both languages."""
    path = tmp_path / "가.pdf"
    path.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        parse(path)
    failure = caught.value.failure
    document = {"name": path.name, "failure": failure_text(path.name, failure),
                "failure_detail": {"code": failure.code, "params": dict(failure.params)}}
    assert korean in reading.failure(document, Messages("ko"))
    assert english in reading.failure(document, Messages("en"))


@pytest.mark.parametrize("detail", [None, {"code": "a_novel", "params": {}}, {"code": "too_large", "params": {}}])
def test_a_failure_without_a_text_is_the_servers_message(detail: dict[str, object] | None) -> None:
    """A code that the page does not know, or none, leaves the server's English text, marked, without the name."""
    document = {"name": "가.pdf", "failure": "가.pdf: is <b>a novel", "failure_detail": detail}
    drawn = reading.failure(document, Messages("ko"))
    assert "서버 메시지" in drawn and '<code class="sw-own" translate="no">is &lt;b&gt;a novel</code>' in drawn


def test_a_server_without_codes_is_still_understood() -> None:
    """An older server sends texts alone, which stand there as the server's messages."""
    document = {"name": "a.pdf", "failure": None, "notes": ["a.pdf: page 2 is upside down"]}
    assert reading.failure(document, Messages("en")) == ""
    assert "Server message" in reading.notes(document, Messages("en"))
    assert ">page 2 is upside down<" in reading.notes(document, Messages("en"))


@pytest.mark.parametrize("entry", [
    {"field": "query", "reason": "is odd", "code": "odd", "params": {}}, {"field": "query", "reason": "is odd"}])
def test_a_field_reason_without_a_text_is_the_servers_message(entry: dict[str, object]) -> None:
    """Marked in the page's language, so that a reader knows why it is English."""
    error = ApiError(400, {"errors": [entry]})
    assert list(problems.field_reasons(error, {}, Messages("ko"))) == [("질문", "서버 메시지: is odd")]
    assert list(problems.field_reasons(error, {}, Messages("en"))) == [("Question", "Server message: is odd")]
