"""A CloudFormation custom resource: makes the index of a vector store before the first document arrives.

It belongs to the function that embeds documents, because that one alone may make the index, and is in the only network
from which a private collection can be reached.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from shotwise.errors import KnowledgeError

SendResponse = Callable[[str, bytes], None]
# The data policy of a collection takes effect a minute or so after it is made; until then the store refuses us. What is
# left of the function's 900 s is for a last try that begins at the end: making an index may take up to 180 s.
PAUSE_SECONDS, MAX_SECONDS = 15.0, 600.0
MAX_REASON = 1000  # characters


def is_stack_event(event: Any) -> bool:
    """Return whether an event is CloudFormation's, which waits for a response at the URL that it gives."""
    return isinstance(event, dict) and "ResponseURL" in event and "RequestType" in event


def prepare_index(event: Mapping[str, Any], make_index: Callable[[], None], send_response: SendResponse,
                  logger: Logger, *, sleep: Callable[[float], None] = time.sleep,
                  clock: Callable[[], float] = time.monotonic) -> None:
    """Make the index and tell CloudFormation how that went.

    If the stack is being deleted, nothing is made: the index is deleted with its collection.

    Parameters
    ----------
    event : mapping
        CloudFormation's event.
    make_index : callable
        Makes the index; does nothing if it exists. Raises KnowledgeError.
    send_response : callable
        Sends a body to a URL. It is called in any case: without a response, CloudFormation waits until it times out.
    logger : Logger
        Gets what went wrong.
    sleep, clock : callable
        Wait for and tell the time, in seconds.
    """
    failure = "" if event["RequestType"] == "Delete" else _try_until_made(make_index, logger, sleep, clock)
    response = {"Status": "FAILED" if failure else "SUCCESS", "Reason": failure or "the index is there",
                "PhysicalResourceId": event["ResourceProperties"]["Index"],
                **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}}
    send_response(event["ResponseURL"], json.dumps(response).encode())


def _try_until_made(make_index: Callable[[], None], logger: Logger, sleep: Callable[[float], None],
                    clock: Callable[[], float]) -> str:
    """Why the index could not be made; empty if it was."""
    end = clock() + MAX_SECONDS
    while True:
        try:
            make_index()
            return ""
        except KnowledgeError as error:
            logger.warning("the index could not be made yet", reason=str(error))
            if clock() >= end:
                return str(error)[:MAX_REASON]
        except Exception as error:  # whatever it is, the stack waits for a response; the log has the rest
            logger.exception("the index could not be made")
            return f"{type(error).__name__}: see the log of the function that embeds documents"
        sleep(PAUSE_SECONDS)
