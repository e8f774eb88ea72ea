"""The workflow on one machine: the real ASL file, run by moto's Step Functions interpreter, calling our handlers.

moto's interpreter makes itself a client of Lambda for every task and sends it to the port of moto's own server. Here it
is handed a client that calls the handlers of this process instead: making clients and connections took four fifths
of the time of a workflow without steps.
"""

from __future__ import annotations

import functools
import io
import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.model_instances import reset_model_data
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import TMP_THREADS

Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]
REGION = "us-east-1"
POLL_S = 0.002
# The interpreter parses the definition anew for every run (57 ms for ours, measured) and every path in it each time it
# is read (a third of the rest); the parsed forms hold no state of a run, which lives in its environment, so one parse
# serves them all.
AmazonStateLanguageParser.parse = staticmethod(functools.lru_cache(maxsize=4)(AmazonStateLanguageParser.parse))
json_path.parse = functools.lru_cache(maxsize=512)(json_path.parse)
# A path with a wildcard that matches nothing gives [] (of Step Functions assumed, decision 0002); the interpreter knows
# that of paths with one wildcard alone.
_KNOWN = json_path._contains_slice_or_wildcard_array
json_path._contains_slice_or_wildcard_array = lambda path: "[*]" in path or _KNOWN(path)
logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)  # it logs whole inputs where a task fails
RUNS_KEPT = 200  # moto keeps about 120 KB of every run for ever; after so many it starts anew


class Workflow:
    """A state machine, runnable like StartSyncExecution. `invoke(function name, payload)` calls a handler."""

    def __init__(self, definition: Path, substitutions: dict[str, str], invoke: Invoke,
                 runs_kept: int = RUNS_KEPT) -> None:
        mark = uuid.uuid4().hex  # several workflows of one process share the client
        names = {name: f"{mark}.{function}" for name, function in substitutions.items()}
        self._definition = _substituted(definition.read_text("utf-8"), names)
        self._mark = mark
        LAMBDA.invokes[mark] = invoke
        self._runs_kept = runs_kept
        self._guard = threading.Condition()
        self._running = self._runs = 0
        self._start_anew()

    def run(self, given: str) -> dict[str, Any]:
        """Run to the end on a JSON text; the answer has the fields of StartSyncExecution: status, and output or
        error and cause."""
        with self._guard:
            self._guard.wait_for(lambda: self._runs < self._runs_kept)
            self._running += 1
            self._runs += 1
        try:
            return self._execute(given)
        finally:
            with self._guard:
                self._running -= 1
                if self._runs >= self._runs_kept and not self._running:
                    self._start_anew()
                self._guard.notify_all()

    def close(self) -> None:
        """Answer no more invocations of this workflow."""
        LAMBDA.invokes.pop(self._mark, None)

    def _execute(self, given: str) -> dict[str, Any]:
        execution = self._backend.start_execution(self._machine, name=uuid.uuid4().hex, execution_input=given)
        while execution.exec_status is ExecutionStatus.RUNNING:
            time.sleep(POLL_S)
        found = {"status": execution.exec_status.value, "error": execution.error, "cause": execution.cause}
        if found["status"] == "SUCCEEDED":
            found["output"] = json.dumps(execution.output, ensure_ascii=False, separators=(",", ":"))
        return {name: value for name, value in found.items() if value is not None}

    def _start_anew(self) -> None:
        """A fresh interpreter that remembers no run; only called while none is under way. moto keeps every state
        machine and every thread of a run in lists of its own, which have to be emptied too."""
        reset_model_data()
        TMP_THREADS.clear()
        self._backend = StepFunctionsParserBackend(REGION, DEFAULT_ACCOUNT_ID)
        role = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/local"
        self._machine = self._backend.create_state_machine("diagnose", self._definition, role).arn
        self._runs = 0


def _substituted(text: str, substitutions: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda name: substitutions[name[1]], text)


class _Lambda:
    """Lambda's Invoke, for the interpreter alone. invokes: workflow mark → how it calls a function."""

    def __init__(self) -> None:
        self.invokes: dict[str, Invoke] = {}

    def invoke(self, *, FunctionName: str, Payload: bytes = b"{}", **_: Any) -> dict[str, Any]:  # noqa: N803
        """Call the handler. Payloads go through JSON, as they do between the services."""
        mark, function = FunctionName.split(".", 1)
        found: dict[str, Any] = {"StatusCode": 200}
        try:
            reply: dict[str, Any] = self.invokes[mark](function, json.loads(Payload or b"{}"))
        except Exception as error:  # as the Lambda runtime does: whatever a handler raises becomes an error document
            reply = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []}
            found["FunctionError"] = "Unhandled"
        return {**found, "Payload": io.BytesIO(json.dumps(reply).encode())}


LAMBDA = _Lambda()
lambda_eval_utils.boto_client_for = lambda **_: LAMBDA
