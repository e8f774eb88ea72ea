"""Settings, built once from a mapping that is passed in; only `functions/*/app.py` pass the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shotwise.errors import SettingError

INDEXES = ("embedded", "opensearch", "s3vectors")


@dataclass(frozen=True)
class KnowledgeSettings:
    """Where documents are kept and found, and what words answers; see docs/operations.md.

    library: the embedded library's file; library_bucket: S3 bucket that takes its place. index: how passages are found
    by meaning, one of INDEXES; knowledge_base: Bedrock Knowledge Base that finds them instead. embedder, writer:
    `bedrock`, an `http(s)://` address of an OpenAI-compatible server, or empty for none. similar: the least cosine of a
    statement that shares no word with the question. answer_seconds: after which a model's answer is cut off.
    """

    library: Path
    library_read_only: bool
    library_bucket: str
    dictionary: str
    index: str
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
    writer: str
    writer_model: str
    api_key: str
    guardrail: str
    guardrail_version: str
    similar: float
    answer_seconds: float


@dataclass(frozen=True)
class Settings:
    """model_dir: the bundle. documents: folders of the PDFs on one machine; documents_bucket: S3 bucket in their place.
    charts_bucket: S3 bucket of charts; where it is empty charts are kept in charts_dir and served under public_url.
    allowed_origins: of web pages that may read what the API answers.
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
        """Read `SHOTWISE_*`; see docs/operations.md for the list. Relative paths start at the working directory.

        Raises SettingError, naming the setting, for a value that cannot be used.
        """
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
    found = KnowledgeSettings(
        library=Path(values.get("SHOTWISE_INDEX", home / "knowledge.sqlite")),
        library_read_only=_switch(values, "SHOTWISE_INDEX_READ_ONLY"),
        library_bucket=values.get("SHOTWISE_LIBRARY_BUCKET", ""),
        dictionary=values.get("SHOTWISE_DICTIONARY", ""),
        index=values.get("SHOTWISE_INDEX_KIND", "embedded"),
        opensearch_host=values.get("OPENSEARCH_HOST", ""),
        opensearch_index=values.get("OPENSEARCH_INDEX", "shotwise"),
        vector_bucket=values.get("SHOTWISE_VECTOR_BUCKET", ""),
        vector_index=values.get("SHOTWISE_VECTOR_INDEX", "shotwise"),
        knowledge_base=values.get("SHOTWISE_KNOWLEDGE_BASE_ID", ""),
        data_source=values.get("SHOTWISE_DATA_SOURCE_ID", ""),
        region=values.get("AWS_REGION", ""),
        embedder=values.get("SHOTWISE_EMBEDDER", ""),
        embedding_model=values.get("SHOTWISE_EMBEDDING_MODEL", "amazon.titan-embed-text-v2:0"),
        dimensions=_whole(values, "SHOTWISE_EMBEDDING_DIMENSIONS", "1024", 8, 4096),
        writer=values.get("SHOTWISE_WRITER", ""),
        writer_model=values.get("SHOTWISE_WRITER_MODEL", ""),
        api_key=values.get("SHOTWISE_API_KEY", ""),
        guardrail=values.get("SHOTWISE_GUARDRAIL_ID", ""),
        guardrail_version=values.get("SHOTWISE_GUARDRAIL_VERSION", "DRAFT"),
        similar=_number(values, "SHOTWISE_SIMILAR", "0.5", 0, 1),
        answer_seconds=_number(values, "SHOTWISE_ANSWER_SECONDS", "60", 5, 900))
    _check(found)
    return found


def _check(found: KnowledgeSettings) -> None:
    if found.index not in INDEXES:
        raise SettingError(f"SHOTWISE_INDEX_KIND is {found.index!r}; set it to one of {', '.join(INDEXES)}")
    lacking = {"opensearch": ("OPENSEARCH_HOST", found.opensearch_host),
               "s3vectors": ("SHOTWISE_VECTOR_BUCKET", found.vector_bucket)}.get(found.index)
    if lacking and not lacking[1]:
        raise SettingError(f"SHOTWISE_INDEX_KIND is {found.index}, so {lacking[0]} has to be set")
    if found.index == "s3vectors" and not found.embedder:
        raise SettingError("SHOTWISE_INDEX_KIND is s3vectors, which finds by meaning alone: set SHOTWISE_EMBEDDER")
    for name, value in (("SHOTWISE_EMBEDDER", found.embedder), ("SHOTWISE_WRITER", found.writer)):
        if value and value != "bedrock" and not value.startswith(("http://", "https://")):
            raise SettingError(f"{name} is {value!r}; set it to bedrock, to the address of an OpenAI-compatible server "
                               "(https://…/v1), or leave it empty")
    if found.writer and not found.writer_model:
        raise SettingError("SHOTWISE_WRITER is set, so SHOTWISE_WRITER_MODEL has to name its model")


def _number(values: Mapping[str, str], name: str, default: str, low: float, high: float) -> float:
    given = values.get(name, default)
    try:
        number = float(given)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise SettingError(f"{name} is {given!r}; set it to a number from {low} to {high}")
    return number


def _whole(values: Mapping[str, str], name: str, default: str, low: int, high: int) -> int:
    number = _number(values, name, default, low, high)
    if number != int(number):
        raise SettingError(f"{name} is {values[name]!r}; set it to a whole number from {low} to {high}")
    return int(number)


def _switch(values: Mapping[str, str], name: str) -> bool:
    given = values.get(name, "false")
    if given not in ("true", "false"):
        raise SettingError(f"{name} is {given!r}; set it to true or false")
    return given == "true"
