"""Create boto3 clients with time limits, and translate the errors of boto3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shotwise.errors import KnowledgeError, ShotwiseError

CONNECT_SECONDS = 3


def aws_client(service: str, *, read_seconds: float, attempts: int = 3, connections: int = 10) -> Any:
    """Create a boto3 client that gives up after at most `attempts` tries of `read_seconds` each."""
    create: Any = boto3.client  # its stubs do not accept the name of the service as a variable
    return create(service, config=Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=read_seconds, max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": attempts}))


@contextmanager
def translate_boto_errors(failure: str, error_type: type[ShotwiseError] = KnowledgeError) -> Iterator[None]:
    """Raise an error of boto3 as an `error_type` whose message begins with `failure`."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise error_type(f"{failure}: {error}") from error


def error_code(error: ClientError) -> str:
    """Return the service's code of an error, such as NoSuchKey."""
    return str(error.response["Error"]["Code"])
