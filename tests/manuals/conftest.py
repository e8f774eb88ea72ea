"""The scripts that make the manuals, and the manuals built anew."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

MANUALS = Path(__file__).parents[2] / "manuals"


def script(name: str) -> ModuleType:
    """A script of manuals/, imported under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"manuals_{name}", MANUALS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def windows() -> ModuleType:
    """The script that computes the window table."""
    return script("windows")


@pytest.fixture(scope="session")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each PDF, built from its source into a folder of its own."""
    build = script("build")
    build.register_fonts(build.FONTS)
    folder = tmp_path_factory.mktemp("manuals")
    for questions in MANUALS.glob("*.questions.jsonl"):
        shutil.copy(questions, folder)
    sources = [Path(shutil.copy(source, folder)) for source in sorted(MANUALS.glob("*.md"))]
    return {target.name: target for target in map(build.build, sources) if target}
