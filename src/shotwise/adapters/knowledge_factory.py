"""Which adapters a plant's settings choose: library, searcher, embedder, writer. What is not chosen is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import SettingError
from shotwise.knowledge.ports import DocumentStore, Embedder, PassageSearch, TextGenerator
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries
from shotwise.settings import KnowledgeSettings

if TYPE_CHECKING:
    from shotwise.knowledge.answering.answerer import Answerer
    from shotwise.knowledge.ingestion.pipeline import Ingestion

LIBRARY_PREFIX = "library/"
# Who asks is waiting: a question is embedded within this, or searched by words alone.
EMBEDDING_SECONDS, SEARCHING_SECONDS = 3.0, 1.0


def open_answerer(settings: KnowledgeSettings) -> Answerer:
    """What answers questions: the read side."""
    from shotwise.knowledge.answering.answerer import Answerer
    from shotwise.knowledge.retrieval.hybrid_search import HybridSearch

    library = open_document_store(settings)
    index = HybridSearch(library, open_analyzer(settings), open_passage_search(settings, library))
    return Answerer(index, open_embedder(settings, seconds=EMBEDDING_SECONDS), open_text_generator(settings), settings.min_similarity,
                    settings.answer_seconds)


def open_ingestion(settings: KnowledgeSettings) -> Ingestion:
    """What takes documents in: the write side. It has no numpy on Lambda: the readers of PDFs fill its package."""
    from shotwise.knowledge.ingestion.pipeline import Ingestion

    library = open_document_store(settings, fresh_seconds=0)  # what is written has to rest on what is there now
    return Ingestion(library, open_analyzer(settings), open_passage_search(settings, library), open_embedder(settings))


def open_document_store(settings: KnowledgeSettings, fresh_seconds: float = 15) -> DocumentStore:
    """S3 where a bucket is set, whose listing may be so old, else the file of this machine."""
    if settings.store_bucket:
        from shotwise.adapters.aws.s3_document_store import S3DocumentStore

        return S3DocumentStore(settings.store_bucket, LIBRARY_PREFIX, fresh_seconds=fresh_seconds)
    return SqliteDocumentStore(settings.index_path, read_only=settings.index_read_only)


def open_analyzer(settings: KnowledgeSettings) -> Analyzer:
    """The shipped dictionary and the plant's own. Raises SettingError where that one cannot be read."""
    if not settings.dictionary:
        return Analyzer(read_dictionary(*shipped_dictionaries()))
    try:
        return Analyzer(read_dictionary(*shipped_dictionaries(), Path(settings.dictionary).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise SettingError(f"SHOTWISE_DICTIONARY: {settings.dictionary} cannot be read ({error})") from error


def open_passage_search(settings: KnowledgeSettings, library: DocumentStore) -> PassageSearch | None:
    """What finds passages by meaning; None where nothing does, and words alone are searched."""
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
    if not isinstance(library, SqliteDocumentStore):
        raise SettingError("SHOTWISE_EMBEDDER is set with the embedded index in a bucket, which keeps no vectors: set "
                           "SHOTWISE_INDEX_KIND to s3vectors or opensearch")
    from shotwise.adapters.sqlite.vector_search import SqliteVectorSearch

    return SqliteVectorSearch(library)


def make_index(settings: KnowledgeSettings) -> None:
    """Make the index of OpenSearch, unless it is there. Raises KnowledgeError where the collection does not answer or
    lets nobody in yet. Other stores are made whole by the stack."""
    if settings.index_kind == "opensearch":
        from shotwise.adapters.aws.opensearch_search import OpenSearchPassageSearch

        searcher = open_passage_search(settings, open_document_store(settings))
        assert isinstance(searcher, OpenSearchPassageSearch)
        searcher.ensure_index()


def open_embedder(settings: KnowledgeSettings, *, seconds: float | None = None) -> Embedder | None:
    """What turns text into vectors, if anything does. seconds: after which one try, the only one, is given up; without
    it there are several, as long as documents need."""
    if not settings.embedder:
        return None
    if settings.embedder == "bedrock":
        from shotwise.adapters.aws.titan_embedder import TitanEmbedder

        return TitanEmbedder(settings.embedding_model, settings.dimensions, seconds=seconds)
    from shotwise.adapters.openai.embedder import OpenAIEmbedder

    return OpenAIEmbedder(settings.embedder, settings.embedding_model, settings.dimensions, settings.api_key,
                          seconds=seconds)


def open_text_generator(settings: KnowledgeSettings) -> TextGenerator | None:
    """What words answers; None: they are extractive. It may be silent for as long as is left once a question is
    embedded and searched."""
    if not settings.generator:
        return None
    seconds = settings.answer_seconds - EMBEDDING_SECONDS - SEARCHING_SECONDS
    if settings.generator == "bedrock":
        from shotwise.adapters.aws.converse_generator import ConverseGenerator

        return ConverseGenerator(settings.generator_model, settings.guardrail, settings.guardrail_version, seconds=seconds)
    from shotwise.adapters.openai.generator import OpenAIGenerator

    return OpenAIGenerator(settings.generator, settings.generator_model, settings.api_key, seconds=seconds)
