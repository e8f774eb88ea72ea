"""Run the page, a Streamlit server of its own, as a child process of `shotwise serve --ui`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shotwise_local import ROOT
from shotwise_local.stack import api_port, ui_port

HOST = "127.0.0.1"


@contextmanager
def run_page(enabled: bool) -> Iterator[subprocess.Popen[bytes] | None]:
    """Run the Streamlit page as a child process, which ends with this one."""
    if not enabled:
        yield None
        return
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "frontend/app.py"), "--server.address", HOST,
               "--server.port", str(ui_port(os.environ)), "--server.headless", "true",
               "--browser.gatherUsageStats", "false"]
    environ = {**os.environ, "SHOTWISE_API_URL": f"http://{HOST}:{api_port(os.environ)}"}
    with (Path(os.environ["SHOTWISE_HOME"]) / "logs" / "ui.log").open("ab") as log:
        child = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
