"""The embedding pipeline at the edge: messages of a queue that carry S3 events → the library.

An event only says that something happened to a name. What is done is decided by what the bucket holds under it now:
there is a file, so it is ingested; there is none, so it is removed. So events may come twice, late or out of order.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shotwise.errors import NotFound
from shotwise.files import FileStore
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.lambda_handler import emit_metrics, function_version
from shotwise.handlers.prepare_index import Send, is_stack_event, prepare_index
from shotwise.knowledge.ingestion.pipeline import Ingestion, IngestResult

SERVICE = "embed_documents"


def embed_documents_handler(ingestion: Ingestion, documents: FileStore, make_index: Callable[[], None],
                             send: Send) -> Callable[[Any, Any], dict[str, Any]]:
    """The handler of a queue. A message whose work fails is reported back alone, to be tried again and in the end put
    aside; a file that cannot be read is no failure of ours: its reason is noted, and the message is done.

    make_index, send: what a stack asks for, and where its answer goes; see prepare_index."""
    logger = Logger(service=SERVICE)
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def handle(record: SQSRecord, lambda_context: Any = None) -> None:
        for name in dict.fromkeys(_names(record.body)):
            try:
                found = sync(name, ingestion, documents)
            except Exception:
                logger.exception("failed", document=name)
                emit_metrics(SERVICE, {}, {"Failed": 1}, function_version=function_version(lambda_context))  # Lambda sees a success
                raise
            logger.info("ingested", document=name, state=found.state, reason=found.reason, notes=found.note_texts)
            emit_metrics(SERVICE, {}, {"Pages": found.pages, "Passages": found.passages,
                               "FailedDocuments": float(found.state == "failed")}, model_version=ingestion.name)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        if is_stack_event(event):
            prepare_index(event, make_index, send, logger)
            return {}
        return dict(process_partial_response(event, handle, processor, context))

    return handler


def sync(name: str, ingestion: Ingestion, documents: FileStore) -> IngestResult:
    """Make the library hold what the store holds under this name. A name that no document may have is noted as the
    reason why it is not read; a folder is passed over."""
    if name.endswith("/"):
        return IngestResult(name, "unchanged")
    fault = name_fault(name)
    with tempfile.TemporaryDirectory() as folder:
        try:
            if fault:
                documents.get(name)
                return ingestion.refuse(name, fault)
            path = documents.fetch(name, Path(folder))
        except NotFound:
            return ingestion.remove(name)
        return ingestion.ingest(path)


def _names(body: str) -> Iterator[str]:
    """The names that a message speaks of; none in what S3 sends to try the way out."""
    for event in json.loads(body).get("Records", ()):
        yield unquote_plus(event["s3"]["object"]["key"])
