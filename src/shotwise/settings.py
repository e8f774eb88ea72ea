"""Read the settings from a mapping, which is passed in.

Only entry points, such as `functions/*/app.py`, pass the environment. docs/operations.md lists the settings.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shotwise.errors import SettingError
from shotwise.numbers import decimal_number, whole_number

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
POWERTOOLS_SWITCHES = ("POWERTOOLS_METRICS_DISABLED", "POWERTOOLS_LOG_DEDUPLICATION_DISABLED", "POWERTOOLS_DEV",
                       "POWERTOOLS_DEBUG")
POWERTOOLS_BOOLEANS = ("1", "y", "yes", "t", "true", "on", "0", "n", "no", "f", "false", "off")
INDEX_KINDS = ("embedded", "opensearch", "s3vectors")


@dataclass(frozen=True)
class KnowledgeSettings:
    """Where documents are stored, how passages are searched and which models are used.

    Attributes
    ----------
    index_path : Path
        SQLite file of the document store.
    index_read_only : bool
        Whether that file is opened without writing to it, as on Lambda.
    store_bucket : str
        S3 bucket of the document store; empty to use the SQLite file.
    dictionary : str
        Path of the plant's own dictionary; empty to use the shipped ones alone.
    index_kind : str
        Where vectors are searched, one of INDEX_KINDS.
    opensearch_host, opensearch_index : str
        Endpoint and index, for the kind `opensearch`.
    vector_bucket, vector_index : str
        Bucket and index, for the kind `s3vectors`.
    knowledge_base, data_source : str
        Ids of a Bedrock Knowledge Base to search instead of `index_kind`, and of its data source; empty for none.
    region : str
        AWS region.
    embedder : str
        `bedrock`, the address of an OpenAI-compatible server, or empty for none.
    embedding_model : str
        Model of the embedder.
    dimensions : int
        Length of the embedder's vectors.
    generator : str
        Text generator that words answers: `bedrock`, the address of an OpenAI-compatible server, or empty for answers
        that only quote.
    generator_model : str
        Model of the text generator.
    api_key : str
        Key for the OpenAI-compatible servers.
    guardrail, guardrail_version : str
        Bedrock guardrail of the text generator; empty for none.
    min_similarity : float
        Smallest cosine from which a statement that shares no word with the question may be quoted.
    answer_seconds : float
        Time limit of a generated answer, in seconds.
    """

    index_path: Path
    index_read_only: bool
    store_bucket: str
    dictionary: str
    index_kind: str
    opensearch_host: str
    opensearch_index: str
    vector_bucket: str
    vector_index: str
    knowledge_base: str
    data_source: str
    region: str
    embedder: str
    embedding_model: str
    dimensions: int
    generator: str
    generator_model: str
    api_key: str
    guardrail: str
    guardrail_version: str
    min_similarity: float
    answer_seconds: float


@dataclass(frozen=True)
class Settings:
    """All settings of the serving functions.

    Attributes
    ----------
    model_dir : Path
        Folder of the model bundle.
    knowledge : KnowledgeSettings
        Settings of documents, search and answers.
    documents : tuple of Path
        Folders of the PDFs on one machine: the plant's own, then the shipped ones.
    documents_bucket : str
        S3 bucket of the PDFs; empty to use `documents`.
    charts_bucket : str
        S3 bucket of the charts; empty to use `charts_dir`.
    charts_dir : Path
        Folder of the charts on one machine.
    public_url : str
        Address under which one machine serves the API and its files.
    allowed_origins : tuple of str
        Origins of web pages that may read the API's replies.
    """

    model_dir: Path
    knowledge: KnowledgeSettings
    documents: tuple[Path, ...]
    documents_bucket: str
    charts_bucket: str
    charts_dir: Path
    public_url: str
    allowed_origins: tuple[str, ...]

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Settings:
        """Read the settings from `values`, such as the environment; relative paths start at the working directory.

        Raises
        ------
        SettingError
            A setting cannot be used; the message names it and says what to set it to.
        """
        _check_logging(values)
        home = Path(values.get("SHOTWISE_HOME", ".shotwise"))
        return cls(
            model_dir=Path(values.get("SHOTWISE_MODEL_DIR", "models/shotwise")),
            knowledge=_knowledge(values, home),
            documents=(home / "documents", Path(values.get("SHOTWISE_MANUALS", "manuals"))),
            documents_bucket=values.get("SHOTWISE_DOCUMENTS_BUCKET", ""),
            charts_bucket=values.get("SHOTWISE_CHARTS_BUCKET", ""),
            charts_dir=home / "charts",
            public_url=values.get("SHOTWISE_PUBLIC_URL", "http://127.0.0.1:8000"),
            allowed_origins=tuple(filter(None, values.get("SHOTWISE_ALLOWED_ORIGINS", "").split(","))))


def _knowledge(values: Mapping[str, str], home: Path) -> KnowledgeSettings:
    settings = KnowledgeSettings(
        index_path=Path(values.get("SHOTWISE_INDEX", home / "knowledge.sqlite")),
        index_read_only=_boolean(values, "SHOTWISE_INDEX_READ_ONLY"),
        store_bucket=values.get("SHOTWISE_LIBRARY_BUCKET", ""),
        dictionary=values.get("SHOTWISE_DICTIONARY", ""),
        index_kind=values.get("SHOTWISE_INDEX_KIND", "embedded"),
        opensearch_host=values.get("OPENSEARCH_HOST", ""),
        opensearch_index=values.get("OPENSEARCH_INDEX", "shotwise"),
        vector_bucket=values.get("SHOTWISE_VECTOR_BUCKET", ""),
        vector_index=values.get("SHOTWISE_VECTOR_INDEX", "shotwise"),
        knowledge_base=values.get("SHOTWISE_KNOWLEDGE_BASE_ID", ""),
        data_source=values.get("SHOTWISE_DATA_SOURCE_ID", ""),
        region=values.get("AWS_REGION", ""),
        embedder=values.get("SHOTWISE_EMBEDDER", ""),
        embedding_model=values.get("SHOTWISE_EMBEDDING_MODEL", "amazon.titan-embed-text-v2:0"),
        dimensions=_integer(values, "SHOTWISE_EMBEDDING_DIMENSIONS", "1024", 8, 4096),
        generator=values.get("SHOTWISE_WRITER", ""),
        generator_model=values.get("SHOTWISE_WRITER_MODEL", ""),
        api_key=values.get("SHOTWISE_API_KEY", ""),
        guardrail=values.get("SHOTWISE_GUARDRAIL_ID", ""),
        guardrail_version=values.get("SHOTWISE_GUARDRAIL_VERSION", "DRAFT"),
        min_similarity=_number(values, "SHOTWISE_SIMILAR", "0.5", 0, 1),
        answer_seconds=_number(values, "SHOTWISE_ANSWER_SECONDS", "60", 5, 900))
    _check(settings)
    return settings


def _check(settings: KnowledgeSettings) -> None:
    kind = settings.index_kind
    if kind not in INDEX_KINDS:
        raise SettingError(f"SHOTWISE_INDEX_KIND is {kind!r}; set it to one of {', '.join(INDEX_KINDS)}")
    required = {"opensearch": ("OPENSEARCH_HOST", settings.opensearch_host),
                "s3vectors": ("SHOTWISE_VECTOR_BUCKET", settings.vector_bucket)}.get(kind)
    if required and not required[1]:
        raise SettingError(f"SHOTWISE_INDEX_KIND is {kind}, so {required[0]} has to be set")
    if kind == "s3vectors" and not settings.embedder:
        raise SettingError("SHOTWISE_INDEX_KIND is s3vectors, which needs embeddings: set SHOTWISE_EMBEDDER")
    for name, server in (("SHOTWISE_EMBEDDER", settings.embedder), ("SHOTWISE_WRITER", settings.generator)):
        if server and server != "bedrock" and not server.startswith(("http://", "https://")):
            raise SettingError(f"{name} is {server!r}; set it to bedrock, to the address of an OpenAI-compatible "
                               "server (https://…/v1), or leave it empty")
    if settings.generator and not settings.generator_model:
        raise SettingError("SHOTWISE_WRITER is set, so SHOTWISE_WRITER_MODEL has to name its model")


def _check_logging(values: Mapping[str, str]) -> None:
    """Check the settings of Powertools, which raises no error that names them."""
    levels = logging.getLevelNamesMapping()
    for name in ("POWERTOOLS_LOG_LEVEL", "LOG_LEVEL"):
        if (level := values.get(name, "")) and level.upper() not in levels:
            raise SettingError(f"{name} is {level!r}; set it to one of {', '.join(LOG_LEVELS)}")
    if values.get("POWERTOOLS_LOGGER_SAMPLE_RATE"):
        _number(values, "POWERTOOLS_LOGGER_SAMPLE_RATE", "0", 0, 1)
    for name in POWERTOOLS_SWITCHES:
        if (text := values.get(name, "")) and text.lower() not in POWERTOOLS_BOOLEANS:
            raise SettingError(f"{name} is {text!r}; set it to true or false")


def _number(values: Mapping[str, str], name: str, default: str, low: float, high: float) -> float:
    text = values.get(name, default)
    number = decimal_number(text, low, high)
    if number is None:
        raise SettingError(f"{name} is {text!r}; set it to a number from {low} to {high}")
    return number


def _integer(values: Mapping[str, str], name: str, default: str, low: int, high: int) -> int:
    text = values.get(name, default)
    number = whole_number(text, low, high)
    if number is None:
        raise SettingError(f"{name} is {text!r}; set it to a whole number from {low} to {high}")
    return number


def _boolean(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "false")
    if text not in ("true", "false"):
        raise SettingError(f"{name} is {text!r}; set it to true or false")
    return text == "true"
