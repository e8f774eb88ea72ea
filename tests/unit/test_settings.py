"""Settings from a mapping: defaults, and a sentence that names the setting where one cannot be used."""

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
    """The knowledge settings of `SHOTWISE_…` values; names in capitals are whole."""
    given = {name if name.isupper() else f"SHOTWISE_{name.upper()}": value for name, value in values.items()}
    return Settings.from_mapping({"SHOTWISE_HOME": str(home), **given}).knowledge


def test_without_settings_everything_is_on_this_machine() -> None:
    """Nothing that is not chosen needs a service: one file, words alone, extractive answers."""
    settings = Settings.from_mapping({})
    assert settings.knowledge.library == Path(".shotwise/knowledge.sqlite") and not settings.knowledge.library_read_only
    assert (settings.knowledge.index, settings.knowledge.embedder, settings.knowledge.writer) == ("embedded", "", "")
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
    found = settings.knowledge
    assert (settings.model_dir, settings.documents) == (Path("/m"), (Path("/home/documents"), Path("/pdf")))
    assert (settings.documents_bucket, settings.charts_bucket, settings.public_url) == ("d", "c", "http://x")
    assert (found.library, found.library_read_only, found.library_bucket) == (Path("/i.sqlite"), True, "l")
    assert (found.dictionary, found.index, found.vector_bucket, found.vector_index) == ("/w.toml", "s3vectors", "v",
                                                                                        "vi")
    assert (found.embedder, found.embedding_model, found.dimensions) == ("bedrock", "e", 256)
    assert (found.writer, found.writer_model, found.api_key, found.similar) == ("https://w/v1", "m", "k", 0.7)
    assert (found.guardrail, found.guardrail_version, found.knowledge_base, found.data_source) == ("g", "3", "kb", "ds")
    assert (found.opensearch_host, found.opensearch_index, found.region) == ("o", "oi", "r")


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
    ({"similar": "0,5"}, "SHOTWISE_SIMILAR")])
def test_what_cannot_be_used_is_named(tmp_path: Path, values: dict[str, str], named: str) -> None:
    """The message names the setting and says what to set it to."""
    with pytest.raises(SettingError, match=named):
        knowledge(tmp_path, **values)


def test_dimensions_are_a_whole_number(tmp_path: Path) -> None:
    """Half a dimension is a mistake, not rounded away."""
    with pytest.raises(SettingError, match="SHOTWISE_EMBEDDING_DIMENSIONS"):
        knowledge(tmp_path, embedding_dimensions="512.5")


@pytest.mark.parametrize(("given", "read_only"), [("true", True), ("false", False)])
def test_read_only_is_true_or_false(tmp_path: Path, given: str, read_only: bool) -> None:
    """As the template writes it."""
    assert knowledge(tmp_path, index_read_only=given).library_read_only == read_only


@pytest.mark.parametrize("given", ["1", "yes", "True", ""])
def test_another_read_only_is_named(tmp_path: Path, given: str) -> None:
    """What looks like yes is not read as no: a library would be written that nobody may write."""
    with pytest.raises(SettingError, match="SHOTWISE_INDEX_READ_ONLY"):
        knowledge(tmp_path, index_read_only=given)


def test_plain_settings_compose_words_alone(tmp_path: Path) -> None:
    """One SQLite file, made with its folder, for reading and for writing; no searcher, embedder or writer."""
    settings = knowledge(tmp_path / "new")
    ingestion, answerer = open_ingestion(settings), open_answerer(settings)
    assert isinstance(ingestion.library, SqliteDocumentStore) and settings.library.is_file()
    assert ingestion.searcher is ingestion.embedder is open_text_generator(settings) is None and answerer.name == "extractive"


def test_a_server_of_ones_own_composes_vectors_and_a_writer(tmp_path: Path) -> None:
    """With an address, vectors are kept in the same file; nothing is asked of the server before it is needed."""
    settings = knowledge(tmp_path, embedder=SERVER, embedding_model="bge-m3", embedding_dimensions="8", writer=SERVER,
                         writer_model="qwen")
    library, embedder = open_document_store(settings), open_embedder(settings)
    assert isinstance(open_passage_search(settings, library), SqliteVectorSearch)
    assert embedder and (embedder.name, embedder.dimensions) == ("bge-m3/8", 8)
    assert "qwen" in open_answerer(settings).name


def test_vectors_need_a_place(tmp_path: Path) -> None:
    """A library in a bucket keeps none, so an embedder alone is named with what to set besides."""
    settings = knowledge(tmp_path, library_bucket="b", embedder=SERVER)
    with pytest.raises(SettingError, match="SHOTWISE_INDEX_KIND"):
        open_passage_search(settings, object())  # type: ignore[arg-type]


def test_a_plants_dictionary_is_read(tmp_path: Path) -> None:
    """Its words stay whole beside the shipped ones."""
    (tmp_path / "words.toml").write_text('words = ["진공밸브조립체"]', "utf-8")
    analyzer = open_analyzer(knowledge(tmp_path, dictionary=str(tmp_path / "words.toml")))
    assert {"진공밸브조립체", "이형제"} <= set(analyzer.terms("진공밸브조립체와 이형제"))
    assert analyzer.digest != open_analyzer(knowledge(tmp_path)).digest


@pytest.mark.parametrize("content", [None, b"words = [", b"words = 1", b"\xff\xfe", 'words = ["\u200b"]'.encode()],
                         ids=["absent", "no TOML", "another shape", "no UTF-8", "an empty word"])
def test_a_dictionary_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    """It is not passed over in silence: what was indexed by it would not be found."""
    path = tmp_path / "words.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"SHOTWISE_DICTIONARY: .*words\.toml cannot be read"):
        open_analyzer(knowledge(tmp_path, dictionary=str(path)))
