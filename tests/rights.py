"""Run a command to which the permissions of files apply, whoever runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHOTWISE = (sys.executable, "-m", "shotwise_cli.main")


def bound_by_permissions(*command: str) -> list[str]:
    """The command, for root without its right to pass over permissions."""
    if os.geteuid() != 0:
        return list(command)
    assert shutil.which("setpriv"), "root needs setpriv (util-linux) for this test; run it as another user"
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]


def shotwise(*arguments: str | Path, **settings: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of Shotwise with settings; none of SHOTWISE_… is inherited."""
    environ = {name: value for name, value in os.environ.items()
               if not name.startswith(("SHOTWISE_", "POWERTOOLS_", "MPLCONFIGDIR"))}
    environ |= {name: str(value) for name, value in settings.items()}
    return subprocess.run(bound_by_permissions(*SHOTWISE, *map(str, arguments)), cwd=ROOT, env=environ, text=True,
                          capture_output=True, check=False)


def sentence(process: subprocess.CompletedProcess[str]) -> str:
    """The last line of standard error of a command that failed with status 1 or 2, and without a traceback."""
    assert process.returncode in (1, 2) and "Traceback" not in process.stderr, process.stderr
    line = process.stderr.splitlines()[-1]
    assert line.startswith("shotwise: ")
    return line
