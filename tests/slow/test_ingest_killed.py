"""An ingest that is killed at any moment loses nothing of what was there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.models import Query
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer

from .papers import pdf as made

ROOT = Path(__file__).parents[2]
KILLS, SEED = 50, 2026
STATEMENTS = ("The biscuit of the first edition is thin.", "The biscuit of the second edition is thick.")

pytestmark = pytest.mark.slow


def ingest(library: Path, pdf: Path) -> subprocess.Popen[bytes]:
    """`shotwise ingest` into a library, in a process group of its own."""
    return subprocess.Popen([sys.executable, "-m", "shotwise_cli.main", "ingest", "--index", str(library), str(pdf)], cwd=ROOT,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def test_fifty_kills_lose_nothing(tmp_path: Path, analyzer: Analyzer) -> None:
    """Killed with its reader at 50 random moments while it replaces a document, the library is whole each time: the
    other document and the old edition or the new one, never both, never half; and the next ingest goes on."""
    library, draw = tmp_path / "library.sqlite", random.Random(SEED)
    editions = []
    for number, statement in enumerate(STATEMENTS):
        (tmp_path / str(number)).mkdir()
        editions.append(tmp_path / f"{number}/guide.pdf")
        editions[-1].write_bytes(made(*[f"{part}: {statement}" for part in ("Shape", "Measure", "Remedy")]))
    other = tmp_path / "other.pdf"
    other.write_bytes(made("The furnace of another document is hot."))
    for pdf in (other, editions[0]):
        assert ingest(library, pdf).wait(60) == 0
    started = time.monotonic()
    assert ingest(library, editions[1]).wait(60) == 0
    whole_s = time.monotonic() - started
    seen = set()
    for kill in range(KILLS):
        running = ingest(library, editions[kill % 2])
        time.sleep(draw.uniform(0, 1.1 * whole_s))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        seen.add(edition_of(library, analyzer))
    assert seen == {0, 1}
    for number, pdf in enumerate(editions):
        assert ingest(library, pdf).wait(60) == 0 and edition_of(library, analyzer) == number


def edition_of(path: Path, analyzer: Analyzer) -> int:
    """Which edition the library holds, after everything in it was looked at."""
    library = SqliteDocumentStore(path)
    try:
        assert library.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        index = HybridSearch(library, analyzer)
        assert [entry.name for entry in index.summaries()] == ["guide.pdf", "other.pdf"] and not library.failures()
        assert "another document" in index.search(Query("furnace"), 1)[0].text
        found = index.search(Query("biscuit edition"), 20)
        (edition,) = {number for number, statement in enumerate(STATEMENTS) for passage in found
                      if statement in passage.text}
        assert {passage.page for passage in found if passage.document == "guide.pdf"} == {1, 2, 3}
        assert all(STATEMENTS[edition] in index.page_text("guide.pdf", page) for page in (1, 2, 3))
        return edition
    finally:
        library.close()
