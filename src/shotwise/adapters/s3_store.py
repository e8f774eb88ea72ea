"""Files in an S3 bucket."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from shotwise.errors import NotFound, StoreError
from shotwise.files import Stored

ADDRESS_SECONDS = 300


class S3Store:
    """Implements `files.FileStore` under `prefix` of `bucket`; the URL it gives is s3://."""

    def __init__(self, bucket: str, prefix: str, content_type: str, client: Any = None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._content_type = content_type
        self._client = client or boto3.client("s3")

    def put(self, name: str, content: bytes) -> str:
        """Store the file; the bucket encrypts it by its own default."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content,
                                    ContentType=self._content_type)
        except (ClientError, BotoCoreError) as error:
            raise StoreError(f"s3://{self._bucket}/{self._prefix}{name} was not stored: {error}") from error
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def get(self, name: str) -> Stored:
        """An address signed for ADDRESS_SECONDS."""
        key = self._prefix + name
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
            address = self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=ADDRESS_SECONDS)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                raise NotFound(f"There is no file {name!r}.") from error
            raise StoreError(f"s3://{self._bucket}/{self._prefix}{name} was not read: {error}") from error
        except BotoCoreError as error:
            raise StoreError(f"s3://{self._bucket}/{self._prefix}{name} was not read: {error}") from error
        return Stored(None, address)
