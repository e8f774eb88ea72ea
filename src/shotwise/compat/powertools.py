"""Import Powertools' resolver of API Gateway events, without the resolvers of other services.

Written for aws-lambda-powertools 3.37.0.

Why: `import aws_lambda_powertools.event_handler` also imports the resolvers of AppSync, Bedrock and others, and asyncio
with them, which takes an eighth of the cold start of predict. Therefore an empty module replaces that package in
`sys.modules`; its submodules can still be imported, but nothing else of the package is.

It can be removed when the package imports its resolvers lazily.
"""

from __future__ import annotations

import importlib.util
import sys
import types

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

__all__ = ["APIGatewayRestResolver", "CORSConfig", "NotFoundError", "Response"]
