"""Run the mutants of sample.json, each in a copy of the checkout with the tests of its group (`make mutation`).

    python -m benchmarks.mutation.run [--before] [--root CHECKOUT] [--jobs 2] [--only 007,012]

Writes results.json and the table of README.md. Ends with an error if fewer mutants were killed than before.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
GROUPS, SAMPLE, RESULTS = HERE / "groups.toml", HERE / "sample.json", HERE / "results.json"
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", ".aws-sam", "__pycache__", ".*_cache", ".hypothesis")
TEST_SECONDS = 120  # for one test: a mutant may never end


@dataclass(frozen=True)
class Copy:
    """A copy of the checkout in which one mutant at a time is tested."""

    root: Path
    scratch: Path

    def test(self, paths: list[str], seconds: float | None = None) -> tuple[str, str]:
        """Run the tests up to the first that fails, within so many seconds.

        Returns
        -------
        outcome : str
            "survived", "killed" or "timed out".
        output : str
            What pytest printed.
        """
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed", "0",
                   "--timeout", str(TEST_SECONDS), *paths]
        # No byte code: that of a mutant of the same second and size would be taken for the source's.
        environ = {**os.environ, "PYTHONPATH": f"{self.root / 'src'}{os.pathsep}{self.root}",
                   "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(self.scratch / "hypothesis")}
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        with (self.scratch / "output").open("w+", encoding="utf-8") as output:
            process = subprocess.Popen(command, cwd=self.root, env=environ, stdout=output, stderr=subprocess.STDOUT,
                                       start_new_session=True)
            try:
                outcome = "killed" if process.wait(seconds) else "survived"
            except subprocess.TimeoutExpired:
                outcome = "timed out"
            finally:
                end_group(process)
            output.seek(0)
            return outcome, output.read()

    def test_mutant(self, mutant: dict[str, Any], paths: list[str], seconds: float) -> tuple[str, str]:
        """Test with one line replaced, and put the line back."""
        path = self.root / mutant["module"]
        source = path.read_text("utf-8")
        lines = source.splitlines(keepends=True)
        lines[row_of(mutant, self.root)] = f"{mutant['mutant']}\n"
        path.write_text("".join(lines), "utf-8")
        try:
            return self.test(paths, seconds)
        finally:
            path.write_text(source, "utf-8")


def main() -> None:
    """Check the sample, run it, write the results and compare them with those before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", action="store_true", help="the run that later ones are compared with")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout; this one unless named")
    parser.add_argument("--jobs", type=int, default=1, help="mutants side by side")
    parser.add_argument("--only", type=lambda text: text.split(","), help="ids; nothing is written")
    options = parser.parse_args()
    root = options.root.resolve()
    sample = [mutant for mutant in json.loads(SAMPLE.read_text("utf-8"))
              if not options.only or mutant["id"] in options.only]
    groups = {name: group for name, group in read_groups().items() if name in {mutant["group"] for mutant in sample}}
    check(sample, groups, root)
    if not options.before and not options.only and shots() != (before := read_results()["before"]["shots"]):
        raise SystemExit(f"the run before had {before} shots: set SHOTWISE_KAMP_CSV as it was then")
    started = time.perf_counter()
    outcomes = run(sample, groups, root, options.jobs)
    print(f"{killed(outcomes)} of {len(outcomes)} killed in {time.perf_counter() - started:.0f} s")
    if not options.only:
        write("before" if options.before else "after", outcomes, root, time.perf_counter() - started)


def read_groups() -> dict[str, dict[str, list[str]]]:
    """Read the modules and the tests of each group."""
    return tomllib.loads(GROUPS.read_text("utf-8"))


def check(sample: list[dict[str, Any]], groups: dict[str, dict[str, list[str]]], root: Path) -> None:
    """Refuse a sample whose lines changed, and tests that are not there."""
    missing = [f"{GROUPS.name}: no {path}" for group in groups.values() for path in group["tests"]
               if not (root / path).exists()]
    changed = [f"mutant {mutant['id']}: {mutant['module']} no longer has the line {mutant['line'].strip()!r}"
               for mutant in sample if row_of(mutant, root) is None]
    if missing or changed:
        raise SystemExit("\n".join([*missing, *changed]))


def row_of(mutant: dict[str, Any], root: Path) -> int | None:
    """Find the line of a mutant, from 0: the nth of those with its text."""
    path = root / mutant["module"]
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = [row for row, line in enumerate(lines) if line == mutant["line"]]
    return rows[mutant["nth"]] if mutant["nth"] < len(rows) else None


def run(sample: list[dict[str, Any]], groups: dict[str, dict[str, list[str]]], root: Path,
        jobs: int) -> dict[str, dict[str, str]]:
    """Test each mutant in one of `jobs` copies; id → outcome, and the test that killed it."""
    copies: SimpleQueue[Copy] = SimpleQueue()

    def test(mutant: dict[str, Any]) -> dict[str, str]:
        copy = copies.get()
        group = mutant["group"]
        started = time.perf_counter()
        outcome, output = copy.test_mutant(mutant, groups[group]["tests"], seconds[group])
        copies.put(copy)
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
        print(f"{mutant['id']} {outcome:9} {time.perf_counter() - started:4.0f} s  {mutant['module']}: "
              f"{mutant['mutant'].strip()}", flush=True)
        return {"outcome": outcome, "test": failed[1] if failed and outcome == "killed" else ""}

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        for number in range(jobs):
            copy = Copy(Path(folder, f"copy-{number}"), Path(folder, f"scratch-{number}"))
            shutil.copytree(root, copy.root, ignore=NOT_COPIED, symlinks=True)
            copies.put(copy)
        seconds = {name: 60 + 3 * time_limit(copy, name, group) for name, group in groups.items()}
        return dict(zip((mutant["id"] for mutant in sample), pool.map(test, sample), strict=True))


def time_limit(copy: Copy, name: str, group: dict[str, list[str]]) -> float:
    """Measure the tests of a group on the source as it is; they have to pass, and to fail with a module broken."""
    started = time.perf_counter()
    outcome, output = copy.test(group["tests"])
    if outcome != "survived":
        raise SystemExit(f"{output[-3000:]}\nthe tests of {name} fail without a mutant")
    seconds = time.perf_counter() - started
    print(f"{name}: {seconds:.0f} s without a mutant", flush=True)
    path = next(copy.root.glob(group["modules"][0]))
    source = path.read_bytes()
    path.write_text("raise RuntimeError('this is the copy')\n", "utf-8")
    if copy.test(group["tests"])[0] == "survived":
        raise SystemExit(f"the tests of {name} do not run the source of their copy")
    path.write_bytes(source)
    return seconds


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End what the tests of a mutant started and left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def shots() -> str:
    """Say which shots the tests take: real ones if their file is named."""
    return "real" if os.environ.get("SHOTWISE_KAMP_CSV") else "synthetic"


def killed(outcomes: dict[str, dict[str, str]]) -> int:
    """Count the mutants that the tests noticed."""
    return sum(outcome["outcome"] != "survived" for outcome in outcomes.values())


def read_results() -> dict[str, Any]:
    """Read the runs before and after."""
    results: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return results


def write(name: str, outcomes: dict[str, dict[str, str]], root: Path, seconds: float) -> None:
    """Write a run to results.json and README.md; an error if it killed fewer than the run before."""
    results = read_results() if RESULTS.exists() else {}
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True,
                            check=True).stdout.strip()
    results[name] = {"date": datetime.now(UTC).date().isoformat(), "commit": commit,
                     "python": platform.python_version(), "shots": shots(),
                     "minutes": round(seconds / 60, 1), "mutants": outcomes}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    readme = HERE / "README.md"
    text = table(results, json.loads(SAMPLE.read_text("utf-8")))
    readme.write_text(re.sub(r"(?<=<!-- results -->\n).*?(?=<!-- end -->)", lambda _: text,
                             readme.read_text("utf-8"), flags=re.DOTALL), "utf-8")
    print(text)
    before = results.get("before", results[name])["mutants"]
    for mutant_id in sorted(set(before) & set(outcomes)):
        if before[mutant_id]["outcome"] != "survived" == outcomes[mutant_id]["outcome"]:
            print(f"{mutant_id} survives; before: {before[mutant_id]['outcome']} {before[mutant_id]['test']}")
    if killed(outcomes) < killed(before):
        raise SystemExit(f"{killed(outcomes)} killed, {killed(before)} before")


def table(results: dict[str, Any], sample: list[dict[str, Any]]) -> str:
    """Write the results as Markdown: killed of each group, one row per run."""
    groups = list(dict.fromkeys(mutant["group"] for mutant in sample))
    rows = [f"| run | {' | '.join(groups)} | killed | survive | min |", "|---" * (len(groups) + 4) + "|"]
    for name, row in results.items():
        counts = [killed({mutant["id"]: row["mutants"][mutant["id"]] for mutant in sample if mutant["group"] == group})
                  for group in groups]
        survivors = [key for key, outcome in row["mutants"].items() if outcome["outcome"] == "survived"]
        rows.append(f"| {name}, {row['commit']} | {' | '.join(map(str, counts))} | {sum(counts)} of {len(sample)} | "
                    f"{', '.join(survivors)} | {row['minutes']:.0f} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
