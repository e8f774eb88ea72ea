"""T3 at the edge: POST /rag-query, GET /documents/{name}; and the workflow's third step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from shotwise.edge.files import file_response
from shotwise.edge.function import Function
from shotwise.edge.replies import knowledge_reply
from shotwise.edge.requests import knowledge_request
from shotwise.errors import NotFound
from shotwise.files import FileStore
from shotwise.knowledge.answer import answer
from shotwise.knowledge.passage import Index
from shotwise.knowledge.question import asked, from_prediction, language_of


def rag_query_function(index: Index, documents: FileStore) -> Function:
    """The function for an index of passages and the store of the documents they come from."""

    documents_language = language_of(" ".join(index.documents().values()))

    def post_rag_query(body: dict[str, Any]) -> dict[str, Any]:
        request = knowledge_request(body)
        question = asked(request.query, request.language) if request.query \
            else from_prediction(request.context, request.language, documents_language)
        return knowledge_reply(answer(question, index))

    def get_document(name: str) -> Response[Any]:
        if name not in index.documents():
            raise NotFound(f"There is no document {name!r}.")
        return file_response(documents.get(name), "application/pdf")

    function = Function("rag_query", "extractive", counts=_counts)
    function.payload(lambda event: function.measured(post_rag_query, event))
    function.post("/rag-query", post_rag_query)
    function.get_file("/documents", get_document)
    return function


def _counts(reply: Mapping[str, Any]) -> dict[str, float]:
    return {"Answers": 1, "Ungrounded": float(not reply["grounded"])}
