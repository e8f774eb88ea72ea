"""Chooses the store of files: S3 if a bucket is set, else folders of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.files import FileStore


def open_file_store(bucket: str, prefix: str, content_type: str, folders: Sequence[Path], url: str) -> FileStore:
    """Open the store of charts or of documents. boto3 is imported only for S3.

    Parameters
    ----------
    bucket, prefix : str
        Where the files lie in S3; without a bucket they lie in `folders`.
    content_type : str
        Of all files.
    folders : sequence of Path
        See `FolderFileStore`.
    url : str
        Where the files of the folders are served.
    """
    if not bucket:
        return FolderFileStore(folders, url, content_type)
    from shotwise.adapters.aws.s3_file_store import S3FileStore

    return S3FileStore(bucket, prefix, content_type)
