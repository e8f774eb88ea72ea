"""The load test, run as `make load` runs it, against a real API, a wrong one and none."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow

SHORT = """
[short]
users = 2
spawn_rate = 2
warmup_seconds = 1
seconds = 3
mix = {{ predict = 1, diagnose = 1 }}
pace_seconds = {{ predict = 0.2, diagnose = 0.5 }}
[short.targets.predict]
p50_ms = {predict_p50_ms}
p99_ms = 30000
requests_per_second = 0.1
error_rate = 0
[short.targets.diagnose]
p50_ms = 30000
p99_ms = 30000
requests_per_second = 0.1
error_rate = 0
"""


def load(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run loadtests/run.py with these arguments, from another folder than the checkout's root."""
    return subprocess.run([sys.executable, str(ROOT / "loadtests/run.py"), *arguments], capture_output=True, text=True,
                          timeout=80, cwd=ROOT / "tests")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running API with a home of its own, with logs and metrics on as in production."""
    home = tmp_path_factory.mktemp("home")
    host = f"http://127.0.0.1:{free_port()}"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POWERTOOLS_")}
    environ |= {"SHOTWISE_HOME": str(home), "SHOTWISE_API_PORT": host.rpartition(":")[2]}
    with (home / "console").open("wb") as console:
        server = subprocess.Popen([sys.executable, "-m", "shotwise_cli.main", "serve"], cwd=ROOT, env=environ,
                                  stdout=console, stderr=console)
    try:
        wait_for(f"{host}/health", server)
        yield host
    finally:
        server.terminate()
        server.wait(timeout=15)


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until `url` answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"{url} did not answer; exit status {server.poll()}")


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A profile of four seconds whose targets any working API meets."""
    return targets(tmp_path, predict_p50_ms=30000)


def targets(folder: Path, **values: float) -> Path:
    """A targets file made of SHORT."""
    path = folder / "targets.toml"
    path.write_text(SHORT.format(**values), "utf-8")
    return path


@pytest.mark.alone
def test_the_smoke_profile_meets_its_targets(api: str) -> None:
    """On an otherwise idle machine the shipped profile exits 0, and its table shows both endpoints."""
    process = load("--profile", "smoke", "--host", api)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "predict   P99" in process.stdout and "diagnose  P50" in process.stdout
    assert "all targets met" in process.stdout


def test_a_missed_target_is_named_and_fails(api: str, tmp_path: Path) -> None:
    """A target that nothing can meet gives status 1, and is the only miss in table and JSON."""
    figures = tmp_path / "figures.json"
    process = load("--profile", "short", "--host", api, "--json", str(figures),
                 "--targets", str(targets(tmp_path, predict_p50_ms=0.001)))
    assert process.returncode == 1, process.stdout + process.stderr
    assert [line.split()[:2] for line in process.stdout.splitlines() if "MISSED" in line] == [["predict", "P50"]]
    report = json.loads(figures.read_text("utf-8"))
    assert [(miss["endpoint"], miss["measure"]) for miss in report["missed"]] == [("predict", "p50_ms")]
    assert report["figures"]["diagnose"]["requests"] >= 3 and not report["met"]


class WrongApi(BaseHTTPRequestHandler):
    """An API that is fast and wrong: /predict fails, /diagnose answers 200 without a diagnosis."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer the request for samples."""
        self._answer(200, {"samples": [{"features": {"a": 1}}]})

    def do_POST(self) -> None:
        """Answer /predict and /diagnose."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(503 if self.path == "/predict" else 200, {"title": "nothing"})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The test's report is no place for an access log."""


def test_fast_wrong_answers_are_failures(short: Path) -> None:
    """A status other than 200 counts, and so does a 200 with another body than the contract's; speed doesn't help."""
    with ThreadingHTTPServer(("127.0.0.1", 0), WrongApi) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = load("--profile", "short", "--targets", str(short), "--host", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert process.returncode == 1, process.stdout + process.stderr
    missed = [line.split()[:2] for line in process.stdout.splitlines() if "MISSED" in line]
    assert ["predict", "errors"] in missed and ["diagnose", "errors"] in missed
    assert "× status 503" in process.stdout and "× prediction, importance, knowledge, skipped" in process.stdout


def test_an_unreachable_api_is_bad_input(short: Path) -> None:
    """The status is 2, with a message that has the URL, before any load is made."""
    host = f"http://127.0.0.1:{free_port()}"
    process = load("--profile", "short", "--targets", str(short), "--host", host)
    assert process.returncode == 2 and not process.stdout
    assert f"the API at {host} is not reachable" in process.stderr


def test_an_unknown_profile_is_bad_input() -> None:
    """The status is 2, with the names of the profiles."""
    process = load("--profile", "rush")
    assert process.returncode == 2 and not process.stdout
    assert "'rush'" in process.stderr and "smoke" in process.stderr
