"""Find the PDFs below folders, and name what looks like one but cannot be read."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shotwise.messages import Message

KINDS = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFBLK: "device",
         stat.S_IFCHR: "device"}


class Skipped(NamedTuple):
    """What is no PDF that can be read.

    Attributes
    ----------
    path : Path
        The file or folder.
    failure : Message
        Why it is skipped, with a code of DOCUMENT_FAILURES.
    """

    path: Path
    failure: Message

    @property
    def name(self) -> str:
        """Its file name, as `readable_name` returns it."""
        return readable_name(self.path)

    @property
    def is_unreadable_folder(self) -> bool:
        """Whether it may hold PDFs that nobody can see."""
        return self.failure.code == "unreadable_file" and self.path.is_dir()


class PdfFiles(NamedTuple):
    """What is below some folders: the PDFs, and what is skipped."""

    files: list[Path]
    skipped: list[Skipped]


def document_name(path: Path) -> str:
    """Return the name of the document that a file becomes: composed characters, as everybody but macOS writes them."""
    return unicodedata.normalize("NFC", path.name)


def readable_name(path: Path) -> str:
    """Return a file name that can be stored and printed; if it is not UTF-8, with a � for each byte beyond ASCII."""
    encoded = os.fsencode(path.name)
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError:
        return encoded.decode("ascii", "replace")


def pdfs_in(folder: Path) -> PdfFiles:
    """Find the PDFs below a folder, whatever the case of their suffix; nothing if there is no such folder.

    Folders that are symbolic links are not entered, so that a loop of them ends.
    """
    files: list[Path] = []
    skipped: list[Skipped] = []

    def skip_folder(error: OSError) -> None:
        if Path(error.filename) != folder or not isinstance(error, FileNotFoundError | NotADirectoryError):
            skipped.append(Skipped(Path(error.filename), _unreadable(error)))

    for parent, folders, names in os.walk(folder, onerror=skip_folder):
        for path in (Path(parent, name) for name in (*folders, *names) if name.lower().endswith(".pdf")):
            failure = why_skipped(path)
            if failure is None:
                files.append(path)
            else:
                skipped.append(Skipped(path, failure))
    return PdfFiles(sorted(files), sorted(skipped, key=lambda entry: entry.path))


def pdfs_at(path: Path) -> PdfFiles:
    """Find the PDFs below a folder, or return a file as it is. Raises FileNotFoundError if there is nothing."""
    if not os.path.lexists(path):
        raise FileNotFoundError(errno.ENOENT, "no such file or folder", str(path))
    failure = why_skipped(path)
    if failure is None:
        return PdfFiles([path], [])
    if failure.params.get("kind") == KINDS[stat.S_IFDIR]:
        return pdfs_in(path)
    return PdfFiles([], [Skipped(path, failure)])


def why_skipped(path: Path) -> Message | None:
    """Return why a path cannot be read as a PDF, with a code of DOCUMENT_FAILURES; None if it is a file."""
    try:
        path.name.encode("utf-8")
        mode = path.stat().st_mode
    except UnicodeEncodeError:
        return Message("name_not_utf8")
    except OSError as error:  # such as a symbolic link that leads nowhere, or in a circle
        return _unreadable(error)
    return None if stat.S_ISREG(mode) else Message("no_file", {"kind": KINDS.get(stat.S_IFMT(mode), "device")})


def served_pdfs(folders: Sequence[Path]) -> tuple[dict[str, Path], list[Skipped]]:
    """Find the PDFs below the folders that documents are served from.

    Returns
    -------
    files : dict of str to Path
        The file of each document by its name, from the first folder that has it.
    skipped : list of Skipped
        What is skipped.
    """
    files: dict[str, Path] = {}
    skipped: list[Skipped] = []
    for pdfs in map(pdfs_in, folders):
        skipped += pdfs.skipped
        for path in pdfs.files:
            files.setdefault(document_name(path), path)
    return files, skipped


def _unreadable(error: OSError) -> Message:
    return Message("unreadable_file", {"cause": str(error.strerror)})
