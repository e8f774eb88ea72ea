"""CloudFormation at the edge: a stack has the index of a store made before the first document comes.

Of the function that embeds, because that one alone may make it, and stands in the network from which alone a private
collection is reached.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from shotwise.errors import KnowledgeError

Send = Callable[[str, bytes], None]
# A collection's data policy holds a minute or so after it is made; until then the store turns us away. What is left of
# the function's 900 s is for a try that begins at the end: making an index is waited for up to 180 s.
PAUSE_SECONDS, MAX_SECONDS = 15.0, 600.0


def is_stack_event(event: Any) -> bool:
    """Whether CloudFormation asks, and waits for an answer at the address that it gives."""
    return isinstance(event, dict) and "ResponseURL" in event and "RequestType" in event


def prepare_index(event: Mapping[str, Any], make: Callable[[], None], send: Send, logger: Logger, *,
                  sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic) -> None:
    """Make the index, unless the stack goes: with it the collection goes, and the index in it. make: does nothing where
    it is there. send: gives CloudFormation the answer, of success and of failure; without one it waits in vain."""
    reason = "" if event["RequestType"] == "Delete" else _made(make, logger, sleep, clock)
    answer = {"Status": "FAILED" if reason else "SUCCESS", "Reason": reason or "the index is there",
              "PhysicalResourceId": event["ResourceProperties"]["Index"],
              **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}}
    send(event["ResponseURL"], json.dumps(answer).encode())


def _made(make: Callable[[], None], logger: Logger, sleep: Callable[[float], None], clock: Callable[[], float]) -> str:
    """Why the index could not be made; empty where it was."""
    end = clock() + MAX_SECONDS
    while True:
        try:
            make()
            return ""
        except KnowledgeError as error:
            logger.warning("the index could not be made yet", reason=str(error))
            if clock() >= end:
                return str(error)[:1000]
        except Exception as error:  # whatever it is, the stack waits for an answer; the log has the rest
            logger.exception("the index could not be made")
            return f"{type(error).__name__}: see the log of the function that embeds"
        sleep(PAUSE_SECONDS)
