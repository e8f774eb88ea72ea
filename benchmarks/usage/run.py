"""Measure what one request to each function uses, for `make cost`.

    python -m benchmarks.usage.run

Writes results.json and the table of README.md.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shotwise_local.home_setup import SHIPPED_INDEX

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# Function → calls in one process; 0 for one call per document.
CALLS = {"predict": 2000, "importance": 60, "rag_query": 200, "stream_query": 200, "embed_documents": 0}
PROCESSES = 3  # of which the fastest counts
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def measure(function: str, home: Path) -> dict[str, Any]:
    """Measure a function: times of the fastest process, logs and metrics of the last."""
    runs = []
    for number in range(PROCESSES):
        result_path = home / "result.json"
        environ = {**os.environ, "SHOTWISE_HOME": str(home), "SHOTWISE_MODEL_DIR": str(ROOT / "models/shotwise"),
                   "SHOTWISE_INDEX": str(SHIPPED_INDEX),
                   "SHOTWISE_INDEX_READ_ONLY": "true", "MPLCONFIGDIR": str(home / "matplotlib"),
                   "POWERTOOLS_LOG_LEVEL": "INFO", "_X_AMZN_TRACE_ID": TRACE}
        if function == "embed_documents":
            environ |= {"SHOTWISE_INDEX": str(home / f"{number}.sqlite"), "SHOTWISE_INDEX_READ_ONLY": "false"}
        done = subprocess.run([sys.executable, "-m", "benchmarks.usage.calls", function, str(CALLS[function]),
                               str(result_path)], cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True)
        runs.append(json.loads(result_path.read_text("utf-8")))
    lines = done.stdout.decode().splitlines()
    calls = runs[0]["calls"]
    figures = {name: round(min(run[name] for run in runs), 1)
               for name in ("init_ms", "first_ms", "billed_ms", "reply_bytes")}
    figures |= {"log_bytes": round(len(done.stdout) / calls, 1), "log_events": round(len(lines) / calls, 2),
                "metrics": metrics(lines)}
    if "prompt_bytes" in runs[0]:
        figures["prompt_bytes"] = round(statistics.mean(runs[0]["prompt_bytes"]))
    return figures


def metrics(lines: list[str]) -> list[str]:
    """List the metrics in log lines, each as its name with its dimensions."""
    names = set()
    for line in filter(lambda line: "CloudWatchMetrics" in line, lines):
        entry = json.loads(line)
        for directive in entry["_aws"]["CloudWatchMetrics"]:
            for dimensions in directive["Dimensions"]:
                values = ",".join(f"{name}={entry[name]}" for name in sorted(dimensions))
                names |= {f"{metric['Name']}[{values}]" for metric in directive["Metrics"]}
    return sorted(names)


def charts(home: Path) -> dict[str, float]:
    """Measure the mean size of the charts that importance drew."""
    sizes = [path.stat().st_size for path in (home / "charts").rglob("*.png")]
    return {"bytes": round(statistics.mean(sizes))}


def documents(home: Path) -> dict[str, float]:
    """Measure the ingested documents: their number, mean size, and passages per document."""
    files = list((home / "documents").iterdir())
    with sqlite3.connect(home / "0.sqlite") as connection:
        passages = connection.execute("SELECT count(*) FROM passages").fetchone()[0]
    return {"files": len(files), "bytes": round(statistics.mean(path.stat().st_size for path in files)),
            "passages": round(passages / len(files), 1)}


def table(results: dict[str, Any]) -> str:
    """Write the results as Markdown, one row per function."""
    rows = ["| function | start ms | first call ms | billed ms | log bytes | log events | reply bytes | metrics |",
            "|---|---|---|---|---|---|---|---|"]
    rows += [f"| {name} | {figures['init_ms']:.0f} | {figures['first_ms']:.0f} | {figures['billed_ms']:.1f} | "
             f"{figures['log_bytes']:.0f} | {figures['log_events']:.1f} | {figures['reply_bytes']:,.0f} | "
             f"{len(figures['metrics'])} |" for name, figures in results["functions"].items()]
    return "\n".join(rows)


def main() -> None:
    """Measure everything and write the results."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "documents").mkdir()
        for path in sorted((ROOT / "manuals").rglob("*.pdf")):
            shutil.copy(path, home / "documents" / path.name)
        results: dict[str, Any] = {
            "date": datetime.now(UTC).date().isoformat(), "python": platform.python_version(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "functions": {function: measure(function, home) for function in CALLS}}
        results["chart"] = charts(home)
        results["document"] = documents(home)
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    readme = HERE / "README.md"
    readme.write_text(re.sub(r"(?<=<!-- results -->\n).*?(?=<!-- end -->)", lambda _: f"{table(results)}\n",
                             readme.read_text("utf-8"), flags=re.DOTALL), "utf-8")
    print(f"{table(results)}\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
