"""Files in an S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shotwise.errors import NotFound, StoreError
from shotwise.files import StoredFile, Upload

ADDRESS_SECONDS, UPLOAD_SECONDS = 300, 900
# Signed addresses by version 4 and of the bucket's own region: a redirect would break the signature.
SIGNING = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


class S3FileStore:
    """Implements `files.FileStore` under `prefix` of `bucket`; the URL it gives is s3://."""

    def __init__(self, bucket: str, prefix: str, content_type: str, client: Any = None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._content_type = content_type
        self._client = client or boto3.client("s3", config=SIGNING)

    def put(self, name: str, content: bytes) -> str:
        """Store the file; the bucket encrypts it by its own default."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content,
                                    ContentType=self._content_type)
        except (ClientError, BotoCoreError) as error:
            raise StoreError(f"s3://{self._bucket}/{self._prefix}{name} was not stored: {error}") from error
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def get(self, name: str) -> StoredFile:
        """An address signed for ADDRESS_SECONDS."""
        with self._translated(name, "read"):
            self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
            return StoredFile(None, self._signed("get_object", name, ADDRESS_SECONDS))

    def fetch(self, name: str, folder: Path) -> Path:
        """A copy in `folder`, in pieces: the file need not fit into memory."""
        path = folder / Path(name).name
        with self._translated(name, "read"):
            self._client.download_file(self._bucket, self._prefix + name, str(path))
        return path

    def remove(self, name: str) -> None:
        """Delete the object; a bucket with versions keeps the old ones."""
        with self._translated(name, "removed"):
            self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def upload(self, name: str) -> Upload:
        """An address signed for UPLOAD_SECONDS, for this type of content alone."""
        with self._translated(name, "signed"):
            address = self._signed("put_object", name, UPLOAD_SECONDS, ContentType=self._content_type)
        return Upload(address, "PUT", {"Content-Type": self._content_type})

    def _signed(self, call: str, name: str, seconds: int, **parameters: str) -> str:
        address: str = self._client.generate_presigned_url(
            call, Params={"Bucket": self._bucket, "Key": self._prefix + name, **parameters}, ExpiresIn=seconds)
        return address

    def _bucket_is_there(self) -> bool:
        """S3 answers HEAD with the same 404 for a file and for a bucket that are absent."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except (ClientError, BotoCoreError):
            return False
        return True

    @contextmanager
    def _translated(self, name: str, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"s3://{self._bucket}/{self._prefix}{name} was not {done}: {error.strerror}") from error
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code in ("404", "NoSuchKey", "NotFound") and self._bucket_is_there():
                raise NotFound(f"There is no file {name!r}.") from error
            raise StoreError(f"s3://{self._bucket}/{self._prefix}{name} was not {done}: {error}") from error
