"""T3: what do the documents say? The composition root; the work is in shotwise.edge.rag_query."""

import os

from shotwise.adapters.file_store import file_store
from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.edge.rag_query import rag_query_function
from shotwise.settings import Settings

settings = Settings.from_mapping(os.environ)
documents = file_store(settings.documents_bucket, "", "application/pdf", settings.documents,
                       f"{settings.public_url}/documents")
handler = rag_query_function(SqliteIndex(settings.index, read_only=settings.index_read_only), documents)
