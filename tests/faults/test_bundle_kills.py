"""Writing a bundle is killed before every single change of a file or folder: the folder always holds a whole bundle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from shots import generate
from sizes import sizes
from tables import write_kamp

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import Bundle, load_bundle
from shotwise.errors import BundleError

from .harness import RIGHT, Ledger, Verdict, lost

SCRIPT = Path(__file__).with_name("bundle_writer.py")
FAULT = "SIGKILL of a training that replaces a bundle, before each of its changes of a file or folder"
NEVER = 1_000_000
MIN_CHANGES = 10  # a bundle has seven files and a manifest


@contextmanager
def writer(folder: Path, bundle: Bundle, out: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes the bundle `out` as often as it is told."""
    random = np.random.default_rng(1)
    table = write_kamp(folder / "shots.csv", bundle, generate(bundle, 300, seed=1), random.random(300) < 0.3)
    process = subprocess.Popen([sys.executable, str(SCRIPT), str(table), str(out)], text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.stdout is not None and process.stdin is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def write(process: subprocess.Popen[str], change: int) -> str:
    """Let the process write and die at its Nth change; returns what became of it."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{change}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def judge(out: Path) -> Verdict:
    """The folder holds a bundle that can be served."""
    try:
        load_bundle(out, ENGINE)
    except (BundleError, OSError) as error:
        return lost(f"no bundle: {error}".replace(str(out), "DIR"))
    return RIGHT


@sizes(short=4, long=300)
def test_there_is_always_a_bundle(ledger: Ledger, bundle: Bundle, tmp_path: Path, times: int) -> None:
    """Killed before its first change, its second, and so on to its last, training leaves the old or the new bundle."""
    out = tmp_path / "bundles/mine"
    with ledger.scenario("kill during training", FAULT) as tally, writer(tmp_path, bundle, out) as process:
        assert write(process, NEVER).startswith("written")
        changes = write(process, NEVER).split()[1:]
        assert len(changes) >= MIN_CHANGES, "the kills would not come in between"
        # Those that open a file to write it are the less dangerous ones: a short run leaves them out first.
        order = sorted(range(1, len(changes) + 1), key=lambda number: changes[number - 1] == "open")
        for change in order[:times]:
            assert write(process, change) == "killed", "there was nothing to kill"
            tally.injections += 1
            tally.count(judge(out))
            assert write(process, NEVER).startswith("written"), "a kill hinders the next training"
            tally.count(judge(out))
        tally.measure("changes of files and folders in one writing", len(changes), "")
