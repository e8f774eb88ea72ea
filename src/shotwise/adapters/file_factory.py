"""Open the file store that the settings choose: S3 if a bucket is set, else folders of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shotwise.adapters.folder_file_store import FolderBounds, FolderFileStore
from shotwise.files import FileStore


def open_file_store(bucket: str, prefix: str, content_type: str, folders: Sequence[Path], url: str,
                    bounds: FolderBounds | None = None) -> FileStore:
    """Open the file store of charts or of documents. boto3 is only imported for S3.

    Parameters
    ----------
    bucket, prefix : str
        S3 bucket of the files and prefix of their keys; an empty bucket for `folders`.
    content_type : str
        Content type of all files.
    folders : sequence of Path
        See `FolderFileStore`.
    url : str
        URL under which the files in the folders are served.
    bounds : FolderBounds, optional
        See `FolderFileStore`; a rule of its lifecycle bounds a bucket.
    """
    if not bucket:
        return FolderFileStore(folders, url, content_type, bounds)
    from shotwise.adapters.aws.s3_file_store import S3FileStore

    return S3FileStore(bucket, prefix, content_type)
