"""Ask a stack over HTTP, and keep everything about the answer: status, headers, body, time, and a broken connection."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What came back for one request.

    Attributes
    ----------
    status : int
        0 if the connection broke before there was a whole answer.
    headers : mapping
        Name in lower case → value.
    body : bytes
        As received.
    seconds : float
        From connecting until the last byte.
    error : str
        How the connection broke.
    question : Any
        What the asker wants to remember.
    started : float
        When the connection was opened, on the clock of `time.perf_counter`.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""
    question: Any = None
    started: float = 0.0

    @property
    def content_type(self) -> str:
        """The media type without parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip()

    def json(self) -> Any:
        """The body as JSON; of a stream, what its last event holds."""
        if self.content_type == "text/event-stream":
            return json.loads(self.body.decode("utf-8").strip().rsplit("data: ", 1)[-1])
        return json.loads(self.body)


def call(api: str, path: str, body: bytes | None = None, *, method: str = "", headers: Mapping[str, str] = JSON,
         seconds: float = 60, question: Any = None) -> Answer:
    """Send one request on a connection of its own. Nothing is raised: a broken connection is an answer too."""
    address = urllib.parse.urlsplit(api)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=seconds)
    started = time.perf_counter()
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, dict(headers))
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, seconds=time.perf_counter() - started, error=f"{type(error).__name__}: {error}",
                      question=question, started=started)
    finally:
        connection.close()
    names = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, names, content, time.perf_counter() - started, question=question, started=started)


def many(send: Callable[[Any], Answer], questions: Sequence[Any], clients: int) -> Iterator[Answer]:
    """Send all questions, by so many clients at a time."""
    with ThreadPoolExecutor(clients) as pool:
        yield from pool.map(send, questions)


class Load:
    """Clients that send requests one after another until the load is lifted.

    Parameters
    ----------
    send : callable
        Takes a running number and returns an Answer.
    clients : int
        How many send at a time.
    pause_s : float
        Pause of a client between two requests.
    """

    def __init__(self, send: Callable[[int], Answer], clients: int, pause_s: float = 0.0) -> None:
        self.answers: list[Answer] = []
        self._send, self._pause_s = send, pause_s
        self._numbers = itertools.count()
        self._lifted = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._lifted.set()
        for thread in self._threads:
            thread.join(90)

    def _run(self) -> None:
        while not self._lifted.is_set():
            self.answers.append(self._send(next(self._numbers)))
            self._lifted.wait(self._pause_s)


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile; infinite if there are no values, so that no limit is met by silence."""
    ordered = sorted(values)
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else float("inf")
