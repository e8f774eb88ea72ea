"""Language models that are broken, each in its own way: answers in time, right digits, bounded memory."""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from broken_models import KINDS
from slow.running import Stack

from .client import Answer, Load, call, percentile
from .harness import Ledger, Tally, wrong
from .judge import Reference
from .stacks import PeakMemory, served

TESTS = Path(__file__).parents[1]
QUESTION = "비스킷 두께가 얇으면 어떤 결함이 생기나요?"
ANSWER_SECONDS, MARGIN_S = 6, 3
WORKFLOW_S = 14  # the workflow gives the step of the documents 13 s
MAX_GROWTH_MB, MAX_RATIO = 150, 1.2
SHORT = ("silent", "error500")
ROUNDS, PREDICTIONS = 10, 200
AS_EMBEDDER = ("no_headers", "silent", "drip", "huge_json", "deep_json", "gzip_bomb", "hangup", "error500",
               "not_numbers")
SERVER = ("import sys; from broken_models import broken_model\n"
          "with broken_model(sys.argv[1]) as server:\n    print(server.url, flush=True); sys.stdin.read()")


@contextmanager
def model(kind: str) -> Iterator[str]:
    """A broken model in a process of its own, so that its work is not that of the clients; yields its URL."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, kind], cwd=TESTS, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdin is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


@contextmanager
def served_with(home: Path, kind: str, role: str) -> Iterator[Stack]:
    """A stack whose writer or embedder is broken; an empty kind is a stack without a model."""
    if not kind:
        with served(home) as opened:
            yield opened
        return
    with model(kind) as url:
        settings = {f"SHOTWISE_{role}": url, "SHOTWISE_WRITER_MODEL": "broken", "SHOTWISE_EMBEDDING_MODEL": "broken",
                    "SHOTWISE_EMBEDDING_DIMENSIONS": "8", "SHOTWISE_ANSWER_SECONDS": str(ANSWER_SECONDS)}
        with served(home, **settings) as opened:
            yield opened


def requests(reference: Reference) -> list[tuple[str, bytes, float]]:
    """Path, body and deadline of every route that asks a model."""
    text = json.dumps({"query": QUESTION}).encode()
    shot = json.dumps({"features": reference.shots[0], "question": QUESTION, "always": ["knowledge"]}).encode()
    return [("/rag-query", text, ANSWER_SECONDS + MARGIN_S), ("/query", text, ANSWER_SECONDS + MARGIN_S),
            ("/diagnose", shot, WORKFLOW_S)]


def ask_all(opened: Stack, reference: Reference, tally: Tally) -> None:
    """Ask every route at once, and count an answer after its deadline as wrong."""
    def send(request: tuple[str, bytes, float]) -> Answer:
        return call(opened.api, request[0], request[1], seconds=90, question=request)

    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(send, requests(reference)):
            path, body, deadline = answer.question
            verdict = reference.judge(path, body, answer)
            if answer.seconds > deadline and verdict.outcome != "wrong":
                verdict = wrong(f"{path}: after {answer.seconds:.0f} s, {deadline} s were due")
            tally.count(verdict)


@pytest.mark.parametrize(("role", "kinds"), [
    pytest.param("WRITER", SHORT, marks=pytest.mark.slow, id="writer-short"),
    pytest.param("WRITER", tuple(KINDS), marks=pytest.mark.long, id="writer-long"),
    pytest.param("EMBEDDER", ("error500",), marks=pytest.mark.slow, id="embedder-short"),
    pytest.param("EMBEDDER", AS_EMBEDDER, marks=pytest.mark.long, id="embedder-long")])
def test_a_broken_model_is_answered_for(ledger: Ledger, reference: Reference, tmp_path: Path, role: str,
                                        kinds: tuple[str, ...]) -> None:
    """Every route that asks it answers in time, with quotes, and says what is degraded; memory is bounded."""
    for path, body, _ in requests(reference):
        reference.reply(path, body)
    growth_mb = {}
    with ledger.scenario(f"broken {role.lower()}", f"a model that is broken in one of {len(kinds)} ways: "
                                                   f"{', '.join(kinds).replace('_', ' ')}") as tally:
        for kind in ("", *kinds):
            with served_with(tmp_path / (kind or "none"), kind, role) as opened:
                tally.injections += bool(kind)
                with PeakMemory(opened.process.pid) as memory:
                    ask_all(opened, reference, tally)
                growth_mb[kind] = memory.mb - memory.first_mb
        without = growth_mb.pop("")
        worst = max(growth_mb, key=growth_mb.__getitem__)
        tally.measure("memory that the same answers take without a model", without, "MB")
        tally.measure(f"memory beyond that, highest, with: {worst.replace('_', ' ')}", growth_mb[worst] - without,
                      "MB", MAX_GROWTH_MB)
        assert tally.outcomes["degraded"] >= len(kinds), "the model was not asked"


def predictions(api: str, reference: Reference, count: int, tally: Tally) -> list[float]:
    """The times of so many predictions one after another, in ms."""
    times = []
    for shot in itertools.islice(itertools.cycle(reference.shots), count):
        body = json.dumps({"features": shot}).encode()
        answer = call(api, "/predict", body)
        tally.count(reference.judge("/predict", body, answer))
        times.append(answer.seconds * 1000)
    return times


def asker(api: str) -> Callable[[int], Answer]:
    """Asks the documents on two routes in turn."""
    body = json.dumps({"query": QUESTION}).encode()
    return lambda number: call(api, ("/rag-query", "/query")[number % 2], body, seconds=90)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["silent", "drip", "error500", "endless_tokens"])
def test_predictions_do_not_feel_it(ledger: Ledger, reference: Reference, tmp_path: Path, kind: str) -> None:
    """P99 of /predict beside questions to a broken model is within 20 % of that beside questions without a model.

    Three stacks take turns in one sitting: one with the model and two without, whose difference is the noise.
    """
    name = f"predictions beside a writer: {kind.replace('_', ' ')}"
    fault = f"three questions at a time to a stack whose writer is broken; {ROUNDS} rounds of {PREDICTIONS} predictions"
    with ledger.scenario(name, fault) as tally, served_with(tmp_path / "with", kind, "WRITER") as broken, \
            served_with(tmp_path / "first", "", "") as first, served_with(tmp_path / "second", "", "") as second:
        rounds: dict[str, list[list[float]]] = {"with": [], "first": [], "second": []}
        for number in range(ROUNDS):
            stacks = [("with", broken), ("first", first), ("second", second)]
            for label, opened in stacks[number % 3:] + stacks[:number % 3]:
                with Load(asker(opened.api), 3, pause_s=1.0):
                    rounds[label].append(predictions(opened.api, reference, PREDICTIONS, tally))
            tally.injections += 1
        p99s = {label: [percentile(block, 99) for block in blocks] for label, blocks in rounds.items()}
        without = [statistics.mean(pair) for pair in zip(p99s["first"], p99s["second"], strict=True)]
        tally.measure("P99 without a model, median of the rounds", statistics.median(without), "ms")
        tally.measure("noise: P99 of one stack without over the other, median of the rounds",
                      statistics.median(map(_ratio, p99s["first"], p99s["second"])), "")
        tally.measure("P99 with the model over that without, median of the rounds",
                      statistics.median(map(_ratio, p99s["with"], without)), "", MAX_RATIO)


def _ratio(value: float, base: float) -> float:
    return value / base
