"""Write a file so that nobody meets half of it: after a kill or on a full disk, the old content is there, or the new.

The new content is written beside the file under a temporary name that nothing else has, `.{name}.{random}.writing`,
and renamed. A kill can leave that temporary file behind, never a damaged file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".writing"
PRIVATE = 0o600  # mode of a new file that only its owner reads
SHARED = 0o666  # mode of a new file that the umask narrows, as `open` does
NAME_CHARACTERS = 40  # of the name in the temporary name, which must not get longer than a file system allows
# What file systems answer that cannot write a folder's entries to the disk, or to whom the folder cannot be read.
NO_FOLDER_SYNC = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF))


def replace_file(path: Path, write: Callable[[BinaryIO], object], *, mode: int = PRIVATE, durable: bool = True) -> None:
    """Write a file by calling `write` with the open file; see `replacing`."""
    with replacing(path, mode=mode, durable=durable) as file:
        write(file)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = PRIVATE, durable: bool = True, inherit: bool = True) -> Iterator[BinaryIO]:
    """Open a file to write, which takes the place of an earlier one, if there is any, when the block ends.

    If the block raises, the earlier file stays.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    mode : int
        Mode of a file that does not exist yet, narrowed by the umask.
    durable : bool
        Whether the content is on the disk when this returns, so that it outlasts a power failure.
    inherit : bool
        Whether a file that exists keeps its mode, and its owner and group where the process may set them, and a
        symbolic link stays, so that its target is written; else the file is new in every respect.

    Raises
    ------
    OSError
        If the file cannot be written, or is no regular file; it names `path`. The earlier file is unchanged then.
    """
    target = Path(os.path.realpath(path)) if inherit else path
    partial = target.with_name(temporary_name(target.name))
    with _errors_of(path, partial):
        earlier = _status(target) if inherit else None
        try:
            with _create(partial, mode if earlier is None else PRIVATE) as file:
                yield file
                _finish(file, earlier, durable)
            partial.replace(target)
        except BaseException:  # also an interrupt leaves nothing behind
            partial.unlink(missing_ok=True)
            raise
        if durable:
            sync_folder(target.parent)


def check_replaceable(path: Path) -> None:
    """Raise the OSError that `replace_file` would raise for this path now; for a check before long work.

    A file that may not be written is refused too, though a rename would replace it.
    """
    target = Path(os.path.realpath(path))
    partial = target.with_name(temporary_name(target.name))
    with _errors_of(path, partial):
        if _status(target) is not None and not os.access(target, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        partial.touch(PRIVATE, exist_ok=False)
        partial.unlink()


def temporary_name(name: str) -> str:
    """Return a name of a temporary file or folder, hidden and unique, for what will be called `name`."""
    return f".{name[:NAME_CHARACTERS]}.{os.urandom(8).hex()}{SUFFIX}"


def sync_folder(folder: Path) -> None:
    """Write the entries of a folder to the disk, where the file system can do that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise


def copy_ownership(target: int | Path, earlier: os.stat_result) -> None:
    """Give a new file or folder (descriptor or path) the mode of an earlier one, and its owner and group if it may."""
    for owner, group in ((earlier.st_uid, -1), (-1, earlier.st_gid)):
        with contextlib.suppress(PermissionError):  # only an administrator may give a file away
            os.chown(target, owner, group)
    # Last, because a change of owner clears some bits. Path.chmod takes no descriptor.
    os.chmod(target, stat.S_IMODE(earlier.st_mode))  # noqa: PTH101


def _create(partial: Path, mode: int) -> BinaryIO:
    return os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb")


def _finish(file: BinaryIO, earlier: os.stat_result | None, durable: bool) -> None:
    """Give the temporary file the mode and owner of the file that it replaces, and write it to the disk."""
    file.flush()
    if earlier is not None:
        copy_ownership(file.fileno(), earlier)
    if durable:
        os.fsync(file.fileno())


def _status(target: Path) -> os.stat_result | None:
    """The status of the file to replace, or None if there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is no regular file", str(target))
    return status


@contextlib.contextmanager
def _errors_of(path: Path, partial: Path) -> Iterator[None]:
    """Name the file in errors that name the temporary one, or none, as a full disk's does."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial), partial):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
