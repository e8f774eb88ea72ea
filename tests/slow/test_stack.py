"""The main use of the running stack, as the README describes it."""

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
SHOTWISE = (sys.executable, "-m", "shotwise_cli.main")


def shotwise(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with these settings in its environment."""
    return subprocess.run([*SHOTWISE, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, **settings})


def without_spaces(text: str) -> str:
    """The text without white space, which differs where lines break."""
    return "".join(text.split())


def test_one_call_gives_everything(running: Stack) -> None:
    """One diagnosis has the class, contributions that add up, a PNG, and quotes that are on their pages."""
    response = ask(f"{running.api}/diagnose", (ROOT / "events/shot.json").read_bytes())
    diagnosis = response.json()
    assert response.status == 200 and diagnosis["prediction"]["prediction"]["class"] == "defect"
    importance = diagnosis["importance"]
    assert importance["base_value"] + sum(importance["importance"].values()) == \
        pytest.approx(diagnosis["prediction"]["prediction"]["probability"], abs=1e-4)
    chart = ask(importance["visualization_url"])
    assert (chart.status, chart.content_type) == (200, "image/png") and chart.body.startswith(b"\x89PNG")
    assert diagnosis["knowledge"]["grounded"] and len(diagnosis["knowledge"]["sources"]) >= 2
    for source in diagnosis["knowledge"]["sources"]:
        pdf = ask(f"{running.api}/documents/{source['document']}")
        assert (pdf.status, pdf.content_type) == (200, "application/pdf")
        with pymupdf.open(stream=pdf.body, filetype="pdf") as document:
            assert without_spaces(source["quote"]) in without_spaces(document[source["page"] - 1].get_text())


def test_a_good_shot_skips_the_later_steps(running: Stack) -> None:
    """Both are listed as skipped."""
    diagnosis = ask(f"{running.api}/diagnose", (ROOT / "events/good-shot.json").read_bytes()).json()
    assert diagnosis["skipped"] == ["importance", "knowledge"]


@pytest.mark.alone
def test_the_whole_workflow_takes_less_than_300_ms(running: Stack, record_property: Any) -> None:
    """That is the P50 of 30 warm diagnoses with every step, over HTTP."""
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
    """That is so on every route that takes a body."""
    for path in ("predict", "importance", "rag-query", "diagnose", "query", "documents"):
        response = ask(f"{running.api}/{path}", b" " * (256 * 1024 + 1), "application/json")
        assert response.status in (400, 413)
        response = ask(f"{running.api}/{path}", b'{"a": "' + b"x" * (256 * 1024) + b'"}', "application/json")
        assert response.status == 413 and response.content_type == "application/problem+json"


def test_it_listens_on_the_loopback_interface_alone(running: Stack) -> None:
    """No other address of this machine answers on the port."""
    port = f"{int(running.api.rsplit(':', 1)[1]):04X}"
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    listening = [line.split()[1] for table in tables if table.exists() for line in table.read_text().splitlines()[1:]
                 if line.split()[3] == "0A"]
    assert {address.split(":")[0] for address in listening if address.endswith(f":{port}")} == {"0100007F"}


def test_logs_hold_no_shot(running: Stack) -> None:
    """There is a line a request, with status and id, but without the plant's values."""
    ask(f"{running.api}/predict", (ROOT / "events/shot.json").read_bytes())
    lines = (running.home / "logs/api.log").read_text("utf-8").splitlines()
    assert any(json.loads(line).get("path") == "/predict" for line in lines if line.startswith("{"))
    assert not [line for line in lines if "Melting_Furnace_Temp" in line]


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    """The terminal says when it is ready and when it has stopped, and the exit status is 0."""
    with stack(tmp_path / "home") as opened:
        pass
    output = opened.console.read_text("utf-8")
    assert opened.process.returncode == 0
    assert "the API is ready" in output and "not emulated here" in output and "stopped" in output


def test_what_is_stored_survives_a_kill(tmp_path: Path, shot: dict[str, Any]) -> None:
    """After kill -9 in the middle of work, charts and knowledge are there again."""
    home = tmp_path / "home"
    with stack(home) as opened:
        url = ask(f"{opened.api}/diagnose", json.dumps(shot).encode()).json()["importance"]["visualization_url"]
        os.killpg(opened.process.pid, signal.SIGKILL)
        opened.process.wait()
    with stack(home) as restarted:
        assert ask(f"{restarted.api}/charts/{url.rsplit('/', 1)[1]}").status == 200
        answer = ask(f"{restarted.api}/rag-query", '{"query": "소착이 생겼을 때 대책은?"}'.encode()).json()
        assert answer["grounded"]


def test_an_altered_bundle_is_refused_at_start(tmp_path: Path) -> None:
    """The process ends at once, with a message that names the file."""
    import shutil

    altered = Path(shutil.copytree(ROOT / "models/shotwise", tmp_path / "bundle"))
    (altered / "model.onnx").write_bytes(b"x" + (altered / "model.onnx").read_bytes()[1:])
    process = shotwise("serve", SHOTWISE_HOME=str(tmp_path), SHOTWISE_MODEL_DIR=str(altered))
    assert process.returncode == 1 and "model.onnx was altered" in process.stderr and "Traceback" not in process.stderr


def test_a_port_in_use_is_reported(running: Stack, tmp_path: Path) -> None:
    """A second stack on the same port ends, with a message that names the setting."""
    port = running.api.rsplit(":", 1)[1]
    process = shotwise("serve", SHOTWISE_HOME=str(tmp_path), SHOTWISE_API_PORT=port)
    assert process.returncode == 1 and "SHOTWISE_API_PORT" in process.stderr and "Traceback" not in process.stderr


def test_a_broken_pdf_does_not_stop_the_others(tmp_path: Path) -> None:
    """`shotwise ingest` lists the broken file, ingests the others and ends with status 1."""
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 not really")
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "good.pdf").write_bytes((ROOT / "manuals/process-manual.pdf").read_bytes())
    process = shotwise("ingest", str(folder), "--json", SHOTWISE_HOME=str(tmp_path / "home"))
    states = {outcome["name"]: outcome["state"] for outcome in json.loads(process.stdout)}
    assert process.returncode == 1
    assert states == {"broken.pdf": "failed", "empty.pdf": "failed", "good.pdf": "added"}
    with stack(tmp_path / "home") as opened:
        wait_for(f"{opened.api}/documents/good.pdf", opened.process)


def test_the_command_line_prints_a_diagnosis(tmp_path: Path) -> None:
    """`shotwise diagnose` prints for people or, with --json, for programs; invalid input is status 2 with the field."""
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return shotwise(*arguments, SHOTWISE_HOME=str(tmp_path / "home"))

    diagnosed = run("diagnose", "events/shot.json")
    assert diagnosed.returncode == 0 and "결함 확률" in diagnosed.stdout and "쪽" in diagnosed.stdout
    assert json.loads(run("diagnose", "events/shot.json", "--json").stdout)["skipped"] == []
    (tmp_path / "bad.json").write_text('{"features": {"Shot": "x"}}')
    bad = run("diagnose", str(tmp_path / "bad.json"))
    assert bad.returncode == 2 and "features.Shot" in bad.stderr and "Traceback" not in bad.stderr
    assert run("diagnose", "absent.json").returncode == 2
    assert "없습니다" in run("ask", "구내식당 점심 메뉴는?").stdout


def test_explanations_survive_a_kill(tmp_path: Path) -> None:
    """After kill -9 within `shotwise explain`, what was written stays, and a second run does only the rest."""
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    shots = tmp_path / "shots.json"
    shots.write_text(json.dumps([as_features(row, bundle) for row in generate(bundle, 120, seed=6)]), "utf-8")
    arguments = ("explain", str(shots), "--out", str(tmp_path / "out"), "--json")
    written = tmp_path / "out/explanations.jsonl"
    process = subprocess.Popen([*SHOTWISE, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not written.exists() or written.read_bytes().count(b"\n") < 20:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = written.read_bytes()
    second = shotwise(*arguments)
    assert second.returncode == 0, second.stderr
    summary = json.loads(second.stdout)
    complete_lines = before[: before.rindex(b"\n") + 1]
    assert summary["resumed"] == complete_lines.count(b"\n") and summary["resumed"] + summary["explained"] == 120
    assert written.read_bytes().startswith(complete_lines)
    assert [json.loads(line)["row"] for line in written.read_text("utf-8").splitlines()] == list(range(1, 121))


@pytest.mark.alone
def test_every_chart_is_drawn_within_100_ms(shot: dict[str, Any]) -> None:
    """That is the median of nine warm drawings, of one shot and of a thousand shots."""
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    single = read_shot(shot["features"], bundle)
    attribution = attribute(single, bundle)
    values = generate(bundle, 1000, seed=2)
    many = Attributions(values, np.random.default_rng(0).normal(0, 0.02, values.shape))
    for name, draw in {"waterfall": lambda: waterfall(single, attribution, bundle, "ko"),
                       "beeswarm": lambda: beeswarm(many, bundle, "ko"), "bar": lambda: bar(many, bundle, "ko"),
                       "dependence": lambda: dependence(many, "Shot", bundle, "ko")}.items():
        times = []
        for _ in range(10):
            started = time.perf_counter()
            png = draw()
            times.append((time.perf_counter() - started) * 1000)
        print(f"\n{name}: {statistics.median(times[1:]):.0f} ms, {len(png) / 1000:.0f} KB")
        assert statistics.median(times[1:]) <= 100 and len(png) <= 150_000
