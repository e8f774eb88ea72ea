"""Run the workflow: the real ASL file in moto's Step Functions interpreter, which calls our handlers."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from shotwise_local.compat.moto import LAMBDA, Invoke, forget_executions

REGION = "us-east-1"
POLL_SECONDS = 0.002
MAX_EXECUTIONS = 200  # until the interpreter is restarted; moto stores each, about 120 KB


class Workflow:
    """A state machine that runs as an Express workflow does under StartSyncExecution.

    Parameters
    ----------
    definition : Path
        The ASL file.
    substitutions : dict of str to str
        Placeholder in the ASL file → name of the function.
    invoke : callable
        Calls a function by its name with a payload.
    max_executions : int
        Number of executions after which the interpreter is restarted.
    """

    def __init__(self, definition: Path, substitutions: dict[str, str], invoke: Invoke,
                 max_executions: int = MAX_EXECUTIONS) -> None:
        self._id = uuid.uuid4().hex  # the workflows of a process share one client of Lambda
        names = {name: f"{self._id}.{function}" for name, function in substitutions.items()}
        self._definition = _substitute(definition.read_text("utf-8"), names)
        LAMBDA.invoke_by_workflow[self._id] = invoke
        self._max_executions = max_executions
        self._changed = threading.Condition()
        self._running = self._started = 0
        self._restart_interpreter()

    def run(self, execution_input: str) -> dict[str, Any]:
        """Run the workflow to its end.

        Parameters
        ----------
        execution_input : str
            Input as JSON.

        Returns
        -------
        dict
            Like the response of StartSyncExecution: `status`, and `output` (JSON) or `error` and `cause`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._started < self._max_executions)
            self._running += 1
            self._started += 1
        try:
            return self._execute(execution_input)
        finally:
            with self._changed:
                self._running -= 1
                if self._started >= self._max_executions and not self._running:
                    self._restart_interpreter()
                self._changed.notify_all()

    def close(self) -> None:
        """Release the functions: the workflow cannot run any more."""
        LAMBDA.invoke_by_workflow.pop(self._id, None)

    def _execute(self, execution_input: str) -> dict[str, Any]:
        execution = self._backend.start_execution(self._machine_arn, name=uuid.uuid4().hex,
                                                  execution_input=execution_input)
        while execution.exec_status is ExecutionStatus.RUNNING:
            time.sleep(POLL_SECONDS)
        assert execution.exec_status is not None
        outcome = {"status": execution.exec_status.value, "error": execution.error, "cause": execution.cause}
        if outcome["status"] == "SUCCEEDED":
            outcome["output"] = json.dumps(execution.output, ensure_ascii=False, separators=(",", ":"))
        return {name: value for name, value in outcome.items() if value is not None}

    def _restart_interpreter(self) -> None:
        """Start a new interpreter and drop all stored executions. None may be running."""
        forget_executions()
        self._backend = StepFunctionsParserBackend(REGION, DEFAULT_ACCOUNT_ID)
        role = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/local"
        self._machine_arn = self._backend.create_state_machine("diagnose", self._definition, role).arn
        self._started = 0


def _substitute(text: str, substitutions: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: substitutions[match[1]], text)
