"""Fixtures: the scripts that make the manuals, and the manuals built again."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

MANUALS = Path(__file__).parents[2] / "manuals"


def load_script(name: str) -> ModuleType:
    """A script of manuals/, imported as a module."""
    spec = importlib.util.spec_from_file_location(f"manuals_{name}", MANUALS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def windows() -> ModuleType:
    """The script that computes the window table."""
    return load_script("windows")


@pytest.fixture(scope="session")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each PDF by name, built from its source into a temporary folder."""
    build = load_script("build")
    build.register_fonts(build.FONTS)
    folder = tmp_path_factory.mktemp("manuals")
    for questions in MANUALS.glob("*.questions.jsonl"):
        shutil.copy(questions, folder)
    sources = [Path(shutil.copy(source, folder)) for source in sorted(MANUALS.glob("*.md"))]
    return {target.name: target for target in map(build.build, sources) if target}
