"""The documents at the edge: GET|POST /documents, GET|DELETE /documents/{name}, GET /search.

A file never passes through the API: POST answers where to send it, straight to the store, whose event has it read
(edge/embed_documents). GET /documents tells what became of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from shotwise.compat.powertools import Response
from shotwise.errors import FieldError, InvalidInput, NotFound
from shotwise.files import FileStore
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.file_response import file_response
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.problem import to_json
from shotwise.handlers.requests import MAX_QUESTION
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.models import Hit
from shotwise.knowledge.ports import DocumentStore

MAX_FOUND, FOUND = 50, 10


def serve_documents(function: LambdaHandler, answerer: Answerer, documents: FileStore) -> None:
    """Add the routes of documents and search to a function."""
    library = answerer.hybrid_search.library

    def get_documents() -> Response[Any]:
        return function.json(documents_reply(library))

    def post_documents(body: dict[str, Any]) -> dict[str, Any]:
        name = document_name(body)
        found = documents.upload(name)
        return {"name": name, "upload": {"url": found.address, "method": found.method, "headers": dict(found.headers)}}

    def get_document(name: str) -> Response[Any]:
        if name not in library.versions():
            raise NotFound(f"There is no document {name!r}.")
        return file_response(documents.get(name), "application/pdf")

    def delete_document(name: str) -> Response[Any]:
        documents.remove(name)
        return Response(202, "application/json", to_json({"name": name}))

    def get_search() -> Response[Any]:
        text, limit = search_request(function.api.current_event.query_string_parameters or {})
        return function.json({"passages": [_passage(hit) for hit in answerer.search(text, limit)]})

    function.get("/documents", get_documents)
    function.post("/documents", post_documents)
    function.get_file("/documents", get_document)
    function.delete_file("/documents", delete_document)
    function.get("/search", get_search)


def documents_reply(library: DocumentStore) -> dict[str, Any]:
    """Every document, by name: those that are searched, and files that could not be read with the reason. A document
    whose newest file could not be read is searched as it was, and says so."""
    failures = dict(library.failures())
    found = [{"name": entry.name, "title": entry.title, "version": entry.version, "pages": entry.pages,
              "passages": entry.passages, "notes": list(entry.notes), "failure": failures.pop(entry.name, None)}
             for entry in library.entries()]
    found += [{"name": name, "title": name, "version": None, "pages": 0, "passages": 0, "notes": [], "failure": reason}
              for name, reason in failures.items()]
    return {"documents": sorted(found, key=lambda one: str(one["name"]))}


def document_name(body: Mapping[str, Any]) -> str:
    """`{name}`: a file name that ends in .pdf and that every store can keep."""
    errors = [FieldError(key, "is not part of this request; it takes name") for key in body if key != "name"]
    given = body.get("name")
    name = unicodedata.normalize("NFC", given).strip() if isinstance(given, str) else ""
    if fault := name_fault(name):
        errors.append(FieldError("name", fault))
    if errors:
        raise InvalidInput(errors)
    return name


def search_request(parameters: Mapping[str, str]) -> tuple[str, int]:
    """`?query=…&limit=…`."""
    text, limit = parameters.get("query", ""), parameters.get("limit") or str(FOUND)
    errors = []
    if not text.strip() or len(text) > MAX_QUESTION:
        errors.append(FieldError("query", f"must be 1 to {MAX_QUESTION} characters to search for"))
    if not limit.isascii() or not limit.isdecimal() or not 1 <= int(limit[:9]) <= MAX_FOUND:
        errors.append(FieldError("limit", f"must be a whole number from 1 to {MAX_FOUND}"))
    if errors:
        raise InvalidInput(errors)
    return text, int(limit)


def _passage(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {"document": passage.document, "title": passage.title, "page": passage.page,
            "headings": list(passage.headings), "text": "\n".join(line.text for line in passage.lines),
            "relevance": round(hit.relevance, 4)}
