"""Settings are read from a mapping, with defaults, and an unusable one is named in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from shotwise.adapters.knowledge_factory import (
    open_analyzer,
    open_answerer,
    open_document_store,
    open_embedder,
    open_ingestion,
    open_passage_search,
    open_text_generator,
)
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.adapters.sqlite.vector_search import SqliteVectorSearch
from shotwise.errors import SettingError
from shotwise.settings import KnowledgeSettings, Settings

SERVER = "http://127.0.0.1:9/v1"


def knowledge(home: Path, **values: str) -> KnowledgeSettings:
    """The knowledge settings of `SHOTWISE_…` values; names in capitals are complete."""
    environ = {name if name.isupper() else f"SHOTWISE_{name.upper()}": value for name, value in values.items()}
    return Settings.from_mapping({"SHOTWISE_HOME": str(home), **environ}).knowledge


def test_without_settings_everything_is_on_this_machine() -> None:
    """By default no service is needed: one file, lexical search, extractive answers."""
    settings = Settings.from_mapping({})
    assert settings.knowledge.index_path == Path(".shotwise/knowledge.sqlite")
    assert not settings.knowledge.index_read_only
    assert settings.knowledge.index_kind == "embedded"
    assert settings.knowledge.embedder == settings.knowledge.generator == ""
    assert settings.documents == (Path(".shotwise/documents"), Path("manuals"))
    assert settings.charts_dir == Path(".shotwise/charts") and settings.charts_bucket == settings.documents_bucket == ""


def test_everything_can_be_set() -> None:
    """Each setting of the mapping is found under its field."""
    settings = Settings.from_mapping({
        "SHOTWISE_HOME": "/home", "SHOTWISE_MODEL_DIR": "/m", "SHOTWISE_MANUALS": "/pdf", "SHOTWISE_CHARTS_BUCKET": "c",
        "SHOTWISE_DOCUMENTS_BUCKET": "d", "SHOTWISE_PUBLIC_URL": "http://x", "SHOTWISE_INDEX": "/i.sqlite",
        "SHOTWISE_INDEX_READ_ONLY": "true", "SHOTWISE_LIBRARY_BUCKET": "l", "SHOTWISE_DICTIONARY": "/w.toml",
        "SHOTWISE_INDEX_KIND": "s3vectors", "SHOTWISE_VECTOR_BUCKET": "v", "SHOTWISE_VECTOR_INDEX": "vi",
        "SHOTWISE_EMBEDDER": "bedrock", "SHOTWISE_EMBEDDING_MODEL": "e", "SHOTWISE_EMBEDDING_DIMENSIONS": "256",
        "SHOTWISE_WRITER": "https://w/v1", "SHOTWISE_WRITER_MODEL": "m", "SHOTWISE_API_KEY": "k",
        "SHOTWISE_GUARDRAIL_ID": "g", "SHOTWISE_GUARDRAIL_VERSION": "3", "SHOTWISE_SIMILAR": "0.7",
        "SHOTWISE_KNOWLEDGE_BASE_ID": "kb", "SHOTWISE_DATA_SOURCE_ID": "ds", "OPENSEARCH_HOST": "o",
        "OPENSEARCH_INDEX": "oi", "AWS_REGION": "r"})
    read = settings.knowledge
    assert (settings.model_dir, settings.documents) == (Path("/m"), (Path("/home/documents"), Path("/pdf")))
    assert (settings.documents_bucket, settings.charts_bucket, settings.public_url) == ("d", "c", "http://x")
    assert (read.index_path, read.index_read_only, read.store_bucket) == (Path("/i.sqlite"), True, "l")
    assert (read.dictionary, read.index_kind, read.vector_bucket, read.vector_index) == ("/w.toml", "s3vectors",
                                                                                          "v", "vi")
    assert (read.embedder, read.embedding_model, read.dimensions) == ("bedrock", "e", 256)
    assert (read.generator, read.generator_model, read.api_key, read.min_similarity) == ("https://w/v1", "m", "k", 0.7)
    assert (read.guardrail, read.guardrail_version, read.knowledge_base, read.data_source) == ("g", "3", "kb", "ds")
    assert (read.opensearch_host, read.opensearch_index, read.region) == ("o", "oi", "r")


@pytest.mark.parametrize(("values", "named"), [
    ({"index_kind": "faiss"}, "SHOTWISE_INDEX_KIND"), ({"index_kind": ""}, "SHOTWISE_INDEX_KIND"),
    ({"index_kind": "opensearch"}, "OPENSEARCH_HOST"), ({"index_kind": "s3vectors"}, "SHOTWISE_VECTOR_BUCKET"),
    ({"index_kind": "s3vectors", "vector_bucket": "v"}, "SHOTWISE_EMBEDDER"),
    ({"embedder": "ftp://x"}, "SHOTWISE_EMBEDDER"), ({"embedder": "Bedrock"}, "SHOTWISE_EMBEDDER"),
    ({"writer": "openai", "writer_model": "m"}, "SHOTWISE_WRITER"), ({"writer": "bedrock"}, "SHOTWISE_WRITER_MODEL"),
    ({"embedding_dimensions": "many"}, "SHOTWISE_EMBEDDING_DIMENSIONS"),
    ({"embedding_dimensions": "7"}, "SHOTWISE_EMBEDDING_DIMENSIONS"),
    ({"embedding_dimensions": "4097"}, "SHOTWISE_EMBEDDING_DIMENSIONS"),
    ({"embedding_dimensions": ""}, "SHOTWISE_EMBEDDING_DIMENSIONS"),
    ({"similar": "1.1"}, "SHOTWISE_SIMILAR"), ({"similar": "-0.1"}, "SHOTWISE_SIMILAR"),
    ({"similar": "nan"}, "SHOTWISE_SIMILAR"), ({"similar": "inf"}, "SHOTWISE_SIMILAR"),
    ({"similar": "0,5"}, "SHOTWISE_SIMILAR"), ({"similar": " 0.5"}, "SHOTWISE_SIMILAR"),
    ({"similar": "0_1"}, "SHOTWISE_SIMILAR"), ({"similar": "٠"}, "SHOTWISE_SIMILAR"),
    ({"embedding_dimensions": "1_024"}, "SHOTWISE_EMBEDDING_DIMENSIONS"),
    ({"embedding_dimensions": "١٠٢٤"}, "SHOTWISE_EMBEDDING_DIMENSIONS"),
    ({"embedding_dimensions": "01024"}, "SHOTWISE_EMBEDDING_DIMENSIONS"),
    ({"answer_seconds": "0" * 5000 + "60"}, "SHOTWISE_ANSWER_SECONDS"),
    ({"answer_seconds": "60\n"}, "SHOTWISE_ANSWER_SECONDS"), ({"POWERTOOLS_LOG_LEVEL": "loud"}, "POWERTOOLS_LOG_LEVEL"),
    ({"POWERTOOLS_LOG_LEVEL": "20"}, "POWERTOOLS_LOG_LEVEL"), ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ({"POWERTOOLS_LOGGER_SAMPLE_RATE": "often"}, "POWERTOOLS_LOGGER_SAMPLE_RATE"),
    ({"POWERTOOLS_METRICS_DISABLED": "maybe"}, "POWERTOOLS_METRICS_DISABLED")])
def test_an_unusable_setting_is_named(tmp_path: Path, values: dict[str, str], named: str) -> None:
    """The message names the setting and says what to set it to."""
    with pytest.raises(SettingError, match=named):
        knowledge(tmp_path, **values)


@pytest.mark.parametrize("level", ["", "info", "DEBUG", "Warning", "CRITICAL", "WARN"])
def test_a_level_that_powertools_takes_is_accepted(level: str) -> None:
    """In capitals or not; empty is as not set."""
    assert Settings.from_mapping({"POWERTOOLS_LOG_LEVEL": level, "LOG_LEVEL": level})


def test_dimensions_are_a_whole_number(tmp_path: Path) -> None:
    """A fraction is refused, not rounded."""
    with pytest.raises(SettingError, match="SHOTWISE_EMBEDDING_DIMENSIONS"):
        knowledge(tmp_path, embedding_dimensions="512.5")


@pytest.mark.parametrize(("text", "read_only"), [("true", True), ("false", False)])
def test_read_only_is_true_or_false(tmp_path: Path, text: str, read_only: bool) -> None:
    """As the template writes it."""
    assert knowledge(tmp_path, index_read_only=text).index_read_only == read_only


@pytest.mark.parametrize("text", ["1", "yes", "True", ""])
def test_another_spelling_of_read_only_is_refused(tmp_path: Path, text: str) -> None:
    """What looks like yes is not read as no: a store would be written to that nobody may write to."""
    with pytest.raises(SettingError, match="SHOTWISE_INDEX_READ_ONLY"):
        knowledge(tmp_path, index_read_only=text)


def test_default_settings_compose_lexical_search_alone(tmp_path: Path) -> None:
    """One SQLite file, made with its folder, to read and write; no passage search, embedder or text generator."""
    settings = knowledge(tmp_path / "new")
    ingestion, answerer = open_ingestion(settings), open_answerer(settings)
    assert isinstance(ingestion.document_store, SqliteDocumentStore) and settings.index_path.is_file()
    assert ingestion.passage_search is ingestion.embedder is open_text_generator(settings) is None
    assert answerer.name == "extractive"


def test_an_openai_compatible_server_composes_vectors_and_a_generator(tmp_path: Path) -> None:
    """With an address, vectors are stored in the same file; the server is not called before it is needed."""
    settings = knowledge(tmp_path, embedder=SERVER, embedding_model="bge-m3", embedding_dimensions="8", writer=SERVER,
                         writer_model="qwen")
    store, embedder = open_document_store(settings), open_embedder(settings)
    assert isinstance(open_passage_search(settings, store), SqliteVectorSearch)
    assert embedder and (embedder.name, embedder.dimensions) == ("bge-m3/8", 8)
    assert "qwen" in open_answerer(settings).name


def test_vectors_need_a_place(tmp_path: Path) -> None:
    """A store in a bucket holds no vectors, so with an embedder alone the error names what else to set."""
    settings = knowledge(tmp_path, library_bucket="b", embedder=SERVER)
    with pytest.raises(SettingError, match="SHOTWISE_INDEX_KIND"):
        open_passage_search(settings, object())  # type: ignore[arg-type]


def test_the_plants_dictionary_is_read(tmp_path: Path) -> None:
    """Its words are kept in one piece, as the shipped ones are."""
    (tmp_path / "words.toml").write_text('words = ["진공밸브조립체"]', "utf-8")
    analyzer = open_analyzer(knowledge(tmp_path, dictionary=str(tmp_path / "words.toml")))
    assert {"진공밸브조립체", "이형제"} <= set(analyzer.terms("진공밸브조립체와 이형제"))
    assert analyzer.digest != open_analyzer(knowledge(tmp_path)).digest


@pytest.mark.parametrize("content", [None, b"words = [", b"words = 1", b"\xff\xfe", 'words = ["\u200b"]'.encode()],
                         ids=["absent", "no TOML", "another shape", "no UTF-8", "an empty word"])
def test_a_dictionary_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Ignoring it in silence would lose documents that were indexed with it."""
    path = tmp_path / "words.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"SHOTWISE_DICTIONARY: .*words\.toml cannot be read"):
        open_analyzer(knowledge(tmp_path, dictionary=str(path)))
