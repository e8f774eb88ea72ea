"""Write a bundle in children that kill themselves just before their Nth change of a file or folder.

A child of `tests/faults/test_bundle_kills.py`: `bundle_writer.py TABLE OUT`. It loads the shipped models, says
`ready`, and then reads a number N a line. For each it forks a child that writes the bundle and dies at its Nth change,
and answers `killed`, or `written` and the names of all changes if there were fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from shotwise_training.data.table import read_table
from shotwise_training.export import bundle as bundle_export
from shotwise_training.export.bundle import write_bundle
from shotwise_training.export.manifest import Figures
from shotwise_training.export.pipeline_files import PIPELINES, load_pipeline
from shotwise_training.models.configuration import SHOTWISE

SCHEMA = Path(bundle_export.__file__).parents[1] / "kamp.toml"
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.truncate",
           "shutil.rmtree", "shutil.move", "ctypes.call_function")


def count_changes(max_changes: int) -> list[str]:
    """Collect the changes that this process makes, and kill it when it is about to make the last of them."""
    changes: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and _writes(arguments)):
            changes.append(event)
            if len(changes) == max_changes:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return changes


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return any(letter in str(mode or "") for letter in "wax+") or bool(flags and flags & (os.O_WRONLY | os.O_RDWR))


def main(table_path: Path, out: Path) -> None:
    """Fork a child for every number that is read."""
    torch.set_num_threads(1)  # threads do not survive a fork
    table, models = read_table(table_path, SCHEMA), load_pipeline(PIPELINES / "shotwise")
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            changes = count_changes(int(line))
            write_bundle(out, SHOTWISE, table, models, Figures({}, {}))
            print("written", *changes, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print("killed" if os.WIFSIGNALED(status) else "failed", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
