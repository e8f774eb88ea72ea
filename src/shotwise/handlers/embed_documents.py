"""Update the knowledge index for S3 events, which arrive in SQS messages.

An event is only taken to mean that the file of a name may have changed: if the bucket has a file of that name now, it
is ingested, otherwise the document is removed. So events may arrive twice, late or out of order.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shotwise.errors import KnowledgeError, NotFound, OutOfTime
from shotwise.files import FileStore
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.lambda_handler import emit_metrics, function_version
from shotwise.handlers.prepare_index import SendResponse, is_stack_event, prepare_index
from shotwise.knowledge.ingestion.pipeline import Ingestion, IngestResult
from shotwise.messages import Message

SERVICE = "embed_documents"


def embed_documents_handler(ingestion: Ingestion, documents: FileStore, make_index: Callable[[], None],
                            send_response: SendResponse) -> Callable[[Any, Any], dict[str, Any]]:
    """Return the handler of the documents queue and of the stack's request to create the index.

    Only the messages that failed are reported to the queue, which delivers them again and finally moves them to the
    dead-letter queue; meanwhile their files are listed as tried again. The message of a file that cannot be read does
    not fail: the reason is stored with its name. If the time of the invocation is used up before a file is read, the
    handler raises OutOfTime.

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

    def handler(event: Any, context: Any) -> dict[str, Any]:
        if is_stack_event(event):
            prepare_index(event, make_index, send_response, logger)
            return {}
        sync = partial(sync_document, ingestion=ingestion, documents=documents, seconds=_seconds_left(context))
        handle_record = _RecordHandler(sync, ingestion, logger, function_version(context))
        # Not shared by invocations, because a processor keeps the state of its batch.
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        reply = dict(process_partial_response(event, handle_record, processor, context))
        if handle_record.out_of_time:
            raise handle_record.out_of_time
        return reply

    return handler


class _RecordHandler:
    """Handles the messages of an invocation.

    Attributes
    ----------
    out_of_time : OutOfTime or None
        The error of a document that was not read within the time of the invocation.
    """

    def __init__(self, sync: Callable[[str], IngestResult], ingestion: Ingestion, logger: Logger, version: str) -> None:
        self.out_of_time: OutOfTime | None = None
        self._sync = sync
        self._ingestion = ingestion
        self._logger = logger
        self._version = version

    def __call__(self, record: SQSRecord) -> None:
        for name in dict.fromkeys(_file_names(record.body)):
            try:
                outcome = self._sync(name)
            except OutOfTime as error:
                self.out_of_time = error
                raise
            except Exception:  # raised again, once it is counted and noted
                self._logger.exception("failed", document=name)
                # Lambda counts the invocation as a success, so it is this metric that stops a roll-out.
                emit_metrics(SERVICE, {}, {"Failed": 1}, function_version=self._version)
                self._note_retry(name)
                raise
            _record_outcome(outcome, self._ingestion.name, self._logger)

    def _note_retry(self, name: str) -> None:
        """Store that a document is tried again, so that the list of documents shows it, if the store takes that."""
        if name_fault(name):
            return
        try:
            self._ingestion.document_store.note_failure(name, Message("tried_again"))
        except KnowledgeError as error:
            self._logger.warning("the failure cannot be stored", document=name, exc_info=error)


def _seconds_left(context: Any) -> float | None:
    """Return the time that is left for an invocation; None if its context does not say."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return remaining() / 1000 if remaining else None


def _record_outcome(outcome: IngestResult, model_version: str, logger: Logger) -> None:
    logger.info("ingested", document=outcome.name, state=outcome.state, reason=outcome.reason,
                notes=outcome.note_texts)
    emit_metrics(SERVICE, {}, {"Pages": outcome.pages, "Passages": outcome.passages,
                               "FailedDocuments": float(outcome.state == "failed")}, model_version=model_version)


def sync_document(name: str, ingestion: Ingestion, documents: FileStore,
                  seconds: float | None = None) -> IngestResult:
    """Ingest the file of this name within `seconds`, or remove the document if the file store has none.

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
        return ingestion.ingest(path, seconds=seconds)


def _file_names(body: str) -> Iterator[str]:
    """Yield the file name of each event in a message; the test event of a new S3 notification has none."""
    for event in json.loads(body).get("Records", ()):
        yield unquote_plus(event["s3"]["object"]["key"])
