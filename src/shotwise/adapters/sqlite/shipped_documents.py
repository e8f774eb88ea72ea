"""Copy documents from one document store into another, as if their PDFs had been ingested there."""

from __future__ import annotations

from pathlib import Path

from shotwise.adapters.sqlite.database import FORMAT
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore

# The documents come last, so that a table's rows are never searched without their document.
COPIED_TABLES = {"pages": "document", "passages": "document", "postings": "document", "documents": "name"}


def add_missing_documents(document_store: SqliteDocumentStore, source: Path) -> list[str]:
    """Copy the documents of another store whose names this store lacks, in one transaction.

    Parameters
    ----------
    document_store : SqliteDocumentStore
        The store to copy to.
    source : Path
        The file of the store to copy from, which does not change meanwhile.

    Returns
    -------
    list of str
        The names of the copied documents; none if the other store has another format.

    Raises
    ------
    KnowledgeError
        One of the stores cannot be used.
    """
    with document_store.use() as connection:
        connection.execute("ATTACH ? AS source", (f"{source.absolute().as_uri()}?mode=ro&immutable=1",))
        try:
            if connection.execute("PRAGMA source.user_version").fetchone()[0] != FORMAT:
                return []
            query = "SELECT name FROM source.documents WHERE name NOT IN (SELECT name FROM main.documents)"
            if not connection.execute(query).fetchall():
                return []
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                names = connection.execute(query).fetchall()
                for table, column in COPIED_TABLES.items():
                    connection.executemany(
                        f"INSERT INTO main.{table} SELECT * FROM source.{table} WHERE {column} = ?", names)
            return [name for (name,) in names]
        finally:
            connection.execute("DETACH source")
