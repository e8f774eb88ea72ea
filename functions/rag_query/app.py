"""Entry point of the function rag_query: it opens the adapters of `shotwise.handlers.rag_query`."""

import os

from shotwise.adapters.aws.tracing import trace_calls
from shotwise.adapters.file_factory import open_file_store
from shotwise.adapters.knowledge_factory import open_answerer
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.settings import Settings

trace_calls("rag_query", os.environ)
settings = Settings.from_mapping(os.environ)
documents = open_file_store(settings.documents_bucket, "", "application/pdf", settings.documents,
                            f"{settings.public_url}/uploads")
handler = rag_query_handler(open_answerer(settings.knowledge), documents, settings.allowed_origins)
