"""Which store keeps the files: S3 where a bucket is set, else folders of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shotwise.adapters.files import FolderStore
from shotwise.files import FileStore


def file_store(bucket: str, prefix: str, content_type: str, folders: Sequence[Path], url: str) -> FileStore:
    """S3 under `prefix` of `bucket`; without a bucket `folders`, served under `url`. boto3 is loaded only for S3."""
    if not bucket:
        return FolderStore(folders, url, content_type)
    from shotwise.adapters.aws.s3_file_store import S3Store

    return S3Store(bucket, prefix, content_type)
