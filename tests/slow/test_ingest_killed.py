"""An ingest that is killed at any moment loses nothing that was stored before."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sizes import sizes

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.models import Query
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer

from .sample_pdf import pdf as make_pdf

ROOT = Path(__file__).parents[2]
SEED = 2026
STATEMENTS = ("The biscuit of the first edition is thin.", "The biscuit of the second edition is thick.")


def ingest(store_path: Path, pdf: Path) -> subprocess.Popen[bytes]:
    """Start `shotwise ingest` into a store, in a process group of its own."""
    command = [sys.executable, "-m", "shotwise_cli.main", "ingest", "--index", str(store_path), str(pdf)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


@sizes(short=4, long=50)
def test_kills_lose_nothing(tmp_path: Path, analyzer: Analyzer, times: int) -> None:
    """An ingest that is killed at random moments while it replaces a document leaves one complete edition."""
    store_path, dice = tmp_path / "store.sqlite", random.Random(SEED)
    editions = []
    for number, statement in enumerate(STATEMENTS):
        (tmp_path / str(number)).mkdir()
        editions.append(tmp_path / f"{number}/guide.pdf")
        editions[-1].write_bytes(make_pdf(*[f"{part}: {statement}" for part in ("Shape", "Measure", "Remedy")]))
    other = tmp_path / "other.pdf"
    other.write_bytes(make_pdf("The furnace of another document is hot."))
    for pdf in (other, editions[0]):
        assert ingest(store_path, pdf).wait(60) == 0
    started = time.monotonic()
    assert ingest(store_path, editions[1]).wait(60) == 0
    ingest_s = time.monotonic() - started
    seen = set()
    for kill in range(times):
        running = ingest(store_path, editions[kill % 2])
        time.sleep(dice.uniform(0, 1.1 * ingest_s))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        seen.add(edition_of(store_path, analyzer))
    assert seen <= {0, 1} and (times < 10 or len(seen) == 2)
    for number, pdf in enumerate(editions):
        assert ingest(store_path, pdf).wait(60) == 0 and edition_of(store_path, analyzer) == number


def edition_of(path: Path, analyzer: Analyzer) -> int:
    """Return which edition the store holds, after checking everything in it."""
    document_store = SqliteDocumentStore(path)
    try:
        assert document_store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        hybrid_search = HybridSearch(document_store, analyzer)
        assert [summary.name for summary in hybrid_search.summaries()] == ["guide.pdf", "other.pdf"]
        assert not document_store.failures()
        assert "another document" in hybrid_search.search(Query("furnace"), 1)[0].text
        passages = hybrid_search.search(Query("biscuit edition"), 20)
        (edition,) = {number for number, statement in enumerate(STATEMENTS) for passage in passages
                      if statement in passage.text}
        assert {passage.page for passage in passages if passage.document == "guide.pdf"} == {1, 2, 3}
        assert all(STATEMENTS[edition] in hybrid_search.page_text("guide.pdf", page) for page in (1, 2, 3))
        return edition
    finally:
        document_store.close()
