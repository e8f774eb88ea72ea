"""`sam local invoke` of every function gives what the local stack gives. Needs a Docker engine and Lambda's image."""

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

from slow.papers import FACT, FIRST, pdf
from slow.running import BUILD, ROOT, Stack, ask, sam, stack, steady

pytestmark = pytest.mark.sam
INVOKED = {"PredictFunction": ("predict", "/predict"), "ImportanceFunction": ("importance", "/importance"),
           "RagQueryFunction": ("rag_query", "/rag-query")}
EMBED = "EmbedDocumentsFunction"
PAPER = "작업 표준.pdf"  # what events/embed_documents.json tells of


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """The artefact that the containers are made of."""
    done = sam("build")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The local stack."""
    with stack(tmp_path_factory.mktemp("home")) as found:
        yield found


def invoked(name: str, event: str, *options: str) -> tuple[Any, str]:
    """What a function in its container answers to an event of events/, and what it logs."""
    done: subprocess.CompletedProcess[str] = sam("local", "invoke", name, "-e", f"events/{event}.json",
                                                 "--skip-pull-image", *options)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1]), done.stderr


def test_every_function_that_can_be_invoked_is() -> None:
    """What streams answers only behind the web adapter, which sam does not run; all others are below."""
    assert set(read_template(ROOT / "template.yaml").functions) == {*INVOKED, EMBED}


@pytest.mark.parametrize("name", INVOKED)
def test_sam_local_equals_the_local_stack(running: Stack, name: str) -> None:
    """The same event, the same numbers."""
    event, path = INVOKED[name]
    found, _ = invoked(name, event)
    local = ask(f"{running.api}{path}", (ROOT / f"events/{event}.json").read_bytes()).json()
    assert steady(found) == steady(local)


def test_a_document_is_read_in_the_container_as_on_one_machine(tmp_path: Path) -> None:
    """A PDF beside the function, as many pages and passages as the local handler finds, by the same event."""
    folder = BUILD / EMBED / "home"
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    (folder / "documents" / PAPER).write_bytes(pdf(FIRST, FACT))
    settings = json.loads((ROOT / "events/env.json").read_text("utf-8"))
    settings[EMBED] |= {"SHOTWISE_HOME": "/var/task/home"}
    (tmp_path / "env.json").write_text(json.dumps(settings), "utf-8")
    try:
        found, log = invoked(EMBED, "embed_documents", "--env-vars", str(tmp_path / "env.json"))
    finally:
        shutil.rmtree(folder)
    assert found == {"batchItemFailures": []}
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / PAPER).write_bytes(pdf(FIRST, FACT))
    assert counts(log) == counts(locally(tmp_path)) != {}


def locally(home: Path) -> str:
    """What the handler of this checkout prints for the same event and file, in a process of its own."""
    settings = {"SHOTWISE_HOME": str(home), "SHOTWISE_INDEX": str(home / "library.sqlite")}
    code = ("import json, sys; from functions.embed_documents.app import handler; "
            "handler(json.load(open('events/embed_documents.json')), None)")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PATH": "", **settings}, check=True,
                          capture_output=True, text=True, timeout=120)
    return done.stdout


def counts(log: str) -> dict[str, float]:
    """Pages and passages among the metrics of a log."""
    found: dict[str, float] = {}
    for line in log.splitlines():
        if '"_aws"' in line:
            record = json.loads(line[line.index("{"):])
            found |= {name: record[name][0] for name in ("Pages", "Passages", "FailedDocuments")}
    return found
