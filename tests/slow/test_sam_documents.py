"""Documents on the AWS artefact without AWS: PDF → queue → index → answer, by the built functions and moto's S3."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore

from .running import BUILT_INDEX, ROOT, Stack, ask, built_function, built_stream, invoke, s3_server
from .sample_pdf import FACT, FIRST, NAME, QUESTION, pdf

pytestmark = pytest.mark.slow
KNOWLEDGE_LAYERS = ["KnowledgeRuntimeLayer", "CoreLayer"]


def sqs_event(name: str, event_name: str) -> dict[str, Any]:
    """An SQS event with the S3 event of a file."""
    record = {"eventName": event_name, "s3": {"object": {"key": urllib.parse.quote_plus(name)}}}
    return {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": json.dumps({"Records": [record]}),
                         "receiptHandle": "x", "attributes": {}, "messageAttributes": {}, "md5OfBody": "",
                         "eventSourceARN": "arn:aws:sqs:us-east-1:1:documents", "awsRegion": "us-east-1"}]}


def test_the_built_pipeline_indexes_documents_of_a_folder(built: None, tmp_path: Path) -> None:
    """From the artefact, under Python 3.13, a PDF is indexed with its pages, a broken one noted, a deleted one removed.

    The worker process that parses comes from the artefact as well.
    """
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / NAME).write_bytes(pdf(FIRST, FACT))
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 not really")
    settings = {"SHOTWISE_MANUALS": str(tmp_path / "none"), "SHOTWISE_INDEX": str(tmp_path / "document_store.sqlite")}
    with built_function("EmbedDocumentsFunction", ["CoreLayer"], settings, tmp_path) as url:
        assert invoke(url, sqs_event(NAME, "ObjectCreated:Put")) == {"batchItemFailures": []}
        assert invoke(url, sqs_event("broken.pdf", "ObjectCreated:Put")) == {"batchItemFailures": []}
        document_store = SqliteDocumentStore(tmp_path / "document_store.sqlite")
        assert [(entry.name, entry.pages) for entry in document_store.summaries()] == [(NAME, 2)]
        assert FACT in document_store.page_text(NAME, 2) and list(document_store.failures()) == ["broken.pdf"]
        (documents / NAME).unlink()
        assert invoke(url, sqs_event(NAME, "ObjectRemoved:Delete")) == {"batchItemFailures": []}
        assert document_store.summaries() == []
        document_store.close()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """S3 by moto over HTTP with both buckets; the settings that lead the functions there."""
    with s3_server("documents", "library") as settings:
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NO_PROXY"):
            monkeypatch.setenv(name, settings[name])
        yield {**settings, "SHOTWISE_DOCUMENTS_BUCKET": "documents", "SHOTWISE_LIBRARY_BUCKET": "library"}


def api_event(method: str, path: str, body: Any = None, **parameters: str) -> dict[str, Any]:
    """A proxy event of API Gateway."""
    return {"httpMethod": method, "path": path, "resource": path, "body": body and json.dumps(body),
            "isBase64Encoded": False, "headers": {"content-type": "application/json"}, "multiValueHeaders": {},
            "queryStringParameters": None, "pathParameters": parameters or None, "stageVariables": None,
            "requestContext": {"stage": "test", "path": path, "requestId": "x"}}


def test_a_document_goes_through_s3_from_upload_to_removal(built: None, s3: dict[str, str], tmp_path: Path) -> None:
    """Two built functions that share only buckets take a PDF from upload to removal.

    One returns the URL to upload to, the other ingests the file, the first one answers from it with its page, leads to
    the file, and no longer knows it when it is removed.
    """
    embed, rag = tmp_path / "embed", tmp_path / "rag"
    embed.mkdir()
    rag.mkdir()
    client = boto3.client("s3", region_name="us-east-1")
    with built_function("EmbedDocumentsFunction", ["CoreLayer"], s3, embed) as embed_url, \
            built_function("RagQueryFunction", KNOWLEDGE_LAYERS, s3, rag) as rag_url:
        upload = json.loads(invoke(rag_url, api_event("POST", "/documents", {"name": NAME}))["body"])["upload"]
        put = urllib.request.Request(upload["url"], pdf(FIRST, FACT), upload["headers"], method=upload["method"])
        with urllib.request.urlopen(put, timeout=10) as response:
            assert response.status == 200
        assert client.head_object(Bucket="documents", Key=NAME)["ContentType"] == "application/pdf"
        assert not invoke(rag_url, QUESTION)["grounded"]
        assert invoke(embed_url, sqs_event(NAME, "ObjectCreated:Put")) == {"batchItemFailures": []}
        (source, *_) = wait_for_answer(rag_url, True)["sources"]
        assert (source["document"], source["page"], source["quote"]) == (NAME, 2, FACT)
        file = invoke(rag_url, {**api_event("GET", f"/documents/{NAME}", name=NAME), "resource": "/documents/{name}"})
        location = (file.get("headers") or {}).get("Location") or file["multiValueHeaders"]["Location"][0]
        assert file["statusCode"] == 302 and ask(location).body.startswith(b"%PDF-")
        removed = invoke(rag_url,
                         {**api_event("DELETE", f"/documents/{NAME}", name=NAME), "resource": "/documents/{name}"})
        assert removed["statusCode"] == 202
        assert invoke(embed_url, sqs_event(NAME, "ObjectRemoved:DeleteMarkerCreated")) == {"batchItemFailures": []}
        assert wait_for_answer(rag_url, False)["sources"] == []


def wait_for_answer(url: str, grounded: bool) -> dict[str, Any]:
    """Ask until the answer is grounded, or is not: other instances see a change of the index within 15 s."""
    end = time.monotonic() + 30
    answer: dict[str, Any] = invoke(url, QUESTION)
    while answer["grounded"] != grounded:
        assert time.monotonic() < end
        time.sleep(0.5)
        answer = invoke(url, QUESTION)
    return answer


def test_the_built_stream_answers_as_the_local_stack(built: None, running: Stack, tmp_path: Path) -> None:
    """Started by run.sh on the layers alone, under Python 3.13, it streams and ends with what /rag-query returns."""
    settings = {"SHOTWISE_INDEX": str(BUILT_INDEX),
                "SHOTWISE_INDEX_READ_ONLY": "true"}
    body = (ROOT / "events/rag_query.json").read_bytes()
    with built_stream("StreamQueryFunction", KNOWLEDGE_LAYERS, settings, tmp_path) as url:
        response = ask(f"{url}/query", body)
    *_, last = response.body.decode().strip().split("\n\n")
    local = ask(f"{running.api}/rag-query", body).json()
    assert response.content_type.startswith("text/event-stream") and last.startswith("event: done\ndata: ")
    streamed = json.loads(last.partition("data: ")[2])
    assert {**streamed, "processing_time_ms": 0} == {**local, "processing_time_ms": 0}
