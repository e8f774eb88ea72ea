"""Documents on the AWS artefact without AWS: PDF → queue → library → answer, by the built functions and moto's S3."""

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

from .papers import FACT, FIRST, NAME, QUESTION, pdf
from .running import ROOT, Stack, ask, built_function, built_stream, invoke, s3_server

pytestmark = pytest.mark.slow
SEARCHING = ["KnowledgeRuntimeLayer", "CoreLayer"]


def told(name: str, event: str) -> dict[str, Any]:
    """A queue's message of a change of a name."""
    record = {"eventName": event, "s3": {"object": {"key": urllib.parse.quote_plus(name)}}}
    return {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": json.dumps({"Records": [record]}),
                         "receiptHandle": "x", "attributes": {}, "messageAttributes": {}, "md5OfBody": "",
                         "eventSourceARN": "arn:aws:sqs:us-east-1:1:documents", "awsRegion": "us-east-1"}]}


def test_the_built_pipeline_keeps_documents_of_folders(built: None, tmp_path: Path) -> None:
    """Under Python 3.13, from the artefact, its worker process too: a PDF goes in with its pages, a broken one is
    noted, a removed one goes."""
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / NAME).write_bytes(pdf(FIRST, FACT))
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 not really")
    settings = {"SHOTWISE_MANUALS": str(tmp_path / "none"), "SHOTWISE_INDEX": str(tmp_path / "library.sqlite")}
    with built_function("EmbedDocumentsFunction", ["CoreLayer"], settings, tmp_path) as url:
        assert invoke(url, told(NAME, "ObjectCreated:Put")) == {"batchItemFailures": []}
        assert invoke(url, told("broken.pdf", "ObjectCreated:Put")) == {"batchItemFailures": []}
        library = SqliteDocumentStore(tmp_path / "library.sqlite")
        assert [(entry.name, entry.pages) for entry in library.summaries()] == [(NAME, 2)]
        assert FACT in library.page_text(NAME, 2) and list(library.failures()) == ["broken.pdf"]
        (documents / NAME).unlink()
        assert invoke(url, told(NAME, "ObjectRemoved:Delete")) == {"batchItemFailures": []}
        assert library.summaries() == []
        library.close()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """moto's S3 over HTTP with both buckets; the settings that lead the functions there."""
    with s3_server("documents", "library") as settings:
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NO_PROXY"):
            monkeypatch.setenv(name, settings[name])
        yield {**settings, "SHOTWISE_DOCUMENTS_BUCKET": "documents", "SHOTWISE_LIBRARY_BUCKET": "library"}


def request(method: str, path: str, body: Any = None, **parameters: str) -> dict[str, Any]:
    """An event of API Gateway."""
    return {"httpMethod": method, "path": path, "resource": path, "body": body and json.dumps(body),
            "isBase64Encoded": False, "headers": {"content-type": "application/json"}, "multiValueHeaders": {},
            "queryStringParameters": None, "pathParameters": parameters or None, "stageVariables": None,
            "requestContext": {"stage": "test", "path": path, "requestId": "x"}}


def test_a_document_goes_through_s3_from_upload_to_removal(built: None, s3: dict[str, str], tmp_path: Path) -> None:
    """Two built functions that share nothing but buckets: the one gives an address, the PDF is put there, the other
    reads it, the first answers from it with its page and leads to the file, and forgets it when it is removed."""
    embed, rag = tmp_path / "embed", tmp_path / "rag"
    embed.mkdir()
    rag.mkdir()
    client = boto3.client("s3", region_name="us-east-1")
    with built_function("EmbedDocumentsFunction", ["CoreLayer"], s3, embed) as embedding, \
            built_function("RagQueryFunction", SEARCHING, s3, rag) as asking:
        upload = json.loads(invoke(asking, request("POST", "/documents", {"name": NAME}))["body"])["upload"]
        put = urllib.request.Request(upload["url"], pdf(FIRST, FACT), upload["headers"], method=upload["method"])
        with urllib.request.urlopen(put, timeout=10) as done:
            assert done.status == 200
        assert client.head_object(Bucket="documents", Key=NAME)["ContentType"] == "application/pdf"
        assert not invoke(asking, QUESTION)["grounded"]
        assert invoke(embedding, told(NAME, "ObjectCreated:Put")) == {"batchItemFailures": []}
        found = told_until(asking, True)
        assert (found["sources"][0]["document"], found["sources"][0]["page"]) == (NAME, 2)
        assert found["sources"][0]["quote"] == FACT
        file = invoke(asking, {**request("GET", f"/documents/{NAME}", name=NAME), "resource": "/documents/{name}"})
        location = (file.get("headers") or {}).get("Location") or file["multiValueHeaders"]["Location"][0]
        assert file["statusCode"] == 302 and ask(location).body.startswith(b"%PDF-")
        gone = invoke(asking, {**request("DELETE", f"/documents/{NAME}", name=NAME), "resource": "/documents/{name}"})
        assert gone["statusCode"] == 202
        assert invoke(embedding, told(NAME, "ObjectRemoved:DeleteMarkerCreated")) == {"batchItemFailures": []}
        assert told_until(asking, False)["sources"] == []


def told_until(url: str, grounded: bool) -> dict[str, Any]:
    """The answer, asked for until it shows what the library holds: other instances see it within 15 s."""
    end = time.monotonic() + 30
    while (found := invoke(url, QUESTION))["grounded"] != grounded:
        assert time.monotonic() < end
        time.sleep(0.5)
    answer: dict[str, Any] = found
    return answer


def test_the_built_stream_answers_as_the_local_stack(built: None, running: Stack, tmp_path: Path) -> None:
    """run.sh as the web adapter starts it, on the layers alone, under Python 3.13: it is up, streams, and ends with
    what /rag-query gives."""
    settings = {"SHOTWISE_INDEX": str(ROOT / "layers/knowledge/knowledge/index.sqlite"),
                "SHOTWISE_INDEX_READ_ONLY": "true"}
    body = (ROOT / "events/rag_query.json").read_bytes()
    with built_stream("StreamQueryFunction", SEARCHING, settings, tmp_path) as url:
        reply = ask(f"{url}/query", body)
    *_, done = reply.body.decode().strip().split("\n\n")
    local = ask(f"{running.api}/rag-query", body).json()
    assert reply.content_type.startswith("text/event-stream") and done.startswith("event: done\ndata: ")
    streamed = json.loads(done.partition("data: ")[2])
    assert {**streamed, "processing_time_ms": 0} == {**local, "processing_time_ms": 0}
