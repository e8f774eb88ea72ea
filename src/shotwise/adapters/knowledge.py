"""Which adapters a plant's settings choose: library, searcher, embedder, writer. What is not chosen is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shotwise.adapters.sqlite_library import SqliteLibrary
from shotwise.errors import SettingError
from shotwise.knowledge.dictionary import read_dictionary, shipped_dictionaries
from shotwise.knowledge.lexicon import Lexicon
from shotwise.knowledge.ports import Embedder, Library, Searcher, Writer
from shotwise.settings import Knowledge

if TYPE_CHECKING:
    from shotwise.knowledge.answer import Answerer
    from shotwise.knowledge.ingest import Ingestion

LIBRARY_PREFIX = "library/"
# Who asks is waiting: a question is embedded within this, or searched by words alone.
EMBEDDING_SECONDS, SEARCHING_SECONDS = 3.0, 1.0


def open_answerer(settings: Knowledge) -> Answerer:
    """What answers questions: the read side."""
    from shotwise.knowledge.answer import Answerer
    from shotwise.knowledge.index import Index

    library = open_library(settings)
    index = Index(library, open_lexicon(settings), open_searcher(settings, library))
    return Answerer(index, open_embedder(settings, seconds=EMBEDDING_SECONDS), open_writer(settings), settings.similar,
                    settings.answer_seconds)


def open_ingestion(settings: Knowledge) -> Ingestion:
    """What takes documents in: the write side. It has no numpy on Lambda: the readers of PDFs fill its package."""
    from shotwise.knowledge.ingest import Ingestion

    library = open_library(settings, fresh_seconds=0)  # what is written has to rest on what is there now
    return Ingestion(library, open_lexicon(settings), open_searcher(settings, library), open_embedder(settings))


def open_library(settings: Knowledge, fresh_seconds: float = 15) -> Library:
    """S3 where a bucket is set, whose listing may be so old, else the file of this machine."""
    if settings.library_bucket:
        from shotwise.adapters.s3_library import S3Library

        return S3Library(settings.library_bucket, LIBRARY_PREFIX, fresh_seconds=fresh_seconds)
    return SqliteLibrary(settings.library, read_only=settings.library_read_only)


def open_lexicon(settings: Knowledge) -> Lexicon:
    """The shipped dictionary and the plant's own. Raises SettingError where that one cannot be read."""
    if not settings.dictionary:
        return Lexicon(read_dictionary(*shipped_dictionaries()))
    try:
        return Lexicon(read_dictionary(*shipped_dictionaries(), Path(settings.dictionary).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise SettingError(f"SHOTWISE_DICTIONARY: {settings.dictionary} cannot be read ({error})") from error


def open_searcher(settings: Knowledge, library: Library) -> Searcher | None:
    """What finds passages by meaning; None where nothing does, and words alone are searched."""
    if settings.knowledge_base:
        from shotwise.adapters.knowledge_base_searcher import KnowledgeBaseSearcher

        return KnowledgeBaseSearcher(settings.knowledge_base, settings.data_source)
    if settings.index == "opensearch":
        from shotwise.adapters.opensearch_searcher import OpenSearchSearcher

        return OpenSearchSearcher(settings.opensearch_host, settings.opensearch_index, settings.region,
                                  settings.dimensions if settings.embedder else 0)
    if settings.index == "s3vectors":
        from shotwise.adapters.s3_vectors_searcher import S3VectorsSearcher

        return S3VectorsSearcher(settings.vector_bucket, settings.vector_index)
    if not settings.embedder:
        return None
    if not isinstance(library, SqliteLibrary):
        raise SettingError("SHOTWISE_EMBEDDER is set with the embedded index in a bucket, which keeps no vectors: set "
                           "SHOTWISE_INDEX_KIND to s3vectors or opensearch")
    from shotwise.adapters.sqlite_vectors import SqliteVectors

    return SqliteVectors(library)


def make_index(settings: Knowledge) -> None:
    """Make the index of OpenSearch, unless it is there. Raises KnowledgeError where the collection does not answer or
    lets nobody in yet. Other stores are made whole by the stack."""
    if settings.index == "opensearch":
        from shotwise.adapters.opensearch_searcher import OpenSearchSearcher

        searcher = open_searcher(settings, open_library(settings))
        assert isinstance(searcher, OpenSearchSearcher)
        searcher.ensure_index()


def open_embedder(settings: Knowledge, *, seconds: float | None = None) -> Embedder | None:
    """What turns text into vectors, if anything does. seconds: after which one try, the only one, is given up; without
    it there are several, as long as documents need."""
    if not settings.embedder:
        return None
    if settings.embedder == "bedrock":
        from shotwise.adapters.titan_embedder import TitanEmbedder

        return TitanEmbedder(settings.embedding_model, settings.dimensions, seconds=seconds)
    from shotwise.adapters.openai_embedder import OpenAIEmbedder

    return OpenAIEmbedder(settings.embedder, settings.embedding_model, settings.dimensions, settings.api_key,
                          seconds=seconds)


def open_writer(settings: Knowledge) -> Writer | None:
    """What words answers; None: they are extractive. It may be silent for as long as is left once a question is
    embedded and searched."""
    if not settings.writer:
        return None
    seconds = settings.answer_seconds - EMBEDDING_SECONDS - SEARCHING_SECONDS
    if settings.writer == "bedrock":
        from shotwise.adapters.converse_writer import ConverseWriter

        return ConverseWriter(settings.writer_model, settings.guardrail, settings.guardrail_version, seconds=seconds)
    from shotwise.adapters.openai_writer import OpenAIWriter

    return OpenAIWriter(settings.writer, settings.writer_model, settings.api_key, seconds=seconds)
