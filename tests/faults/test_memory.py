"""Memory of the stack over thousands of diagnoses."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from sizes import sizes

from .client import call, many
from .harness import Ledger
from .judge import Reference
from .stacks import memory_mb, own_memory_mb, served

CLIENTS, MAX_GROWTH = 4, 1.05


@sizes(short=100, long=5000, alone=True)
def test_memory_does_not_grow(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """After 5,000 diagnoses the process has at most 1.05 times the memory that it had after 500."""
    bodies = [json.dumps({"features": shot, "always": ["importance", "knowledge"]}).encode()
              for shot in reference.shots]
    step, resident, own = times // 10, [], []
    with ledger.scenario("memory", f"{times:,} diagnoses with every step, by {CLIENTS} clients") as tally, \
            served(tmp_path / "home") as opened:
        questions = itertools.cycle(bodies)
        for _ in range(10):
            for answer in many(lambda body: call(opened.api, "/diagnose", body, question=body),
                               list(itertools.islice(questions, step)), CLIENTS):
                tally.injections += 1
                tally.count(reference.judge("/diagnose", answer.question, answer))
            resident.append(memory_mb(opened.process.pid))
            own.append(own_memory_mb(opened.process.pid))
            tally.measure(f"resident memory after {step * len(own):,} diagnoses", resident[-1], "MB")
            tally.measure(f"of that without pages of files, after {step * len(own):,}", own[-1], "MB")
        # The short run is over before the caches are full; it shows that the process is measured.
        limit = MAX_GROWTH if step >= 500 else None
        tally.measure(f"resident memory at the end over that after {step:,}", resident[-1] / resident[0], "", limit)
        tally.measure(f"memory without pages of files at the end over that after {step:,}", own[-1] / own[0], "")
        assert own[0] > 50, "not the process of the stack"
