"""The smoke test of a deployment: a document goes in, is found, is cited in a streamed answer, and goes out again.

    python src/shotwise_tools/smoke/__main__.py --url URL [--stream-url URL] [--logs FILE|cloudwatch:GROUP] [--wait SECONDS]

It asks through the page's own client, signs as the page does, and says a line a step. Exit status 0: all is well, 1: a
check failed, 2: bad input (no such log, no credentials, …). Its document is removed in any case.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError

from frontend.client import ApiError, Client, Unsigned
from frontend.signing import LOOPBACK, scope_of
from shotwise_tools.smoke.answers import answer_flaw, diagnosis_flaw, hear, stream_flaw
from shotwise_tools.smoke.document import PAGE, PAGES, Probe, probe
from shotwise_tools.smoke.logs import FileLogs, GroupLogs, Logs, LogsError

GROUP = "cloudwatch:"
WAIT, LOOK_EVERY = 180.0, 2.0  # seconds: for a document to be read, or forgotten; between looks
SHOWN = 3  # lines of errors
FORBIDDEN = 403
Say = Callable[[str], None]


class BadInput(Exception):
    """What was asked for cannot be done."""


class Failed(Exception):
    """A check failed; the message says what was seen."""


class Smoke:
    """One run. wait: the most seconds for what follows later; pause: between looks."""

    def __init__(self, client: Client, probe: Probe, logs: Logs | None, say: Say, *, wait: float = WAIT,
                 pause: float = LOOK_EVERY) -> None:
        self._client, self._probe, self._logs, self._say = client, probe, logs, say
        self._wait, self._pause = wait, pause
        self._there = False  # our document, as far as we know
        self._chart = ""

    def run(self) -> int:
        """All steps, or those up to the first that fails, and the logs. Raises Unsigned where nothing can be asked."""
        started = time.monotonic()
        steps = (("api", self._api), ("closed", self._closed), ("upload", self._upload), ("read", self._read),
                 ("ask", self._ask), ("open", self._open), ("diagnose", self._diagnose), ("chart", self._draw),
                 ("remove", self._remove))
        try:
            well = all(self._step(name, step) for name, step in steps)
        finally:
            self._tidy()
        if self._logs:
            well = self._step("logs", self._look) and well
        else:
            self._say("smoke: logs      not looked at: no --logs")
        self._say(f"smoke: {'passed' if well else 'FAILED'} after {time.monotonic() - started:.1f} s")
        return 0 if well else 1

    def _step(self, name: str, step: Callable[[], str]) -> bool:
        """Run a step and say what came of it; whether it went well."""
        started, well = time.monotonic(), True
        try:
            seen = step()
        except Unsigned:
            raise
        except (Failed, ApiError, LogsError, KeyError, TypeError) as error:
            seen, well = f"FAILED: {_told(error)}", False
        self._say(f"smoke: {name:9} {time.monotonic() - started:5.1f} s  {seen}")
        return well

    def _api(self) -> str:
        return f"{self._client.base_url} serves the model {self._client.model()['version']}"

    def _closed(self) -> str:
        """Whoever may call without a signature may remove every document. A stream of its own may be open by choice."""
        heard = self._client.strangers()
        let_in = {url: status for url, status in heard if status != FORBIDDEN}
        for url, status in let_in.items():
            if url.startswith(self._client.base_url):
                raise Failed(f"an unsigned request is not refused: {url} answers {status}")
        if not heard:
            if urlsplit(self._client.base_url).hostname not in LOOPBACK:
                raise Failed(f"{self._client.base_url} answers without a signature; if it is a name of the API's own, "
                             "set SHOTWISE_SIGN_REGION to have it asked with one")
            return "this machine asks for no signatures"
        return "unsigned requests are refused" + "".join(f"; anybody may ask {url}" for url in let_in)

    def _upload(self) -> str:
        self._there = True  # from now on: an upload that broke off may have arrived
        name = self._client.upload(self._probe.name, BytesIO(self._probe.content))
        return f"{name}, {len(self._probe.content)} bytes"

    def _read(self) -> str:
        entry = self._until(lambda: _searched(self._entry()), "the list does not show the document")
        if entry["failure"]:
            raise Failed(f"the document could not be read: {entry['failure']}")
        if entry["pages"] != PAGES:
            raise Failed(f"the document has {entry['pages']} pages in the list, not {PAGES}")
        return f"listed with {entry['pages']} pages, {entry['passages']} passages"

    def _ask(self) -> str:
        """Again and again, because an index may show a document some time after the list does."""
        end = time.monotonic() + self._wait
        while True:
            heard = hear(self._client, {"query": self._probe.question, "language": "en"})
            flaw = answer_flaw(heard.reply, self._probe)
            if flaw is None:
                break
            if time.monotonic() > end:
                raise Failed(flaw)
            time.sleep(self._pause)
        if flaw := stream_flaw(heard):
            raise Failed(flaw)
        return (f"grounded, cites {self._probe.name} page {PAGE}; first word after {heard.first_s * 1000:.0f} ms, all "
                f"after {heard.whole_s * 1000:.0f} ms, {heard.events} events, by {heard.reply['generator']}")

    def _open(self) -> str:
        found = self._client.document(self._probe.name)
        if found != self._probe.content:
            raise Failed(f"another file than was sent: {len(found)} bytes, {found[:20]!r} …")
        return "the same file as was sent"

    def _diagnose(self) -> str:
        samples = self._client.samples()
        if not samples:
            raise Failed("there are no sample shots")
        found = self._client.diagnose({"features": samples[0]["features"], "always": ["importance", "knowledge"],
                                       "language": "en"})
        if flaw := diagnosis_flaw(found):
            raise Failed(flaw)
        self._chart = found["importance"]["visualization_url"]
        verdict = found["prediction"]["prediction"]
        return f"{verdict['class']}, probability {verdict['probability']:.3f}, with values and documents"

    def _draw(self) -> str:
        found = self._client.chart(self._chart)
        if not found.startswith(b"\x89PNG"):
            raise Failed(f"{self._chart} is no PNG: {found[:20]!r} …")
        return f"a PNG of {len(found)} bytes"

    def _remove(self) -> str:
        self._client.remove(self._probe.name)
        self._there = False
        self._until(lambda: self._entry() is None or None, "the list still shows the document")
        self._until(lambda: self._forgotten() or None, "an answer still cites the document")
        return "neither listed nor cited any more"

    def _look(self) -> str:
        errors = self._logs.errors() if self._logs else []
        if errors:
            shown = "".join(f"\n    {line[:400]}" for line in errors[:SHOWN])
            raise Failed(f"{len(errors)} lines tell of an error{shown}")
        return "no error"

    def _entry(self) -> dict[str, Any] | None:
        return next((one for one in self._client.documents() if one["name"] == self._probe.name), None)

    def _forgotten(self) -> bool:
        reply = hear(self._client, {"query": self._probe.question, "language": "en"}).reply
        return not any(self._probe.cited_by(source) for source in reply["sources"])

    def _until(self, look: Callable[[], Any], otherwise: str) -> Any:
        """What `look` finds, as soon as that is not None. Raises Failed when it has taken too long."""
        end = time.monotonic() + self._wait
        while (found := look()) is None:
            if time.monotonic() > end:
                raise Failed(f"{otherwise} after {self._wait:.0f} s")
            time.sleep(self._pause)
        return found

    def _tidy(self) -> None:
        """Remove what a run that failed has left."""
        if not self._there:
            return
        try:
            self._client.remove(self._probe.name)
            self._say(f"smoke: {self._probe.name} is removed")
        except ApiError as error:
            if error.status != 404 and not isinstance(error, Unsigned):
                self._say(f"smoke: {self._probe.name} may be there still: {_told(error)}")


def _searched(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    """A document as listed, once it was read, well or badly."""
    return entry if entry and (entry["version"] or entry["failure"]) else None


def _told(error: Exception) -> str:
    """What went wrong, as far as the API or the error tells."""
    if isinstance(error, ApiError):
        return f"{error} (status {error.status})" if error.status else "no answer came, or it broke off"
    return f"an answer lacks what the contract promises: {error!r}" if isinstance(error, KeyError | TypeError) \
        else str(error)


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run the smoke test and return the exit status."""
    options = _parser().parse_args(arguments)
    region = environ.get("SHOTWISE_SIGN_REGION", "")
    try:
        for url in (options.url, options.stream_url or options.url):
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                raise BadInput(f"{url!r} is not the address of an API: it has to begin with http:// or https://")
        logs = _logs(options.logs, _region(options.url, region)) if options.logs else None
        client = Client(options.url, options.stream_url, region)
        return Smoke(client, probe(random.SystemRandom()), logs, _say, wait=options.wait).run()
    except (BadInput, LogsError, Unsigned) as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _logs(where: str, region: str | None) -> Logs:
    """Raises LogsError."""
    if not where.startswith(GROUP):
        return FileLogs(Path(where))
    try:
        client = botocore.session.Session().create_client("logs", region_name=region)
    except BotoCoreError as error:
        raise LogsError(f"{where} cannot be read: {error}") from error
    return GroupLogs(client, where.removeprefix(GROUP))


def _region(url: str, region: str) -> str | None:
    """The API's; elsewhere the environment says it."""
    scope = scope_of(url, region)
    return scope.region if scope else None


def _say(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m shotwise_tools.smoke",
                                     description="Try a deployment out; exit 1 if a check fails.")
    parser.add_argument("--url", required=True, help="the API, without a path but the stage's")
    parser.add_argument("--stream-url", default="", help="where questions are answered as a stream, if elsewhere")
    parser.add_argument("--logs", default="", help=f"a log file, or {GROUP}GROUP: look for errors there")
    parser.add_argument("--wait", type=float, default=WAIT,
                        help="the most seconds to wait for a document (default: %(default)g)")
    return parser


if __name__ == "__main__":
    # A run that is told to end removes its document, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
