"""Every function of the template as it was built, with its handler, layers and settings, under Python 3.13."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from shotwise_local.template import load_yaml

from .running import BUILD, ROOT, ask, built_function, built_stream, invoke, s3_server
from .sample_pdf import FACT, FIRST, NAME, pdf
from .test_sam_documents import sqs_event

pytestmark = pytest.mark.slow
TEMPLATE = load_yaml(ROOT / "template.yaml")
RESOURCES = TEMPLATE["Resources"]
SHARED = TEMPLATE["Globals"]["Function"]
FUNCTIONS = {name: resource["Properties"] for name, resource in RESOURCES.items()
             if resource["Type"] == "AWS::Serverless::Function"}


def own_layers(name: str) -> list[str]:
    """The layers of a function that the template itself makes."""
    return [layer["Ref"] for layer in FUNCTIONS[name]["Layers"] if "Ref" in layer]


def built_layers(name: str) -> list[str]:
    """Those of them that contain packages."""
    return [layer for layer in own_layers(name) if "Metadata" in RESOURCES[layer]]


def settings(name: str, home: Path) -> dict[str, str]:
    """The environment of a function, without the values that it takes from resources.

    Files of layers are taken from this checkout, and /tmp is `home`.
    """
    variables = {**SHARED["Environment"]["Variables"], **FUNCTIONS[name].get("Environment", {}).get("Variables", {})}
    literal = {key: value for key, value in variables.items() if isinstance(value, str) and key != "PYTHONPATH"}
    return {key: f"{home}/{value.removeprefix('/tmp/')}" if value.startswith("/tmp/") else _local_path(value, name)
            for key, value in literal.items()}


def _local_path(value: str, name: str) -> str:
    if not value.startswith("/opt/"):
        return value
    folders = [BUILD / layer if layer in built_layers(name) else ROOT / RESOURCES[layer]["Properties"]["ContentUri"]
               for layer in own_layers(name)]
    path = value.removeprefix("/opt/")
    return next((str(folder / path) for folder in folders if (folder / path).exists()), value)


def event(name: str) -> Any:
    """A shipped event."""
    return json.loads((ROOT / f"events/{name}.json").read_text("utf-8"))


def predict(name: str, home: Path) -> None:
    """Check that a shot is predicted."""
    with built_function(name, built_layers(name), settings(name, home), home) as url:
        assert invoke(url, event("predict"))["prediction"]["class"] == "defect"


def importance(name: str, home: Path) -> None:
    """Check that a shot is explained, with its chart."""
    with built_function(name, built_layers(name), settings(name, home), home) as url:
        reply = invoke(url, event("importance"))
    assert reply["top_features"] and reply["visualization_url"] and reply["degraded"] == []


def rag_query(name: str, home: Path) -> None:
    """Check that a question is answered from the shipped manuals."""
    with built_function(name, built_layers(name), settings(name, home), home) as url:
        assert invoke(url, event("rag_query"))["sources"]


def embed_documents(name: str, home: Path) -> None:
    """Check that the event of a PDF in the bucket puts its passages into the bucket of the document store."""
    buckets = {"SHOTWISE_DOCUMENTS_BUCKET": "documents", "SHOTWISE_LIBRARY_BUCKET": "library"}
    with s3_server(*buckets.values()) as s3_settings:
        s3 = boto3.client("s3", "us-east-1", endpoint_url=s3_settings["AWS_ENDPOINT_URL_S3"], aws_access_key_id="test",
                          aws_secret_access_key="test")
        s3.put_object(Bucket="documents", Key=NAME, Body=pdf(FIRST, FACT))
        environ = {**settings(name, home), **s3_settings, **buckets}
        with built_function(name, built_layers(name), environ, home) as url:
            assert invoke(url, sqs_event(NAME, "ObjectCreated:Put")) == {"batchItemFailures": []}
        assert s3.list_objects_v2(Bucket="library")["KeyCount"] > 0


def stream_query(name: str, home: Path) -> None:
    """Check that a question is answered as a stream, by the server that the web adapter starts."""
    assert FUNCTIONS[name]["Handler"] == "run.sh"
    # The template's port is free in the sandbox; here another process may use it.
    environ = {key: value for key, value in settings(name, home).items() if key != "AWS_LWA_PORT"}
    with built_stream(name, built_layers(name), environ, home) as url:
        response = ask(f"{url}/query", json.dumps(event("rag_query")).encode())
    assert response.content_type.startswith("text/event-stream") and b"event: done\n" in response.body


CHECKS: dict[str, Callable[[str, Path], None]] = {
    "PredictFunction": predict, "ImportanceFunction": importance, "RagQueryFunction": rag_query,
    "EmbedDocumentsFunction": embed_documents, "StreamQueryFunction": stream_query}


def test_every_function_is_checked() -> None:
    """A function that is added to the template needs a check above."""
    assert set(FUNCTIONS) == set(CHECKS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_built_function_starts_and_answers(built: None, tmp_path: Path, name: str) -> None:
    """It does so under the Python, with the layers, the handler and the settings that the template names."""
    properties = {**SHARED, **FUNCTIONS[name]}
    assert properties["Runtime"] == "python3.13" and properties["Handler"] in ("app.handler", "run.sh")
    CHECKS[name](name, tmp_path)
