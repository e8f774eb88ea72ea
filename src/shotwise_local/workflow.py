"""Run the workflow: the real ASL file in moto's Step Functions interpreter, which calls our handlers."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from shotwise_local.compat.moto import LAMBDA, Invoke, forget_threads

REGION = "us-east-1"


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
    """

    def __init__(self, definition: Path, substitutions: dict[str, str], invoke: Invoke) -> None:
        self._id = uuid.uuid4().hex  # the workflows of a process share one client of Lambda
        names = {name: f"{self._id}.{function}" for name, function in substitutions.items()}
        LAMBDA.invoke_by_workflow[self._id] = invoke
        self._role = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/local"
        backend = StepFunctionsParserBackend(REGION, DEFAULT_ACCOUNT_ID)
        self._machine: Any = backend.create_state_machine(
            "diagnose", _substitute(definition.read_text("utf-8"), names), self._role)

    def run(self, execution_input: str) -> dict[str, Any]:
        """Run the workflow to its end, in this thread. Any number of threads may run it at the same time.

        Parameters
        ----------
        execution_input : str
            Input as JSON.

        Returns
        -------
        dict
            Like the response of StartSyncExecution: `status`, and `output` (JSON) or `error` and `cause`.
        """
        name = uuid.uuid4().hex
        # Not by the backend's start_execution: that stores every execution for ever, and its status can be read before
        # its output.
        execution = SyncExecution(
            name=name, sm_type=StateMachineType.EXPRESS, role_arn=self._role, exec_arn=f"{self._machine.arn}:{name}",
            account_id=DEFAULT_ACCOUNT_ID, region_name=REGION, state_machine=self._machine,
            start_date=datetime.now(UTC), cloud_watch_logging_session=None, activity_store={},
            input_data=execution_input)
        execution.start()
        forget_threads()
        assert execution.exec_status is not None
        outcome = {"status": execution.exec_status.value, "error": execution.error, "cause": execution.cause}
        if outcome["status"] == "SUCCEEDED":
            outcome["output"] = json.dumps(execution.output, ensure_ascii=False, separators=(",", ":"))
        return {name: value for name, value in outcome.items() if value is not None}

    def close(self) -> None:
        """Release the functions: the workflow cannot run any more."""
        LAMBDA.invoke_by_workflow.pop(self._id, None)


def _substitute(text: str, substitutions: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: substitutions[match[1]], text)
