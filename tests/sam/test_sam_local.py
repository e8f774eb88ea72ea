"""`sam local invoke` of every function gives what the local stack gives. Needs a Docker engine and Lambda's image."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from slow.running import ROOT, ask, sam, stack, steady

pytestmark = pytest.mark.sam


@pytest.mark.parametrize(("name", "event", "path"), [
    ("PredictFunction", "predict", "/predict"), ("ImportanceFunction", "importance", "/importance"),
    ("RagQueryFunction", "rag_query", "/rag-query")])
def test_sam_local_equals_the_local_stack(tmp_path: Path, name: str, event: str, path: str) -> None:
    """The same event, the same numbers."""
    assert sam("build").returncode == 0
    done = sam("local", "invoke", name, "-e", f"events/{event}.json", "--skip-pull-image")
    assert done.returncode == 0, done.stderr[-2000:]
    invoked = json.loads(done.stdout.strip().splitlines()[-1])
    with stack(tmp_path / "home") as running:
        local = ask(f"{running.api}{path}", (ROOT / f"events/{event}.json").read_bytes()).json()

    assert steady(invoked) == steady(local)
