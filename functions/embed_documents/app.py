"""Entry point of the function embed_documents: it opens the adapters of `shotwise.handlers.embed_documents`."""

import os
from functools import partial

from shotwise.adapters.aws.cloudformation_response import put_response
from shotwise.adapters.aws.tracing import trace_calls
from shotwise.adapters.file_factory import open_file_store
from shotwise.adapters.knowledge_factory import make_index, open_ingestion
from shotwise.handlers.embed_documents import embed_documents_handler
from shotwise.settings import Settings

trace_calls("embed_documents", os.environ)
settings = Settings.from_mapping(os.environ)
documents = open_file_store(settings.documents_bucket, "", "application/pdf", settings.documents,
                            f"{settings.public_url}/uploads")
handler = embed_documents_handler(open_ingestion(settings.knowledge), documents,
                                  partial(make_index, settings.knowledge), put_response)
