"""Read the routes of an API description: OpenAPI with API Gateway's extensions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True)
class Route:
    """An operation of the API description.

    Attributes
    ----------
    pattern : re.Pattern
        Matches the path; its named groups are the path parameters.
    resource : str
        The path as written in the description.
    method : str
        The HTTP method, in capitals.
    validates_body : bool
        Whether the gateway checks the body against the description.
    media_types : frozenset of str
        Media types of the bodies that are checked.
    integration : mapping
        Its `x-amazon-apigateway-integration`.
    """

    pattern: re.Pattern[str]
    resource: str
    method: str
    validates_body: bool
    media_types: frozenset[str]
    integration: Mapping[str, Any]

    @property
    def function(self) -> str:
        """The logical id of the Lambda function that the route calls."""
        match = re.search(r"functions/\$\{(\w+)Aliaslive\}", resolved_text(self.integration["uri"]))
        assert match, f"{self.resource} names no function"
        return match[1]


def read_routes(api: Mapping[str, Any]) -> list[Route]:
    """Return the operations of an API description, without those that answer a browser's preflight requests."""
    return [_read_route(api, resource, method) for resource, methods in api["paths"].items()
            for method in methods if method in METHODS]


def _read_route(api: Mapping[str, Any], resource: str, method: str) -> Route:
    operation = api["paths"][resource][method]
    validator = api["x-amazon-apigateway-request-validators"].get(
        operation.get("x-amazon-apigateway-request-validator"), {})
    return Route(
        re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", resource)), resource, method.upper(),
        bool(validator.get("validateRequestBody")), frozenset(operation.get("requestBody", {}).get("content", ())),
        operation["x-amazon-apigateway-integration"])


def resolved_text(node: Any) -> str:
    """Return a text of the description; for an Fn::Sub, its text with the ${…} of AWS resources left in."""
    text = node["Fn::Sub"] if isinstance(node, dict) else node
    return str(text[0] if isinstance(text, list) else text)
