"""The rag_query handler from event to reply, on the shipped index."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.problem import InvalidPayload
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Document, IndexedDocument
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer

Event = Callable[..., dict[str, Any]]
MANUALS = Path(__file__).parents[2] / "manuals"
QUESTION = "용해로 온도가 높으면 어떤 결함이 생기나요?"
CONTEXT = {
    "defect_types": [{"type": "Short_Shot", "label": "미성형", "probability": 0.2}],
    "limits": [{"feature": "High_Velocity", "value": 1.9, "low": 2.0, "high": 2.3}],
    "top_features": [{"name": "High_Velocity", "label": "고속 사출 속도", "value": 0.1}]}


@pytest.fixture(scope="module")
def handler(answerer: Answerer) -> LambdaHandler:
    """The rag_query handler with the shipped index and manuals."""
    return rag_query_handler(answerer, FolderFileStore([MANUALS], ""))


def test_answers_with_quotes_and_pages(handler: LambdaHandler, event: Event) -> None:
    """The answer cites by number, and each recommendation points to its source."""
    reply = handler(event("POST", "/rag-query", {"query": QUESTION}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200 and body["grounded"] and "[1]" in body["answer"]
    assert all(source["document"].endswith(".pdf") and source["page"] >= 1 for source in body["sources"])
    for text, source in zip(body["recommendations"], body["recommendation_sources"], strict=True):
        assert body["sources"][source]["quote"] == text


def test_a_direct_invocation_gives_the_same_answer(handler: LambdaHandler, event: Event) -> None:
    """Only the time differs."""
    invoked = handler({"query": QUESTION}, None)
    body = json.loads(handler(event("POST", "/rag-query", {"query": QUESTION}), None)["body"])
    assert invoked.pop("processing_time_ms") and body.pop("processing_time_ms")
    assert invoked == body


def test_a_context_is_enough_for_the_workflow(handler: LambdaHandler) -> None:
    """From the results of predict and importance alone it finds what the documents say of the driving value."""
    reply = handler({"context": CONTEXT, "language": "ko"}, None)
    assert reply["grounded"] and any("고속 사출 속도" in source["quote"] for source in reply["sources"])


def test_an_english_diagnosis_finds_what_a_korean_one_does(handler: LambdaHandler) -> None:
    """The documents are searched in their own language; only the words around the quotes are English."""
    labels = {"labels": {"ko": "고속 사출 속도", "en": "High velocity"}}
    context = {**CONTEXT, "top_features": [{**CONTEXT["top_features"][0], "label": "High velocity", **labels}],
               "defect_types": [{"label": "Short shot", "labels": {"ko": "미성형", "en": "Short shot"}}]}
    english, korean = handler({"context": context, "language": "en"}, None), handler({"context": CONTEXT}, None)
    assert english["sources"] == korean["sources"] and english["answer"].startswith("This is what")


def test_without_top_features_the_question_is_about_the_defect_types(handler: LambdaHandler) -> None:
    """If importance failed, rag_query still finds the section of the most probable defect."""
    reply = handler({"context": {**CONTEXT, "top_features": [], "limits": []}, "language": "ko"}, None)
    assert reply["grounded"] and any("미성형" in source["quote"] for source in reply["sources"])
    assert reply["recommendations"]


def test_says_when_the_documents_do_not_answer(handler: LambdaHandler) -> None:
    """There is no source and no recommendation, and the answer says so in the language of the question."""
    korean = handler({"query": "구내식당 점심 메뉴는 무엇인가요?"}, None)
    english = handler({"query": "Who won the football match yesterday?"}, None)
    for reply in (korean, english):
        assert not reply["grounded"] and reply["sources"] == reply["recommendations"] == []
    assert "없습니다" in korean["answer"] and "do not answer" in english["answer"]


@pytest.mark.parametrize("body", [
    {}, {"query": ""}, {"query": " "}, {"query": 5}, {"query": "가" * 2001}, {"query": "x", "language": "jp"},
    {"query": "x", "context": []}, {"query": "x", "context": {"limits": [{"feature": "a"}]}},
    {"query": "x", "context": {"top_features": "y"}},
    {"context": {"defect_types": [{"label": "x", "labels": 5}]}}, {"query": "x", "y": 1}])
def test_invalid_questions_are_listed(handler: LambdaHandler, event: Event, body: dict[str, Any]) -> None:
    """Each is a 400 with a field, and a direct invocation raises InvalidPayload."""
    reply = handler(event("POST", "/rag-query", body), None)
    assert reply["statusCode"] == 400 and json.loads(reply["body"])["errors"]
    with pytest.raises(InvalidPayload):
        handler(body, None)


def test_a_cited_document_can_be_opened(handler: LambdaHandler, event: Event) -> None:
    """The file name of a source leads to the PDF."""
    name = handler({"query": QUESTION}, None)["sources"][0]["document"]
    reply = handler(event("GET", f"/documents/{name}", resource="/documents/{name}", name=name), None)
    assert reply["statusCode"] == 200 and base64.b64decode(reply["body"]).startswith(b"%PDF-")


@pytest.mark.parametrize("name", ["build.py", "process-manual.md", "../README.md", "", "용해·보온로 매뉴얼.pdf"])
def test_only_documents_of_the_index_can_be_opened(handler: LambdaHandler, event: Event, name: str) -> None:
    """Other files of their folder are not served."""
    reply = handler(event("GET", f"/documents/{name or 'x'}", resource="/documents/{name}", name=name), None)
    assert reply["statusCode"] == 404


def test_a_document_of_any_name_can_be_opened(event: Event, tmp_path: Path, analyzer: Analyzer) -> None:
    """Spaces, middle dots and brackets are common in Korean file names."""
    name = "「점검」 용해·보온로 #1.pdf"
    document_store = SqliteDocumentStore(tmp_path / "document_store.sqlite")
    document_store.put(IndexedDocument(Document(name, "점검", "0", ()), "0", (), build_postings((), analyzer)))
    (tmp_path / name).write_bytes(b"%PDF-")
    reply = rag_query_handler(Answerer(HybridSearch(document_store, analyzer)), FolderFileStore([tmp_path], ""))(
        event("GET", f"/documents/{name}", resource="/documents/{name}", name=name), None)
    document_store.close()
    assert reply["statusCode"] == 200


def test_a_type_of_the_context_may_have_no_probability(handler: LambdaHandler) -> None:
    """/predict returns such a type if there are too few examples; no question is worded from it."""
    few = {"type": "Crack", "label": "균열", "probability": None, "examples": 3}
    context = {**CONTEXT, "defect_types": [*CONTEXT["defect_types"], few]}
    assert handler({"context": context}, None)["sources"] == handler({"context": CONTEXT}, None)["sources"]
    assert not handler({"context": {"defect_types": [few]}}, None)["grounded"]


@pytest.mark.parametrize("part", ["defect_types", "limits", "top_features"])
def test_a_part_of_the_context_may_be_null(handler: LambdaHandler, part: str) -> None:
    """The workflow's own reply has such parts if a step failed."""
    assert handler({"context": {**CONTEXT, part: None}}, None)["generator"] == "extractive"


def test_a_broken_index_is_a_503(event: Event, tmp_path: Path, analyzer: Analyzer) -> None:
    """An index that stops responding is not the caller's fault, and the problem has no details of it."""
    document_store = SqliteDocumentStore(tmp_path / "document_store.sqlite")
    handler = rag_query_handler(Answerer(HybridSearch(document_store, analyzer)), FolderFileStore([], ""))
    document_store.close()
    reply = handler(event("POST", "/rag-query", {"query": QUESTION}), None)
    assert reply["statusCode"] == 503 and str(tmp_path) not in reply["body"]
    with pytest.raises(KnowledgeError):
        handler({"query": QUESTION}, None)


class UnavailableModel:
    """A text generator and an embedder that do not respond."""

    name = "unavailable"
    dimensions = 8

    def embed(self, texts: Sequence[str], deadline: Deadline | None = None) -> list[tuple[float, ...]]:
        """Fail."""
        raise KnowledgeError("http://10.0.0.1 does not answer")

    def write(self, system: str, prompt: str, deadline: Deadline) -> Generator[str, None, None]:
        """Fail."""
        raise KnowledgeError("http://10.0.0.1 does not answer")
        yield ""


def test_a_complete_answer_is_not_degraded(handler: LambdaHandler) -> None:
    """The list of failed steps is there, and empty."""
    assert handler({"query": QUESTION}, None)["degraded"] == []


def test_failed_steps_are_listed(answerer: Answerer, event: Event) -> None:
    """If embedder and text generator fail, the answer is extractive and lists both, by the names of their errors."""
    handler = rag_query_handler(Answerer(answerer.hybrid_search, UnavailableModel(), UnavailableModel()),
                                FolderFileStore([MANUALS], ""))
    reply = handler(event("POST", "/rag-query", {"query": QUESTION}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200 and "10.0.0.1" not in reply["body"]
    assert body["degraded"] == [
        {"step": step, "error": "KnowledgeError", "code": f"{step}_failed", "params": {}}
        for step in ("embedding", "generation")]
    extractive = rag_query_handler(answerer, FolderFileStore([MANUALS], ""))({"query": QUESTION}, None)
    assert {**body, "degraded": [], "processing_time_ms": 0} == {**extractive, "processing_time_ms": 0}


@pytest.mark.parametrize(("query", "degraded", "counts"), [
    (QUESTION, False, {"Answers": 1, "Ungrounded": 0}), (QUESTION, True, {"Answers": 1, "Ungrounded": 0}),
    ("구내식당 점심 메뉴는?", False, {"Answers": 1, "Ungrounded": 1})])
def test_metrics_count_answers(answerer: Answerer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                               query: str, degraded: bool, counts: dict[str, float]) -> None:
    """They count the answers, those that say that the documents do not answer, and those with a failed step."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    text_generator = UnavailableModel() if degraded else None
    handler = rag_query_handler(Answerer(answerer.hybrid_search, text_generator=text_generator),
                                FolderFileStore([MANUALS], ""))
    handler({"query": query}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    emitted = next(line for line in lines if "Answers" in line)
    assert {name: emitted[name][0] for name in counts} == counts
    assert [line["Degraded"] for line in lines if "Degraded" in line] == ([[1.0]] if degraded else [])
    assert emitted["model_version"] == ("unavailable" if degraded else "extractive")
