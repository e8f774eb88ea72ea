"""The real handlers, in this process: loaded by template.yaml's names, called as Lambda would call them."""

from __future__ import annotations

import importlib
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Context:
    """The part of a Lambda context that the handlers use."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Functions:
    """Handlers by logical id, and the ASGI apps of those that stream. A Lambda handles one event at a time, and
    Powertools' router keeps the event it is routing in one place for the whole process: so API events take turns.
    Payloads of the workflow, which the router does not see, do not."""

    def __init__(self, modules: dict[str, str], apps: dict[str, str]) -> None:
        self._handlers = {name: importlib.import_module(module).handler for name, module in modules.items()}
        self.apps = {name: importlib.import_module(module).app for name, module in apps.items()}
        self._turn = threading.Lock()

    def invoke(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Call a handler with a plain payload."""
        reply: dict[str, Any] = self._handlers[name](payload, Context(name))
        return reply

    def request(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a handler with an API Gateway proxy event."""
        with self._turn:
            return self.invoke(name, event)
