"""From a home that cannot be written, questions, diagnoses and a stack work as far as they can."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rights import ROOT, SHOTWISE, bound_by_permissions, sentence, shotwise

from shotwise_local.home_setup import SHIPPED_INDEX

from .running import ask, free_port, stop, wait_for
from .sample_pdf import pdf

pytestmark = pytest.mark.slow


@pytest.fixture(params=["read-only", "a file"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A home that cannot be written: a folder without that permission, or no folder at all."""
    path = tmp_path / "home"
    if request.param == "a file":
        path.write_text("x")
        yield path
        return
    path.mkdir()
    path.chmod(0o555)
    yield path
    path.chmod(0o755)


def test_the_documents_of_a_read_only_home_are_listed(tmp_path: Path) -> None:
    """Those that it has; one line says that nothing can be changed, and changing something ends with a sentence."""
    home, manuals = tmp_path / "home", tmp_path / "manuals"
    manuals.mkdir()
    settings = {"SHOTWISE_HOME": home, "SHOTWISE_MANUALS": manuals}
    document, other = tmp_path / "guide.pdf", tmp_path / "other.pdf"
    document.write_bytes(pdf("The biscuit is thin when the ladle pours too little."))
    other.write_bytes(pdf("Another text about another matter of the furnace."))
    assert shotwise("ingest", document, **settings).returncode == 0
    for path in (home / "documents", home):
        path.chmod(0o555)
    listing = shotwise("documents", "--json", **settings)
    assert listing.returncode == 0 and listing.stderr.count("cannot be written") == 1
    assert [entry["name"] for entry in json.loads(listing.stdout)["documents"]] == ["guide.pdf"]
    for arguments in (("ingest", other), ("remove", "guide.pdf")):
        process = shotwise(*arguments, **settings)
        assert process.returncode == 1 and "Traceback" not in process.stderr
    for path in (home, home / "documents"):
        path.chmod(0o755)


def test_a_document_store_in_a_read_only_folder_is_named_by_its_setting(tmp_path: Path) -> None:
    """Where the setting names a path that cannot be made; a store that is there already is read."""
    (tmp_path / "folder").mkdir(0o555)
    path = tmp_path / "folder/deeper/index.sqlite"
    line = sentence(shotwise("documents", SHOTWISE_HOME=tmp_path / "home", SHOTWISE_INDEX=path))
    assert "SHOTWISE_INDEX" in line and str(path) in line
    (tmp_path / "folder").chmod(0o755)
    shutil.copy(SHIPPED_INDEX, tmp_path / "folder/index.sqlite")
    (tmp_path / "folder").chmod(0o555)
    listing = shotwise("documents", SHOTWISE_HOME=tmp_path / "home", SHOTWISE_INDEX=tmp_path / "folder/index.sqlite")
    assert listing.returncode == 0 and "process-manual.pdf" in listing.stdout
    (tmp_path / "folder").chmod(0o755)


def test_a_question_is_answered(home: Path) -> None:
    """From the shipped documents."""
    process = shotwise("ask", "비스킷 두께가 얇으면 어떤 결함이 생기나요?", "--json", SHOTWISE_HOME=home)
    assert process.returncode == 0 and json.loads(process.stdout)["grounded"]


def test_a_diagnosis_lacks_its_chart_alone(home: Path) -> None:
    """The chart cannot be stored, which the reply says; every other part is there."""
    process = shotwise("diagnose", "events/shot.json", "--json", SHOTWISE_HOME=home)
    reply = json.loads(process.stdout)
    assert process.returncode == 0 and [failure["step"] for failure in reply["degraded"]] == ["chart"]
    assert reply["importance"]["top_features"] and reply["knowledge"]["grounded"]
    report = shotwise("diagnose", "events/shot.json", SHOTWISE_HOME=home)
    assert report.returncode == 0 and "Traceback" not in report.stderr


def test_a_stack_serves(home: Path, shot: dict[str, Any]) -> None:
    """Predictions and diagnoses are answered, an upload is a 503, and SIGTERM ends it with status 0."""
    port = free_port()
    environ = {**os.environ, "SHOTWISE_HOME": str(home), "SHOTWISE_API_PORT": str(port)}
    process = subprocess.Popen(bound_by_permissions(*SHOTWISE, "serve"), cwd=ROOT, env=environ, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    url, body = f"http://127.0.0.1:{port}", json.dumps(shot).encode()
    try:
        wait_for(f"{url}/health", process)
        assert ask(f"{url}/predict", body).status == 200
        diagnosis = ask(f"{url}/diagnose", body)
        assert diagnosis.status == 200 and [step["step"] for step in diagnosis.json()["degraded"]] == ["chart"]
        assert ask(f"{url}/documents").json()["documents"]
        upload = ask(f"{url}/documents", b'{"name": "a.pdf"}').json()["upload"]
        put = subprocess.run(["curl", "-s", "-o", "-", "-w", "%{http_code}", "-X", "PUT", "--data", "%PDF-",
                              upload["url"]], capture_output=True, text=True, check=True)
        assert put.stdout.endswith("503")
    finally:
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=15)[0]
        stop(process)
    assert process.returncode == 0 and "Traceback" not in output and output.count("cannot be written") == 1


@pytest.mark.parametrize("content", ["[]", None])
def test_a_malformed_bundle_is_a_sentence(tmp_path: Path, content: str | None) -> None:
    """Of a command and of a stack alike; escape sequences of the folder's name do not reach the terminal."""
    folder = tmp_path / "\x1b]0;owned\x07\u202e"
    folder.mkdir()
    if content is not None:
        (folder / "bundle.json").write_text(content)
    settings = {"SHOTWISE_HOME": tmp_path / "home", "SHOTWISE_MODEL_DIR": folder,
                "SHOTWISE_API_PORT": str(free_port())}
    assert "bundle.json" in sentence(shotwise("diagnose", "events/shot.json", **settings))
    served = shotwise("serve", **settings)
    assert served.returncode == 1 and "Traceback" not in served.stderr and "bundle.json" in served.stderr
    assert not {"\x1b", "\x07", "\u202e"} & set(served.stderr + served.stdout)


def test_an_unusable_setting_is_a_sentence_of_a_stack(tmp_path: Path) -> None:
    """With status 1."""
    served = shotwise("serve", SHOTWISE_HOME=tmp_path / "home", POWERTOOLS_LOG_LEVEL="loud",
                      SHOTWISE_API_PORT=str(free_port()))
    assert served.returncode == 1 and "Traceback" not in served.stderr and "POWERTOOLS_LOG_LEVEL" in served.stderr


def test_a_log_that_cannot_be_written_stops_no_stack(tmp_path: Path, shot: dict[str, Any]) -> None:
    """The folder of logs is a file."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "logs").write_text("x")
    port = free_port()
    environ = {**os.environ, "SHOTWISE_HOME": str(home), "SHOTWISE_API_PORT": str(port)}
    process = subprocess.Popen([*SHOTWISE, "serve"], cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        assert ask(f"http://127.0.0.1:{port}/predict", json.dumps(shot).encode()).status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=15)[0]
    assert process.returncode == 0 and "Traceback" not in output
