"""Settings, built once from a mapping that is passed in; only `functions/*/app.py` pass the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """model_dir: the bundle. index: the embedded knowledge index. documents: folder of the PDFs on one machine.
    charts_bucket: S3 bucket of charts; where it is empty charts are kept in charts_dir and served under public_url.
    """

    model_dir: Path
    index: Path
    index_read_only: bool
    documents: tuple[Path, ...]
    documents_bucket: str
    charts_bucket: str
    charts_dir: Path
    public_url: str

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Settings:
        """Read `SHOTWISE_*`; see docs/operations.md for the list. Relative paths start at the working directory."""
        home = Path(values.get("SHOTWISE_HOME", ".shotwise"))
        return cls(
            model_dir=Path(values.get("SHOTWISE_MODEL_DIR", "models/shotwise")),
            index=Path(values.get("SHOTWISE_INDEX", home / "knowledge.sqlite")),
            index_read_only=values.get("SHOTWISE_INDEX_READ_ONLY", "false") == "true",
            documents=(home / "documents", Path(values.get("SHOTWISE_MANUALS", "manuals"))),
            documents_bucket=values.get("SHOTWISE_DOCUMENTS_BUCKET", ""),
            charts_bucket=values.get("SHOTWISE_CHARTS_BUCKET", ""),
            charts_dir=home / "charts",
            public_url=values.get("SHOTWISE_PUBLIC_URL", "http://127.0.0.1:8000"))
