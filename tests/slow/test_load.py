"""The load test, run as `make load` runs it, against a real API and against none."""

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
    """loadtests/run.py with these arguments, from another folder than the checkout's."""
    return subprocess.run([sys.executable, str(ROOT / "loadtests/run.py"), *arguments], capture_output=True, text=True,
                          timeout=80, cwd=ROOT / "tests")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running API with a home of its own, logs and metrics on as when it is served."""
    home = tmp_path_factory.mktemp("home")
    host = f"http://127.0.0.1:{free_port()}"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POWERTOOLS_")}
    environ |= {"SHOTWISE_HOME": str(home), "SHOTWISE_API_PORT": host.rpartition(":")[2]}
    with (home / "console").open("wb") as console:
        server = subprocess.Popen([sys.executable, "-m", "shotwise_cli.main", "serve"], cwd=ROOT, env=environ, stdout=console,
                                  stderr=console)
    try:
        wait_for(f"{host}/health", server)
        yield host
    finally:
        server.terminate()
        server.wait(timeout=15)


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Until `url` answers."""
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


def test_the_smoke_profile_meets_its_targets(api: str) -> None:
    """On an otherwise idle machine the shipped profile exits 0, and its table shows both endpoints."""
    found = load("--profile", "smoke", "--host", api)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "predict   P99" in found.stdout and "diagnose  P50" in found.stdout
    assert "all targets met" in found.stdout


def test_a_missed_target_is_named_and_fails(api: str, tmp_path: Path) -> None:
    """A target that nothing can meet gives status 1, in table and JSON the only miss."""
    figures = tmp_path / "figures.json"
    found = load("--profile", "short", "--host", api, "--json", str(figures),
                 "--targets", str(targets(tmp_path, predict_p50_ms=0.001)))
    assert found.returncode == 1, found.stdout + found.stderr
    assert [line.split()[:2] for line in found.stdout.splitlines() if "MISSED" in line] == [["predict", "P50"]]
    kept = json.loads(figures.read_text("utf-8"))
    assert [(miss["endpoint"], miss["measure"]) for miss in kept["missed"]] == [("predict", "p50_ms")]
    assert kept["figures"]["diagnose"]["requests"] >= 3 and not kept["met"]


class Wrong(BaseHTTPRequestHandler):
    """An API that is fast and wrong: /predict fails, /diagnose answers 200 without a diagnosis."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, {"samples": [{"features": {"a": 1}}]})

    def do_POST(self) -> None:
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
    """A status other than 200, and a 200 with another body than the contract's, both count; speed doesn't help."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Wrong) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = load("--profile", "short", "--targets", str(short), "--host", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert found.returncode == 1, found.stdout + found.stderr
    missed = [line.split()[:2] for line in found.stdout.splitlines() if "MISSED" in line]
    assert ["predict", "errors"] in missed and ["diagnose", "errors"] in missed
    assert "× status 503" in found.stdout and "× prediction, importance, knowledge, skipped" in found.stdout


def test_an_api_that_is_not_there_is_bad_input(short: Path) -> None:
    """Status 2 and a message with the address, before any load is made."""
    host = f"http://127.0.0.1:{free_port()}"
    found = load("--profile", "short", "--targets", str(short), "--host", host)
    assert found.returncode == 2 and not found.stdout
    assert f"the API at {host} is not reachable" in found.stderr


def test_an_unknown_profile_is_bad_input() -> None:
    """Status 2 and the profiles that there are."""
    found = load("--profile", "rush")
    assert found.returncode == 2 and not found.stdout
    assert "'rush'" in found.stderr and "smoke" in found.stderr
