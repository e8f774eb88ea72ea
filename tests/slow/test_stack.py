"""The whole main job against the running stack, as the README tells it."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest
from shots import as_features, generate

from shotwise.adapters.onnx import ENGINE
from shotwise.attribution.shapley import attribute
from shotwise.bundle import load_bundle
from shotwise.charts.summary import Attributions, bar, beeswarm, dependence
from shotwise.charts.waterfall import waterfall
from shotwise.shot import read_shot

from .running import ROOT, Stack, ask, stack, wait_for

pytestmark = pytest.mark.slow


def joined(text: str) -> str:
    """Without white space, which differs where lines break."""
    return "".join(text.split())


def test_one_call_gives_everything(running: Stack) -> None:
    """`curl -d @events/shot.json …/diagnose`: class, contributions that add up, a PNG, quotes that stand on their
    page."""
    answer = ask(f"{running.api}/diagnose", (ROOT / "events/shot.json").read_bytes())
    found = answer.json()
    assert answer.status == 200 and found["prediction"]["prediction"]["class"] == "defect"
    importance = found["importance"]
    assert importance["base_value"] + sum(importance["importance"].values()) == \
        pytest.approx(found["prediction"]["prediction"]["probability"], abs=1e-4)
    chart = ask(importance["visualization_url"])
    assert (chart.status, chart.content_type) == (200, "image/png") and chart.body.startswith(b"\x89PNG")
    assert found["knowledge"]["grounded"] and len(found["knowledge"]["sources"]) >= 2
    for source in found["knowledge"]["sources"]:
        pdf = ask(f"{running.api}/documents/{source['document']}")
        assert (pdf.status, pdf.content_type) == (200, "application/pdf")
        with pymupdf.open(stream=pdf.body, filetype="pdf") as document:
            assert joined(source["quote"]) in joined(document[source["page"] - 1].get_text())


def test_a_good_shot_takes_the_short_way(running: Stack) -> None:
    """Both later steps are skipped and named."""
    found = ask(f"{running.api}/diagnose", (ROOT / "events/good-shot.json").read_bytes()).json()
    assert found["skipped"] == ["importance", "knowledge"]


def test_the_whole_workflow_takes_less_than_300_ms(running: Stack, record_property: Any) -> None:
    """P50 of 30 warm diagnoses with every step, over HTTP."""
    body = (ROOT / "events/shot.json").read_bytes()
    times = []
    for _ in range(33):
        started = time.perf_counter()
        assert ask(f"{running.api}/diagnose", body).status == 200
        times.append((time.perf_counter() - started) * 1000)
    median = statistics.median(times[3:])
    record_property("p50_ms", median)
    print(f"\ndiagnose, every step, warm: P50 {median:.0f} ms")
    assert median <= 300


def test_bodies_over_256_kib_are_413(running: Stack) -> None:
    """On every route that takes a body."""
    for path in ("predict", "importance", "rag-query", "diagnose", "query", "documents"):
        answer = ask(f"{running.api}/{path}", b" " * (256 * 1024 + 1), "application/json")
        assert answer.status in (400, 413)
        answer = ask(f"{running.api}/{path}", b'{"a": "' + b"x" * (256 * 1024) + b'"}', "application/json")
        assert answer.status == 413 and answer.content_type == "application/problem+json"


def test_it_listens_on_the_loopback_interface_alone(running: Stack) -> None:
    """No other address of this machine answers on the port."""
    port = f"{int(running.api.rsplit(':', 1)[1]):04X}"
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    listening = [line.split()[1] for table in tables if table.exists() for line in table.read_text().splitlines()[1:]
                 if line.split()[3] == "0A"]
    assert {address.split(":")[0] for address in listening if address.endswith(f":{port}")} == {"0100007F"}


def test_logs_hold_no_shot(running: Stack) -> None:
    """One line a request, with status and id, without the plant's values."""
    ask(f"{running.api}/predict", (ROOT / "events/shot.json").read_bytes())
    lines = (running.home / "logs/api.log").read_text("utf-8").splitlines()
    assert any(json.loads(line).get("path") == "/predict" for line in lines if line.startswith("{"))
    assert not [line for line in lines if "Melting_Furnace_Temp" in line]


def test_sigterm_ends_it_cleanly_and_says_so(tmp_path: Path) -> None:
    """Ready is said, stopped is said, the status is 0."""
    with stack(tmp_path / "home") as opened:
        pass
    said = opened.console.read_text("utf-8")
    assert opened.process.returncode == 0
    assert "the API is ready" in said and "not emulated here" in said and "stopped" in said


def test_what_is_stored_survives_a_kill(tmp_path: Path, shot: dict[str, Any]) -> None:
    """After kill -9 in the middle of work, charts and knowledge are there again."""
    home = tmp_path / "home"
    with stack(home) as opened:
        url = ask(f"{opened.api}/diagnose", json.dumps(shot).encode()).json()["importance"]["visualization_url"]
        os.killpg(opened.process.pid, signal.SIGKILL)
        opened.process.wait()
    with stack(home) as again:
        assert ask(f"{again.api}/charts/{url.rsplit('/', 1)[1]}").status == 200
        found = ask(f"{again.api}/rag-query", '{"query": "소착이 생겼을 때 대책은?"}'.encode()).json()
        assert found["grounded"]


def test_an_altered_bundle_is_refused_at_start(tmp_path: Path) -> None:
    """The process ends at once with a message that names the file."""
    import shutil

    spoiled = Path(shutil.copytree(ROOT / "models/shotwise", tmp_path / "bundle"))
    (spoiled / "model.onnx").write_bytes(b"x" + (spoiled / "model.onnx").read_bytes()[1:])
    done = subprocess.run([sys.executable, "-m", "shotwise_cli.main", "serve"], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False,
                          env={**os.environ, "SHOTWISE_HOME": str(tmp_path), "SHOTWISE_MODEL_DIR": str(spoiled)})
    assert done.returncode == 1 and "model.onnx was altered" in done.stderr and "Traceback" not in done.stderr


def test_a_port_in_use_is_said(running: Stack, tmp_path: Path) -> None:
    """A second stack on the same port ends with a message that names the setting."""
    port = running.api.rsplit(":", 1)[1]
    done = subprocess.run([sys.executable, "-m", "shotwise_cli.main", "serve"], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False,
                          env={**os.environ, "SHOTWISE_HOME": str(tmp_path), "SHOTWISE_API_PORT": port})
    assert done.returncode == 1 and "SHOTWISE_API_PORT" in done.stderr and "Traceback" not in done.stderr


def test_a_broken_pdf_leaves_the_rest(tmp_path: Path) -> None:
    """`shotwise ingest` names the broken file, takes the others and ends with status 1."""
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 not really")
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "good.pdf").write_bytes((ROOT / "manuals/process-manual.pdf").read_bytes())
    environ = {**os.environ, "SHOTWISE_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-m", "shotwise_cli.main", "ingest", str(folder), "--json"], cwd=ROOT, env=environ,
                          capture_output=True, text=True, timeout=120, check=False)
    states = {item["name"]: item["state"] for item in json.loads(done.stdout)}
    assert done.returncode == 1
    assert states == {"broken.pdf": "failed", "empty.pdf": "failed", "good.pdf": "added"}
    with stack(tmp_path / "home") as opened:
        wait_for(f"{opened.api}/documents/good.pdf", opened.process)


def test_the_command_line_tells_a_diagnosis(tmp_path: Path) -> None:
    """`shotwise diagnose` for people and, with --json, for programs; bad input is status 2 and names the field."""
    environ = {**os.environ, "SHOTWISE_HOME": str(tmp_path / "home")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "shotwise_cli.main", *arguments], cwd=ROOT, env=environ,
                              capture_output=True, text=True, timeout=120, check=False)

    told = run("diagnose", "events/shot.json")
    assert told.returncode == 0 and "결함 확률" in told.stdout and "쪽" in told.stdout
    assert json.loads(run("diagnose", "events/shot.json", "--json").stdout)["skipped"] == []
    (tmp_path / "bad.json").write_text('{"features": {"Shot": "x"}}')
    bad = run("diagnose", str(tmp_path / "bad.json"))
    assert bad.returncode == 2 and "features.Shot" in bad.stderr and "Traceback" not in bad.stderr
    assert run("diagnose", "absent.json").returncode == 2
    assert "없습니다" in run("ask", "구내식당 점심 메뉴는?").stdout


def test_explanations_survive_a_kill(tmp_path: Path) -> None:
    """kill -9 in the middle of `shotwise explain`: what was written stays, and the second run does the rest alone."""
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    shots = tmp_path / "shots.json"
    shots.write_text(json.dumps([as_features(row, bundle) for row in generate(bundle, 120, seed=6)]), "utf-8")
    command = [sys.executable, "-m", "shotwise_cli.main", "explain", str(shots), "--out", str(tmp_path / "out"), "--json"]
    written = tmp_path / "out/explanations.jsonl"
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not written.exists() or written.read_bytes().count(b"\n") < 20:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = written.read_bytes()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    summary = json.loads(done.stdout)
    whole = before[: before.rindex(b"\n") + 1]
    assert summary["resumed"] == whole.count(b"\n") and summary["resumed"] + summary["explained"] == 120
    assert written.read_bytes().startswith(whole)
    assert [json.loads(line)["row"] for line in written.read_text("utf-8").splitlines()] == list(range(1, 121))


def test_every_chart_is_drawn_within_100_ms(shot: dict[str, Any]) -> None:
    """Warm, the median of nine: one shot, and a thousand shots together."""
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    one = read_shot(shot["features"], bundle)
    found = attribute(one, bundle)
    values = generate(bundle, 1000, seed=2)
    many = Attributions(values, np.random.default_rng(0).normal(0, 0.02, values.shape))
    for name, draw in {"waterfall": lambda: waterfall(one, found, bundle, "ko"),
                       "beeswarm": lambda: beeswarm(many, bundle, "ko"), "bar": lambda: bar(many, bundle, "ko"),
                       "dependence": lambda: dependence(many, "Shot", bundle, "ko")}.items():
        times = []
        for _ in range(10):
            started = time.perf_counter()
            png = draw()
            times.append((time.perf_counter() - started) * 1000)
        print(f"\n{name}: {statistics.median(times[1:]):.0f} ms, {len(png) / 1000:.0f} KB")
        assert statistics.median(times[1:]) <= 100 and len(png) <= 150_000
