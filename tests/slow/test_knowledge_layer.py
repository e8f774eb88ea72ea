"""The document store of the manuals is the same wherever it is built, and `sam build` builds it when it has to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise_local.home_setup import MANUALS, SHIPPED_INDEX
from shotwise_local.template import load_yaml

from .running import ROOT
from .sample_pdf import pdf

pytestmark = pytest.mark.slow
FILES = ("Makefile", "pyproject.toml", "samconfig.toml", "requirements", "layers/knowledge", "src/shotwise",
         "src/shotwise_local", "src/shotwise_tools")


def test_another_build_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    """In another folder, later, with another umask, other settings, hashes, locale, time zone and number of readers."""
    manuals = shutil.copytree(MANUALS, tmp_path / "other manuals")
    program = ("import os, sys; from pathlib import Path; from shotwise_tools import shipped_index; os.umask(0o077); "
               "shipped_index.build_index(sorted(Path(sys.argv[1]).glob('*.pdf')), Path(sys.argv[2]), readers=4)")
    environ = {**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Seoul", "HOME": str(tmp_path),
               "SHOTWISE_EMBEDDER": "http://127.0.0.1:9/v1", "SHOTWISE_DICTIONARY": str(tmp_path / "none.toml")}
    subprocess.run([sys.executable, "-c", program, str(manuals), str(tmp_path / "new/index.sqlite")], env=environ,
                   check=True)
    assert (tmp_path / "new/index.sqlite").read_bytes() == SHIPPED_INDEX.read_bytes()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.sqlite"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the layer is built of, a template that has it alone, one manual, and an environment as make makes it."""
    folder = tmp_path / "check out"
    for name in FILES:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    template = load_yaml(ROOT / "template.yaml")
    layer = {"KnowledgeLayer": template["Resources"]["KnowledgeLayer"]}
    (folder / "template.yaml").write_text(json.dumps({"Transform": template["Transform"], "Resources": layer}))
    (folder / "manuals").mkdir()
    (folder / "manuals/guide.pdf").write_bytes(pdf("The biscuit is thin when the ladle pours too little."))
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}/src" exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (folder / ".venv/pyvenv.cfg").write_text(f"command = python3 -m venv {folder}/.venv\n")
    (folder / ".venv/.serving").touch()
    return folder


def sam_build(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run plain `sam build`, with the settings of samconfig.toml."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run([Path(sys.executable).parent / "sam", "build"], cwd=checkout, text=True, capture_output=True,
                          env={**inherited, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}, timeout=120,
                          check=False)


def versions(checkout: Path) -> dict[str, str]:
    """Build, and return the documents of the built layer with their versions."""
    process = sam_build(checkout)
    assert process.returncode == 0, process.stderr
    store = SqliteDocumentStore(checkout / ".aws-sam/build/KnowledgeLayer/knowledge/index.sqlite", read_only=True)
    try:
        return dict(store.versions())
    finally:
        store.close()


def test_sam_builds_the_layer_when_a_manual_or_the_code_changes(checkout: Path) -> None:
    """SAM keeps what it built of a folder, and takes it until a manual is added or removed, or the reader changes."""
    first = versions(checkout)
    assert list(first) == ["guide.pdf"]
    (checkout / "build/knowledge/index.sqlite").unlink()  # were it needed, it would be there again
    assert versions(checkout) == first and not (checkout / "build/knowledge/index.sqlite").exists()
    (checkout / "manuals/other.pdf").write_bytes(pdf("Another text about another matter of the furnace."))
    assert versions(checkout).keys() == {"guide.pdf", "other.pdf"}
    (checkout / "manuals/other.pdf").unlink()
    assert versions(checkout) == first
    pipeline = checkout / "src/shotwise/knowledge/ingestion/pipeline.py"
    pipeline.write_text(pipeline.read_text("utf-8").replace("\nEDITION = ", "\nEDITION = 1000 + "), "utf-8")
    changed = versions(checkout)
    assert changed.keys() == first.keys() and changed != first
    (checkout / "manuals/guide.pdf").write_bytes(b"%PDF-1.7 and no more")
    process = sam_build(checkout)
    assert process.returncode == 1 and "building the document store failed: guide.pdf" in process.stderr
