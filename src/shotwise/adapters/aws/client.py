"""boto3 clients with time limits, and the translation of what boto3 raises."""

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
    create: Any = boto3.client  # its stubs know no service by a variable name
    return create(service, config=Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=read_seconds, max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": attempts}))


@contextmanager
def translate_boto_errors(failure: str, error_type: type[ShotwiseError] = KnowledgeError) -> Iterator[None]:
    """Raise what boto3 raises as an error of ours that begins with `failure`."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise error_type(f"{failure}: {error}") from error


def error_code(error: ClientError) -> str:
    """The code that the service gave for an error, such as NoSuchKey."""
    return str(error.response["Error"]["Code"])
