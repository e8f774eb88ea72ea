"""Patch moto's Step Functions interpreter to call our handlers fast and to release finished threads.

Written for moto 5.2.5. Importing this module applies the patches.

The parsed definition and the parsed JSONPaths are cached.
    The interpreter parses the definition for every run (57 ms for ours) and a path every time it reads one (a third of
    the remaining time). They are safe to share: the state of a run lives in the run's environment. This can go when
    moto caches them itself.
All tasks share one client of Lambda, which calls functions of this process.
    The interpreter makes a client and a connection to moto's server for every task: four fifths of the time of a
    workflow without steps. This can go when moto accepts a client, or a function to call, for Lambda tasks.
A path with several wildcards that matches nothing gives [].
    Step Functions is assumed to do that (decision 0002); moto does so for a path with one wildcard, and fails the
    execution for two. This can go when moto treats all wildcards alike.
The interpreter's log is silenced.
    It logs the whole input of a task that fails, which is the plant's data. This can go when moto no longer does.
forget_threads() empties moto's list of threads.
    Moto stores the thread of every run and of every step for ever. This can go when moto forgets those that have ended.
"""

from __future__ import annotations

import functools
import io
import json
import logging
from collections.abc import Callable
from typing import Any

import moto
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.utils import TMP_THREADS

from shotwise.compat import require_version

Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]

require_version("moto", moto.__version__, "5.2.5")


class LambdaClient:
    """Lambda's Invoke for the interpreter, answered by functions of this process.

    Attributes
    ----------
    invoke_by_workflow : dict
        Id of a workflow → function that calls a Lambda function by its name. In the definition a Lambda function is
        named `workflow id.name`.
    """

    def __init__(self) -> None:
        self.invoke_by_workflow: dict[str, Invoke] = {}

    def invoke(self, *, FunctionName: str, Payload: bytes = b"{}", **_: Any) -> dict[str, Any]:  # noqa: N803
        """Invoke a function. Payloads pass through JSON, as they do between the services."""
        workflow_id, name = FunctionName.split(".", 1)
        status: dict[str, Any] = {"StatusCode": 200}
        try:
            reply: dict[str, Any] = self.invoke_by_workflow[workflow_id](name, json.loads(Payload or b"{}"))
        except Exception as error:  # as the Lambda runtime does: whatever a handler raises becomes an error payload
            reply = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []}
            status["FunctionError"] = "Unhandled"
        return {**status, "Payload": io.BytesIO(json.dumps(reply).encode())}


def forget_threads() -> None:
    """Empty moto's list of the threads of runs; those that run still go on."""
    TMP_THREADS.clear()


LAMBDA = LambdaClient()
_is_wildcard_path = json_path._contains_slice_or_wildcard_array

# The ignored type errors are the patches themselves.
AmazonStateLanguageParser.parse = staticmethod(  # type: ignore[method-assign]
    functools.lru_cache(maxsize=4)(AmazonStateLanguageParser.parse))
json_path.parse = functools.lru_cache(maxsize=512)(json_path.parse)  # type: ignore[attr-defined]
json_path._contains_slice_or_wildcard_array = lambda path: "[*]" in path or _is_wildcard_path(path)
lambda_eval_utils.boto_client_for = lambda **_: LAMBDA  # type: ignore[attr-defined, assignment]
logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
