"""Fill .venv for a target of the Makefile, or say in one sentence which step failed, why, and what to do.

`make` runs this file by its path, with the Python that .venv is made of and the checkout as the working directory;
nothing but the standard library is there yet. A set-up that was interrupted is continued: pip writes the file RECORD of
a package last, so a package without it was not finished. A .venv that cannot be used any more is made anew.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TORCH = "torch==2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
UNREACHABLE = re.compile(
    r"Temporary failure in name resolution|Name or service not known|nodename nor servname provided"
    r"|No address associated with hostname|Network is unreachable|No route to host|Connection refused"
    r"|Connection reset by peer|Cannot connect to proxy|CERTIFICATE_VERIFY_FAILED|timed out")
# What the last words of a failed command show: a pattern, the cause, and what to do.
CAUSES = (
    (re.compile("No space left on device|Disk quota exceeded"), "the disk is full",
     f"Free some space there, or in {tempfile.gettempdir()} (TMPDIR names another place)"),
    (re.compile("Read-only file system|Permission denied"), "the checkout cannot be written",
     "Copy it to where you may write"),
    (UNREACHABLE, "the package index cannot be reached", "Check the network, the proxy and PIP_INDEX_URL"),
)
Report = Callable[[str], None]


class SetUpError(Exception):
    """A step is impossible. The text names it, the cause, and what to do."""


@dataclass(frozen=True)
class Level:
    """What .venv can be filled with.

    Attributes
    ----------
    contents : str
        What is installed, in the words of the messages.
    requirements : str
        The pinned file.
    gigabytes : float
        Size of .venv afterwards.
    duration : str
        How long it takes after the download, on two cores.
    after : str
        The file that, like the pinned one, has .venv filled again when it changes.
    """

    contents: str
    requirements: str
    gigabytes: float
    duration: str
    after: str


# Each contains those before it.
LEVELS = {
    "serving": Level("what serving needs", "requirements/serve.txt", 1.0, "a minute", "pyproject.toml"),
    "developing": Level("what training and tests need", "requirements/develop.txt", 3.0, "two minutes",
                        ".venv/.serving"),
    "measuring": Level("what benchmarks need", "requirements/bench.txt", 3.2, "a minute", ".venv/.developing"),
}


@dataclass(frozen=True)
class Environment:
    """The virtual environment of a checkout.

    Attributes
    ----------
    root : Path
        The checkout.
    report : callable
        Prints a line for the person who called make.
    """

    root: Path
    report: Report

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.root / ".venv"

    def fill(self, name: str) -> None:
        """Install what the levels up to this one need, where that was not done yet. Raises SetUpError."""
        self._create_unless_usable()
        for level in list(LEVELS)[:list(LEVELS).index(name) + 1]:  # the lower ones are gone if .venv was just made anew
            self._fill_level(level)

    def _fill_level(self, name: str) -> None:
        """Install what a level needs beyond those below it. Raises SetUpError."""
        level, stamp = LEVELS[name], self.folder / f".{name}"
        if is_newer(stamp, [self.root / path for path in (level.requirements, level.after)]):
            return  # by another make, while this one waited
        require_space(level, size(self.folder), shutil.disk_usage(self.root).free)
        begin = time.monotonic()
        self.report(f"installing {level.contents}: the download, then about {level.duration} …")
        remove_unfinished(self.folder)
        self._install(level.contents, "--requirement", level.requirements)
        if name == "serving":
            self._install("Shotwise itself", "--no-deps", "--editable", ".")
        elif name == "developing":
            self._install_torch()
        stamp.touch()
        self.report(f"{level.contents} is installed ({time.monotonic() - begin:.0f} s)")

    def _create_unless_usable(self) -> None:
        """Create the environment, or create it anew where an earlier one cannot be used."""
        flaw = flaw_of(self.folder)
        if flaw is None:
            return
        if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
            raise SetUpError(f"making .venv failed: {sys.executable} comes without venv or ensurepip. Install them (on "
                             f"Debian and Ubuntu: apt install {package}), then call make again")
        if self.folder.exists():
            self.report(f".venv cannot be used, because {flaw}; it is made anew …")
        # Not sys.executable, which is in .venv itself where that is activated, and would be removed.
        command = [vars(sys)["_base_executable"], "-m", "venv", "--clear", str(self.folder)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", errors="replace", check=False)
        if done.returncode:
            raise SetUpError(f"making .venv failed: {explain(done.stdout)}")

    def _install(self, contents: str, *arguments: str) -> None:
        """Run pip. Raises SetUpError."""
        status, output = self._pip(*arguments)
        if status:
            if os.environ.get("CI"):  # where nobody can look into the log afterwards
                self.report(output)
            raise SetUpError(f"installing {contents} failed: {explain(output)}. What pip wrote is in .venv/set-up.log")

    def _install_torch(self) -> None:
        """Install torch. Its CPU build has an index of its own; the usual one on Linux brings gigabytes of CUDA."""
        if any(self.folder.glob(f"lib/python*/site-packages/torch-{TORCH.partition('==')[2]}*.dist-info/RECORD")):
            return
        self.report("installing torch …")
        if self._pip("--timeout", "5", "--retries", "0", "--index-url", TORCH_CPU_INDEX, TORCH)[0]:
            self.report("the index of its CPU builds does not answer; taking it from the usual one, maybe with CUDA …")
            self._install("torch", TORCH)

    def _pip(self, *arguments: str) -> tuple[int, str]:
        """Run pip with its output in the log alone, but report once that it tries again. Returns status and output."""
        command = [str(self.folder / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
                   "--progress-bar", "off", *arguments]
        lines: list[str] = []
        with (self.folder / "set-up.log").open("a", encoding="utf-8") as log, subprocess.Popen(
                command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                encoding="utf-8", errors="replace") as process:
            log.write(f"$ {' '.join(command)}\n")
            assert process.stdout is not None
            for line in process.stdout:
                if "Retrying (" in line and not any("Retrying (" in earlier for earlier in lines):
                    self.report("the package index does not answer; pip tries again …")
                lines.append(line)
                log.write(line)
                log.flush()
        return process.returncode, "".join(lines)


def flaw_of(folder: Path) -> str | None:
    """Return why an environment cannot be used, None if it can.

    Raises
    ------
    SetUpError
        It is not one that make has made, so it must not be removed.
    """
    if not folder.exists() and not folder.is_symlink():
        return "there is none"
    if not folder.is_dir():
        raise SetUpError(f"{folder} is no folder. Move it away, then call make again")
    names = {path.name for path in folder.iterdir()}
    configuration = folder / "pyvenv.cfg"
    text = configuration.read_text("utf-8", "replace").strip() if configuration.exists() else ""
    if " -m venv " not in text and (text or names - {"bin", "include", "lib", "lib64", "pyvenv.cfg"}):
        raise SetUpError(f"{folder} was not made by make, so it is left alone. Move it away, then call make again")
    if text and not text.endswith(f" {folder}"):  # of the command that made it, which is the last line
        return "the checkout was moved or copied"
    if not (folder / "bin/python").exists():
        return "the Python that it was made of is gone" if text else "making it was interrupted"
    finished = any(folder.glob("lib/python*/site-packages/pip-*.dist-info/RECORD"))
    return None if text and finished else "making it was interrupted"


def is_newer(stamp: Path, sources: Sequence[Path]) -> bool:
    """Return whether a file exists that is no older than its sources."""
    return stamp.exists() and all(stamp.stat().st_mtime >= source.stat().st_mtime for source in sources)


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def require_space(level: Level, used: int, free: int) -> None:
    """Raise SetUpError if the disk has no room for what a level still needs."""
    missing = level.gigabytes - used / 1e9
    if missing > free / 1e9:
        raise SetUpError(f"installing {level.contents} needs about {missing:.1f} GB more on the disk of the checkout, "
                         f"where {free / 1e9:.1f} GB are free. Free some space, then call make again")


def remove_unfinished(folder: Path) -> None:
    """Remove the records of packages whose installation was interrupted, so that pip installs them again."""
    for path in folder.glob("lib/python*/site-packages/*"):
        if path.is_dir() and (path.name.startswith("~") or path.suffix == ".dist-info" and
                              not (path / "RECORD").exists()):
            shutil.rmtree(path)


def explain(output: str) -> str:
    """Return the cause that the output of a failed command shows, and what to do about it; else its last words."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("[notice]")]
    errors = [line for line in lines if line.lower().startswith("error:")] or lines[-1:] or ["it wrote nothing"]
    last = re.sub("^error: ", "", errors[-1], flags=re.IGNORECASE)
    # An index that cannot be reached ends in "no matching distribution"; why stands in the warnings before.
    text = output if "No matching distribution" in last else "\n".join(errors)
    for pattern, cause, remedy in CAUSES:
        if match := pattern.search(text):
            return f"{cause} ({match[0]}). {remedy}, then call make again"
    return last[:300].rstrip(".")


@contextmanager
def exclusive(report: Report) -> Iterator[None]:
    """Wait until no other make fills .venv."""
    with Path(__file__).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another make fills .venv; waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            pass  # some network file systems lock no file that is opened for reading; two makes at once are rare
        yield


def main(name: str) -> int:
    """Fill .venv, and return the status of the process."""
    def report(text: str) -> None:
        with suppress(BrokenPipeError):
            print(f"shotwise: {text}", file=sys.stderr, flush=True)

    try:
        with exclusive(report):
            Environment(Path.cwd(), report).fill(name)
    except SetUpError as error:
        report(f"{error}.")
        return 1
    except OSError as error:
        report(f"filling .venv failed: {explain(str(error))}.")
        return 1
    except KeyboardInterrupt:
        report("interrupted; the next make continues.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
