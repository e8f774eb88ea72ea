"""Large uploads, and uploads that are refused: they take no memory, and a refused one is told before it is sent."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from pathlib import Path

from sizes import sizes

from .client import Answer, Load, call
from .harness import RIGHT, Ledger, Verdict, lost, wrong
from .judge import Reference, judge_error
from .stacks import PeakMemory, documents, served, wait_until

MEGABYTES, PIECE = 300, bytes(1024 * 1024)
MAX_GROWTH_MB, MAX_REFUSAL_S = 60, 2
REFUSED = ("%2e%2e%2fescape.pdf", "no-suffix%2fname.pdf", "x" * 300 + ".pdf")


def send_large(api: str, path: str, megabytes: int) -> Answer:
    """PUT so many megabytes piece by piece; stops as soon as there is an answer."""
    address = urllib.parse.urlsplit(api)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    started = time.perf_counter()
    try:
        connection.putrequest("PUT", path)
        connection.putheader("Content-Length", str(megabytes * len(PIECE)))
        connection.endheaders()
        for _ in range(megabytes):
            try:
                connection.send(PIECE)
            except OSError:
                break  # it has answered already, and does not read on
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read(), time.perf_counter() - started)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, seconds=time.perf_counter() - started, error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def judge_large(answer: Answer) -> Verdict:
    """A large upload is stored."""
    if answer.status == 0:
        return lost(f"no answer: {answer.error}")
    return RIGHT if answer.status == 200 else wrong(f"{answer.status} for a large upload")


@sizes(short=1, long=4)
def test_large_uploads_take_no_memory(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """300 MB are written as they come, and what may not be stored is refused at once; predictions go on."""
    body = json.dumps({"features": reference.shots[0]}).encode()
    refusals_s = []
    with ledger.scenario("large uploads", f"uploads of {MEGABYTES} MB, also under names that no document may have") as \
            tally, served(tmp_path / "home") as opened:
        call(opened.api, "/predict", body)
        with PeakMemory(opened.process.pid) as memory, \
                Load(lambda _: call(opened.api, "/predict", body), 1, pause_s=0.2) as predictors:
            for number in range(times):
                for name in REFUSED:
                    answer = send_large(opened.api, f"/uploads/{name}", MEGABYTES)
                    refusals_s.append(answer.seconds)
                    tally.count(judge_error(answer, 400, 403, 413))
                name = f"zeros{number}.pdf"
                tally.count(judge_large(send_large(opened.api, f"/uploads/{name}", MEGABYTES)))
                listed = wait_until(lambda name=name: documents(opened.api).get(name, {}).get("failure"), 60) < 60
                tally.count(RIGHT if listed else lost("the reader says nothing of a file of zeros"))
                tally.injections += len(REFUSED) + 1
        for answer in predictors.answers:
            tally.count(reference.judge("/predict", body, answer))
        tally.measure("memory that the uploads took, highest", memory.mb - memory.first_mb, "MB", MAX_GROWTH_MB)
        tally.measure("until a refusal was told, longest", max(refusals_s), "s", MAX_REFUSAL_S)
