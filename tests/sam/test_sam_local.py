"""`sam local invoke` of every function returns what the local stack returns. It needs Docker and Lambda's image."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shotwise_local.template import read_template

sys.path.insert(0, str(Path(__file__).parents[1]))

from slow.running import BUILD, ROOT, Stack, ask, sam, stack, steady
from slow.sample_pdf import FACT, FIRST, pdf

pytestmark = pytest.mark.sam
EVENTS = {"PredictFunction": ("predict", "/predict"), "ImportanceFunction": ("importance", "/importance"),
           "RagQueryFunction": ("rag_query", "/rag-query")}
EMBED = "EmbedDocumentsFunction"
DOCUMENT = "작업 표준.pdf"  # the file that events/embed_documents.json names


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """The artefact that the containers run."""
    process = sam("build")
    assert process.returncode == 0, process.stderr[-2000:]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The local stack."""
    with stack(tmp_path_factory.mktemp("home")) as running:
        yield running


def sam_invoke(name: str, event: str, *options: str) -> tuple[Any, str]:
    """Invoke a function in its container with a file of events/; its reply and its log."""
    process: subprocess.CompletedProcess[str] = sam("local", "invoke", name, "-e", f"events/{event}.json",
                                                    "--skip-pull-image", *options)
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout.strip().splitlines()[-1]), process.stderr


def test_every_function_that_can_be_invoked_is() -> None:
    """A function that streams answers only behind the web adapter, which sam does not run; all others are invoked."""
    assert set(read_template(ROOT / "template.yaml").functions) == {*EVENTS, EMBED}


@pytest.mark.parametrize("name", EVENTS)
def test_sam_local_equals_the_local_stack(running: Stack, name: str) -> None:
    """The same event gives the same numbers."""
    event, path = EVENTS[name]
    reply, _ = sam_invoke(name, event)
    local = ask(f"{running.api}{path}", (ROOT / f"events/{event}.json").read_bytes()).json()
    assert steady(reply) == steady(local)


def test_a_document_is_read_in_the_container_as_on_one_machine(tmp_path: Path) -> None:
    """By the same event, the container ingests as many pages and passages as the local handler."""
    folder = BUILD / EMBED / "home"
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    (folder / "documents" / DOCUMENT).write_bytes(pdf(FIRST, FACT))
    settings = json.loads((ROOT / "events/env.json").read_text("utf-8"))
    settings[EMBED] |= {"SHOTWISE_HOME": "/var/task/home"}
    (tmp_path / "env.json").write_text(json.dumps(settings), "utf-8")
    try:
        reply, log = sam_invoke(EMBED, "embed_documents", "--env-vars", str(tmp_path / "env.json"))
    finally:
        shutil.rmtree(folder)
    assert reply == {"batchItemFailures": []}
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / DOCUMENT).write_bytes(pdf(FIRST, FACT))
    assert counts(log) == counts(local_log(tmp_path)) != {}


def local_log(home: Path) -> str:
    """What the handler of this checkout logs for the same event and file, in a process of its own."""
    settings = {"SHOTWISE_HOME": str(home), "SHOTWISE_INDEX": str(home / "library.sqlite")}
    code = ("import json, sys; from functions.embed_documents.app import handler; "
            "handler(json.load(open('events/embed_documents.json')), None)")
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PATH": "", **settings}, check=True,
                          capture_output=True, text=True, timeout=120)
    return process.stdout


def counts(log: str) -> dict[str, float]:
    """The numbers of pages and passages in the metrics of a log."""
    counts: dict[str, float] = {}
    for line in log.splitlines():
        if '"_aws"' in line:
            record = json.loads(line[line.index("{"):])
            counts |= {name: record[name][0] for name in ("Pages", "Passages", "FailedDocuments")}
    return counts
