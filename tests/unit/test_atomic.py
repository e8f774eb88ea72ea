"""A file is replaced as a whole or not at all, and stays what it was: its mode, its owner, the link to it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from shotwise.atomic import SHARED, check_replaceable, replace_file, temporary_name

OLD, NEW = b"the old content", b"the new content"
KILLED_WHILE_WRITING = """
import os, pathlib, signal, sys
from shotwise.atomic import replace_file

def write(file):
    file.write(b"half of")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

replace_file(pathlib.Path(sys.argv[1]), write)
"""


def write_new(file: BinaryIO) -> None:
    """Write the new content."""
    file.write(NEW)


def write_half(file: BinaryIO) -> None:
    """Write a part, and then find the disk full."""
    file.write(NEW[:5])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def mode_of(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file with the old content."""
    path = tmp_path / "target.bin"
    path.write_bytes(OLD)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_the_mode_stays(target: Path, mode: int) -> None:
    """The new file has the mode of the earlier one, narrow or wide."""
    target.chmod(mode)
    replace_file(target, write_new)
    assert target.read_bytes() == NEW and mode_of(target) == mode


def test_a_new_file_is_private_unless_it_is_asked_to_be_shared(tmp_path: Path) -> None:
    """A new file has the mode 0600; a shared one the mode that `open` would give it."""
    replace_file(tmp_path / "private", write_new)
    replace_file(tmp_path / "shared", write_new, mode=SHARED)
    (tmp_path / "opened").write_bytes(NEW)
    assert mode_of(tmp_path / "private") == 0o600
    assert mode_of(tmp_path / "shared") == mode_of(tmp_path / "opened")


def test_a_link_stays_and_its_target_is_written(target: Path, tmp_path: Path) -> None:
    """Links in a row are followed; so is one whose target does not exist yet."""
    (tmp_path / "folder").mkdir()
    near, far = tmp_path / "folder/near", tmp_path / "far"
    near.symlink_to("../target.bin")
    far.symlink_to(near)
    replace_file(far, write_new)
    assert near.is_symlink() and far.is_symlink() and target.read_bytes() == NEW
    target.unlink()
    replace_file(far, write_new)
    assert far.is_symlink() and target.read_bytes() == NEW


def test_a_failure_leaves_the_old_file_and_nothing_else(target: Path, tmp_path: Path) -> None:
    """A full disk while writing names the file, leaves its content, and no temporary file."""
    with pytest.raises(OSError, match="No space left") as failure:
        replace_file(target, write_half)
    assert failure.value.filename == str(target)
    assert target.read_bytes() == OLD and list(tmp_path.iterdir()) == [target]


def test_a_kill_leaves_the_old_file(target: Path, tmp_path: Path) -> None:
    """Killed while it writes, a process leaves the old file and a temporary file of the known pattern."""
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(target)], check=False)
    (stray,) = (path.name for path in tmp_path.iterdir() if path != target)
    assert killed.returncode == -9 and target.read_bytes() == OLD
    assert stray.startswith(".target.bin.") and stray.endswith(".writing")


def test_a_foreign_temporary_file_stays(target: Path, tmp_path: Path) -> None:
    """What lies under names that earlier versions used is neither written nor removed."""
    foreign = [tmp_path / ".target.bin.writing", tmp_path / ".target.bin.new", tmp_path / "target.bin.writing"]
    for path in foreign:
        path.write_text("foreign")
    replace_file(target, write_new)
    assert {path.read_text() for path in foreign} == {"foreign"}


@pytest.mark.parametrize("act", [lambda path: replace_file(path, write_new), check_replaceable])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, act: object) -> None:
    """A folder, a FIFO, a device, a circle of links and a folder that does not exist raise OSError."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "circle").symlink_to("circle")
    assert callable(act)
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/null"), tmp_path / "circle", tmp_path / "absent/file"):
        with pytest.raises(OSError) as failure:
            act(path)
        assert failure.value.filename == str(path) or path == tmp_path, path
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode) and Path("/dev/null").is_char_device()


def test_the_check_writes_nothing(target: Path, tmp_path: Path) -> None:
    """It leaves the file as it is, and no file where there was none."""
    check_replaceable(target)
    check_replaceable(tmp_path / "other")
    assert target.read_bytes() == OLD and list(tmp_path.iterdir()) == [target]


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    """The temporary name of the longest name that a file system allows is no longer than that."""
    for name in ("x" * 255, "가" * 85):
        replace_file(tmp_path / name, write_new)
        assert (tmp_path / name).read_bytes() == NEW


def test_temporary_names_are_hidden_and_unique() -> None:
    """Two runs never use the same name."""
    names = {temporary_name("a.pdf") for _ in range(100)}
    assert len(names) == 100 and all(name.startswith(".a.pdf.") for name in names)
