"""Run the steps of the smoke test, each with its check."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from frontend.client import ApiError, Client, Unsigned
from frontend.signing import LOOPBACK
from shotwise_tools.smoke.answers import StreamedAnswer, answer_flaw, ask, diagnosis_flaw, stream_flaw
from shotwise_tools.smoke.document import FACT_PAGE, PAGE_COUNT, ProbeDocument
from shotwise_tools.smoke.logs import Logs, LogsError

MAX_WAIT = 180.0  # seconds, until a document is read, or until it is no longer found
POLL_EVERY = 2.0  # seconds
MAX_LINES = 3  # log lines with errors that are printed
FORBIDDEN = 403


class CheckFailed(Exception):
    """A check failed; the message says what the deployment did wrong."""


class SmokeTest:
    """One run of the smoke test.

    Parameters
    ----------
    client : Client
        Calls the deployment.
    document : ProbeDocument
        The document to upload.
    logs : Logs or None
        The logs of the deployment, if they are to be checked.
    report : callable
        Called with each line of output.
    max_wait : float
        Seconds to wait at most for a change to become visible.
    poll_every : float
        Seconds between two checks for the change.
    """

    def __init__(self, client: Client, document: ProbeDocument, logs: Logs | None, report: Callable[[str], None], *,
                 max_wait: float = MAX_WAIT, poll_every: float = POLL_EVERY) -> None:
        self._client, self._document, self._logs, self._report = client, document, logs, report
        self._max_wait, self._poll_every = max_wait, poll_every
        self._may_be_stored = False  # the document, which then has to be removed
        self._chart_url = ""

    def run(self) -> int:
        """Run the steps until one fails, then check the logs; return the exit status.

        Raises Unsigned if the API requires signatures and there are no credentials.
        """
        started = time.monotonic()
        steps = (("api", self._check_api), ("closed", self._check_closed), ("upload", self._upload),
                 ("read", self._check_read), ("ask", self._check_answer), ("open", self._check_file),
                 ("diagnose", self._check_diagnosis), ("chart", self._check_chart), ("remove", self._remove))
        try:
            passed = all(self._run_step(name, step) for name, step in steps)
        finally:
            self._clean_up()
        if self._logs:
            passed = self._run_step("logs", self._check_logs) and passed
        else:
            self._report("smoke: logs      not checked: no --logs")
        self._report(f"smoke: {'passed' if passed else 'FAILED'} after {time.monotonic() - started:.1f} s")
        return 0 if passed else 1

    def _run_step(self, name: str, step: Callable[[], str]) -> bool:
        """Run a step, report its outcome, and return whether it passed."""
        started, passed = time.monotonic(), True
        try:
            outcome = step()
        except Unsigned:
            raise
        except (CheckFailed, ApiError, LogsError, KeyError, TypeError) as error:
            outcome, passed = f"FAILED: {_describe(error)}", False
        self._report(f"smoke: {name:9} {time.monotonic() - started:5.1f} s  {outcome}")
        return passed

    def _check_api(self) -> str:
        return f"{self._client.base_url} serves the model {self._client.model()['version']}"

    def _check_closed(self) -> str:
        """Check that the API refuses unsigned requests, which could remove documents. A separate stream may be open."""
        statuses = self._client.unsigned_statuses()
        let_in = {url: status for url, status in statuses if status != FORBIDDEN}
        for url, status in let_in.items():
            if url.startswith(self._client.base_url):
                raise CheckFailed(f"an unsigned request is not refused: {url} answers {status}")
        if not statuses:
            if urlsplit(self._client.base_url).hostname not in LOOPBACK:
                raise CheckFailed(f"{self._client.base_url} answers without a signature; if it is a custom domain of "
                                  "the API, set SHOTWISE_SIGN_REGION, so that requests to it are signed")
            return "an API on this machine requires no signatures"
        return "unsigned requests are refused" + "".join(f"; anybody may ask {url}" for url in let_in)

    def _upload(self) -> str:
        self._may_be_stored = True  # even if the upload breaks off
        name = self._client.upload(self._document.name, BytesIO(self._document.content))
        return f"{name}, {len(self._document.content)} bytes"

    def _check_read(self) -> str:
        listing = self._wait_for(self._listing_once_read, "the list does not show the document")
        if listing["failure"]:
            raise CheckFailed(f"the document could not be read: {listing['failure']}")
        if listing["pages"] != PAGE_COUNT:
            raise CheckFailed(f"the document has {listing['pages']} pages in the list, not {PAGE_COUNT}")
        return f"listed with {listing['pages']} pages, {listing['passages']} passages"

    def _check_answer(self) -> str:
        """Ask until the document is found, because the index may have it later than the list."""
        end = time.monotonic() + self._max_wait
        while True:
            answer = self._ask()
            flaw = answer_flaw(answer.reply, self._document)
            if flaw is None:
                break
            if time.monotonic() > end:
                raise CheckFailed(flaw)
            time.sleep(self._poll_every)
        if flaw := stream_flaw(answer):
            raise CheckFailed(flaw)
        return (f"grounded, cites {self._document.name} page {FACT_PAGE}; first word after "
                f"{1000 * (answer.first_s or 0):.0f} ms, all after {1000 * answer.total_s:.0f} ms, {answer.events} "
                f"events, by {answer.reply['generator']}")

    def _check_file(self) -> str:
        content = self._client.document(self._document.name)
        if content != self._document.content:
            raise CheckFailed(f"not the file that was uploaded: {len(content)} bytes, {content[:20]!r} …")
        return "the file that was uploaded"

    def _check_diagnosis(self) -> str:
        samples = self._client.samples()
        if not samples:
            raise CheckFailed("there are no sample shots")
        diagnosis = self._client.diagnose({"features": samples[0]["features"], "always": ["importance", "knowledge"],
                                           "language": "en"})
        if flaw := diagnosis_flaw(diagnosis):
            raise CheckFailed(flaw)
        self._chart_url = diagnosis["importance"]["visualization_url"]
        prediction = diagnosis["prediction"]["prediction"]
        return f"{prediction['class']}, probability {prediction['probability']:.3f}, with values and documents"

    def _check_chart(self) -> str:
        chart = self._client.chart(self._chart_url)
        if not chart.startswith(b"\x89PNG"):
            raise CheckFailed(f"{self._chart_url} is no PNG: {chart[:20]!r} …")
        return f"a PNG of {len(chart)} bytes"

    def _remove(self) -> str:
        self._client.remove(self._document.name)
        self._may_be_stored = False
        self._wait_for(lambda: self._listing() is None or None, "the list still shows the document")
        self._wait_for(lambda: self._is_uncited() or None, "an answer still cites the document")
        return "neither listed nor cited any more"

    def _check_logs(self) -> str:
        errors = self._logs.errors() if self._logs else []
        if errors:
            lines = "".join(f"\n    {line[:400]}" for line in errors[:MAX_LINES])
            raise CheckFailed(f"{len(errors)} lines report an error{lines}")
        return "no error"

    def _ask(self) -> StreamedAnswer:
        return ask(self._client, {"query": self._document.question, "language": "en"})

    def _listing(self) -> dict[str, Any] | None:
        """The entry of our document in the list of documents; None if it has none."""
        return next((listing for listing in self._client.documents() if listing["name"] == self._document.name), None)

    def _listing_once_read(self) -> dict[str, Any] | None:
        """The entry of our document, once it was read or could not be read; None before."""
        listing = self._listing()
        return listing if listing and (listing["version"] or listing["failure"]) else None

    def _is_uncited(self) -> bool:
        return not any(self._document.is_cited_by(source) for source in self._ask().reply["sources"])

    def _wait_for(self, check: Callable[[], Any], timeout_message: str) -> Any:
        """Call `check` until it returns something other than None, and return that. Raises CheckFailed at the end."""
        end = time.monotonic() + self._max_wait
        while (outcome := check()) is None:
            if time.monotonic() > end:
                raise CheckFailed(f"{timeout_message} after {self._max_wait:.0f} s")
            time.sleep(self._poll_every)
        return outcome

    def _clean_up(self) -> None:
        """Remove the document if a failed run has left it."""
        if not self._may_be_stored:
            return
        try:
            self._client.remove(self._document.name)
            self._report(f"smoke: {self._document.name} is removed")
        except ApiError as error:
            if error.status != 404 and not isinstance(error, Unsigned):
                self._report(f"smoke: {self._document.name} may still be stored: {_describe(error)}")


def _describe(error: Exception) -> str:
    """Describe an error, in the API's own words if it answered."""
    if isinstance(error, ApiError):
        return f"{error} (status {error.status})" if error.status else "no answer, or it broke off"
    return f"an answer violates the contract: {error!r}" if isinstance(error, KeyError | TypeError) \
        else str(error)
