"""T3 from event to reply, on the shipped index."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
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
def function(answerer: Answerer) -> LambdaHandler:
    """T3 with the shipped index and manuals."""
    return rag_query_handler(answerer, FolderFileStore([MANUALS], ""))


def test_answers_with_quotes_and_pages(function: LambdaHandler, event: Event) -> None:
    """The answer cites by number, and each recommendation points to its source."""
    reply = function(event("POST", "/rag-query", {"query": QUESTION}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200 and body["grounded"] and "[1]" in body["answer"]
    assert all(source["document"].endswith(".pdf") and source["page"] >= 1 for source in body["sources"])
    for text, source in zip(body["recommendations"], body["recommendation_sources"], strict=True):
        assert body["sources"][source]["quote"] == text


def test_a_plain_payload_gives_the_same_answer(function: LambdaHandler, event: Event) -> None:
    """Only the time differs."""
    plain = function({"query": QUESTION}, None)
    body = json.loads(function(event("POST", "/rag-query", {"query": QUESTION}), None)["body"])
    assert plain.pop("processing_time_ms") and body.pop("processing_time_ms")
    assert plain == body


def test_a_context_is_enough_for_the_workflow(function: LambdaHandler) -> None:
    """From T1 and T2 alone it finds what the documents say of the driving value."""
    found = function({"context": CONTEXT, "language": "ko"}, None)
    assert found["grounded"] and any("고속 사출 속도" in source["quote"] for source in found["sources"])


def test_an_english_diagnosis_finds_what_a_korean_one_does(function: LambdaHandler) -> None:
    """The documents are searched in their own language; only the frame of the answer is English."""
    named = {"labels": {"ko": "고속 사출 속도", "en": "High velocity"}}
    context = {**CONTEXT, "top_features": [{**CONTEXT["top_features"][0], "label": "High velocity", **named}],
               "defect_types": [{"label": "Short shot", "labels": {"ko": "미성형", "en": "Short shot"}}]}
    english, korean = function({"context": context, "language": "en"}, None), function({"context": CONTEXT}, None)
    assert english["sources"] == korean["sources"] and english["answer"].startswith("This is what")


def test_without_driving_values_the_defect_types_are_asked_for(function: LambdaHandler) -> None:
    """T2 failed: T3 still finds the section of the likeliest defect."""
    found = function({"context": {**CONTEXT, "top_features": [], "limits": []}, "language": "ko"}, None)
    assert found["grounded"] and any("미성형" in source["quote"] for source in found["sources"])
    assert found["recommendations"]


def test_says_when_the_documents_do_not_answer(function: LambdaHandler) -> None:
    """No source, no recommendation, and the answer says so in the question's language."""
    korean = function({"query": "구내식당 점심 메뉴는 무엇인가요?"}, None)
    english = function({"query": "Who won the football match yesterday?"}, None)
    for found in (korean, english):
        assert not found["grounded"] and found["sources"] == found["recommendations"] == []
    assert "없습니다" in korean["answer"] and "do not answer" in english["answer"]


@pytest.mark.parametrize("body", [
    {}, {"query": ""}, {"query": " "}, {"query": 5}, {"query": "가" * 2001}, {"query": "x", "language": "jp"},
    {"query": "x", "context": []}, {"query": "x", "context": {"limits": [{"feature": "a"}]}},
    {"query": "x", "context": {"top_features": "y"}},
    {"context": {"defect_types": [{"label": "x", "labels": 5}]}}, {"query": "x", "y": 1}])
def test_bad_questions_are_named(function: LambdaHandler, event: Event, body: dict[str, Any]) -> None:
    """Each is a 400 with a field, and InvalidPayload for the workflow."""
    reply = function(event("POST", "/rag-query", body), None)
    assert reply["statusCode"] == 400 and json.loads(reply["body"])["errors"]
    with pytest.raises(InvalidPayload):
        function(body, None)


def test_a_cited_document_can_be_opened(function: LambdaHandler, event: Event) -> None:
    """The file name of a source leads to the PDF."""
    name = function({"query": QUESTION}, None)["sources"][0]["document"]
    reply = function(event("GET", f"/documents/{name}", resource="/documents/{name}", name=name), None)
    assert reply["statusCode"] == 200 and base64.b64decode(reply["body"]).startswith(b"%PDF-")


@pytest.mark.parametrize("name", ["build.py", "process-manual.md", "../README.md", "", "용해·보온로 매뉴얼.pdf"])
def test_only_documents_of_the_index_can_be_opened(function: LambdaHandler, event: Event, name: str) -> None:
    """What else lies in their folder is not served."""
    reply = function(event("GET", f"/documents/{name or 'x'}", resource="/documents/{name}", name=name), None)
    assert reply["statusCode"] == 404


def test_a_document_of_any_name_can_be_opened(event: Event, tmp_path: Path, analyzer: Analyzer) -> None:
    """Spaces, middle dots and brackets are common in Korean file names."""
    name = "「점검」 용해·보온로 #1.pdf"
    library = SqliteDocumentStore(tmp_path / "library.sqlite")
    library.put(IndexedDocument(Document(name, "점검", "0", ()), "0", (), build_postings((), analyzer)))
    (tmp_path / name).write_bytes(b"%PDF-")
    reply = rag_query_handler(Answerer(HybridSearch(library, analyzer)), FolderFileStore([tmp_path], ""))(
        event("GET", f"/documents/{name}", resource="/documents/{name}", name=name), None)
    library.close()
    assert reply["statusCode"] == 200


def test_a_type_of_the_context_may_have_no_probability(function: LambdaHandler) -> None:
    """As /predict gives one with too few examples; it words no question."""
    few = {"type": "Crack", "label": "균열", "probability": None, "examples": 3}
    context = {**CONTEXT, "defect_types": [*CONTEXT["defect_types"], few]}
    assert function({"context": context}, None)["sources"] == function({"context": CONTEXT}, None)["sources"]
    assert not function({"context": {"defect_types": [few]}}, None)["grounded"]


@pytest.mark.parametrize("part", ["defect_types", "limits", "top_features"])
def test_a_part_of_the_context_may_be_null(function: LambdaHandler, part: str) -> None:
    """As the workflow's own reply has it where a step failed."""
    assert function({"context": {**CONTEXT, part: None}}, None)["generator"] == "extractive"


def test_a_broken_index_is_a_503(event: Event, tmp_path: Path, analyzer: Analyzer) -> None:
    """An index that stops answering is not the caller's fault and not told in detail."""
    library = SqliteDocumentStore(tmp_path / "library.sqlite")
    function = rag_query_handler(Answerer(HybridSearch(library, analyzer)), FolderFileStore([], ""))
    library.close()
    reply = function(event("POST", "/rag-query", {"query": QUESTION}), None)
    assert reply["statusCode"] == 503 and str(tmp_path) not in reply["body"]
    with pytest.raises(KnowledgeError):
        function({"query": QUESTION}, None)


class Silent:
    """A writer and an embedder that do not answer."""

    name = "silent"
    dimensions = 8

    def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """Fail."""
        raise KnowledgeError("http://10.0.0.1 does not answer")

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """Fail."""
        raise KnowledgeError("http://10.0.0.1 does not answer")
        yield ""


def test_a_whole_answer_is_not_degraded(function: LambdaHandler) -> None:
    """The list of what did not work is there, and empty."""
    assert function({"query": QUESTION}, None)["degraded"] == []


def test_what_did_not_work_is_told(answerer: Answerer, event: Event) -> None:
    """Without embedder and writer the answer is the extractive one, a 200, with what failed, by its kind alone."""
    function = rag_query_handler(Answerer(answerer.hybrid_search, Silent(), Silent()), FolderFileStore([MANUALS], ""))
    reply = function(event("POST", "/rag-query", {"query": QUESTION}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200 and "10.0.0.1" not in reply["body"]
    assert body["degraded"] == [{"step": step, "error": "KnowledgeError"} for step in ("embedding", "generation")]
    whole = rag_query_handler(answerer, FolderFileStore([MANUALS], ""))({"query": QUESTION}, None)
    assert {**body, "degraded": [], "processing_time_ms": 0} == {**whole, "processing_time_ms": 0}


@pytest.mark.parametrize(("query", "degraded", "counts"), [
    (QUESTION, False, {"Answers": 1, "Ungrounded": 0}), (QUESTION, True, {"Answers": 1, "Ungrounded": 0}),
    ("구내식당 점심 메뉴는?", False, {"Answers": 1, "Ungrounded": 1})])
def test_metrics_count_answers(answerer: Answerer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                               query: str, degraded: bool, counts: dict[str, float]) -> None:
    """How many there were, how many that say that the documents do not answer, how many that lack something."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    silent = Silent() if degraded else None
    rag_query_handler(Answerer(answerer.hybrid_search, text_generator=silent), FolderFileStore([MANUALS], ""))({"query": query}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    emitted = next(line for line in lines if "Answers" in line)
    assert {name: emitted[name][0] for name in counts} == counts
    assert [line["Degraded"] for line in lines if "Degraded" in line] == ([[1.0]] if degraded else [])
    assert emitted["model_version"] == ("silent" if degraded else "extractive")
