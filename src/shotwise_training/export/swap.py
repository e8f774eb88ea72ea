"""Swap two folders in one step, so that a kill leaves one or the other under a name, and never none.

POSIX has no such step: `rename` replaces an empty folder only. Linux has renameat2 (since 3.15; not on NFS), macOS has
renamex_np (on APFS).
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

CURRENT_FOLDER = -100  # AT_FDCWD
RENAME_EXCHANGE = RENAME_SWAP = 2  # the same number in linux/fs.h and in macOS' sys/stdio.h


def swap(first: Path, second: Path) -> None:
    """Swap the names of two files or folders of the same file system.

    Raises
    ------
    OSError
        If the paths cannot be swapped; both are unchanged then. ENOSYS if the system has no call for it, EINVAL if the
        file system cannot do it.
    """
    library = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(first), os.fsencode(second)
    if hasattr(library, "renameat2"):
        status = library.renameat2(CURRENT_FOLDER, paths[0], CURRENT_FOLDER, paths[1], ctypes.c_uint(RENAME_EXCHANGE))
    elif sys.platform == "darwin":
        status = library.renamex_np(*paths, ctypes.c_uint(RENAME_SWAP))
    else:
        raise OSError(*_error(errno.ENOSYS), str(second))
    if status != 0:
        raise OSError(*_error(ctypes.get_errno()), str(second))


def _error(number: int) -> tuple[int, str]:
    return number, os.strerror(number)
