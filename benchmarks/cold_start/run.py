"""Measure predict cold and warm in Lambda's emulator: the artefact of `make build` beside the layout of the PoC.

    make build && python -m benchmarks.cold_start.run [--data shots.csv]

Writes results.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))  # for the emulator of the slow tests

from shots import generate, kamp_csv
from slow.running import AWSLAMBDARIC, BUILD, emulated, invoke, runtime_python, wait_for_port

from benchmarks.cold_start import layout
from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import load_bundle
from shotwise_training.data.table import read_table

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RUNS, WARM_CALLS = 7, 100
PARTS = ("PredictFunction", "RuntimeLayer", "CoreLayer")
POC, OURS, SOURCE = "PoC layout", "Shotwise", "Shotwise, sources alone"
POC_LIBRARIES = ("torch", "scikit-learn", "numpy")
# Lambda's runtime of Python functions, for the PoC's version of Python.
RUNTIME = ("awslambdaric==4.2.2", "simplejson", "snapshot-restore-py")

# home folder → context in which the function runs, with its URL
Start: TypeAlias = Callable[[Path], AbstractContextManager[str]]


def shots(table_path: Path | None) -> tuple[NDArray[np.float32], NDArray[np.bool_], str]:
    """Return shots to fit the PoC's models on: the table with its repeated rows, or synthetic shots.

    Synthetic shots are labelled by the served model.

    Returns
    -------
    features : ndarray of float32, shape (n_shots, n_features)
        Categories are the numbers that a request has.
    defect : ndarray of bool, shape (n_shots,)
        Whether each shot is defective.
    origin : str
        Describes where the shots are from.
    """
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    if table_path is None:
        features = generate(bundle, 5000, seed=0)
        defect = bundle.graph.probability(features) >= bundle.thresholds.decision
        origin = f"{len(features):,} synthetic shots"
    else:
        table = read_table(table_path, ROOT / "src/shotwise_training/kamp.toml")
        features, defect, origin = table.features.copy(), table.defect, f"{len(table):,} real shots"
    for column, feature in enumerate(bundle.features):
        if feature.categories:
            features[:, column] = np.array(feature.categories, float)[features[:, column].astype(int)]
    return features, defect, origin


def poc(folder: Path, table_path: Path | None) -> tuple[Start, str]:
    """Write the PoC layout to a folder; return a function that starts it, and the origin of its training shots."""
    features, defect, origin = shots(table_path)
    layout.write(folder / "poc", features, defect)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                    "--target", str(folder / "runtime"), *RUNTIME], check=True)
    command = [sys.executable, *AWSLAMBDARIC, "app.handler"]

    def start(home: Path) -> AbstractContextManager[str]:
        return emulated(command, folder / "poc", [str(folder / "poc"), str(folder / "runtime")], {}, home)

    return start, origin


def ours(folder: Path, *, compiled: bool) -> Start:
    """Copy the built artefact into a folder, and return a function that starts it.

    As on Lambda, a start cannot write compiled files for the next one.

    Parameters
    ----------
    folder : Path
        Folder to copy to.
    compiled : bool
        Whether the copy includes the .pyc files of the build. Those that running the build left in its folder are never
        included, because they are not deployed.
    """
    for part in PARTS:
        shutil.copytree(BUILD / part, folder / part)
    for path in folder.rglob("*.pyc"):
        if not (compiled and made_by_build(path)):
            path.unlink()
    task = folder / "PredictFunction"
    paths = [str(task), *(str(folder / layer / "python") for layer in PARTS[1:])]
    settings = {"PYTHONDONTWRITEBYTECODE": "1", "POWERTOOLS_LOG_LEVEL": "INFO", "AWS_LAMBDA_FUNCTION_NAME": "predict",
                "SHOTWISE_MODEL_DIR": str(ROOT / "models/shotwise")}
    command = [str(runtime_python()), *AWSLAMBDARIC, "app.handler"]
    return lambda home: emulated(command, task, paths, settings, home)


def made_by_build(path: Path) -> bool:
    """Whether a .pyc is unchecked-hash, as the build compiles; Python itself never writes such files."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"\x01\x00\x00\x00"


def measure(starts: Mapping[str, Start], folder: Path, runs: int = RUNS) -> dict[str, dict[str, Any]]:
    """Measure the first invocation, which starts the process, and those after it, in milliseconds by layout.

    The layouts take turns, so that changes of the machine's load affect them equally, and each waits until it is idle.
    In each turn an untimed start precedes the timed one, so that its files are cached whoever had the turn before.
    """
    event = json.loads((ROOT / "events/predict.json").read_text("utf-8"))
    times: dict[str, dict[str, Any]] = {name: {"cold_ms": [], "warm_ms": []} for name in starts}
    for number in range(runs):
        for name, start in starts.items():
            home = folder / f"{number} {name}"
            home.mkdir(parents=True)
            wait_for_quiet()
            _times(start, home, event, 1)
            cold, *warm = _times(start, home, event, 1 + WARM_CALLS)
            times[name]["cold_ms"].append(cold)
            times[name]["warm_ms"] += warm
    return times


def _times(start: Start, home: Path, event: Any, invocations: int) -> list[float]:
    with start(home) as url:
        wait_for_port(url)
        return [_timed(url, event) for _ in range(invocations)]


def wait_for_quiet(idle: float = 0.9, sample: float = 0.25, seconds: float = 10) -> None:
    """Wait until the cores are idle for a share `idle` of `sample` seconds, but no longer than `seconds`."""
    end = time.monotonic() + seconds
    before = _ticks()
    while time.monotonic() < end:
        time.sleep(sample)
        after = _ticks()
        if after[0] - before[0] >= idle * (after[1] - before[1]):
            return
        before = after


def _ticks() -> tuple[int, int]:
    """Idle ticks and all ticks of all cores since the machine was started."""
    numbers = [int(word) for word in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]
    return numbers[3] + numbers[4], sum(numbers)


def _timed(url: str, event: Any) -> float:
    started = time.perf_counter()
    reply = invoke(url, event)
    elapsed = (time.perf_counter() - started) * 1000
    assert 0 <= reply["prediction"]["probability"] <= 1 and len(reply["latent_features"]) == 12, reply
    return elapsed


def summary(times: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Compute medians and extremes by layout, and how many times faster than the PoC layout each is."""
    cold = {name: statistics.median(layout_times["cold_ms"]) for name, layout_times in times.items()}
    return {name: {"cold_ms": round(cold[name]), "best_ms": round(min(layout_times["cold_ms"])),
                   "worst_ms": round(max(layout_times["cold_ms"])), "times": round(cold[POC] / cold[name], 1),
                   "warm_ms": round(statistics.median(layout_times["warm_ms"]), 2),
                   "starts": len(layout_times["cold_ms"])}
            for name, layout_times in times.items()}


def table(results: Mapping[str, Any]) -> str:
    """Write the results as Markdown, one row per layout."""
    rows = ["| layout | Python | cold ms, median | quickest to slowest | the PoC's time by ours | warm ms, P50 |",
            "|" + "---|" * 6]
    rows += [f"| {name} | {results['python'][name]} | {figures['cold_ms']} | {figures['best_ms']} to "
             f"{figures['worst_ms']} | {figures['times']:.1f} | {figures['warm_ms']:.1f} |"
             for name, figures in results["layouts"].items()]
    return "\n".join([f"{results['date']}; {results['machine']}, load {results['load']} at the start; "
                      f"{results['layouts'][POC]['starts']} cold starts and as many times {WARM_CALLS} warm calls "
                      f"each. PoC: {results['poc']}.", "", *rows, ""])


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=kamp_csv(), help="the CSV of KAMP shots")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start, origin = poc(folder / "poc", options.data)
        starts = {POC: start, OURS: ours(folder / "ours", compiled=True),
                  SOURCE: ours(folder / "source", compiled=False)}
        size = sum(path.stat().st_size for path in (folder / "poc/poc").iterdir()) / 1e6
        load = round(os.getloadavg()[0], 1)
        layouts = summary(measure(starts, folder / "runs", options.runs))
    libraries = ", ".join(f"{library} {importlib.metadata.version(library)}" for library in POC_LIBRARIES)
    lambdas = subprocess.run([str(runtime_python()), "-c", "import platform; print(platform.python_version())"],
                             capture_output=True, text=True, check=True).stdout.strip()
    results = {"date": datetime.now(UTC).date().isoformat(), "machine": f"{platform.machine()}, {os.cpu_count()} cores",
               "load": load, "poc": f"{libraries}; fitted on {origin}, {size:.0f} MB of files",
               "python": {POC: platform.python_version(), OURS: lambdas, SOURCE: lambdas}, "layouts": layouts}
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    readme = HERE / "README.md"
    readme.write_text(re.sub(r"(?<=<!-- results -->\n).*?(?=<!-- end -->)", lambda _: table(results),
                             readme.read_text("utf-8"), flags=re.DOTALL), "utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
