"""Put a file aside that cannot be the document store, so that a new store is made in its place."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from shotwise.adapters.sqlite.database import FORMAT, TABLES
from shotwise.errors import KnowledgeError
from shotwise.limits import MAX_CHECKED_STORE_BYTES, STORE_SECONDS

MIN_DATABASE_BYTES = 512  # the smallest page
JOURNALS = ("-journal", "-wal", "-shm")  # files that SQLite may have beside a database
# Other errors, such as a lock of another process or a disk that is full, say nothing about the content.
DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
UNREADABLE = frozenset((sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS))


class PutAside(NamedTuple):
    """A file that was put aside: where it is now, and what is wrong with it, to follow its name in a sentence."""

    path: Path
    reason: str


def put_damaged_aside(path: Path, busy_seconds: float = STORE_SECONDS) -> PutAside | None:
    """Rename what is at the path of the document store if it cannot be used as one; call it before opening the store.

    That is a damaged database, no database at all, the database of another program, or one of a newer version of
    Shotwise, which an older one would have to empty. One of an older version, a missing and an empty file are fine.
    Its new name has the kind of fault and the time; the journals go with it.

    Parameters
    ----------
    path : Path
        Where the document store is; it may be missing.
    busy_seconds : float
        How long another process that writes is waited for. If it takes longer, the file stays.

    Raises
    ------
    KnowledgeError
        It cannot be renamed.
    """
    file = Path(os.path.realpath(path))
    kind, reason = _fault(file, busy_seconds)
    if not kind:
        return None
    try:
        aside = _free_name(file, f"{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
        file.rename(aside)
        for journal in JOURNALS:
            if (beside := file.with_name(file.name + journal)).exists():
                beside.rename(aside.with_name(aside.name + journal))
    except OSError as error:
        raise KnowledgeError(f"the document store {path} {reason}, and cannot be renamed: {error.strerror}") from error
    return PutAside(aside, reason)


def _fault(file: Path, busy_seconds: float) -> tuple[str, str]:
    """The kind and the description of what is wrong with the file; both are empty if it can be used."""
    try:
        status = file.stat()
    except OSError:  # missing, or the opening says what is wrong
        return "", ""
    if not stat.S_ISREG(status.st_mode):
        return "foreign", "is no file"
    if 0 < status.st_size < MIN_DATABASE_BYTES:  # SQLite takes it for an empty one
        return "damaged", "is damaged (file is not a database)"
    try:
        # Not opened by other means: the closing of a second descriptor would end the locks of this process.
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=busy_seconds)) as connection:
            return _fault_of_database(connection, status.st_size)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none for text that is not UTF-8
        if code & 0xFF in DAMAGE or code in UNREADABLE:
            return "damaged", f"is damaged ({error})"
        return "", ""


def _fault_of_database(connection: sqlite3.Connection, size: int) -> tuple[str, str]:
    connection.execute("BEGIN")  # another process may be creating the tables
    stored_format = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if stored_format > FORMAT:
        return "newer", f"is of a newer version (format {stored_format}, this version reads {FORMAT})"
    if tables and stored_format < 1:
        return "foreign", "is a database of another program"
    if stored_format == FORMAT and not tables.issuperset(TABLES):
        return "damaged", "is damaged (it lacks tables)"
    if size <= MAX_CHECKED_STORE_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            return "damaged", f"is damaged ({verdict.replace('*** in database main ***', '').strip()})"
    return "", ""


def _free_name(file: Path, ending: str) -> Path:
    """A name beside the file that nothing has."""
    aside = file.with_name(f"{file.name}.{ending}")
    number = 1
    while aside.exists() or aside.is_symlink():
        number += 1
        aside = file.with_name(f"{file.name}.{ending}-{number}")
    return aside
