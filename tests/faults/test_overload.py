"""More clients than the stack can serve, slow connections, and the end of the process under load."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sizes import sizes

from .client import Answer, Load, call, percentile
from .harness import RIGHT, Ledger, wrong
from .judge import Reference, judge_shed
from .stacks import served

PREDICTORS, DIAGNOSERS = 48, 24
MAX_HEALTH_MS, MAX_PREDICT_MS, MAX_END_S = 100, 1000, 15
DESCRIPTORS, SLOW_CONNECTIONS, LEAVING = 256, 300, 200
MAX_DIAGNOSIS_S = 8  # the queue of diagnoses is about three seconds long


def sender(api: str, path: str, reference: Reference, seconds: float = 60) -> Callable[[int], Answer]:
    """Sends the shots one after another; every answer knows its question."""
    bodies = [json.dumps({"features": shot}).encode() for shot in reference.shots]
    for body in bodies:
        reference.reply(path, body)
    return lambda number: call(api, path, bodies[number % len(bodies)], seconds=seconds,
                               question=(path, bodies[number % len(bodies)]))


def probe(api: str, seconds: float) -> tuple[list[float], list[float]]:
    """How long /health took, in seconds, asked ten times a second by a process that does nothing else.

    The second list is how late that process was woken after each pause: what the machine itself adds.
    """
    code = ("import json, sys, time; from faults.client import call\n"
            "end, times, late = time.monotonic() + float(sys.argv[2]), [], []\n"
            "while time.monotonic() < end:\n"
            "    answer = call(sys.argv[1], '/health')\n"
            "    times.append(answer.seconds if answer.status == 200 else float('inf'))\n"
            "    started = time.monotonic(); time.sleep(0.1); late.append(time.monotonic() - started - 0.1)\n"
            "print(json.dumps([times, late]))")
    process = subprocess.run([sys.executable, "-c", code, api, str(seconds)], cwd=Path(__file__).parents[1], text=True,
                             capture_output=True, check=True)
    times, late = json.loads(process.stdout)
    return times, late


@sizes(short=4, long=30, alone=True)
def test_overload_is_shed(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """48 clients of /predict and 24 of /diagnose: /health stays fast, predictions too, and the rest is told to wait."""
    with ledger.scenario("overload", f"{PREDICTORS} clients of /predict and {DIAGNOSERS} of /diagnose without a pause, "
                                     f"for {times} s") as tally, served(tmp_path / "home") as opened:
        predictors = Load(sender(opened.api, "/predict", reference), PREDICTORS)
        diagnosers = Load(sender(opened.api, "/diagnose", reference), DIAGNOSERS)
        with predictors, diagnosers:
            health_s, late_s = probe(opened.api, times)
        tally.injections = PREDICTORS + DIAGNOSERS
        for answer in (*predictors.answers, *diagnosers.answers):
            tally.count(reference.judge(*answer.question, answer))
        slack = 1 if times >= 30 else 2  # a short run has few requests, and is no measurement
        tally.measure("/health, P99, at a client in a process of its own", 1000 * percentile(health_s, 99), "ms",
                      slack * MAX_HEALTH_MS)
        tally.measure("of that the machine's own lag: that client woken too late, P99", 1000 * percentile(late_s, 99),
                      "ms")
        tally.measure("/predict, P99 of the accepted, at the client", 1000 * p99(predictors.answers), "ms",
                      slack * MAX_PREDICT_MS)
        for path, load in (("/predict", predictors), ("/diagnose", diagnosers)):
            accepted = sum(answer.status == 200 for answer in load.answers)
            tally.measure(f"{path}, accepted", accepted / times, "a second")
        assert len(health_s) >= times, "too few to speak of"


def p99(answers: list[Answer]) -> float:
    """The P99 of the successful answers, in seconds."""
    return percentile([answer.seconds for answer in answers if answer.status == 200], 99)


@contextmanager
def slow_connections(api: str, count: int) -> Iterator[list[socket.socket]]:
    """Connections that send nothing, half a request line, half a head or half a body, and then wait."""
    address = urllib.parse.urlsplit(api)
    beginnings = (b"", b"POST /pred", b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n",
                  b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{",
                  b"PUT /uploads/slow.pdf HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n\r\n%PDF")
    with ExitStack() as sockets:
        opened = []
        for number in range(count):
            connection = sockets.enter_context(socket.socket())
            connection.settimeout(2)
            try:
                connection.connect((address.hostname, address.port))
                connection.sendall(beginnings[number % len(beginnings)])
            except OSError:  # refused is as good as waiting: it is no place for others
                continue
            opened.append(connection)
        yield opened


@sizes(short=3, long=30, alone=True)
def test_slow_connections_keep_nobody_out(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """With 300 of them and 256 descriptors, every other client is served."""
    fault = (f"{SLOW_CONNECTIONS} connections that stop in the middle of a request, with a limit of {DESCRIPTORS} "
             f"descriptors, for {times} s")
    with ledger.scenario("slow connections", fault) as tally, \
            served(tmp_path / "home", descriptors=DESCRIPTORS) as opened:
        send = sender(opened.api, "/predict", reference, seconds=10)
        with slow_connections(opened.api, SLOW_CONNECTIONS) as connections:
            tally.injections = len(connections)
            assert len(connections) > DESCRIPTORS / 2
            with Load(send, 2, pause_s=0.1) as load:
                time.sleep(times)
        for answer in load.answers:
            tally.count(reference.judge(*answer.question, answer))
        tally.measure("/predict beside them, P99", 1000 * p99(load.answers), "ms", MAX_PREDICT_MS)


def leave(api: str, path: str, body: bytes) -> None:
    """Send a request and hang up without waiting for its answer."""
    address = urllib.parse.urlsplit(api)
    with socket.create_connection((address.hostname, address.port), 5) as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
                           % (path.encode(), len(body), body))


@sizes(short=1, long=10, alone=True)
def test_clients_that_left_cost_nobody_else(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """Right after 200 clients have asked for a diagnosis and left, one that stays gets its own within seconds."""
    with ledger.scenario("clients that leave", f"{LEAVING} clients send /diagnose and hang up") as tally, \
            served(tmp_path / "home") as opened:
        send = sender(opened.api, "/diagnose", reference)
        seconds = []
        for number in range(times):
            body = send(number).question[1]
            for _ in range(LEAVING):
                leave(opened.api, "/diagnose", body)
            tally.injections += LEAVING
            started = time.monotonic()
            while (answer := send(number)).status == 503 and time.monotonic() - started < MAX_DIAGNOSIS_S:
                tally.count(reference.judge(*answer.question, answer))
                time.sleep(float(answer.headers.get("retry-after", 0)))
            tally.count(reference.judge(*answer.question, answer))
            seconds.append(time.monotonic() - started)
        tally.measure("until a client that stays has its diagnosis, longest", max(seconds), "s", MAX_DIAGNOSIS_S)


@sizes(short=1, long=5, alone=True)
def test_sigterm_under_load_answers_everybody(ledger: Ledger, reference: Reference, tmp_path: Path,
                                              times: int) -> None:
    """What was sent before gets its answer or a 503, and the process ends in time with status 0.

    A connection that is opened after the signal may be refused: its client knows that nothing was done.
    """
    with ledger.scenario("end under load", "SIGTERM while 8 clients of /predict and 8 of /diagnose ask") as tally:
        for number in range(times):
            with served(tmp_path / f"home {number}") as opened:
                predictors = Load(sender(opened.api, "/predict", reference), 8)
                diagnosers = Load(sender(opened.api, "/diagnose", reference), 8)
                with predictors, diagnosers:
                    time.sleep(2)
                    signalled = time.perf_counter()
                    opened.process.terminate()
                    try:
                        status = opened.process.wait(MAX_END_S)
                    except subprocess.TimeoutExpired:
                        status = -1
                    seconds = time.perf_counter() - signalled
                tally.injections += 1
                tally.count(RIGHT if status == 0 else wrong(f"the process ended with {status}"))
                tally.measure(f"end number {number + 1}: time until the process was gone", seconds, "s", MAX_END_S)
                for answer in (*predictors.answers, *diagnosers.answers):
                    if answer.status or answer.started < signalled:
                        verdict = reference.judge(*answer.question, answer)
                        age = f", sent {signalled - answer.started:.2f} s before the signal"
                        tally.count(replace(verdict, flaw=verdict.flaw and verdict.flaw + age))


@pytest.mark.slow
def test_a_plain_500_is_seen(reference: Reference) -> None:
    """A 500, a 503 without Retry-After, and a broken connection are neither right nor degraded."""
    problem = {"type": "about:blank", "title": "Busy", "status": 503, "code": "too_many_requests", "detail": "Later."}
    headers = {"content-type": "application/problem+json"}
    verdicts = Counter(judge_shed(answer).outcome for answer in (
        Answer(503, {**headers, "retry-after": "1"}, json.dumps(problem).encode()),
        Answer(503, headers, json.dumps(problem).encode()), Answer(500, {}, b"Internal Server Error"), Answer(0)))
    assert verdicts == {"degraded": 1, "wrong": 2, "lost": 1}
