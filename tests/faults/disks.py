"""Home folders that are full or cannot be written, without the rights of root."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slow.running import Stack

from .stacks import SERVE, served

SIZE_MB = 64
UNLIMITED = resource.RLIM_INFINITY


def can_mount() -> bool:
    """Whether this user may mount in a namespace of their own; some systems forbid it."""
    return bool(shutil.which("unshare")) and subprocess.run(
        ["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


class SmallDisk:
    """The home of a running stack on a disk that can be filled up.

    It is a small tmpfs that only the stack sees; where that may not be mounted, a limit of the process stands for it,
    under which its files may not grow.
    """

    def __init__(self, opened: Stack, mounted: bool) -> None:
        self._process, self._mounted = opened.process, mounted
        self._filler = Path(f"/proc/{opened.process.pid}/root{opened.home.absolute()}/filler")

    def fill(self) -> None:
        """Fill the disk to its last byte."""
        if not self._mounted:
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (0, UNLIMITED))
            return
        with self._filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                self._write_until_full(file.fileno(), size)

    @staticmethod
    def _write_until_full(descriptor: int, size: int) -> None:
        try:
            while os.write(descriptor, bytes(size)) == size:
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC

    def free(self) -> None:
        """Make room again."""
        if self._mounted:
            self._filler.unlink()
        else:
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))


@contextmanager
def on_small_disk(home: Path) -> Iterator[tuple[Stack, SmallDisk]]:
    """Run a stack whose home can be filled up."""
    mounted, command = can_mount(), SERVE
    if mounted:
        home.mkdir(parents=True, exist_ok=True)
        command = _in_namespace(f"mount -t tmpfs -o size={SIZE_MB}m none '{home}'")
    with served(home, command=command) as opened:
        yield opened, SmallDisk(opened, mounted)


@contextmanager
def on_read_only_home(home: Path) -> Iterator[Stack]:
    """Run a stack that cannot write to its home."""
    if can_mount():
        with served(home, command=_in_namespace(f"mount --bind '{home}' '{home}' && mount -o remount,bind,ro '{home}'")
                    ) as opened:
            yield opened
        return
    assert os.geteuid() != 0, "root may write everywhere: this needs a system that allows unshare"
    paths = [home, *home.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        command = ("sh", "-c", f"exec > '{home.parent}/console.txt' 2>&1; exec \"$@\"", "sh", *SERVE)
        with served(home, command=command) as opened:
            yield opened
    finally:
        for path in paths:
            path.chmod(path.stat().st_mode | 0o200)


def _in_namespace(mount: str) -> tuple[str, ...]:
    """The command that serves, in a namespace with a mount of its own."""
    return ("unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", *SERVE)
