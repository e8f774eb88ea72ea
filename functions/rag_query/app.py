"""T3: what do the documents say? The composition root; the work is in shotwise.edge.rag_query."""

import os

from shotwise.adapters.folder_store import FolderStore
from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.edge.rag_query import rag_query_function
from shotwise.files import FileStore
from shotwise.settings import Settings


def document_store(settings: Settings) -> FileStore:
    """S3 where a bucket is set, else the folders that documents are ingested from."""
    if not settings.documents_bucket:
        return FolderStore(settings.documents, f"{settings.public_url}/documents")
    from shotwise.adapters.s3_store import S3Store

    return S3Store(settings.documents_bucket, "", "application/pdf")


settings = Settings.from_mapping(os.environ)
index = SqliteIndex(settings.index, read_only=settings.index_read_only)
handler = rag_query_function(index, document_store(settings))
