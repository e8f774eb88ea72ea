"""Answer questions: POST /rag-query, the routes of documents and search, and the third step of the workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from shotwise.files import FileStore
from shotwise.handlers.documents import serve_documents
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.replies import knowledge_reply
from shotwise.handlers.requests import KnowledgeRequest, knowledge_request
from shotwise.knowledge.answering.answerer import Answerer, documents_language
from shotwise.knowledge.text.question import Question, question_from_prediction, question_from_user
from shotwise.limits import API_ANSWER_SECONDS, WORKFLOW_ANSWER_SECONDS


def rag_query_handler(answerer: Answerer, documents: FileStore, origins: Sequence[str] = ()) -> LambdaHandler:
    """Return the handler that answers questions.

    Parameters
    ----------
    answerer : Answerer
        Answers the questions.
    documents : FileStore
        The files of the documents.
    origins : sequence of str
        The origins whose web pages may read responses.
    """
    handler = LambdaHandler("rag_query", answerer.name, count_metrics=_count_metrics, origins=origins)

    def answer(body: dict[str, Any], seconds: float) -> dict[str, Any]:
        return knowledge_reply(answerer.answer(question_for(knowledge_request(body), answerer), seconds))

    handler.on_invoke(partial(handler.with_metrics, partial(answer, seconds=WORKFLOW_ANSWER_SECONDS)))
    handler.post("/rag-query", partial(answer, seconds=API_ANSWER_SECONDS))
    serve_documents(handler, answerer, documents)
    return handler


def question_for(request: KnowledgeRequest, answerer: Answerer) -> Question:
    """Return the caller's own question, or one worded from the results of predict and importance."""
    if request.query:
        return question_from_user(request.query, request.language)
    language = documents_language(answerer.hybrid_search.summaries())
    return question_from_prediction(request.context, request.language, language)


def _count_metrics(reply: Mapping[str, Any]) -> dict[str, float]:
    if "grounded" not in reply:  # the reply of POST /documents
        return {}
    return {"Answers": 1, "Ungrounded": float(not reply["grounded"])}
