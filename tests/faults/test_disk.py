"""The home folder is full, read-only, deleted, locked or damaged: predictions go on, and nothing accepted is lost."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sizes import only_long, sizes
from slow.running import Stack

from .client import Load, call, percentile
from .disks import on_read_only_home, on_small_disk
from .harness import RIGHT, Ledger, Tally, lost, wrong
from .judge import Reference, judge_error
from .pdfs import marked
from .stacks import documents, served, upload, wait_until

QUESTION = json.dumps({"query": "공장 습도가 낮으면 무엇이 문제인가요?"}).encode()
SEED, MAX_HEALTH_MS, MAX_LISTED_S = 6, 100, 120


def shot_bodies(reference: Reference) -> list[bytes]:
    """A body of /predict and /diagnose for each sample."""
    return [json.dumps({"features": shot}).encode() for shot in reference.shots]


def ask_everything(opened: Stack, reference: Reference, tally: Tally, *, degraded: bool | None) -> None:
    """Predictions and answers have to be right; diagnoses too, or with `degraded` without their chart."""
    for body in shot_bodies(reference):
        answer = call(opened.api, "/predict", body)
        tally.count(reference.judge("/predict", body, answer) if answer.status == 200
                    else wrong(f"/predict: {answer.status} {answer.error}"))
    tally.count(reference.judge("/rag-query", QUESTION, call(opened.api, "/rag-query", QUESTION), "relevance"))
    body = next(body for body in shot_bodies(reference) if reference.reply("/diagnose", body)["importance"])
    answer = call(opened.api, "/diagnose", body)
    verdict = reference.judge("/diagnose", body, answer, "relevance")
    if degraded is not None and verdict.outcome in ("right", "degraded") and answer.status == 200:
        steps = [entry["step"] for entry in answer.json()["degraded"]]
        if steps != (["chart"] if degraded else []):
            verdict = wrong(f"/diagnose: degraded is {steps}")
    tally.count(verdict)


def upload_and_find(opened: Stack, name: str, tally: Tally) -> None:
    """An upload is accepted, and is listed afterwards."""
    answer = upload(opened.api, name, marked(name.removesuffix(".pdf")))
    if answer.status != 200:
        tally.count(wrong(f"upload: {answer.status} {answer.error}"))
        return
    listed = wait_until(lambda: documents(opened.api).get(name, {}).get("version"), MAX_LISTED_S) < MAX_LISTED_S
    tally.count(RIGHT if listed else lost(f"an accepted upload is not listed: {documents(opened.api).get(name)}"))


def remove(opened: Stack, name: str, tally: Tally) -> None:
    """Remove a document: many more of them would change which passages are nearest to a question."""
    answer = call(opened.api, f"/documents/{name}", method="DELETE")
    tally.count(RIGHT if answer.status == 202 else wrong(f"removal: {answer.status} {answer.error}"))
    if wait_until(lambda: name not in documents(opened.api)) > MAX_LISTED_S:
        tally.count(wrong("a removed document is still listed"))


@only_long(10)
def test_a_full_disk_heals(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """While it is full charts are degraded and uploads 503; with room everything works without a restart."""
    with ledger.scenario("full disk", "the disk of the home is filled up, and freed again") as tally, \
            on_small_disk(tmp_path / "home") as (opened, disk):
        for number in range(times):
            ask_everything(opened, reference, tally, degraded=False)
            disk.fill()
            tally.injections += 1
            ask_everything(opened, reference, tally, degraded=True)
            tally.count(judge_error(upload(opened.api, "full.pdf", marked("full")), 503))
            disk.free()
            upload_and_find(opened, f"room{number}.pdf", tally)
            remove(opened, f"room{number}.pdf", tally)
        ask_everything(opened, reference, tally, degraded=False)
        tally.count(RIGHT if opened.process.poll() is None else lost("the process has ended"))


@only_long(3)
def test_a_read_only_home_serves(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """What needs no writing is right, charts are degraded, uploads 503."""
    with served(tmp_path / "home"):
        pass
    with ledger.scenario("read-only home", "start from a home that cannot be written") as tally:
        for _ in range(times):
            with on_read_only_home(tmp_path / "home") as opened:
                tally.injections += 1
                ask_everything(opened, reference, tally, degraded=True)
                tally.count(judge_error(upload(opened.api, "full.pdf", marked("full")), 503))


@sizes(short=1, long=5)
def test_a_deleted_home_is_made_again(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """Predictions go on, and the next upload is kept and searched."""
    with ledger.scenario("home deleted", "the home is deleted while the stack runs") as tally:
        for number in range(times):
            with served(tmp_path / f"home{number}") as opened:
                upload_and_find(opened, "before.pdf", tally)
                shutil.rmtree(opened.home)
                tally.injections += 1
                ask_everything(opened, reference, tally, degraded=None)
                upload_and_find(opened, "after.pdf", tally)
                ask_everything(opened, reference, tally, degraded=False)


@pytest.mark.parametrize("seconds", [pytest.param(8, marks=pytest.mark.slow, id="short"),
                                     pytest.param(45, marks=pytest.mark.long, id="long")])
def test_an_upload_outlasts_a_locked_store(ledger: Ledger, reference: Reference, tmp_path: Path, seconds: int) -> None:
    """An upload that is accepted while the document store is locked is searched later; predictions do not wait."""
    body = shot_bodies(reference)[0]
    with ledger.scenario("locked store", f"another process locks the document store for {seconds} s") as tally, \
            served(tmp_path / "home") as opened, \
            closing(sqlite3.connect(opened.home / "knowledge.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        tally.injections += 1
        answer = upload(opened.api, "locked.pdf", marked("locked"))
        assert answer.status == 200, answer
        with Load(lambda _: call(opened.api, "/health"), 1, pause_s=0.1) as health, \
                Load(lambda _: call(opened.api, "/predict", body), 1, pause_s=0.1) as predictors, \
                Load(lambda _: call(opened.api, "/rag-query", QUESTION), 2, pause_s=0.5) as askers:
            assert wait_until(lambda: False, seconds) > seconds
        connection.execute("ROLLBACK")
        for answer in predictors.answers:
            tally.count(reference.judge("/predict", body, answer))
        for answer in askers.answers:
            tally.count(reference.judge("/rag-query", QUESTION, answer))
        tally.measure("/health while it was locked, P99",
                      1000 * percentile([answer.seconds for answer in health.answers], 99), "ms", MAX_HEALTH_MS)
        freed = wait_until(lambda: documents(opened.api).get("locked.pdf", {}).get("version"), MAX_LISTED_S)
        tally.count(RIGHT if freed < MAX_LISTED_S else lost("an upload that was accepted is not searched"))
        tally.measure("time from the end of the lock until the upload was searched", freed, "s", MAX_LISTED_S)


def damages(content: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Ways in which the file of the document store is damaged."""
    dice = random.Random(SEED)
    middle = len(content) // 2
    yield "noise in the middle", lambda: content[:middle] + dice.randbytes(100_000) + content[middle + 100_000:]
    yield "cut in half", lambda: content[:middle]
    yield "empty", lambda: b""
    yield "another file", lambda: b"no database at all" * 1000
    yield "zeros in the head", lambda: bytes(4096) + content[4096:]
    yield "zeros at the end", lambda: content[:-50_000] + bytes(50_000)


@only_long(6)
def test_a_damaged_store_is_rebuilt(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """The next start answers as before, and what had been uploaded is searched."""
    home = tmp_path / "home"
    with ledger.scenario("damaged store", "the document store's file is damaged before a start: noise, cut, empty, "
                                          "another file, zeros") as tally:
        with served(home) as opened:
            upload_and_find(opened, "mine.pdf", tally)
        intact = (home / "knowledge.sqlite").read_bytes()
        for _, damaged in list(damages(intact))[:times]:
            for path in home.glob("knowledge.sqlite*"):
                path.unlink()
            (home / "knowledge.sqlite").write_bytes(damaged())
            tally.injections += 1
            with served(home) as opened:
                listed = wait_until(lambda: documents(opened.api).get("mine.pdf", {}).get("version"), 60) < 60
                tally.count(RIGHT if listed else lost("an upload is not searched after the store was damaged"))
                wait_until(lambda: len(documents(opened.api)) >= 5, 60)
                ask_everything(opened, reference, tally, degraded=False)
