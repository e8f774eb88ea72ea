"""Build the document store with the shipped manuals, for the local stack and for Lambda (`make index`).

The same manuals, code and libraries, SQLite among them, give the same file byte for byte, wherever and whenever it is
built. No setting of the environment counts.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from shotwise.adapters.knowledge_factory import open_ingestion
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import KnowledgeError, ShotwiseError
from shotwise.knowledge.ingestion.parse import parse
from shotwise.settings import Settings
from shotwise_local.home_setup import MANUALS, SHIPPED_INDEX

READERS = 2  # PDFs that are read side by side; each has a process of its own, which takes a core and 280 MB
MODE = 0o644  # a new store is its owner's alone, but Lambda reads it as another user


def build_index(pdfs: Sequence[Path], path: Path, readers: int = READERS) -> None:
    """Read PDFs into a new document store, which takes the place of an earlier file once it is complete.

    Parameters
    ----------
    pdfs : sequence of Path
        The PDFs, in the order in which they are stored.
    path : Path
        The file to write.
    readers : int
        Number of PDFs that are read side by side.

    Raises
    ------
    KnowledgeError
        There is no PDF, or one of them cannot be read completely.
    OSError
        The file cannot be written.
    """
    if not pdfs:
        raise KnowledgeError(f"there is no PDF to build {path} from")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        new = Path(folder) / path.name
        _ingest(pdfs, new, readers)
        new.chmod(MODE)
        new.replace(path)


def _ingest(pdfs: Sequence[Path], path: Path, readers: int) -> None:
    """Store the PDFs in order, each as soon as it is read."""
    knowledge = replace(Settings.from_mapping({}).knowledge, index_path=path)
    with ThreadPoolExecutor(readers) as executor:
        reading = {pdf: executor.submit(parse, pdf) for pdf in pdfs}
        ingestion = replace(open_ingestion(knowledge), read=lambda pdf: reading[pdf].result())
        try:
            for pdf in pdfs:
                outcome = ingestion.ingest(pdf)
                if outcome.failure or outcome.notes:  # a page that took too long, for one: next time it would not
                    raise KnowledgeError("; ".join(filter(None, [outcome.reason, *outcome.note_texts])))
        finally:
            ingestion.document_store.close()


def check_index(pdfs: Sequence[Path], path: Path) -> None:
    """Check that a file is a document store of these PDFs, and not empty or another one. Raises KnowledgeError."""
    store = SqliteDocumentStore(path, read_only=True)
    try:
        documents = set(store.versions())
    finally:
        store.close()
    if documents != {pdf.name for pdf in pdfs}:
        raise KnowledgeError(f"{path} is not the document store of these manuals")


def main(arguments: Sequence[str]) -> int:
    """Build the index of this checkout, or with `--check` look whether it is one; return the status of the process."""
    pdfs = sorted(MANUALS.glob("*.pdf"))
    if "--check" in arguments:
        try:
            check_index(pdfs, SHIPPED_INDEX)
        except KnowledgeError as error:
            print(f"shotwise: {error}. Remove {SHIPPED_INDEX}, then call make again", file=sys.stderr)
            return 1
        return 0
    print("shotwise: reading the manuals into the document store, about 10 s …", file=sys.stderr, flush=True)
    try:
        build_index(pdfs, SHIPPED_INDEX)
    except (ShotwiseError, OSError) as error:
        print(f"shotwise: building the document store failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
