"""A full disk degrades what has to write, stops nothing else, and heals by itself."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .running import Response, Stack, ask, stack
from .sample_pdf import pdf as make_pdf

ROOT = Path(__file__).parents[2]
SHOT = json.loads((ROOT / "events/shot.json").read_text("utf-8"))
QUESTION = {"query": "공장 습도가 낮으면 무엇이 생기나?"}
# As the command `serve`, in a process whose files may not grow any more.
SERVE_ON_FULL_DISK = [sys.executable, "-c", "import resource, sys; "
                      "resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)); "
                      "from shotwise_cli.main import main; sys.exit(main(['serve']))"]

pytestmark = pytest.mark.slow


@contextmanager
def full_disk(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Let no file of the process grow, as on a full disk; new ones can be created, but nothing written to them."""
    # The limit stands for a full disk because that takes the rights to mount, which not every machine gives.
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, unlimited))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


def post(running: Stack, path: str, body: Any) -> Response:
    """POST JSON."""
    return ask(f"{running.api}{path}", json.dumps(body).encode(), "application/json")


def upload(running: Stack, name: str) -> int:
    """Upload a PDF the way a client does; returns the status of the last request."""
    target = post(running, "/documents", {"name": name}).json()["upload"]
    command = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-X", target["method"], "--data-binary", "@-",
               *(f"-H{header}: {value}" for header, value in target["headers"].items()),
               f"{running.api}{urllib.parse.urlsplit(target['url']).path}"]
    run = subprocess.run(command, input=make_pdf("The furnace is hot."), capture_output=True, timeout=30, check=True)
    return int(run.stdout)


def check_degraded(running: Stack) -> None:
    """What needs no writing is answered completely, and the rest says which part is missing."""
    for _ in range(5):
        assert post(running, "/predict", {"features": SHOT["features"]}).status == 200
    assert ask(f"{running.api}/health").status == 200
    answer = post(running, "/rag-query", QUESTION)
    assert answer.status == 200 and answer.json()["sources"]
    assert ask(f"{running.api}/documents").status == 200
    diagnosis = post(running, "/diagnose", SHOT)
    assert diagnosis.status == 200
    assert [(entry["step"], entry["error"]) for entry in diagnosis.json()["degraded"]] == [("chart", "StoreError")]
    assert upload(running, "furnace.pdf") == 503


def check_complete(running: Stack) -> None:
    """Everything works, and the log says that it lost lines."""
    diagnosis = post(running, "/diagnose", SHOT)
    assert diagnosis.status == 200 and not diagnosis.json()["degraded"]
    assert ask(diagnosis.json()["importance"]["visualization_url"]).status == 200
    assert upload(running, "furnace.pdf") == 200
    lines = [json.loads(line) for line in (running.home / "logs/api.log").read_text("utf-8").splitlines()]
    assert any("lines lost before this one" in line.get("message", "") for line in lines)


def test_a_disk_that_fills_up_stops_nothing(tmp_path: Path) -> None:
    """Predictions and answers stay as they are, charts are `degraded`, uploads 503; with room all of it works again."""
    with stack(tmp_path / "home") as running:
        with full_disk(running.process):
            check_degraded(running)
        check_complete(running)
    names = {path.name for path in (tmp_path / "home").rglob("*")}
    assert "furnace.pdf" in names and not any(name.endswith(".writing") for name in names)


def test_a_stack_starts_on_a_full_disk(tmp_path: Path) -> None:
    """A start on a full disk serves from what is there, and heals without another one."""
    with stack(tmp_path / "home"):
        pass
    with stack(tmp_path / "home", command=SERVE_ON_FULL_DISK) as running:
        check_degraded(running)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        check_complete(running)


def test_a_damaged_store_is_made_again(tmp_path: Path) -> None:
    """Damage is a 503 at worst; the next start says so, and serves; what was uploaded is found again."""
    store = tmp_path / "home/knowledge.sqlite"
    with stack(tmp_path / "home") as running:
        assert upload(running, "furnace.pdf") == 200 and wait_for_document(running, "furnace.pdf")
        with store.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 1_000_000)
        for _ in range(3):
            statuses = [ask(f"{running.api}{path}").status for path in ("/documents", "/search?query=furnace")]
            statuses.append(post(running, "/rag-query", QUESTION).status)
            assert set(statuses) <= {200, 503}, statuses
            assert ask(f"{running.api}/health").status == post(running, "/diagnose", SHOT).status == 200
    with stack(tmp_path / "home") as running:
        assert "is damaged" in running.console.read_text("utf-8")
        answer = post(running, "/rag-query", QUESTION)
        assert answer.status == 200 and answer.json()["sources"]
        assert wait_for_document(running, "furnace.pdf")
    assert len(list((tmp_path / "home").glob("knowledge.sqlite.damaged-*"))) == 1


def wait_for_document(running: Stack, name: str, seconds: float = 30) -> bool:
    """Wait until a document is listed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if name in {entry["name"] for entry in ask(f"{running.api}/documents").json()["documents"]}:
            return True
        time.sleep(0.2)
    return False
