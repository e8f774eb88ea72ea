"""Documents while something goes wrong: bad PDFs, a locked store, a deleted home, commands beside, kills."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from unit.knowledge.poison_pdfs import save_nested_forms

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore

from .running import ROOT, Stack, ask, stack
from .sample_pdf import FACT, NAME, pdf
from .test_documents_served import find_document, upload, wait_until

pytestmark = pytest.mark.slow
BAD_COUNT, MAX_START_DIFFERENCE_S = 25, 3.0
# Each bad document in the queue costs the next a first slice; the two readers share them.
MAX_WAIT_S = 90
KILLS, SEED = 20, 2026


def start_seconds(home: Path) -> float:
    """How long a stack takes from its start until the API answers."""
    started = time.monotonic()
    with stack(home):
        return time.monotonic() - started


def is_read(running: Stack, name: str) -> bool:
    """Whether a document is searched; not while the store cannot be read."""
    reply = ask(f"{running.api}/documents", seconds=60)
    documents = reply.json()["documents"] if reply.status == 200 else []
    return any(entry["name"] == name and entry["version"] for entry in documents)


@pytest.fixture(scope="module")
def bad_pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A PDF that takes minutes until it fails."""
    return save_nested_forms(tmp_path_factory.mktemp("bad") / "bad.pdf", [None]).read_bytes()


def test_bad_documents_delay_neither_the_start_nor_others(tmp_path: Path, bad_pdf: bytes) -> None:
    """With 25 in the folder, a stack is ready at most 3 s later than without, and reads a good upload in between."""
    home = tmp_path / "home"
    without = min(start_seconds(home) for _ in range(2))
    (home / "documents").mkdir(exist_ok=True)
    for number in range(BAD_COUNT):
        (home / f"documents/bad{number}.pdf").write_bytes(bad_pdf)
    started = time.monotonic()
    with stack(home) as running:
        ready = time.monotonic() - started
        upload(running, NAME, pdf(FACT))
        uploaded = time.monotonic()
        wait_until(lambda: is_read(running, NAME), MAX_WAIT_S)
        print(f"\nready after {ready:.1f} s, without bad documents {without:.1f} s; "
              f"a good one is read after {time.monotonic() - uploaded:.1f} s")
        assert ready <= without + MAX_START_DIFFERENCE_S


def readers_of(process: subprocess.Popen[bytes]) -> set[int]:
    """The processes that read PDFs for a stack, by the session that they share with it."""
    listing = subprocess.run(["ps", "-ww", "-s", str(process.pid), "-o", "pid=,args="], capture_output=True, text=True,
                             check=False).stdout
    return {int(line.split()[0]) for line in listing.splitlines() if "parse_worker" in line}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_no_reader_outlives_its_stack(tmp_path: Path, bad_pdf: bytes, signal_number: int) -> None:
    """It would use a core for half a minute more, and nobody would read its pages."""
    with stack(tmp_path / "home") as running:
        for number in range(3):
            upload(running, f"bad{number}.pdf", bad_pdf)
        wait_until(lambda: bool(readers_of(running.process)))
        running.process.send_signal(signal_number)
        running.process.wait(15)
        wait_until(lambda: not readers_of(running.process), 2)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a document store as another process that writes does."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_an_upload_outlasts_a_locked_store(tmp_path: Path) -> None:
    """After 45 s in which no try could write, the document is read without anybody's doing."""
    with stack(tmp_path / "home") as running:
        with locked(running.home / "knowledge.sqlite"):
            upload(running, NAME, pdf(FACT))
            time.sleep(45)
            assert not is_read(running, NAME)
        wait_until(lambda: is_read(running, NAME), 75)
        entry = find_document(running, NAME)
        assert entry and entry["failure"] is None


def test_a_stack_outlasts_the_deletion_of_its_home(tmp_path: Path) -> None:
    """What is uploaded afterwards is found, the shipped documents are back, and what was deleted is gone."""
    with stack(tmp_path / "home") as running:
        upload(running, "before.pdf", pdf("The torque of line six."))
        wait_until(lambda: is_read(running, "before.pdf"))
        shutil.rmtree(running.home, ignore_errors=True)  # the stack may write meanwhile
        upload(running, NAME, pdf(FACT))
        wait_until(lambda: is_read(running, NAME) and is_read(running, "process-manual.pdf"))
        passages = ask(f"{running.api}/search?query=quorbex+plintol").json()["passages"]
        assert NAME in {passage["document"] for passage in passages}
        assert find_document(running, "before.pdf") is None and (running.home / "documents" / NAME).exists()


def start(home: Path, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start a command on a home; what it says on standard error goes into a file beside the home."""
    with home.with_suffix(".err").open("wb") as errors:
        return subprocess.Popen([sys.executable, "-m", "shotwise_cli.main", *map(str, arguments)], cwd=ROOT,
                                env={**os.environ, "SHOTWISE_HOME": str(home)}, stdout=subprocess.DEVNULL,
                                stderr=errors, start_new_session=True)


def versions(home: Path) -> dict[str, str]:
    """The stored documents of a home."""
    document_store = SqliteDocumentStore(home / "knowledge.sqlite")
    try:
        return dict(document_store.versions())
    finally:
        document_store.close()


def test_commands_that_read_beside_an_ingest_lose_nothing(tmp_path: Path) -> None:
    """Every document that the ingest says it added is there, whatever was listed and asked meanwhile."""
    home, folder = tmp_path / "home", tmp_path / "new"
    folder.mkdir()
    names = {f"{number}.pdf" for number in range(15)}
    for name in names:
        (folder / name).write_bytes(pdf(f"{name}: {FACT}"))
    ingest = start(home, "ingest", folder)
    listings = 0
    while ingest.poll() is None:
        assert start(home, "documents").wait(60) == 0
        listings += 1
    assert ingest.returncode == 0 and listings >= 2
    assert names <= set(versions(home)) and {path.name for path in (home / "documents").iterdir()} == names


def test_what_an_ingest_said_to_be_added_outlasts_a_kill(tmp_path: Path) -> None:
    """Killed at a random moment, it has kept the file and stored the document of every line `added` that it printed."""
    folder, dice, added = tmp_path / "new", random.Random(SEED), 0
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.pdf").write_bytes(pdf(f"{number}: {FACT}"))
    started = time.monotonic()
    assert start(tmp_path / "complete", "ingest", folder).wait(120) == 0
    seconds = time.monotonic() - started
    for kill in range(KILLS):
        home = tmp_path / str(kill)
        running = start(home, "ingest", folder)
        time.sleep(dice.uniform(seconds / 4, seconds))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        names = re.findall(r"\] (.+): added", home.with_suffix(".err").read_text("utf-8"))
        added += len(names)
        for name in names:
            assert (home / "documents" / name).read_bytes() == (folder / name).read_bytes()
            assert name in versions(home)
    assert added >= KILLS / 2
