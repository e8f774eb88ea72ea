"""Open the adapters of the knowledge pipeline that the settings choose. No other adapter is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.adapters.timed_search import TimedSearch
from shotwise.errors import SettingError
from shotwise.knowledge.ports import DocumentStore, Embedder, PassageSearch, TextGenerator
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries
from shotwise.limits import API_ANSWER_SECONDS, EMBEDDING_SECONDS, SEARCHING_SECONDS
from shotwise.settings import KnowledgeSettings

if TYPE_CHECKING:
    from shotwise.knowledge.answering.answerer import Answerer
    from shotwise.knowledge.ingestion.pipeline import Ingestion

STORE_PREFIX = "library/"  # begins the keys of the document store's objects in its bucket


def open_answerer(settings: KnowledgeSettings) -> Answerer:
    """Open the Answerer with its document store, searches and models."""
    from shotwise.knowledge.answering.answerer import Answerer
    from shotwise.knowledge.retrieval.hybrid_search import HybridSearch

    document_store = open_document_store(settings)
    passage_search = open_passage_search(settings, document_store)
    if passage_search and (settings.knowledge_base or settings.index_kind != "embedded"):  # it is a service
        passage_search = TimedSearch(passage_search, SEARCHING_SECONDS)
    hybrid_search = HybridSearch(document_store, open_analyzer(settings), passage_search)
    return Answerer(hybrid_search, open_embedder(settings, seconds=EMBEDDING_SECONDS), open_text_generator(settings),
                    settings.min_similarity, settings.answer_seconds)


def open_ingestion(settings: KnowledgeSettings) -> Ingestion:
    """Open the Ingestion with its document store, search and embedder.

    On Lambda it runs without numpy, because the PDF libraries fill the function's package.
    """
    from shotwise.knowledge.ingestion.pipeline import Ingestion

    document_store = open_document_store(settings, fresh_seconds=0)  # a change must be based on the current versions
    return Ingestion(document_store, open_analyzer(settings), open_passage_search(settings, document_store),
                     open_embedder(settings))


def open_document_store(settings: KnowledgeSettings, fresh_seconds: float = 15) -> DocumentStore:
    """Open the document store: S3 if a bucket is set, else the SQLite file.

    `fresh_seconds` is the maximum age of the listing of the bucket.
    """
    if settings.store_bucket:
        from shotwise.adapters.aws.s3_document_store import S3DocumentStore

        return S3DocumentStore(settings.store_bucket, STORE_PREFIX, fresh_seconds=fresh_seconds)
    return SqliteDocumentStore(settings.index_path, read_only=settings.index_read_only)


def open_analyzer(settings: KnowledgeSettings) -> Analyzer:
    """Make an Analyzer with the shipped dictionaries and the plant's own. Raises SettingError if that is invalid."""
    if not settings.dictionary:
        return Analyzer(read_dictionary(*shipped_dictionaries()))
    try:
        return Analyzer(read_dictionary(*shipped_dictionaries(), Path(settings.dictionary).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise SettingError(f"SHOTWISE_DICTIONARY: {settings.dictionary} cannot be read ({error})") from error


def open_passage_search(settings: KnowledgeSettings, document_store: DocumentStore) -> PassageSearch | None:
    """Open the search by meaning; return None if the settings have none."""
    if settings.knowledge_base:
        from shotwise.adapters.aws.knowledge_base_search import KnowledgeBaseSearch

        return KnowledgeBaseSearch(settings.knowledge_base, settings.data_source)
    if settings.index_kind == "opensearch":
        from shotwise.adapters.aws.opensearch_search import OpenSearchPassageSearch

        return OpenSearchPassageSearch(settings.opensearch_host, settings.opensearch_index, settings.region,
                                       settings.dimensions if settings.embedder else 0)
    if settings.index_kind == "s3vectors":
        from shotwise.adapters.aws.s3_vectors_search import S3VectorsSearch

        return S3VectorsSearch(settings.vector_bucket, settings.vector_index)
    if not settings.embedder:
        return None
    if not isinstance(document_store, SqliteDocumentStore):
        raise SettingError("SHOTWISE_EMBEDDER is set, but the embedded index in a bucket cannot store vectors: set "
                           "SHOTWISE_INDEX_KIND to s3vectors or opensearch")
    from shotwise.adapters.sqlite.vector_search import SqliteVectorSearch

    return SqliteVectorSearch(document_store)


def make_index(settings: KnowledgeSettings) -> None:
    """Create the index of OpenSearch if it does not exist; the stack creates all other stores.

    Raises
    ------
    KnowledgeError
        The collection does not answer, or still refuses this role.
    """
    if settings.index_kind == "opensearch":
        from shotwise.adapters.aws.opensearch_search import OpenSearchPassageSearch

        passage_search = open_passage_search(settings, open_document_store(settings))
        assert isinstance(passage_search, OpenSearchPassageSearch)
        passage_search.ensure_index()


def open_embedder(settings: KnowledgeSettings, *, seconds: float | None = None) -> Embedder | None:
    """Open the embedder; return None if the settings have none.

    With `seconds`, a model on Bedrock is tried once with this time limit, without it several times, as for documents.
    Other embedders take the deadline of each call for that.
    """
    if not settings.embedder:
        return None
    if settings.embedder == "bedrock":
        from shotwise.adapters.aws.titan_embedder import TitanEmbedder

        return TitanEmbedder(settings.embedding_model, settings.dimensions, seconds=seconds)
    from shotwise.adapters.openai.embedder import OpenAIEmbedder

    return OpenAIEmbedder(settings.embedder, settings.embedding_model, settings.dimensions, settings.api_key)


def open_text_generator(settings: KnowledgeSettings) -> TextGenerator | None:
    """Open the text generator; return None if the settings have none."""
    if not settings.generator:
        return None
    if settings.generator == "bedrock":
        from shotwise.adapters.aws.converse_generator import ConverseGenerator

        return ConverseGenerator(settings.generator_model, settings.guardrail, settings.guardrail_version,
                                 seconds=min(settings.answer_seconds, API_ANSWER_SECONDS))
    from shotwise.adapters.openai.generator import OpenAIGenerator

    return OpenAIGenerator(settings.generator, settings.generator_model, settings.api_key)
