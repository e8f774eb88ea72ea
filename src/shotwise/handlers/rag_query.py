"""T3 at the edge: POST /rag-query, the documents and their search; and the workflow's third step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shotwise.files import FileStore
from shotwise.handlers.documents import serve_documents
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.replies import knowledge_reply
from shotwise.handlers.requests import KnowledgeRequest, knowledge_request
from shotwise.knowledge.answering.answerer import Answerer, documents_language
from shotwise.knowledge.text.question import Question, asked, from_prediction


def rag_query_function(answerer: Answerer, documents: FileStore, origins: Sequence[str] = ()) -> LambdaHandler:
    """The function for an answerer and the store of the documents that its passages come from. origins: whose web
    pages may read it."""

    def post_rag_query(body: dict[str, Any]) -> dict[str, Any]:
        return knowledge_reply(answerer.answer(question_of(knowledge_request(body), answerer)))

    function = LambdaHandler("rag_query", answerer.name, counts=_counts, origins=origins)
    function.on_invoke(lambda event: function.with_metrics(post_rag_query, event))
    function.post("/rag-query", post_rag_query)
    serve_documents(function, answerer, documents)
    return function


def question_of(request: KnowledgeRequest, answerer: Answerer) -> Question:
    """The caller's own question, or one worded from what T1 and T2 found."""
    if request.query:
        return asked(request.query, request.language)
    return from_prediction(request.context, request.language, documents_language(answerer.hybrid_search.entries()))


def _counts(reply: Mapping[str, Any]) -> dict[str, float]:
    if "grounded" not in reply:  # an address to upload to
        return {}
    return {"Answers": 1, "Ungrounded": float(not reply["grounded"])}
