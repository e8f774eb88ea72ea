"""The real handlers, in this process: loaded by template.yaml's names, called as Lambda would call them."""

from __future__ import annotations

import importlib.util
import sys
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Context:
    """The part of a Lambda context that the handlers use."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class LambdaHost:
    """Handlers by logical id, and the ASGI apps of those that stream. A Lambda handles one event at a time, and
    Powertools' router keeps the event it is routing in one place for the whole process: so API events take turns.
    Payloads of the workflow, which the router does not see, do not."""

    def __init__(self, handlers: dict[str, Path], apps: dict[str, Path]) -> None:
        self._handlers = {name: load_app(path).handler for name, path in handlers.items()}
        self.apps = {name: load_app(path).app for name, path in apps.items()}
        self._turn = threading.Lock()

    def invoke(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Call a handler with a plain payload."""
        reply: dict[str, Any] = self._handlers[name](payload, Context(name))
        return reply

    def request(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a handler with an API Gateway proxy event."""
        with self._turn:
            return self.invoke(name, event)


def load_app(path: Path) -> ModuleType:
    """Load `functions/NAME/app.py` as the module `functions.NAME.app`, once per process.

    By its path, since the functions are no installed package: on Lambda each of them is a folder of its own.
    """
    name = f"functions.{path.parent.name}.app"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
