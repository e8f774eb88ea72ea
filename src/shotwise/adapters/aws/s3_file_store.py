"""Store files in an S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shotwise.adapters.aws.client import error_code, translate_boto_errors
from shotwise.errors import NotFound, StoreError
from shotwise.files import StoredFile, Upload

DOWNLOAD_SECONDS, UPLOAD_SECONDS = 300, 900  # how long a signed URL is valid
# The address of the bucket's own region, because a redirect to it would invalidate the signature (Version 4).
SIGNING = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
MISSING = ("404", "NoSuchKey", "NotFound")


class S3FileStore:
    """Implements `files.FileStore` under `prefix` of `bucket`; the URL of a file begins with s3://."""

    def __init__(self, bucket: str, prefix: str, content_type: str, client: Any = None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._content_type = content_type
        self._client = client or boto3.client("s3", config=SIGNING)

    def put(self, name: str, content: bytes) -> str:
        """Store the file; the bucket's default encryption applies."""
        with self._translate_errors(name, "stored"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content,
                                    ContentType=self._content_type)
        return self._s3_url(name)

    def get(self, name: str) -> StoredFile:
        """Return a URL that is signed for DOWNLOAD_SECONDS."""
        with self._translate_errors(name, "read"):
            self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
            return StoredFile(None, self._signed_url("get_object", name, DOWNLOAD_SECONDS))

    def fetch(self, name: str, folder: Path) -> Path:
        """Download the file into `folder` in parts, so that it need not fit into memory."""
        path = folder / Path(name).name
        with self._translate_errors(name, "read"):
            self._client.download_file(self._bucket, self._prefix + name, str(path))
        return path

    def remove(self, name: str) -> None:
        """Delete the object; a bucket with versioning keeps earlier versions."""
        with self._translate_errors(name, "removed"):
            self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def upload(self, name: str) -> Upload:
        """Return a URL that is signed for UPLOAD_SECONDS and for this content type only."""
        with self._translate_errors(name, "signed"):
            url = self._signed_url("put_object", name, UPLOAD_SECONDS, ContentType=self._content_type)
        return Upload(url, "PUT", {"Content-Type": self._content_type})

    def _s3_url(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def _signed_url(self, operation: str, name: str, seconds: int, **parameters: str) -> str:
        url: str = self._client.generate_presigned_url(
            operation, Params={"Bucket": self._bucket, "Key": self._prefix + name, **parameters}, ExpiresIn=seconds)
        return url

    def _bucket_exists(self) -> bool:
        """Return whether the bucket exists: S3 answers HEAD with the same 404 if the file or the bucket is missing."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except (ClientError, BotoCoreError):
            return False
        return True

    @contextmanager
    def _translate_errors(self, name: str, action: str) -> Iterator[None]:
        """Raise NotFound if the file is missing, StoreError for any other error."""
        failure = f"{self._s3_url(name)} was not {action}"
        with translate_boto_errors(failure, StoreError):
            try:
                yield
            except OSError as error:
                raise StoreError(f"{failure}: {error.strerror}") from error
            except ClientError as error:
                if error_code(error) in MISSING and self._bucket_exists():
                    raise NotFound(f"There is no file {name!r}.") from error
                raise
