"""The smoke test: what it wants of a deployment, and that it says so when it does not get it. It runs whole against the
local stack in tests/slow/test_smoke.py."""

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
from shotwise_tools.smoke.__main__ import Smoke
from shotwise_tools.smoke.answers import hear, stream_flaw
from shotwise_tools.smoke.document import FIRST, PAGE, probe
from shotwise_tools.smoke.logs import FileLogs

PROBE = probe(random.Random(1))
ERROR = json.dumps({"level": "ERROR", "message": "failed", "service": "rag_query"})


class Plant:
    """A deployment that works, as the client shows it; `changes` puts other methods in the place of its own."""

    base_url = "https://plant"

    def __init__(self, **changes: Callable[..., Any]) -> None:
        self.held: dict[str, bytes] = {}
        self.calls: list[str] = []
        for name, change in changes.items():
            setattr(self, name, change)

    def model(self) -> dict[str, Any]:
        return {"version": "v1"}

    def strangers(self) -> list[tuple[str, int]]:
        return [("https://plant/documents", 403)]

    def upload(self, name: str, content: Any) -> str:
        self.held[name] = content.read()
        return name

    def documents(self) -> list[dict[str, Any]]:
        return [listed(name) for name in self.held]

    def query(self, body: dict[str, Any], opened: Any) -> Iterator[tuple[str, Any]]:
        found = PROBE.name in self.held
        yield "passage", {"document": PROBE.name if found else "other.pdf", "page": 1}
        yield "token", {"text": PROBE.fact if found else "No."}
        yield "done", answer() if found else answer(answer="No.", grounded=False, sources=[])

    def document(self, name: str) -> bytes:
        return self.held[name]

    def samples(self) -> list[dict[str, Any]]:
        return [{"features": {"Shot": 1}}]

    def diagnose(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["features"] == {"Shot": 1} and body["always"] == ["importance", "knowledge"]
        return diagnosis()

    def chart(self, url: str) -> bytes:
        return PIXEL

    def remove(self, name: str) -> None:
        self.calls.append(f"remove {name}")
        if name not in self.held:
            raise ApiError(404, {"detail": "There is no such file."})
        del self.held[name]


def listed(name: str, **changes: Any) -> dict[str, Any]:
    """A document as GET /documents has it, read well."""
    return {"name": name, "version": "1", "pages": 2, "passages": 2, "failure": None, **changes}


def answer(**changes: Any) -> dict[str, Any]:
    """The right answer to the question of the probe."""
    source = {"document": PROBE.name, "page": PAGE, "quote": PROBE.fact}
    return {"answer": PROBE.fact, "grounded": True, "sources": [source], "degraded": [], "generator": "extractive",
            **changes}


def diagnosis(**changes: Any) -> dict[str, Any]:
    """A diagnosis with all its steps."""
    return {"prediction": {"prediction": {"class": "defect", "probability": 0.9}}, "degraded": [],
            "importance": {"visualization_url": "s3://c/a.png"}, "knowledge": {"answer": "…"}, **changes}


def tried(plant: Plant, logs: Any = None) -> tuple[int, list[str]]:
    """The exit status of a run that waits for nothing, and what it said."""
    said: list[str] = []
    return Smoke(plant, PROBE, logs, said.append, wait=0, pause=0).run(), said  # type: ignore[arg-type]


def test_a_deployment_that_works_passes(tmp_path: Path) -> None:
    """A line a step with its seconds, status 0, and nothing is left."""
    class Quiet:
        def errors(self) -> list[str]:
            return []

    plant = Plant()
    status, said = tried(plant, Quiet())
    assert (status, plant.held, plant.calls) == (0, {}, [f"remove {PROBE.name}"])
    steps = [line.split()[1] for line in said]
    assert steps == ["api", "closed", "upload", "read", "ask", "open", "diagnose", "chart", "remove", "logs", "passed"]
    assert all(" s  " in line for line in said[:-1])


def asked(**changes: Any) -> Callable[..., Iterator[tuple[str, Any]]]:
    """A `query` that always answers so."""
    def query(*_: Any) -> Iterator[tuple[str, Any]]:
        reply = answer(**changes)
        yield "passage", {"document": PROBE.name}
        yield "token", {"text": reply["answer"]}
        yield "done", reply

    return query


def refuse(status: int | None, detail: str = "") -> Callable[..., Any]:
    """A call that fails."""
    def call(*_: Any) -> Any:
        raise ApiError(status, {"detail": detail} if detail else {})

    return call


def test_an_open_stream_is_told_and_no_failure() -> None:
    """It has an address of its own, and a parameter that opens it."""
    status, said = tried(Plant(strangers=lambda: [("https://plant/documents", 403), ("https://stream/query", 400)]))
    assert status == 0 and any("anybody may ask https://stream/query" in line for line in said)


FLAWS: list[tuple[str, str, Callable[..., Any], str]] = [
    ("api", "model", refuse(None), "no answer came"),
    ("api", "model", refuse(403, "May not."), "May not. (status 403)"),
    ("api", "model", dict, "lacks what the contract promises"),
    ("closed", "strangers", lambda: [("https://plant/documents", 200), ("https://plant/query", 403)],
     "not refused: https://plant/documents answers 200"),
    ("upload", "upload", refuse(403), "status 403"),
    ("read", "documents", list, "does not show the document"),
    ("read", "documents", lambda: [listed(PROBE.name, version=None)], "does not show the document"),
    ("read", "documents", lambda: [listed(PROBE.name, failure="a.pdf: is damaged")], "is damaged"),
    ("read", "documents", lambda: [listed(PROBE.name, pages=1)], "1 pages"),
    ("ask", "query", asked(grounded=False, answer="Not in them."), "not grounded: 'Not in them.'"),
    ("ask", "query", asked(sources=[{"document": "a.pdf", "page": 2, "quote": ""}]), "cites [('a.pdf', 2)]"),
    ("ask", "query", asked(sources=[{"document": PROBE.name, "page": 1, "quote": FIRST}]), "page 2"),
    ("ask", "query", asked(sources=[{"document": PROBE.name, "page": 2, "quote": FIRST}]), "not the document's"),
    ("ask", "query", asked(degraded=[{"step": "embedding", "error": "KnowledgeError"}]), "degraded"),
    ("ask", "query", refuse(503, "Try again."), "Try again. (status 503)"),
    ("ask", "query", lambda *_: iter([("done", answer())]), "no token came before the end"),
    ("ask", "query", lambda *_: iter([("token", {"text": PROBE.fact}), ("done", answer())]), "only 1 event"),
    ("ask", "query", lambda *_: iter([("token", {"text": "a"}), ("token", {"text": "b"}), ("done", answer())]),
     "not the answer"),
    ("open", "document", lambda name: b"<Error/>", "another file"),
    ("diagnose", "samples", list, "no sample shots"),
    ("diagnose", "diagnose", lambda body: diagnosis(degraded=[{"step": "chart", "error": "StoreError"}]), "StoreError"),
    ("diagnose", "diagnose", lambda body: diagnosis(knowledge=None), "lacks knowledge"),
    ("diagnose", "diagnose", lambda body: diagnosis(importance={"visualization_url": None}), "no chart"),
    ("chart", "chart", lambda url: b"<Error/>", "no PNG"),
    ("remove", "remove", refuse(503), "status 503"),
]


@pytest.mark.parametrize(("step", "method", "change", "seen"), FLAWS)
def test_what_is_wrong_is_said(step: str, method: str, change: Callable[..., Any], seen: str) -> None:
    """Status 1, the step that failed with what was seen, none after it, and no document is left."""
    plant = Plant(**{method: change})
    status, said = tried(plant)
    failed = [line for line in said if "FAILED: " in line]
    assert status == 1 and len(failed) == 1 and failed[0].split()[1] == step and seen in failed[0]
    assert plant.held == {} or method == "remove"
    assert said[-1].startswith("smoke: FAILED after")


@pytest.mark.parametrize(("method", "change", "seen"), [
    ("remove", lambda name: None, "still shows"),
    ("query", asked(), "still cites")])
def test_a_document_that_does_not_go_is_a_failure(method: str, change: Callable[..., Any], seen: str) -> None:
    """Neither from the list nor from the answers."""
    status, said = tried(Plant(**{method: change}))
    assert status == 1 and seen in next(line for line in said if "FAILED: " in line)


def test_a_document_that_may_be_left_is_named() -> None:
    """Where a failed run cannot remove it, the reader is told."""
    said = tried(Plant(chart=refuse(503), remove=refuse(500)))[1]
    assert [line for line in said if f"{PROBE.name} may be there still" in line]


def test_a_slow_index_is_waited_for() -> None:
    """A document that is listed, found and forgotten a little later passes."""
    plant, looks = Plant(), iter(range(1000))

    def query(*_: Any) -> Iterator[tuple[str, Any]]:
        """As it is at every third look, else as it was before."""
        cites = (PROBE.name in plant.held) == (next(looks) % 3 == 2)
        return (asked() if cites else asked(grounded=False, sources=[]))()

    plant.query = query  # type: ignore[method-assign]
    said: list[str] = []
    run = Smoke(plant, PROBE, None, said.append, wait=30, pause=0)  # type: ignore[arg-type]
    assert run.run() == 0, said


def test_an_interrupted_run_leaves_nothing() -> None:
    """Ctrl-C in the middle of it removes the document too."""
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    plant = Plant(diagnose=interrupt)
    with pytest.raises(KeyboardInterrupt):
        tried(plant)
    assert plant.held == {}


def test_an_error_in_the_logs_fails_an_otherwise_good_run(tmp_path: Path) -> None:
    """It is shown; so is that of a run that failed before."""
    log = tmp_path / "api.log"
    log.write_text(f"{ERROR}\n", "utf-8")  # from before

    def model() -> dict[str, Any]:
        with log.open("a", encoding="utf-8") as file:
            file.write(f'{{"level": "INFO", "path": "/model"}}\n{ERROR}\n')
        return {"version": "v1"}

    for plant in (Plant(model=model), Plant(model=model, chart=lambda url: b"")):
        status, said = tried(plant, FileLogs(log))
        (line,) = (line for line in said if line.startswith("smoke: logs"))
        assert status == 1 and "1 lines tell of an error" in line and line.endswith(ERROR)


def test_the_probe_is_a_pdf_that_our_reader_reads(tmp_path: Path) -> None:
    """Two pages, the sentence on the second; another run has other words."""
    path = tmp_path / PROBE.name
    path.write_bytes(PROBE.content)
    found = parse(path)
    assert [page.number for page in found.pages] == [1, 2]
    assert FIRST in str(found.pages[0]) and PROBE.fact in str(found.pages[1])
    assert not set(PROBE.words) & set(probe(random.Random(2)).words)
    assert all(word in PROBE.fact and word in PROBE.question for word in PROBE.words)


def test_a_stream_is_told_from_an_answer_that_was_held_back(api: StubApi) -> None:
    """The same bytes with a length were not streamed."""
    body = stream(("passage", {}), ("token", {"text": PROBE.fact}), ("done", answer()))
    api.replies["POST /query"] = Reply(200, Pieces([body]))
    assert stream_flaw(hear(Client(api.url), {"query": "?"})) is None
    api.replies["POST /query"] = Reply(200, body)
    assert "not streamed" in str(stream_flaw(hear(Client(api.url), {"query": "?"})))


@pytest.mark.parametrize(("arguments", "said"), [
    (["--url", ""], "not the address"), (["--url", "ftp://a"], "not the address"), (["--url", "http:///"], "not the"),
    (["--url", "http://a", "--stream-url", "a"], "not the address"),
    (["--url", "http://a", "--logs", "/nowhere/api.log"], "cannot be read"),
    (["--url", "https://a.execute-api.eu-west-1.amazonaws.com/dev"], "aws configure"),
    (["--url", "http://a.execute-api.eu-west-1.amazonaws.com/dev"], "https:// only")])
@pytest.mark.usefixtures("no_aws")
def test_bad_input_is_status_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Said in one line, before anything was asked."""
    assert smoke.main(arguments, {}) == 2
    found = capsys.readouterr()
    assert said in found.err and found.err.count("\n") == 1 and found.out == ""
