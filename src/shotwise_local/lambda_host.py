"""Emulate Lambda: load the handlers that template.yaml names into this process, and invoke them."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class LambdaContext:
    """The part of a Lambda context that the handlers use."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float = math.inf  # by the monotonic clock

    def get_remaining_time_in_millis(self) -> float:
        """Return the time that is left for the invocation. Lambda ends a function then; here it has to end itself."""
        return (self.deadline - time.monotonic()) * 1000


class LambdaHost:
    """The functions of this process, which handle several events at the same time.

    On AWS an environment of a function handles one event at a time, and there are many environments. Here a function is
    loaded once, and its callers' threads run it; the gateway's lanes bound how many.

    Parameters
    ----------
    handlers : dict of str to Path
        Logical id of a function → the file with its `handler`.
    apps : dict of str to Path
        Logical id of a function that streams → the file with its ASGI `app`.
    """

    def __init__(self, handlers: dict[str, Path], apps: dict[str, Path]) -> None:
        self._handlers = {name: load_app(path).handler for name, path in handlers.items()}
        self.apps = {name: load_app(path).app for name, path in apps.items()}

    def invoke(self, name: str, payload: dict[str, Any], seconds: float = math.inf) -> dict[str, Any]:
        """Invoke a function with an event of API Gateway or any other payload."""
        context = LambdaContext(name, deadline=time.monotonic() + seconds)
        reply: dict[str, Any] = self._handlers[name](payload, context)
        return reply


def load_app(path: Path) -> ModuleType:
    """Load `functions/NAME/app.py` as the module `functions.NAME.app`, once per process.

    It is loaded by its path because the functions are no installed package: on Lambda each has a folder of its own.
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
