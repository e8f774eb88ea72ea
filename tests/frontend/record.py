"""Record the replies that the page is tested with: run it when the contract or the shipped bundle has changed.

    python tests/frontend/record.py

Every reply comes from the real functions and the real workflow.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymupdf
from starlette.testclient import TestClient

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import Bundle, load_bundle
from shotwise.handlers.replies import model_reply, samples_reply
from shotwise_local import ROOT
from shotwise_local.stack import open_stack, prepare

HERE = Path(__file__).parent
Run = Callable[[str], dict[str, Any]]
QUESTIONS = {"query_answered": {"ko": "비스킷 두께가 얇으면 어떤 결함이 생깁니까?", "en": "What causes porosity?"},
             "query_unanswered": {"ko": "왜?", "en": "Why?"}}


def main() -> None:
    """Record the replies of every route that the page calls."""
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    write("model", model_reply(bundle))
    write("samples", samples_reply(bundle))
    with tempfile.TemporaryDirectory() as home:
        # A chart's address holds the port, whatever it is on the machine that records.
        os.environ |= {"SHOTWISE_HOME": home, "SHOTWISE_API_PORT": "8000", "POWERTOOLS_LOG_LEVEL": "CRITICAL",
                       "POWERTOOLS_METRICS_DISABLED": "true"}
        prepare(os.environ, print)
        with open_stack() as stack:
            record_diagnoses(bundle, stack.workflow.run)
            record_documents(TestClient(stack.gateway, "http://127.0.0.1:8000"))


def record_diagnoses(bundle: Bundle, run: Run) -> None:
    """Record the diagnosis of every scene in both languages, and the refusal of a bad shot.

    The scenes: `suspect` is a shot unlike all others, with one value not measured; `proposal` one for which there is a
    change of settings; `good` one that looks fine; `unanswered` asks a question that no document answers.
    """
    defective = dict(next(sample["features"] for sample in bundle.samples if sample["outcome"] == "defect"))
    good = next(sample["features"] for sample in bundle.samples if sample["outcome"] == "normal")
    scenes = {"suspect": {**defective, "Velocity_1": 0.3, "Biscuit_Thickness": 4, "Factory_Temp": None},
              "proposal": {**defective, "Velocity_1": 0.17}, "good": good, "unanswered": good}
    questions = {"unanswered": {"ko": "왜?", "en": "Why?"}}
    for scene, features in scenes.items():
        for language in ("ko", "en"):
            question = questions.get(scene, {}).get(language)
            body = {"features": features, "language": language, **({"question": question} if question else {})}
            write(f"{scene}_{language}", json.loads(run(json.dumps(body))["output"]))
    bad_features = {**defective, "Product_Type": "9", "Velocity_1": None, "Velocity_2": 9.0}
    cause = json.loads(run(json.dumps({"features": bad_features, "question": "?" * 2001}))["cause"])
    write("problem", cause)


def record_documents(api: TestClient) -> None:
    """Record streamed answers, the list of documents with a file that cannot be read, and refusals."""
    for scene, questions in QUESTIONS.items():
        for language, question in questions.items():
            stream = api.post("/query", json={"query": question, "language": language})
            (HERE / "recorded" / f"{scene}_{language}.txt").write_text(stream.text, encoding="utf-8")
    pictures = pymupdf.open()
    pictures.new_page()
    upload = api.post("/documents", json={"name": "그림.pdf"}).json()
    destination = upload["upload"]
    api.request(destination["method"], destination["url"], content=pictures.tobytes(), headers=destination["headers"])
    while not any(document["failure"] for document in api.get("/documents").json()["documents"]):
        time.sleep(0.2)
    write("upload", upload)
    write("documents", api.get("/documents").json())
    write("stays", api.delete("/documents/process-manual.pdf").json())
    write("bad_name", api.post("/documents", json={"name": "a/b.pdf"}).json())
    write("bad_query", api.post("/query", json={"query": "?" * 2001}).json())


def write(name: str, reply: Any) -> None:
    """Write a recorded reply to its file."""
    text = json.dumps(reply, ensure_ascii=False, indent=1)
    (HERE / "recorded" / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
