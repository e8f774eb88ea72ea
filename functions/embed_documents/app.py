"""The embedding pipeline: a PDF in the bucket → passages. The composition root; see shotwise.edge.embed_documents."""

import os
from functools import partial

from shotwise.adapters.file_store import file_store
from shotwise.adapters.knowledge import make_index, open_ingestion
from shotwise.adapters.stack_answer import put_answer
from shotwise.adapters.tracing import trace_calls
from shotwise.edge.embed_documents import embed_documents_function
from shotwise.settings import Settings

trace_calls("embed_documents", os.environ)
settings = Settings.from_mapping(os.environ)
documents = file_store(settings.documents_bucket, "", "application/pdf", settings.documents,
                       f"{settings.public_url}/uploads")
handler = embed_documents_function(open_ingestion(settings.knowledge), documents,
                                   partial(make_index, settings.knowledge), put_answer)
