"""Powertools' resolver of API Gateway's events, and of no others.

Importing the package that it is in imports the resolvers of AppSync, Bedrock and more, and asyncio with them: an eighth
of T1's cold start. So a package of its name and its place stands in for it, which imports nothing by itself.
"""

from __future__ import annotations

import importlib.util
import sys
import types

PACKAGE = "aws_lambda_powertools.event_handler"


def _lean() -> None:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations is not None
    package = types.ModuleType(PACKAGE)
    package.__spec__ = spec
    package.__path__ = spec.submodule_search_locations
    sys.modules[PACKAGE] = package


if PACKAGE not in sys.modules:  # else it was imported whole already, and all of it is there
    _lean()
from aws_lambda_powertools.event_handler.api_gateway import (
    APIGatewayRestResolver,
    CORSConfig,
    Response,
)
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

__all__ = ["APIGatewayRestResolver", "CORSConfig", "NotFoundError", "Response"]
