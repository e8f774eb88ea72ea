"""Every function of the template, as it was built: its own handler, layers and settings, under Python 3.13."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from shotwise_local.template import load_yaml

from .papers import FACT, FIRST, NAME, pdf
from .running import BUILD, ROOT, ask, built_function, built_stream, invoke, s3_server
from .test_sam_documents import told

pytestmark = pytest.mark.slow
TEMPLATE = load_yaml(ROOT / "template.yaml")
RESOURCES = TEMPLATE["Resources"]
SHARED = TEMPLATE["Globals"]["Function"]
FUNCTIONS = {name: resource["Properties"] for name, resource in RESOURCES.items()
             if resource["Type"] == "AWS::Serverless::Function"}


def own_layers(name: str) -> list[str]:
    """The layers that the template makes for a function."""
    return [layer["Ref"] for layer in FUNCTIONS[name]["Layers"] if "Ref" in layer]


def built_layers(name: str) -> list[str]:
    """Those of its layers that hold packages."""
    return [layer for layer in own_layers(name) if "Metadata" in RESOURCES[layer]]


def settings(name: str, home: Path) -> dict[str, str]:
    """The function's environment, as far as the template says it itself: what it takes from resources is left out.
    Files of layers are found where they lie here, and /tmp is `home`."""
    given = {**SHARED["Environment"]["Variables"], **FUNCTIONS[name].get("Environment", {}).get("Variables", {})}
    plain = {key: value for key, value in given.items() if isinstance(value, str) and key != "PYTHONPATH"}
    return {key: _here(value, name).replace("/tmp/", f"{home}/") for key, value in plain.items()}


def _here(value: str, name: str) -> str:
    if not value.startswith("/opt/"):
        return value
    places = [BUILD / layer if layer in built_layers(name) else ROOT / RESOURCES[layer]["Properties"]["ContentUri"]
              for layer in own_layers(name)]
    path = value.removeprefix("/opt/")
    return next((str(place / path) for place in places if (place / path).exists()), value)


def event(name: str) -> Any:
    """A shipped event."""
    return json.loads((ROOT / f"events/{name}.json").read_text("utf-8"))


def predict(name: str, home: Path) -> None:
    """A shot is predicted."""
    with built_function(name, built_layers(name), settings(name, home), home) as url:
        assert invoke(url, event("predict"))["prediction"]["class"] == "defect"


def importance(name: str, home: Path) -> None:
    """A shot is explained, with its picture."""
    with built_function(name, built_layers(name), settings(name, home), home) as url:
        found = invoke(url, event("importance"))
    assert found["top_features"] and found["visualization_url"] and found["degraded"] == []


def rag_query(name: str, home: Path) -> None:
    """A question is answered from the shipped manuals."""
    with built_function(name, built_layers(name), settings(name, home), home) as url:
        assert invoke(url, event("rag_query"))["sources"]


def embed_documents(name: str, home: Path) -> None:
    """A message of the queue about a PDF in the bucket: its passages are in the library's bucket."""
    buckets = {"SHOTWISE_DOCUMENTS_BUCKET": "documents", "SHOTWISE_LIBRARY_BUCKET": "library"}
    with s3_server(*buckets.values()) as served:
        s3 = boto3.client("s3", "us-east-1", endpoint_url=served["AWS_ENDPOINT_URL_S3"], aws_access_key_id="test",
                          aws_secret_access_key="test")
        s3.put_object(Bucket="documents", Key=NAME, Body=pdf(FIRST, FACT))
        given = {**settings(name, home), **served, **buckets}
        with built_function(name, built_layers(name), given, home) as url:
            assert invoke(url, told(NAME, "ObjectCreated:Put")) == {"batchItemFailures": []}
        assert s3.list_objects_v2(Bucket="library")["KeyCount"] > 0


def stream_query(name: str, home: Path) -> None:
    """A question is answered as a stream, by the server that the web adapter starts."""
    assert FUNCTIONS[name]["Handler"] == "run.sh"
    # The template's port is the sandbox's own; here others may listen on it.
    given = {key: value for key, value in settings(name, home).items() if key != "AWS_LWA_PORT"}
    with built_stream(name, built_layers(name), given, home) as url:
        reply = ask(f"{url}/query", json.dumps(event("rag_query")).encode())
    assert reply.content_type.startswith("text/event-stream") and b"event: done\n" in reply.body


ANSWERS: dict[str, Callable[[str, Path], None]] = {
    "PredictFunction": predict, "ImportanceFunction": importance, "RagQueryFunction": rag_query,
    "EmbedDocumentsFunction": embed_documents, "StreamQueryFunction": stream_query}


def test_every_function_is_tried() -> None:
    """A function that the template gains is one that the test below has to ask."""
    assert set(FUNCTIONS) == set(ANSWERS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_built_function_starts_and_answers(built: None, tmp_path: Path, name: str) -> None:
    """Under the Python that the template names, with the layers, handler and settings that it gives."""
    properties = {**SHARED, **FUNCTIONS[name]}
    assert properties["Runtime"] == "python3.13" and properties["Handler"] in ("app.handler", "run.sh")
    ANSWERS[name](name, tmp_path)
