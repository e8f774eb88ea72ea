"""The smoke test: what it checks of a deployment, and that it reports what is wrong.

It runs as a whole against the local stack in tests/slow/test_smoke.py.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stub_api import PIXEL, Pieces, Reply, StubApi, stream

from frontend.client import ApiError, Client
from shotwise.knowledge.ingestion.parse import parse
from shotwise_tools.smoke import __main__ as smoke
from shotwise_tools.smoke.answers import ask, stream_flaw
from shotwise_tools.smoke.document import FACT_PAGE, FIRST_PAGE, make_document
from shotwise_tools.smoke.logs import FileLogs
from shotwise_tools.smoke.run import SmokeTest

DOCUMENT = make_document(random.Random(1))
ERROR = json.dumps({"level": "ERROR", "message": "failed", "service": "rag_query"})


class Deployment:
    """A deployment that works, in the place of the client; `changes` replaces methods by others."""

    base_url = "https://plant"

    def __init__(self, **changes: Callable[..., Any]) -> None:
        self.documents_by_name: dict[str, bytes] = {}
        self.calls: list[str] = []
        for name, change in changes.items():
            setattr(self, name, change)

    def model(self) -> dict[str, Any]:
        return {"version": "v1"}

    def unsigned_statuses(self) -> list[tuple[str, int]]:
        return [("https://plant/documents", 403)]

    def upload(self, name: str, content: Any) -> str:
        self.documents_by_name[name] = content.read()
        return name

    def documents(self) -> list[dict[str, Any]]:
        return [listed(name) for name in self.documents_by_name]

    def query(self, body: dict[str, Any], open_page: Any) -> Iterator[tuple[str, Any]]:
        is_stored = DOCUMENT.name in self.documents_by_name
        yield "passage", {"document": DOCUMENT.name if is_stored else "other.pdf", "page": 1}
        yield "token", {"text": DOCUMENT.fact if is_stored else "No."}
        yield "done", answer() if is_stored else answer(answer="No.", grounded=False, sources=[])

    def document(self, name: str) -> bytes:
        return self.documents_by_name[name]

    def samples(self) -> list[dict[str, Any]]:
        return [{"features": {"Shot": 1}}]

    def diagnose(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["features"] == {"Shot": 1} and body["always"] == ["importance", "knowledge"]
        return diagnosis()

    def chart(self, url: str) -> bytes:
        return PIXEL

    def remove(self, name: str) -> None:
        self.calls.append(f"remove {name}")
        if name not in self.documents_by_name:
            raise ApiError(404, {"detail": "There is no such file."})
        del self.documents_by_name[name]


def listed(name: str, **changes: Any) -> dict[str, Any]:
    """Return a document as GET /documents lists it, read well."""
    return {"name": name, "version": "1", "pages": 2, "passages": 2, "failure": None, **changes}


def answer(**changes: Any) -> dict[str, Any]:
    """Return the right answer to the question of the document."""
    source = {"document": DOCUMENT.name, "page": FACT_PAGE, "quote": DOCUMENT.fact}
    return {"answer": DOCUMENT.fact, "grounded": True, "sources": [source], "degraded": [], "generator": "extractive",
            **changes}


def diagnosis(**changes: Any) -> dict[str, Any]:
    """Return a diagnosis with all its steps."""
    return {"prediction": {"prediction": {"class": "defect", "probability": 0.9}}, "degraded": [],
            "importance": {"visualization_url": "s3://c/a.png"}, "knowledge": {"answer": "…"}, **changes}


def run_smoke_test(deployment: Deployment, logs: Any = None) -> tuple[int, list[str]]:
    """Return the exit status of a run that waits for nothing, and its output."""
    lines: list[str] = []
    smoke_test = SmokeTest(deployment, DOCUMENT, logs, lines.append, max_wait=0, poll_every=0)  # type: ignore[arg-type]
    return smoke_test.run(), lines


def test_a_deployment_that_works_passes(tmp_path: Path) -> None:
    """A line a step with its seconds, status 0, and nothing is left."""
    class Quiet:
        def errors(self) -> list[str]:
            return []

    deployment = Deployment()
    status, lines = run_smoke_test(deployment, Quiet())
    assert (status, deployment.documents_by_name, deployment.calls) == (0, {}, [f"remove {DOCUMENT.name}"])
    steps = [line.split()[1] for line in lines]
    assert steps == ["api", "closed", "upload", "read", "ask", "open", "diagnose", "chart", "remove", "logs", "passed"]
    assert all(" s  " in line for line in lines[:-1])


def answering(**changes: Any) -> Callable[..., Iterator[tuple[str, Any]]]:
    """Return a `query` that always gives this answer."""
    def query(*_: Any) -> Iterator[tuple[str, Any]]:
        reply = answer(**changes)
        yield "passage", {"document": DOCUMENT.name}
        yield "token", {"text": reply["answer"]}
        yield "done", reply

    return query


def refuse(status: int | None, detail: str = "") -> Callable[..., Any]:
    """Return a method that fails."""
    def call(*_: Any) -> Any:
        raise ApiError(status, {"detail": detail} if detail else {})

    return call


def test_an_open_stream_is_reported_and_no_failure() -> None:
    """It has an address of its own, and a parameter that opens it."""
    statuses = [("https://plant/documents", 403), ("https://stream/query", 400)]
    status, lines = run_smoke_test(Deployment(unsigned_statuses=lambda: statuses))
    assert status == 0 and any("anybody may ask https://stream/query" in line for line in lines)


FLAWS: list[tuple[str, str, Callable[..., Any], str]] = [
    ("api", "model", refuse(None), "no answer"),
    ("api", "model", refuse(403, "May not."), "May not. (status 403)"),
    ("api", "model", dict, "violates the contract"),
    ("closed", "unsigned_statuses", lambda: [("https://plant/documents", 200), ("https://plant/query", 403)],
     "not refused: https://plant/documents answers 200"),
    ("upload", "upload", refuse(403), "status 403"),
    ("read", "documents", list, "does not show the document"),
    ("read", "documents", lambda: [listed(DOCUMENT.name, version=None)], "does not show the document"),
    ("read", "documents", lambda: [listed(DOCUMENT.name, failure="a.pdf: is damaged")], "is damaged"),
    ("read", "documents", lambda: [listed(DOCUMENT.name, pages=1)], "1 pages"),
    ("ask", "query", answering(grounded=False, answer="Not in them."), "not grounded: 'Not in them.'"),
    ("ask", "query", answering(sources=[{"document": "a.pdf", "page": 2, "quote": ""}]), "cites [('a.pdf', 2)]"),
    ("ask", "query", answering(sources=[{"document": DOCUMENT.name, "page": 1, "quote": FIRST_PAGE}]), "page 2"),
    ("ask", "query", answering(sources=[{"document": DOCUMENT.name, "page": 2, "quote": FIRST_PAGE}]),
     "not the document's"),
    ("ask", "query", answering(degraded=[{"step": "embedding", "error": "KnowledgeError"}]), "degraded"),
    ("ask", "query", refuse(503, "Try again."), "Try again. (status 503)"),
    ("ask", "query", lambda *_: iter([("done", answer())]), "no token came before the end"),
    ("ask", "query", lambda *_: iter([("token", {"text": DOCUMENT.fact}), ("done", answer())]), "only 1 event"),
    ("ask", "query", lambda *_: iter([("token", {"text": "a"}), ("token", {"text": "b"}), ("done", answer())]),
     "not the answer"),
    ("open", "document", lambda name: b"<Error/>", "not the file that was uploaded"),
    ("diagnose", "samples", list, "no sample shots"),
    ("diagnose", "diagnose", lambda body: diagnosis(degraded=[{"step": "chart", "error": "StoreError"}]),
     "StoreError"),
    ("diagnose", "diagnose", lambda body: diagnosis(knowledge=None), "lacks knowledge"),
    ("diagnose", "diagnose", lambda body: diagnosis(importance={"visualization_url": None}), "no chart"),
    ("chart", "chart", lambda url: b"<Error/>", "no PNG"),
    ("remove", "remove", refuse(503), "status 503"),
]


@pytest.mark.parametrize(("step", "method", "change", "report"), FLAWS)
def test_what_is_wrong_is_reported(step: str, method: str, change: Callable[..., Any], report: str) -> None:
    """Status 1, the step that failed with its report, none after it, and no document is left."""
    deployment = Deployment(**{method: change})
    status, lines = run_smoke_test(deployment)
    failed = [line for line in lines if "FAILED: " in line]
    assert status == 1 and len(failed) == 1 and failed[0].split()[1] == step and report in failed[0]
    assert deployment.documents_by_name == {} or method == "remove"
    assert lines[-1].startswith("smoke: FAILED after")


@pytest.mark.parametrize(("method", "change", "report"), [
    ("remove", lambda name: None, "still shows"),
    ("query", answering(), "still cites")])
def test_a_document_that_does_not_go_is_a_failure(method: str, change: Callable[..., Any], report: str) -> None:
    """Neither from the list nor from the answers."""
    status, lines = run_smoke_test(Deployment(**{method: change}))
    assert status == 1 and report in next(line for line in lines if "FAILED: " in line)


def test_a_document_that_may_be_left_is_named() -> None:
    """Where a failed run cannot remove it, the output says so."""
    lines = run_smoke_test(Deployment(chart=refuse(503), remove=refuse(500)))[1]
    assert [line for line in lines if f"{DOCUMENT.name} may still be stored" in line]


def test_a_slow_index_is_waited_for() -> None:
    """A document that is found and forgotten a little later passes."""
    deployment, looks = Deployment(), iter(range(1000))

    def query(*_: Any) -> Iterator[tuple[str, Any]]:
        """Answer as it is at every third look, else as it was before."""
        cites = (DOCUMENT.name in deployment.documents_by_name) == (next(looks) % 3 == 2)
        return (answering() if cites else answering(grounded=False, sources=[]))()

    deployment.query = query  # type: ignore[method-assign]
    lines: list[str] = []
    smoke_test = SmokeTest(deployment, DOCUMENT, None, lines.append, max_wait=30,  # type: ignore[arg-type]
                           poll_every=0)
    assert smoke_test.run() == 0, lines


def test_an_interrupted_run_leaves_nothing() -> None:
    """Ctrl-C in the middle of it removes the document too."""
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    deployment = Deployment(diagnose=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_smoke_test(deployment)
    assert deployment.documents_by_name == {}


def test_an_error_in_the_logs_fails_an_otherwise_good_run(tmp_path: Path) -> None:
    """It is shown; so is that of a run that failed before."""
    log = tmp_path / "api.log"
    log.write_text(f"{ERROR}\n", "utf-8")  # from before

    def model() -> dict[str, Any]:
        with log.open("a", encoding="utf-8") as file:
            file.write(f'{{"level": "INFO", "path": "/model"}}\n{ERROR}\n')
        return {"version": "v1"}

    for deployment in (Deployment(model=model), Deployment(model=model, chart=lambda url: b"")):
        status, lines = run_smoke_test(deployment, FileLogs(log))
        (line,) = (line for line in lines if line.startswith("smoke: logs"))
        assert status == 1 and "1 lines report an error" in line and line.endswith(ERROR)


def test_the_document_is_a_pdf_that_our_reader_reads(tmp_path: Path) -> None:
    """Two pages, the sentence on the second; another run has other words."""
    path = tmp_path / DOCUMENT.name
    path.write_bytes(DOCUMENT.content)
    parsed = parse(path)
    assert [page.number for page in parsed.pages] == [1, 2]
    assert FIRST_PAGE in str(parsed.pages[0]) and DOCUMENT.fact in str(parsed.pages[1])
    assert not set(DOCUMENT.words) & set(make_document(random.Random(2)).words)
    assert all(word in DOCUMENT.fact and word in DOCUMENT.question for word in DOCUMENT.words)


def test_a_stream_is_distinguished_from_an_answer_that_was_held_back(api: StubApi) -> None:
    """The same bytes with a length were not streamed."""
    body = stream(("passage", {}), ("token", {"text": DOCUMENT.fact}), ("done", answer()))
    api.replies["POST /query"] = Reply(200, Pieces([body]))
    assert stream_flaw(ask(Client(api.url), {"query": "?"})) is None
    api.replies["POST /query"] = Reply(200, body)
    assert "not streamed" in str(stream_flaw(ask(Client(api.url), {"query": "?"})))


@pytest.mark.parametrize(("arguments", "message"), [
    (["--url", ""], "not the address"), (["--url", "ftp://a"], "not the address"), (["--url", "http:///"], "not the"),
    (["--url", "http://a", "--stream-url", "a"], "not the address"),
    (["--url", "http://a", "--logs", "/nowhere/api.log"], "cannot be read"),
    (["--url", "https://a.execute-api.eu-west-1.amazonaws.com/dev"], "aws configure"),
    (["--url", "http://a.execute-api.eu-west-1.amazonaws.com/dev"], "https:// only")])
@pytest.mark.usefixtures("no_aws")
def test_bad_input_is_status_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Reported in one line, before any request."""
    assert smoke.main(arguments, {}) == 2
    output = capsys.readouterr()
    assert message in output.err and output.err.count("\n") == 1 and output.out == ""
