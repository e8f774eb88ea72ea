"""Which store keeps the files: S3 where a bucket is set, else folders of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.files import FileStore


def open_file_store(bucket: str, prefix: str, content_type: str, folders: Sequence[Path], url: str) -> FileStore:
    """S3 under `prefix` of `bucket`; without a bucket `folders`, served under `url`. boto3 is loaded only for S3."""
    if not bucket:
        return FolderFileStore(folders, url, content_type)
    from shotwise.adapters.aws.s3_file_store import S3FileStore

    return S3FileStore(bucket, prefix, content_type)
