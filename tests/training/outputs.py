"""A bundle of three small files, written as `train` writes one; without imports that take time, for many processes."""

from __future__ import annotations

import os
from pathlib import Path

from shotwise_training.export.output_folder import OutputFolder, written_beside

NAMES = frozenset(("bundle.json", "model.onnx", "card.md"))


def own_files(folder: Path) -> frozenset[str]:
    """The names of a bundle of the tests, which is one if it has its manifest."""
    return NAMES if (folder / "bundle.json").is_file() else frozenset()


def output(folder: Path) -> OutputFolder:
    """A folder that holds a bundle of the tests."""
    return OutputFolder(Path(os.path.realpath(folder)), "bundle", NAMES, own_files)


def write(out: OutputFolder, content: str) -> None:
    """Write a bundle, each file with the same content."""
    with written_beside(out.path) as replacement:
        for name in sorted(NAMES):
            (replacement / name).write_text(content)
    out.put(replacement)
