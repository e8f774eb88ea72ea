"""The routes of documents: GET|POST /documents, GET|DELETE /documents/{name}, GET /search.

Files are not uploaded through the API: POST returns a URL of the file store to upload to. The store's event then starts
`embed_documents`, and GET /documents lists the document, or why its file could not be read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from shotwise.compat.powertools import Response
from shotwise.errors import FieldError, InvalidInput, NotFound
from shotwise.files import FileStore
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.file_response import file_response
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.problem import to_json
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.models import DocumentSummary, Hit
from shotwise.knowledge.ports import DocumentStore
from shotwise.limits import MAX_QUESTION_CHARACTERS, MAX_SEARCH_PASSAGES
from shotwise.messages import Message, failure_text, note_text
from shotwise.numbers import whole_number

DEFAULT_PASSAGES = 10  # per search


def serve_documents(handler: LambdaHandler, answerer: Answerer, documents: FileStore) -> None:
    """Add the routes of documents and of search to a handler."""
    document_store = answerer.hybrid_search.document_store

    def get_documents() -> Response[Any]:
        return handler.json(documents_reply(document_store))

    def post_documents(body: dict[str, Any]) -> dict[str, Any]:
        name = document_name(body)
        upload = documents.upload(name)
        return {"name": name,
                "upload": {"url": upload.url, "method": upload.method, "headers": dict(upload.headers)}}

    def stored_name(name: str) -> str:
        """The path parameter as it came, if a document has that very name; else the decoded `name`."""
        raw_name: str = (handler.api.current_event.path_parameters or {}).get("name", "")
        return raw_name if raw_name in {*document_store.versions(), *document_store.failures()} else name

    def get_document(name: str) -> Response[Any]:
        name = stored_name(name)
        if name not in document_store.versions():
            raise NotFound(f"There is no document {name!r}.")
        return file_response(documents.get(name), "application/pdf")

    def delete_document(name: str) -> Response[Any]:
        name = stored_name(name)
        documents.remove(name)
        return Response(202, "application/json", to_json({"name": name}))

    def get_search() -> Response[Any]:
        text, limit = search_request(_parameters(handler.api.current_event.raw_event))
        return handler.json({"passages": [_passage(hit) for hit in answerer.search(text, limit)]})

    handler.get("/documents", get_documents)
    handler.post("/documents", post_documents)
    handler.get_file("/documents", get_document)
    handler.delete_file("/documents", delete_document)
    handler.get("/search", get_search)


def documents_reply(document_store: DocumentStore) -> dict[str, Any]:
    """Return the reply of GET /documents: all documents by name, and files that could not be read.

    If only the newest file of a document could not be read, its previous version stays searchable and its entry has
    that version as well as the failure. A document under a name that is refused now stays searchable too.
    """
    failures = document_store.failures()
    summaries = {summary.name: summary for summary in document_store.summaries()}
    return {"documents": [_document_reply(name, summaries.get(name), failures.get(name) or name_fault(name))
                          for name in sorted({*summaries, *failures})]}


def _document_reply(name: str, summary: DocumentSummary | None, failure: Message | None) -> dict[str, Any]:
    notes = summary.notes if summary else ()
    return {
        "name": name,
        "title": summary.title if summary else name,
        "version": summary.version if summary else None,
        "pages": summary.pages if summary else 0,
        "passages": summary.passages if summary else 0,
        "notes": [note_text(name, note) for note in notes],
        "note_details": [_detail(note) for note in notes],
        "failure": failure_text(name, failure) if failure else None,
        "failure_detail": _detail(failure) if failure else None,
    }


def _detail(message: Message) -> dict[str, Any]:
    return {"code": message.code, "params": dict(message.params)}


def document_name(body: Mapping[str, Any]) -> str:
    """Read `{name}`, a file name that `name_fault` accepts. Raises InvalidInput."""
    errors = [FieldError(key, "not_part_of_request", {"allowed": ["name"]}) for key in body if key != "name"]
    raw = body.get("name")
    name = unicodedata.normalize("NFC", raw).strip() if isinstance(raw, str) else ""
    if fault := name_fault(name):
        errors.append(FieldError("name", fault.code, fault.params))
    if errors:
        raise InvalidInput(errors)
    return name


def _parameters(event: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Every value of each parameter of the query string; a test event of the console has single values only."""
    parameters: Mapping[str, Sequence[str]] | None = event.get("multiValueQueryStringParameters")
    return parameters or {name: [text] for name, text in (event.get("queryStringParameters") or {}).items()}


def search_request(parameters: Mapping[str, Sequence[str]]) -> tuple[str, int]:
    """Read `?query=…&limit=…`: the text to search for and the number of passages.

    Parameters
    ----------
    parameters : mapping of str to sequence of str
        Every value of each parameter, decoded.

    Raises
    ------
    InvalidInput
        A parameter has no usable value, or more than one: which of them counts would be a guess.
    """
    values = {name: parameters.get(name) or [""] for name in ("query", "limit")}
    errors = [FieldError(name, "repeated_key") for name, texts in values.items() if len(texts) > 1]
    text, limit_text = (values[name][0] for name in ("query", "limit"))
    if not text.strip() or len(text) > MAX_QUESTION_CHARACTERS:
        errors.append(FieldError("query", "search_text_length", {"max": MAX_QUESTION_CHARACTERS}))
    limit = whole_number(limit_text, 1, MAX_SEARCH_PASSAGES) if limit_text else DEFAULT_PASSAGES
    if limit is None:
        errors.append(FieldError("limit", "not_a_whole_number", {"low": 1, "high": MAX_SEARCH_PASSAGES}))
    if errors or limit is None:
        raise InvalidInput(errors)
    return text, limit


def _passage(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {"document": passage.document, "title": passage.title, "page": passage.page,
            "headings": list(passage.headings), "text": "\n".join(line.text for line in passage.lines),
            "relevance": round(hit.relevance, 4)}
