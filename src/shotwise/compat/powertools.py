"""Import Powertools' resolver of API Gateway events without the resolvers of other services, and make it thread-safe.

Written for aws-lambda-powertools 3.37.0.

The other resolvers are left out.
    `import aws_lambda_powertools.event_handler` also imports the resolvers of AppSync, Bedrock and others, and asyncio
    with them, which takes an eighth of the cold start of predict. Therefore an empty module replaces that package in
    `sys.modules`; its submodules can still be imported, but nothing else of the package is. This can go when the
    package imports its resolvers lazily.
ApiResolver keeps the event that is being routed per thread.
    The package keeps event, context and routing context of all resolvers in variables of the process, as a Lambda
    function handles one event at a time. On one machine many requests run at the same time. This can go when the
    package keeps them per resolver and thread.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import types
from typing import Any

from aws_lambda_powertools.shared.version import VERSION  # importlib.metadata would take 40 ms of a cold start

from shotwise.compat import require_version

PACKAGE = "aws_lambda_powertools.event_handler"


def _put_empty_package() -> None:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations is not None
    package = types.ModuleType(PACKAGE)
    package.__spec__ = spec
    package.__path__ = spec.submodule_search_locations
    sys.modules[PACKAGE] = package


if PACKAGE not in sys.modules:  # otherwise the complete package has already been imported
    require_version("aws-lambda-powertools", VERSION, "3.37.0")
    _put_empty_package()
# These imports have to follow the replacement.
from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, CORSConfig, Response  # noqa: E402
from aws_lambda_powertools.event_handler.exceptions import NotFoundError  # noqa: E402

__all__ = ["ApiResolver", "CORSConfig", "NotFoundError", "Response"]


class _RoutedEvent(threading.local):
    """The event that a thread is routing, its Lambda context, and the routing context."""

    def __init__(self) -> None:
        self.event: Any = None
        self.lambda_context: Any = None
        self.context: dict[str, Any] = {}


class ApiResolver(APIGatewayRestResolver):
    """Routes API Gateway events, in several threads at the same time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._routed = _RoutedEvent()
        self._building = threading.Lock()
        super().__init__(*arguments, **options)

    @property
    def current_event(self) -> Any:  # type: ignore[override]
        """The event that this thread is routing."""
        return self._routed.event

    @property
    def lambda_context(self) -> Any:  # type: ignore[override]
        """The Lambda context of that event."""
        return self._routed.lambda_context

    @property
    def context(self) -> dict[str, Any]:
        """The routing context of that event."""
        return self._routed.context

    @context.setter
    def context(self, context: dict[str, Any]) -> None:
        self._routed.context = context

    def resolve(self, event: Any, context: Any) -> dict[str, Any]:
        """Route an event to its handler."""
        self._routed.lambda_context = context
        return super().resolve(event, context)

    def _to_proxy_event(self, event: dict[str, Any]) -> Any:
        self._routed.event = super()._to_proxy_event(event)
        return self._routed.event

    def _call_route(self, route: Any, route_arguments: dict[str, str]) -> Any:
        if not route._middleware_stack_built:
            with self._building:  # two threads that build it at the same time would wrap the handler twice
                if not route._middleware_stack_built:
                    route._build_middleware_stack(router_middlewares=self._router_middlewares, app=self)
        return super()._call_route(route, route_arguments)
