"""The home folder is private, free of leftovers and in order before anything is opened; what is not ours stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shotwise.atomic import temporary_name
from shotwise.errors import KnowledgeError
from shotwise.home import make_private, make_private_folder, sweep
from shotwise.limits import LEFTOVER_SECONDS
from shotwise.settings import Settings
from shotwise_local.upkeep import put_home_in_order

OURS = ("documents/line 1/a.pdf", "charts/a.png", "logs/api.log.1", "logs/ui.log", "matplotlib/fontlist.json",
        "knowledge.sqlite", "knowledge.sqlite-journal", "knowledge.sqlite.damaged-20261130-120000",
        ".knowledge.sqlite.0123456789abcdef.writing")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of an earlier version, which everybody may read."""
    home = tmp_path / "home"
    for name in OURS:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        path.chmod(0o664)
    for path in (home, *home.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    return home


def modes_of(home: Path) -> dict[str, int]:
    """The mode of everything in the home, and of itself."""
    return {path.relative_to(home).as_posix(): path.lstat().st_mode & 0o777
            for path in (home, *home.rglob("*")) if not path.is_symlink()}


def fail(report: str) -> None:
    """Expect no report."""
    raise AssertionError(report)


def test_an_earlier_home_becomes_private(home: Path) -> None:
    """Nobody but the owner reads folders and files, in any depth; what is narrower stays."""
    (home / "charts/a.png").chmod(0o400)
    make_private(home, fail)
    modes = modes_of(home)
    assert modes.pop("charts/a.png") == 0o400
    assert set(modes.values()) == {0o600, 0o700}
    assert all((mode == 0o700) == (home / name).is_dir() for name, mode in modes.items())


def test_the_other_files_of_a_shared_home_stay(home: Path, tmp_path: Path) -> None:
    """In a home with files of others these, the home itself, and what links lead to keep their modes."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "plant.pdf").touch()
    for path in (outside, outside / "plant.pdf"):
        path.chmod(0o755)
    (home / "documents/plant").symlink_to(outside)
    (home / "report.txt").touch()
    (home / "report.txt").chmod(0o644)
    make_private(home, fail)
    modes = modes_of(home)
    assert (modes["."], modes["report.txt"], modes["knowledge.sqlite"]) == (0o755, 0o644, 0o600)
    assert [path.stat().st_mode & 0o777 for path in (outside, outside / "plant.pdf")] == [0o755, 0o755]


def test_a_missing_home_is_private(tmp_path: Path) -> None:
    """Without a home there is nothing to do, and making it makes it and the folders above private."""
    make_private(tmp_path / "new/home", fail)
    umask = os.umask(0)
    try:
        make_private_folder(tmp_path / "new/home")
        make_private_folder(tmp_path / "new/home")
    finally:
        os.umask(umask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new", "new/home")] == [0o700, 0o700]


def test_old_leftovers_are_swept(home: Path) -> None:
    """Temporary files of killed processes go after an hour; younger ones, and all other files, stay."""
    now = time.time()
    leftovers = [home / folder / name for folder in (".", "documents", "charts", "logs")
                 for name in (temporary_name("a" * 100), temporary_name("기공.pdf"))]
    leftovers.append(home / ".knowledge.sqlite.writing")
    others = [home / "documents" / name
              for name in ("tmpab_12xyz", "tmpab_12xyz.pdf", ".writing", "a.writing", "tmp", ".a.writing")]
    young = home / "documents" / temporary_name("young.pdf")
    folder = home / "documents" / temporary_name("folder")
    folder.mkdir()
    for path in (*leftovers, *others):
        path.touch()
        os.utime(path, (now, now - LEFTOVER_SECONDS - 1))
    young.touch()
    assert sweep(home, now) == len(leftovers)
    assert not any(path.exists() for path in leftovers)
    assert all(path.exists() for path in (*others, young, folder, *map(home.joinpath, OURS)))


def settings_of(home: Path, **environ: str) -> Settings:
    """The settings of this home."""
    return Settings.from_mapping({"SHOTWISE_HOME": str(home), **environ})


def test_a_damaged_store_is_put_aside_and_said(home: Path) -> None:
    """One sentence names the store, what is wrong and where it is now; the second start has nothing to say."""
    store = home / "knowledge.sqlite"
    store.write_bytes(b"not a database, " * 100)
    reports: list[str] = []
    for _ in range(2):
        put_home_in_order(home, settings_of(home), reports.append)
    assert len(reports) == 1 and f"the document store {store} is damaged (file is not a database)" in reports[0]
    (aside,) = [path for path in home.glob("knowledge.sqlite.damaged-*") if path.stat().st_size]
    assert aside.name in reports[0] and aside.stat().st_mode & 0o777 == 0o600 and not store.exists()


def test_a_store_elsewhere_is_left_alone(home: Path, tmp_path: Path) -> None:
    """A damaged store that SHOTWISE_INDEX names outside the home stays where it is."""
    store = tmp_path / "other.sqlite"
    store.write_bytes(b"not a database, " * 100)
    put_home_in_order(home, settings_of(home, SHOTWISE_INDEX=str(store)), fail)
    assert store.exists()


def test_what_cannot_be_put_aside_is_named(tmp_path: Path) -> None:
    """Where the damaged file cannot be renamed, the error names it and says why."""
    home = tmp_path / "home"
    home.mkdir()
    store = home / ("s" * 240)  # there is no room in the name for what is put behind it
    store.write_bytes(b"not a database, " * 100)
    with pytest.raises(KnowledgeError, match="s is damaged .* and cannot be renamed: File name too long"):
        put_home_in_order(home, settings_of(home, SHOTWISE_INDEX=str(store)), fail)
