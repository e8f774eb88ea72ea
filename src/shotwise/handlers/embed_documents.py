"""Update the knowledge index for S3 events, which arrive in SQS messages.

An event is only taken to mean that the file of a name may have changed: if the bucket has a file of that name now, it
is ingested, otherwise the document is removed. So events may arrive twice, late or out of order.
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
from shotwise.handlers.prepare_index import SendResponse, is_stack_event, prepare_index
from shotwise.knowledge.ingestion.pipeline import Ingestion, IngestResult

SERVICE = "embed_documents"


def embed_documents_handler(ingestion: Ingestion, documents: FileStore, make_index: Callable[[], None],
                            send_response: SendResponse) -> Callable[[Any, Any], dict[str, Any]]:
    """Return the handler of the documents queue and of the stack's request to create the index.

    Only the messages that failed are reported to the queue, which delivers them again and finally moves them to the
    dead-letter queue. The message of a file that cannot be read does not fail: the reason is stored with its name.

    Parameters
    ----------
    ingestion : Ingestion
        Ingests and removes documents.
    documents : FileStore
        The files of the documents.
    make_index, send_response : callable
        Passed on to `prepare_index`.
    """
    logger = Logger(service=SERVICE)
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def handle_record(record: SQSRecord, lambda_context: Any = None) -> None:
        for name in dict.fromkeys(_file_names(record.body)):
            try:
                outcome = sync_document(name, ingestion, documents)
            except Exception:
                logger.exception("failed", document=name)
                # Lambda counts the invocation as a success, so it is this metric that stops a roll-out.
                emit_metrics(SERVICE, {}, {"Failed": 1}, function_version=function_version(lambda_context))
                raise
            _record_outcome(outcome, ingestion.name, logger)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        if is_stack_event(event):
            prepare_index(event, make_index, send_response, logger)
            return {}
        return dict(process_partial_response(event, handle_record, processor, context))

    return handler


def _record_outcome(outcome: IngestResult, model_version: str, logger: Logger) -> None:
    logger.info("ingested", document=outcome.name, state=outcome.state, reason=outcome.reason,
                notes=outcome.note_texts)
    emit_metrics(SERVICE, {}, {"Pages": outcome.pages, "Passages": outcome.passages,
                               "FailedDocuments": float(outcome.state == "failed")}, model_version=model_version)


def sync_document(name: str, ingestion: Ingestion, documents: FileStore) -> IngestResult:
    """Ingest the file of this name, or remove the document if the file store has none.

    A file whose name is not valid is not read, and the reason is stored. The name of a folder is skipped.
    """
    if name.endswith("/"):
        return IngestResult(name, "unchanged")
    fault = name_fault(name)
    with tempfile.TemporaryDirectory() as folder:
        try:
            if fault:
                documents.get(name)  # raises NotFound if there is no such file
                return ingestion.refuse(name, fault)
            path = documents.fetch(name, Path(folder))
        except NotFound:
            return ingestion.remove(name)
        return ingestion.ingest(path)


def _file_names(body: str) -> Iterator[str]:
    """Yield the file name of each event in a message; the test event of a new S3 notification has none."""
    for event in json.loads(body).get("Records", ()):
        yield unquote_plus(event["s3"]["object"]["key"])
