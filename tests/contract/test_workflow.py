"""Every branch of the workflow file, run in the interpreter with faked tasks."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.backend.execution import Execution

from shotwise_local.workflow import Workflow

ROOT = Path(__file__).parents[2]
SUBSTITUTIONS = {"PredictFunctionArn": "predict", "ImportanceFunctionArn": "importance",
                 "RagQueryFunctionArn": "rag_query"}


class Tasks:
    """Faked functions that record what they were called with."""

    def __init__(self, advice: str = "reject", question: str | None = None, always: tuple[str, ...] = ()) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.raising: dict[str, Exception] = {}
        self.importance_lacks: tuple[dict[str, str], ...] = ()
        self.knowledge_lacks: tuple[dict[str, str], ...] = ()
        self._advice, self._question, self._always = advice, question, always
        self._lock = threading.Lock()

    def __call__(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.calls.append((name, payload))
        if name in self.raising:
            raise self.raising[name]
        return {"predict": self._predict, "importance": self._importance, "rag_query": self._rag_query}[name]()

    def _predict(self) -> dict[str, Any]:
        return {"request": {"features": {"a": 1}, "language": "ko", "question": self._question,
                            "always": {step: step in self._always for step in ("importance", "knowledge")}},
                "prediction": {"prediction": {"class": "defect", "advice": self._advice}, "prediction_id": "pred_x",
                               "defect_types": ["types"], "limits": ["limits"], "processing_time_ms": 1.5}}

    def _importance(self) -> dict[str, Any]:
        return {"importance": {"a": 0.1}, "top_features": ["top"], "degraded": list(self.importance_lacks),
                "processing_time_ms": 2.5}

    def _rag_query(self) -> dict[str, Any]:
        return {"answer": "답", "degraded": list(self.knowledge_lacks), "processing_time_ms": 3.5}

    def called(self) -> set[str]:
        """The names of the functions that were called."""
        return {name for name, _ in self.calls}

    def payload(self, name: str) -> dict[str, Any]:
        """What a function was called with."""
        return next(payload for called, payload in self.calls if called == name)


class _Opened:
    def __init__(self, max_executions: int = 200) -> None:
        self.tasks: Any = Tasks()
        self.workflow = Workflow(ROOT / "statemachine/diagnose.asl.json", SUBSTITUTIONS,
                                 lambda name, payload: self.tasks(name, payload), max_executions)

    def run(self, tasks: Any) -> dict[str, Any]:
        """Run with these tasks; the result of the execution."""
        self.tasks = tasks
        return self.workflow.run('{"features": {}}')

    def output(self, tasks: Any) -> dict[str, Any]:
        """Run with these tasks, which have to succeed; the reply."""
        result = self.run(tasks)
        assert result["status"] == "SUCCEEDED", result
        reply: dict[str, Any] = json.loads(result["output"])
        return reply


@pytest.fixture(scope="module")
def machine() -> Iterator[_Opened]:
    """The workflow with tasks to be set."""
    opened = _Opened()
    yield opened
    opened.workflow.close()


def test_a_suspect_shot_runs_every_step(machine: _Opened) -> None:
    """The reply has every part; T3 hears what T1 and T2 found."""
    tasks = Tasks()
    reply = machine.output(tasks)
    assert set(reply) == {"prediction", "importance", "knowledge", "skipped", "degraded", "timings_ms"}
    assert (reply["skipped"], reply["degraded"]) == ([], [])
    assert reply["timings_ms"] == {"predict": 1.5, "importance": 2.5, "knowledge": 3.5}
    assert tasks.payload("predict") == {"diagnose": {"features": {}}}
    assert tasks.payload("importance") == {"features": {"a": 1}, "language": "ko", "prediction_id": "pred_x"}
    assert tasks.payload("rag_query") == {"language": "ko", "context": {
        "defect_types": ["types"], "limits": ["limits"], "top_features": ["top"]}}


@pytest.mark.parametrize(("always", "skipped"), [
    ((), ["importance", "knowledge"]), (("importance",), ["knowledge"]), (("knowledge",), ["importance"]),
    (("importance", "knowledge"), [])])
def test_an_accepted_shot_skips_what_nobody_asked_for(machine: _Opened, always: tuple[str, ...],
                                                      skipped: list[str]) -> None:
    """Skipped steps are not called, are null, and are named."""
    tasks = Tasks("accept", always=always)
    reply = machine.output(tasks)
    assert reply["skipped"] == skipped and [step for step in skipped if reply[step] is not None] == []
    names = {"importance": "importance", "knowledge": "rag_query"}
    assert tasks.called() == {"predict"} | {names[step] for step in always}
    assert [step for step in skipped if reply["timings_ms"][step] is not None] == []


def test_a_shot_to_inspect_is_suspect(machine: _Opened) -> None:
    """Advice `inspect` is reason enough."""
    assert machine.output(Tasks("inspect"))["skipped"] == []


@pytest.mark.parametrize("advice", ["reject", "accept"])
def test_a_question_is_answered_beside_importance(machine: _Opened, advice: str) -> None:
    """T3 gets the question itself and no context; T2 runs where the shot is suspect."""
    tasks = Tasks(advice, question="왜?")
    reply = machine.output(tasks)
    assert tasks.payload("rag_query") == {"query": "왜?", "language": "ko"} and reply["knowledge"]
    assert reply["skipped"] == ([] if advice == "reject" else ["importance"])
    assert reply["timings_ms"]["knowledge"] == 3.5


@pytest.mark.parametrize("question", [None, "왜?"])
@pytest.mark.parametrize(("broken", "degraded"), [
    (("importance",), ["importance"]), (("rag_query",), ["knowledge"]),
    (("importance", "rag_query"), ["importance", "knowledge"])])
def test_a_failed_step_leaves_the_rest(machine: _Opened, question: str | None, broken: tuple[str, ...],
                                       degraded: list[str]) -> None:
    """The execution succeeds with what there is; the step is named with the error's name and nothing else of it."""
    tasks = Tasks(question=question)
    tasks.raising = {name: RuntimeError("secret") for name in broken}
    reply = machine.output(tasks)
    assert reply["degraded"] == [{"step": step, "error": "RuntimeError"} for step in degraded]
    assert [step for step in degraded if reply[step] is not None] == [] and "secret" not in json.dumps(reply)
    assert "rag_query" in tasks.called()


@pytest.mark.parametrize("question", [None, "왜?"])
def test_a_part_that_failed_is_told_beside_the_steps(machine: _Opened, question: str | None) -> None:
    """A chart that could not be kept stands under degraded with a failed step, and the importance is there."""
    tasks = Tasks(question=question)
    chart = {"step": "chart", "error": "StoreError"}
    tasks.importance_lacks = (chart,)
    tasks.raising = {"rag_query": RuntimeError("secret")}
    reply = machine.output(tasks)
    assert reply["degraded"] == [chart, {"step": "knowledge", "error": "RuntimeError"}]
    assert reply["importance"]["importance"] == {"a": 0.1}


@pytest.mark.parametrize("question", [None, "왜?"])
def test_what_an_answer_lacks_is_told_with_the_rest(machine: _Opened, question: str | None) -> None:
    """A model that did not word the answer stands under degraded, with or without a question of one's own."""
    tasks = Tasks(question=question)
    tasks.knowledge_lacks = ({"step": "generation", "error": "KnowledgeError"},)
    reply = machine.output(tasks)
    assert reply["degraded"] == list(tasks.knowledge_lacks) and reply["knowledge"]["answer"] == "답"


def test_t3_still_runs_from_the_prediction_when_t2_fails(machine: _Opened) -> None:
    """Its context then has no driving values."""
    tasks = Tasks()
    tasks.raising = {"importance": RuntimeError("x")}
    machine.output(tasks)
    assert tasks.payload("rag_query")["context"] == {"defect_types": ["types"], "limits": ["limits"],
                                                     "top_features": []}


def test_a_rejected_shot_fails_with_its_document(machine: _Opened) -> None:
    """The cause is the problem document, and nothing else runs."""
    called: list[str] = []

    def rejecting(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        called.append(name)
        return {"invalid_payload": '{"status": 400}'}

    result = machine.run(rejecting)
    assert (result["status"], result["error"]) == ("FAILED", "InvalidPayload") and called == ["predict"]
    assert json.loads(result["cause"]) == {"status": 400}


def test_any_other_failure_of_t1_fails_the_execution(machine: _Opened) -> None:
    """No later step runs without a prediction."""
    tasks = Tasks()
    tasks.raising = {"predict": RuntimeError("x")}
    assert machine.run(tasks)["error"] == "RuntimeError" and tasks.called() == {"predict"}


def test_a_slow_t1_is_a_time_out(machine: _Opened) -> None:
    """After its 3 s the execution ends as States.Timeout, which the response template makes a 504."""
    def slow(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        time.sleep(4)
        return {}

    assert machine.run(slow)["error"] == "States.Timeout"


def test_finished_runs_are_forgotten() -> None:
    """The interpreter keeps every run for ever; starting anew lets go of them all."""
    opened = _Opened(max_executions=10)
    opened.tasks = Tasks("accept")
    before = _executions()
    for _ in range(25):
        opened.workflow.run("{}")
    kept = _executions() - before
    opened.workflow.close()
    assert 0 < kept <= 10


def _executions() -> int:
    """How many runs are still in memory."""
    gc.collect()
    return sum(type(item) is Execution for item in gc.get_objects())


def test_a_passing_fault_of_the_service_is_retried(machine: _Opened) -> None:
    """Lambda's own throttling is tried again, and the reply shows nothing of it."""
    tasks = Tasks()
    throttled = type("Lambda.TooManyRequestsException", (Exception,), {})("busy")
    faults = [throttled]

    def once_busy(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        if name == "importance" and faults:
            raise faults.pop()
        return tasks(name, payload)

    assert machine.output(once_busy)["degraded"] == [] and faults == []


def test_runs_beside_each_other_do_not_mix(machine: _Opened) -> None:
    """One parsed definition serves concurrent runs: each reply belongs to its own input."""
    def echo(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        if name != "predict":
            return Tasks()(name, payload)
        found = Tasks("accept")("predict", payload)
        found["prediction"]["prediction_id"] = payload["diagnose"]["id"]
        return found

    machine.tasks = echo
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: machine.workflow.run(json.dumps({"id": f"p{number}"})), range(40)))
    assert [json.loads(result["output"])["prediction"]["prediction_id"] for result in results] == \
        [f"p{number}" for number in range(40)]


def test_the_interpreter_starts_anew_without_losing_a_run() -> None:
    """Past the number of runs kept, everything still succeeds."""
    opened = _Opened(max_executions=5)
    opened.tasks = Tasks("accept")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: opened.workflow.run("{}"), range(23)))
    opened.workflow.close()
    assert {result["status"] for result in results} == {"SUCCEEDED"}
