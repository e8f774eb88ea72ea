"""A CloudFormation custom resource that creates the index of a vector store before the first document arrives.

The function embed_documents serves it, because no other function has the right to create the index and the network
access to a private collection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from shotwise.errors import KnowledgeError

SendResponse = Callable[[str, bytes], None]
# The data policy of a new collection takes effect after about a minute; until then the store refuses this role. The
# function has 900 s: the rest is for an attempt that begins just before MAX_SECONDS and may take up to 180 s.
PAUSE_SECONDS, MAX_SECONDS = 15.0, 600.0
MAX_REASON = 1000  # characters


def is_stack_event(event: Any) -> bool:
    """Return whether CloudFormation sent the event; it then waits for a response at the event's `ResponseURL`."""
    return isinstance(event, dict) and "ResponseURL" in event and "RequestType" in event


def prepare_index(event: Mapping[str, Any], make_index: Callable[[], None], send_response: SendResponse,
                  logger: Logger, *, sleep: Callable[[float], None] = time.sleep,
                  clock: Callable[[], float] = time.monotonic) -> None:
    """Create the index and report the outcome to CloudFormation.

    When the stack is deleted, success is reported at once, since the index is deleted with its collection.

    Parameters
    ----------
    event : mapping
        CloudFormation's event.
    make_index : callable
        Creates the index; does nothing if it exists. Raises KnowledgeError.
    send_response : callable
        Sends a body to a URL. It is always called: without a response, CloudFormation waits until it times out.
    logger : Logger
        Logs every attempt that failed.
    sleep, clock : callable
        Stand-ins for `time.sleep` and `time.monotonic` in tests.
    """
    failure = "" if event["RequestType"] == "Delete" else _make_with_retries(make_index, logger, sleep, clock)
    response = {"Status": "FAILED" if failure else "SUCCESS", "Reason": failure or "the index is there",
                "PhysicalResourceId": event["ResourceProperties"]["Index"],
                **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}}
    send_response(event["ResponseURL"], json.dumps(response).encode())


def _make_with_retries(make_index: Callable[[], None], logger: Logger, sleep: Callable[[float], None],
                       clock: Callable[[], float]) -> str:
    """Create the index, again after each KnowledgeError. Return the reason of the failure, empty on success."""
    end = clock() + MAX_SECONDS
    while True:
        try:
            make_index()
            return ""
        except KnowledgeError as error:
            logger.warning("the index could not be created yet", reason=str(error))
            if clock() >= end:
                return str(error)[:MAX_REASON]
        except Exception as error:  # the stack waits for a response, whatever the error is
            logger.exception("the index could not be created")
            return f"{type(error).__name__}: see the log of the function that embeds documents"
        sleep(PAUSE_SECONDS)
