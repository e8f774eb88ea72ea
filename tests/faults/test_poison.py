"""PDFs that take minutes or gigabytes to read: they delay no start and no other document, and memory is bounded."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sizes import sizes
from unit.knowledge.poison_pdfs import (
    save_annotations,
    save_deep_page_tree,
    save_drawing_bomb,
    save_image_bomb,
    save_looping_page,
    save_looping_page_tree,
    save_nested_forms,
    save_patterns,
    save_text_bomb,
)

from shotwise.limits import MAX_READER_BYTES, QUICK_READERS

from .client import Load, call, percentile
from .harness import RIGHT, Ledger, Tally, Verdict, lost, wrong
from .judge import Reference
from .pdfs import marked
from .stacks import PeakMemory, documents, served, tree_memory_mb, upload, wait_until

POISON_DOCUMENTS, POISON_PAGES = 25, 25
MAX_DELAY_S, MAX_GOOD_S, MAX_TOLD_S = 3, 10, 600
STACK_MB = 700  # of the process that serves
MAX_MEMORY_MB = STACK_MB + (QUICK_READERS + 1) * MAX_READER_BYTES // 2**20  # one more reader is patient
BOMBS: dict[str, Callable[[Path], Path]] = {
    "image.pdf": save_image_bomb, "text.pdf": lambda path: save_text_bomb(path, 60),
    "drawing.pdf": save_drawing_bomb, "patterns.pdf": save_patterns,
    "annotations.pdf": save_annotations, "deep tree.pdf": save_deep_page_tree,
    "looping tree.pdf": save_looping_page_tree, "looping page.pdf": save_looping_page,
    "nested forms.pdf": lambda path: save_nested_forms(path, [None, "bar"])}


def poisoned_home(home: Path) -> Path:
    """A home with a document of 25 poisonous pages and 25 documents of one."""
    folder = home / "documents"
    folder.mkdir(parents=True)
    save_nested_forms(folder / "pages.pdf", [None] * POISON_PAGES)
    for number in range(POISON_DOCUMENTS):
        save_nested_forms(folder / f"poison {number}.pdf", [None])
    return home


def judge_prediction(reference: Reference, api: str) -> Verdict:
    """A prediction is the undisturbed one."""
    body = json.dumps({"features": reference.shots[0]}).encode()
    return reference.judge("/predict", body, call(api, "/predict", body))


@sizes(short=1, long=4)
def test_poison_does_not_delay_a_start(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """With 25 poisonous documents and 25 poisonous pages a stack is ready at most 3 s later than without."""
    poisoned, clean = poisoned_home(tmp_path / "poisoned"), tmp_path / "clean"
    ready_s: dict[Path, list[float]] = {poisoned: [], clean: []}
    fault = f"{POISON_DOCUMENTS} poisonous PDFs and one of {POISON_PAGES} poisonous pages in the folder at the start"
    with ledger.scenario("start beside poison", fault) as tally:
        for number in range(times):
            for home in (poisoned, clean) if number % 2 else (clean, poisoned):
                started = time.monotonic()
                with served(home) as opened:
                    ready_s[home].append(time.monotonic() - started)
                    tally.count(judge_prediction(reference, opened.api))
            tally.injections += 1
        difference = statistics.median(ready_s[poisoned]) - statistics.median(ready_s[clean])
        tally.measure("ready without poison, median", statistics.median(ready_s[clean]), "s")
        tally.measure("ready with poison, later by, median of the pairs", difference, "s", MAX_DELAY_S)


@sizes(short=1, long=5)
def test_poison_does_not_delay_a_good_document(ledger: Ledger, reference: Reference, tmp_path: Path,
                                               times: int) -> None:
    """A document that is uploaded right after three poisonous ones is searched within seconds."""
    poison = save_nested_forms(tmp_path / "poison.pdf", [None] * 3).read_bytes()
    seconds = []
    with ledger.scenario("upload beside poison", "three poisonous PDFs are uploaded right before a good one") as tally:
        for number in range(times):
            with served(tmp_path / f"home{number}") as opened:
                for count in range(3):
                    assert upload(opened.api, f"poison{count}.pdf", poison).status == 200
                tally.injections += 1
                assert upload(opened.api, "good.pdf", marked("good")).status == 200
                seconds.append(wait_until(lambda: documents(opened.api).get("good.pdf", {}).get("version"), 120))
                tally.count(RIGHT if seconds[-1] < 120 else lost("a good document is not searched"))
                tally.count(judge_prediction(reference, opened.api))
        tally.measure("until the good document was searched, longest", max(seconds), "s", MAX_GOOD_S)


@pytest.mark.parametrize("names", [
    pytest.param(("image.pdf", "looping tree.pdf"), marks=pytest.mark.slow, id="short"),
    pytest.param(tuple(BOMBS), marks=pytest.mark.long, id="long")])
def test_memory_bombs_are_named(ledger: Ledger, reference: Reference, tmp_path: Path, names: tuple[str, ...]) -> None:
    """Each is read or refused by name while predictions go on, and all memory together stays under its bound."""
    body = json.dumps({"features": reference.shots[0]}).encode()
    with ledger.scenario("memory bombs", f"PDFs that unpack to gigabytes or loop: {', '.join(names)}") as tally, \
            served(tmp_path / "home") as opened:
        with PeakMemory(opened.process.pid, tree_memory_mb) as memory, \
                Load(lambda _: call(opened.api, "/predict", body), 1, pause_s=0.2) as predictors:
            for name in names:
                content = BOMBS[name](tmp_path / name).read_bytes()
                assert upload(opened.api, name, content).status == 200
                tally.injections += 1
            wait_until(lambda: set(names) <= set(told(opened.api)), MAX_TOLD_S)
        for verdict in verdicts(names, told(opened.api)):
            tally.count(verdict)
        for answer in predictors.answers:
            tally.count(reference.judge("/predict", body, answer))
        tally.measure("memory of all processes together, highest", memory.mb, "MB", MAX_MEMORY_MB)
        tally.measure("/predict beside it, P99", 1000 * percentile([a.seconds for a in predictors.answers], 99), "ms")
        _show(tally, told(opened.api))


def told(api: str) -> dict[str, str]:
    """Documents that are searched, or whose failure is listed: name → what is told of them."""
    return {name: entry["failure"] or "searched" for name, entry in documents(api).items()
            if entry["failure"] or entry["version"]}


def verdicts(names: tuple[str, ...], entries: dict[str, str]) -> Iterator[Verdict]:
    """Each document is read, or refused in a sentence that begins with its name."""
    for name in names:
        text = entries.get(name, "")
        if not text:
            yield lost(f"nothing is told of {name}")
        else:
            yield RIGHT if text == "searched" or text.startswith(f"{name}: ") else wrong(f"{name} is refused as {text}")


def _show(tally: Tally, entries: dict[str, str]) -> None:
    """Print what became of each, for the reader of the log."""
    print(f"\n{tally.name}", *(f"  {text}" for text in entries.values() if text != "searched"), sep="\n")
