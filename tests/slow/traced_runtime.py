"""awslambdaric with a trace for every invocation: `python traced_runtime.py app.handler`.

Lambda names the trace in a header of its Runtime API, which the emulator leaves out; awslambdaric puts it into
`_X_AMZN_TRACE_ID` before each call of the handler. Here the value of that header is generated; everything after it is
awslambdaric's own.
"""

import os
import secrets
import sys
import time
from typing import Any

from awslambdaric.__main__ import main
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

wait_next_invocation = LambdaRuntimeClient.wait_next_invocation


def wait_with_trace(self: LambdaRuntimeClient) -> Any:
    """Wait for the next invocation, and give it a sampled trace of its own."""
    invocation = wait_next_invocation(self)
    trace = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    invocation.x_amzn_trace_id = f"Root={trace};Parent={secrets.token_hex(8)};Sampled=1"
    return invocation


LambdaRuntimeClient.wait_next_invocation = wait_with_trace
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])  # where `python -m` would look
main(sys.argv)
