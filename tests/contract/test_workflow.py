"""Every branch of the workflow file, run in the interpreter with fake functions."""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.utils import TMP_THREADS

from shotwise.handlers.replies import degraded_entry
from shotwise_local.workflow import Workflow

ROOT = Path(__file__).parents[2]
SUBSTITUTIONS = {"PredictFunctionArn": "predict", "ImportanceFunctionArn": "importance",
                 "RagQueryFunctionArn": "rag_query"}


class FakeFunctions:
    """Fake functions that record what they were called with."""

    def __init__(self, advice: str = "reject", question: str | None = None, always: tuple[str, ...] = ()) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.errors: dict[str, Exception] = {}
        self.importance_degraded: tuple[dict[str, Any], ...] = ()
        self.knowledge_degraded: tuple[dict[str, Any], ...] = ()
        self._advice, self._question, self._always = advice, question, always
        self._lock = threading.Lock()

    def __call__(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Call one of them."""
        with self._lock:
            self.calls.append((name, payload))
        if name in self.errors:
            raise self.errors[name]
        return {"predict": self._predict, "importance": self._importance, "rag_query": self._rag_query}[name]()

    def _predict(self) -> dict[str, Any]:
        return {"request": {"features": {"a": 1}, "language": "ko", "question": self._question,
                            "always": {step: step in self._always for step in ("importance", "knowledge")}},
                "prediction": {"prediction": {"class": "defect", "advice": self._advice}, "prediction_id": "pred_x",
                               "defect_types": ["types"], "limits": ["limits"], "processing_time_ms": 1.5}}

    def _importance(self) -> dict[str, Any]:
        return {"importance": {"a": 0.1}, "top_features": ["top"], "degraded": list(self.importance_degraded),
                "processing_time_ms": 2.5}

    def _rag_query(self) -> dict[str, Any]:
        return {"answer": "답", "degraded": list(self.knowledge_degraded), "processing_time_ms": 3.5}

    def called(self) -> set[str]:
        """The names of the functions that were called."""
        return {name for name, _ in self.calls}

    def payload(self, name: str) -> dict[str, Any]:
        """The payload that a function was called with."""
        return next(payload for called, payload in self.calls if called == name)


class Machine:
    """The workflow, with functions that a test chooses."""

    def __init__(self) -> None:
        self.functions: Any = FakeFunctions()
        self.workflow = Workflow(ROOT / "statemachine/diagnose.asl.json", SUBSTITUTIONS,
                                 lambda name, payload: self.functions(name, payload))

    def run(self, functions: Any) -> dict[str, Any]:
        """Run with these functions; what StartSyncExecution returns."""
        self.functions = functions
        return self.workflow.run('{"features": {}}')

    def output(self, functions: Any) -> dict[str, Any]:
        """Run with these functions, which have to succeed; the reply."""
        execution = self.run(functions)
        assert execution["status"] == "SUCCEEDED", execution
        reply: dict[str, Any] = json.loads(execution["output"])
        return reply


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """The workflow, for tests that bring their own functions."""
    machine = Machine()
    yield machine
    machine.workflow.close()


def test_a_suspect_shot_runs_every_step(machine: Machine) -> None:
    """The reply has every part; rag_query gets the results of predict and importance."""
    functions = FakeFunctions()
    reply = machine.output(functions)
    assert set(reply) == {"prediction", "importance", "knowledge", "skipped", "degraded", "timings_ms"}
    assert (reply["skipped"], reply["degraded"]) == ([], [])
    assert reply["timings_ms"] == {"predict": 1.5, "importance": 2.5, "knowledge": 3.5}
    assert functions.payload("predict") == {"diagnose": {"features": {}}}
    assert functions.payload("importance") == {"features": {"a": 1}, "language": "ko", "prediction_id": "pred_x"}
    assert functions.payload("rag_query") == {"language": "ko", "context": {
        "defect_types": ["types"], "limits": ["limits"], "top_features": ["top"]}}


@pytest.mark.parametrize(("always", "skipped"), [
    ((), ["importance", "knowledge"]), (("importance",), ["knowledge"]), (("knowledge",), ["importance"]),
    (("importance", "knowledge"), [])])
def test_an_accepted_shot_skips_what_nobody_asked_for(machine: Machine, always: tuple[str, ...],
                                                      skipped: list[str]) -> None:
    """Skipped steps are not called, are null, and are named."""
    functions = FakeFunctions("accept", always=always)
    reply = machine.output(functions)
    assert reply["skipped"] == skipped and [step for step in skipped if reply[step] is not None] == []
    names = {"importance": "importance", "knowledge": "rag_query"}
    assert functions.called() == {"predict"} | {names[step] for step in always}
    assert [step for step in skipped if reply["timings_ms"][step] is not None] == []


def test_a_shot_to_inspect_is_suspect(machine: Machine) -> None:
    """The advice `inspect` is enough for every step."""
    assert machine.output(FakeFunctions("inspect"))["skipped"] == []


@pytest.mark.parametrize("advice", ["reject", "accept"])
def test_a_question_is_answered_beside_importance(machine: Machine, advice: str) -> None:
    """rag_query gets the question itself and no context; importance runs if the shot is suspect."""
    functions = FakeFunctions(advice, question="왜?")
    reply = machine.output(functions)
    assert functions.payload("rag_query") == {"query": "왜?", "language": "ko"} and reply["knowledge"]
    assert reply["skipped"] == ([] if advice == "reject" else ["importance"])
    assert reply["timings_ms"]["knowledge"] == 3.5


@pytest.mark.parametrize("question", [None, "왜?"])
@pytest.mark.parametrize(("broken", "degraded"), [
    (("importance",), ["importance"]), (("rag_query",), ["knowledge"]),
    (("importance", "rag_query"), ["importance", "knowledge"])])
def test_a_failed_step_leaves_the_rest(machine: Machine, question: str | None, broken: tuple[str, ...],
                                       degraded: list[str]) -> None:
    """The execution succeeds without the step, which is listed with its code and the error's name, and nothing more."""
    functions = FakeFunctions(question=question)
    functions.errors = {name: RuntimeError("secret") for name in broken}
    reply = machine.output(functions)
    assert reply["degraded"] == [degraded_entry(step, "RuntimeError") for step in degraded]
    assert [step for step in degraded if reply[step] is not None] == [] and "secret" not in json.dumps(reply)
    assert "rag_query" in functions.called()


@pytest.mark.parametrize("question", [None, "왜?"])
def test_a_part_that_failed_is_listed_beside_the_steps(machine: Machine, question: str | None) -> None:
    """A chart that could not be stored is listed with a failed step, and the importance is there."""
    functions = FakeFunctions(question=question)
    chart = degraded_entry("chart", "StoreError")
    functions.importance_degraded = (chart,)
    functions.errors = {"rag_query": RuntimeError("secret")}
    reply = machine.output(functions)
    assert reply["degraded"] == [chart, degraded_entry("knowledge", "RuntimeError")]
    assert reply["importance"]["importance"] == {"a": 0.1}


@pytest.mark.parametrize("question", [None, "왜?"])
def test_a_part_of_the_answer_that_failed_is_listed(machine: Machine, question: str | None) -> None:
    """A language model that failed is listed, with or without a question of the caller's own."""
    functions = FakeFunctions(question=question)
    functions.knowledge_degraded = (degraded_entry("generation", "KnowledgeError"),)
    reply = machine.output(functions)
    assert reply["degraded"] == list(functions.knowledge_degraded) and reply["knowledge"]["answer"] == "답"


def test_rag_query_still_runs_from_the_prediction_when_importance_fails(machine: Machine) -> None:
    """Its context then has no top features."""
    functions = FakeFunctions()
    functions.errors = {"importance": RuntimeError("x")}
    machine.output(functions)
    assert functions.payload("rag_query")["context"] == {"defect_types": ["types"], "limits": ["limits"],
                                                     "top_features": []}


def test_an_invalid_shot_fails_with_its_problem(machine: Machine) -> None:
    """The cause is the problem, and nothing else runs."""
    called: list[str] = []

    def refusing(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        called.append(name)
        return {"invalid_payload": '{"status": 400}'}

    execution = machine.run(refusing)
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidPayload") and called == ["predict"]
    assert json.loads(execution["cause"]) == {"status": 400}


def test_any_other_failure_of_predict_fails_the_execution(machine: Machine) -> None:
    """No later step runs without a prediction."""
    functions = FakeFunctions()
    functions.errors = {"predict": RuntimeError("x")}
    assert machine.run(functions)["error"] == "RuntimeError" and functions.called() == {"predict"}


def test_a_slow_predict_is_a_time_out(machine: Machine) -> None:
    """After its 3 s the execution ends with States.Timeout, which the response template makes a 504."""
    def slow(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        time.sleep(4)
        return {}

    assert machine.run(slow)["error"] == "States.Timeout"


def test_finished_executions_are_forgotten(machine: Machine) -> None:
    """Nothing of an execution stays in memory, neither itself nor its threads."""
    machine.functions = FakeFunctions("accept")
    machine.workflow.run("{}")
    before = len(_executions_in_memory())
    for _ in range(25):
        machine.workflow.run("{}")
    assert len(_executions_in_memory()) == before and TMP_THREADS == []


def _executions_in_memory() -> list[Any]:
    gc.collect()
    # Not isinstance, which asks every object for its class, and some warn when they are asked.
    return [tracked for tracked in gc.get_objects() if issubclass(type(tracked), Execution)]


@contextmanager
def switching_threads() -> Iterator[None]:
    """Let threads take turns of a microsecond."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def test_an_execution_is_reported_when_its_output_is_there(machine: Machine) -> None:
    """However threads take turns, no execution succeeds without its output."""
    machine.functions = FakeFunctions("accept")
    with switching_threads(), ThreadPoolExecutor(4) as pool:
        executions = list(pool.map(lambda _: machine.workflow.run("{}"), range(200)))
    assert [execution for execution in executions if not execution.get("output", "").startswith("{")] == []


def test_an_invalid_shot_is_reported_with_its_problem(machine: Machine) -> None:
    """However threads take turns, no execution fails without error and cause."""
    machine.functions = lambda name, payload: {"invalid_payload": "{}"}
    with switching_threads(), ThreadPoolExecutor(4) as pool:
        executions = list(pool.map(lambda _: machine.workflow.run("{}"), range(200)))
    assert [execution for execution in executions if execution.get("error") != "InvalidPayload"] == []


def test_a_transient_error_of_lambda_is_retried(machine: Machine) -> None:
    """A throttled invocation is tried again, and the reply shows nothing of it."""
    functions = FakeFunctions()
    throttled = type("Lambda.TooManyRequestsException", (Exception,), {})("busy")
    errors = [throttled]

    def once_busy(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        if name == "importance" and errors:
            raise errors.pop()
        return functions(name, payload)

    assert machine.output(once_busy)["degraded"] == [] and errors == []


def test_concurrent_executions_do_not_mix(machine: Machine) -> None:
    """One parsed definition serves concurrent executions: each reply belongs to its own input."""
    def echo(name: str, payload: dict[str, Any]) -> dict[str, Any]:
        if name != "predict":
            return FakeFunctions()(name, payload)
        reply = FakeFunctions("accept")("predict", payload)
        reply["prediction"]["prediction_id"] = payload["diagnose"]["id"]
        return reply

    machine.functions = echo
    with ThreadPoolExecutor(8) as pool:
        executions = list(pool.map(lambda number: machine.workflow.run(json.dumps({"id": f"p{number}"})), range(40)))
    assert [json.loads(execution["output"])["prediction"]["prediction_id"] for execution in executions] == \
        [f"p{number}" for number in range(40)]
