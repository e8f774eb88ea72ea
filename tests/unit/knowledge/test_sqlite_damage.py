"""What cannot be the document store is put aside and never emptied; a store follows its file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sample_documents import indexed_document

from shotwise.adapters.sqlite.damage import put_damaged_aside
from shotwise.adapters.sqlite.database import FORMAT
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId
from shotwise.knowledge.text.analyzer import Analyzer


@pytest.fixture
def path(tmp_path: Path, analyzer: Analyzer) -> Path:
    """A document store with a document, closed."""
    path = tmp_path / "home/knowledge.sqlite"
    with closing(SqliteDocumentStore(path)) as document_store:
        document_store.put(indexed_document(analyzer, "기공", version="v1"))
    return path


def execute(path: Path, script: str) -> None:
    """Change the database in ways that Shotwise does not."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def overwrite_pages(path: Path) -> None:
    """Damage all pages but the first."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def cut(path: Path) -> None:
    """Lose the second half of the file, in the middle of a page."""
    content = path.read_bytes()
    path.write_bytes(content[:len(content) // 2 + 100])


def become_folder(path: Path) -> None:
    """Put a folder with a file in the place of the database."""
    path.unlink()
    path.mkdir()
    (path / "file").touch()


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "pages": (overwrite_pages, "damaged"), "cut": (cut, "damaged"),
    "text": (lambda path: path.write_bytes(b"not a database, " * 100), "damaged"),
    "head": (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096), "damaged"),
    "short": (lambda path: path.write_bytes(b"x"), "damaged"),
    "tables": (lambda path: execute(path, "DROP TABLE pages"), "damaged"),
    "newer": (lambda path: execute(path, f"PRAGMA user_version = {FORMAT + 1}"), "newer"),
    "foreign": (lambda path: execute(path, "PRAGMA user_version = 0"), "foreign"),
    "folder": (become_folder, "foreign"),
    "pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "foreign"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_unusable_is_put_aside(path: Path, name: str) -> None:
    """It gets another name with its journals, the reason says what is wrong, and a new store takes its place."""
    change, kind = UNUSABLE[name]
    change(path)
    content = path.read_bytes() if path.is_file() else b""
    journal = path.with_name("knowledge.sqlite-journal")
    journal.write_bytes(b"")
    aside = put_damaged_aside(path)
    assert aside is not None and aside.path.name.startswith(f"knowledge.sqlite.{kind}-") and "is" in aside.reason
    assert not aside.path.is_file() or aside.path.read_bytes() == content
    # SQLite itself removes an empty journal beside a database that it can open.
    assert not path.exists() and not journal.exists()
    with closing(SqliteDocumentStore(path)) as document_store:
        assert not document_store.versions()
    assert put_damaged_aside(path) is None


@pytest.mark.parametrize("change", [
    lambda path: None, Path.unlink, lambda path: path.write_bytes(b""),
    lambda path: execute(path, "PRAGMA user_version = 3"), lambda path: path.rename(path.with_name("other"))])
def test_what_is_usable_stays(path: Path, change: Callable[[Path], object]) -> None:
    """A sound store, one of an earlier version, an empty and a missing file are left to the opening."""
    change(path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert put_damaged_aside(path) is None
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_store_in_use_stays(path: Path) -> None:
    """A lock of another process says nothing about the content."""
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert put_damaged_aside(path, busy_seconds=0.05) is None


def test_two_put_aside_within_a_second_have_two_names(path: Path) -> None:
    """No file that was put aside is overwritten."""
    for _ in range(3):
        path.write_bytes(b"not a database, " * 100)
        assert put_damaged_aside(path) is not None
    assert len(list(path.parent.iterdir())) == 3


def test_a_link_stays_and_its_target_is_put_aside(path: Path, tmp_path: Path) -> None:
    """A home that links to a store elsewhere keeps its link."""
    path.write_bytes(b"not a database, " * 100)
    link = tmp_path / "link.sqlite"
    link.symlink_to(path)
    aside = put_damaged_aside(link)
    assert aside is not None and aside.path.parent == path.parent and link.is_symlink() and not path.exists()
    with closing(SqliteDocumentStore(link)):
        assert path.exists()


@pytest.mark.parametrize("name", ["newer", "foreign"])
def test_what_another_program_wrote_is_not_emptied(path: Path, name: str) -> None:
    """A store of a newer version, or another program's database, is refused and stays as it is."""
    UNUSABLE[name][0](path)
    content = path.read_bytes()
    with pytest.raises(KnowledgeError, match=r"knowledge\.sqlite.*another program"):
        SqliteDocumentStore(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("column", ["notes", "title"])
def test_damaged_content_is_a_knowledge_error(path: Path, column: str) -> None:
    """Text that is no JSON or no UTF-8 any more is not an internal error."""
    execute(path, f"UPDATE documents SET {column} = CAST(x'ff5b' AS TEXT)")
    with closing(SqliteDocumentStore(path)) as document_store, pytest.raises(KnowledgeError, match="cannot be used"):
        document_store.summaries()


def test_a_deleted_file_is_not_written_to(path: Path, analyzer: Analyzer) -> None:
    """After the file was deleted nothing is accepted that would be lost; a new file is used as soon as it is there."""
    with closing(SqliteDocumentStore(path)) as document_store:
        path.unlink()
        for call in (document_store.versions, lambda: document_store.put(indexed_document(analyzer, "균열"))):
            with pytest.raises(KnowledgeError, match="was deleted"):
                call()
        with closing(SqliteDocumentStore(path)) as other:
            other.put(indexed_document(analyzer, "균열", version="v2"))
        assert dict(document_store.versions()) == {"guide.pdf": "v2"}
        document_store.put(indexed_document(analyzer, "균열", version="v3"))
    with closing(SqliteDocumentStore(path)) as reopened:
        assert dict(reopened.versions()) == {"guide.pdf": "v3"}


def test_a_replaced_file_is_followed(path: Path, analyzer: Analyzer, tmp_path: Path) -> None:
    """A backup in the place of the file is read; a file that cannot be read is a KnowledgeError until then."""
    backup = tmp_path / "backup"
    with closing(SqliteDocumentStore(path)) as document_store:
        backup.write_bytes(path.read_bytes())
        document_store.put(indexed_document(analyzer, "균열", version="v2"))
        (tmp_path / "damaged").write_bytes(b"not a database, " * 100)
        (tmp_path / "damaged").replace(path)
        for _ in range(2):
            with pytest.raises(KnowledgeError, match="cannot be used"):
                document_store.passages([PassageId("guide.pdf", "v1", 0)])
        backup.replace(path)
        assert document_store.passages([PassageId("guide.pdf", "v1", 0)]) != [None]


FULL_DISK = """if True:
    import resource, sys
    from pathlib import Path
    from sample_documents import indexed_document, passage
    from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
    from shotwise.errors import KnowledgeError
    from shotwise.knowledge.models import PassageId
    from shotwise.knowledge.text.analyzer import Analyzer
    from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries
    path = Path(sys.argv[1])
    store, analyzer = SqliteDocumentStore(path), Analyzer(read_dictionary(*shipped_dictionaries()))
    large = indexed_document(analyzer, "x" * 100_000, pages=["x" * 1_000_000], version="v2")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    for limit in (0, path.stat().st_size + 8192):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            store.put(large)
        except KnowledgeError as error:
            print(error)
        else:
            raise AssertionError
        assert dict(store.versions()) == {"guide.pdf": "v1"}
        assert store.passages([PassageId("guide.pdf", "v1", 0)]) != [None]
        try:
            SqliteDocumentStore(path.with_name(f"other-{limit}.sqlite")).put(large)
        except KnowledgeError as error:
            print(error)
        else:
            raise AssertionError
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    store.put(large)
    assert dict(store.versions()) == {"guide.pdf": "v2"}
"""


def test_a_full_disk_refuses_what_is_new_and_heals(path: Path) -> None:
    """What cannot be written is a KnowledgeError, readers go on with the old version, and with room it is written."""
    # In a process of its own, because its limit on the size of files stands for the end of the disk.
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], env=environ, capture_output=True, text=True,
                         check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("cannot be used: ") == 4


def test_only_the_owner_reads_the_store(path: Path, tmp_path: Path) -> None:
    """The file is private from its first byte, whatever the umask, and so is its journal."""
    umask = os.umask(0)
    try:
        new = tmp_path / "new/home/knowledge.sqlite"
        with closing(SqliteDocumentStore(new)) as document_store, document_store.use() as connection, connection:
            connection.execute("INSERT INTO failures VALUES ('a', 'b')")
            modes = {file.name: file.stat().st_mode & 0o777 for file in new.parent.iterdir()}
    finally:
        os.umask(umask)
    assert modes == {"knowledge.sqlite": 0o600, "knowledge.sqlite-journal": 0o600}
    assert [folder.stat().st_mode & 0o777 for folder in (new.parent, new.parent.parent)] == [0o700, 0o700]
