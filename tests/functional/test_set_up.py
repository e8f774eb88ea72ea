"""`make` sets a machine up, or says in one sentence which step failed, why, and what to do."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rights import bound_by_permissions

from shotwise_tools.set_up import (
    LEVELS,
    Environment,
    SetUpError,
    explain,
    flaw_of,
    main,
    remove_unfinished,
    require_space,
)

ROOT = Path(__file__).parents[2]
FILES = ("Makefile", "pyproject.toml", "requirements/serve.txt", "requirements/develop.txt", "requirements/bench.txt",
         "src/shotwise_tools/set_up.py")
RETRY = "WARNING: Retrying (Retry(total={}, connect=None)) after connection broken by 'NewConnectionError({})'"
NO_MATCH = """ERROR: Could not find a version that satisfies the requirement airspeed-ext==0.6.9 (from versions: none)
ERROR: No matching distribution found for airspeed-ext==0.6.9
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the set-up reads of a checkout, and no .venv."""
    folder = tmp_path / "check out"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def executable(path: Path, script: str) -> Path:
    """Write a script of the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return path


def environment(checkout: Path, pip: str = "exit 0", place: Path | None = None) -> Path:
    """Write a .venv whose pip is a script of the shell, as if it had been made in a place."""
    folder = checkout / ".venv"
    executable(folder / "bin/python", pip)
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\ncommand = /usr/bin/python3 -m venv {place or folder}\n",
                                       "utf-8")
    record = folder / "lib/python3.11/site-packages/pip-24.0.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    record.touch()
    return folder


def environ(**settings: str) -> dict[str, str]:
    """Settings for a make that inherits nothing from the one that runs the tests."""
    foreign = ("MAKE", "MFLAGS", "PIP_", "CI")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return inherited | {"PIP_CONFIG_FILE": os.devnull} | settings


def make(checkout: Path, *arguments: str, python: str | Path = sys.executable,
         **settings: str) -> subprocess.CompletedProcess[str]:
    """Call make as the user does, root without its right to pass over permissions."""
    command = bound_by_permissions("make", f"PYTHON={python}", *arguments)
    return subprocess.run(command, cwd=checkout, env=environ(**settings), text=True, capture_output=True, timeout=120,
                          check=False)


def failure(process: subprocess.CompletedProcess[str]) -> str:
    """The sentence of a make that failed, the last line before make's own."""
    assert process.returncode == 2 and "Traceback" not in process.stderr, process.stderr
    *lines, own = process.stderr.splitlines()
    assert own.startswith("make: *** ") and all(line.startswith("shotwise: ") for line in lines), process.stderr
    return lines[-1].removeprefix("shotwise: ")


@pytest.mark.parametrize(("version", "named"), [
    ('echo "Python 3.10.13"', "is Python 3.10.13."), ('echo "Python 2.7.18" >&2', "is Python 2.7.18."),
    ('echo "pyenv: version not installed" >&2; exit 127', "is not installed.")])
def test_another_python_is_named(checkout: Path, version: str, named: str) -> None:
    """Python 3.10, Python 2 and one that does not start are named, with the command to repeat."""
    python = executable(checkout.parent / "python3", f'test "$1" = --version || exit 1; {version}')
    sentence = failure(make(checkout, "run", python=python))
    assert sentence.startswith(f"needs Python 3.11 to 3.14, but {python} {named}")
    assert sentence.endswith("make run PYTHON=python3.13")
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_missing_is_named(checkout: Path) -> None:
    """The shell's own message about it does not appear."""
    assert "but python9 is not installed." in failure(make(checkout, "test", python="python9"))


def test_a_python_without_ensurepip_is_named(checkout: Path) -> None:
    """The package that brings it on Debian is named, and no half of an environment is left."""
    program = ("import importlib.util, runpy, sys; real = importlib.util.find_spec; "
               "importlib.util.find_spec = lambda name: None if name == 'ensurepip' else real(name); "
               "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')")
    python = executable(checkout.parent / "python3", f'case "$1" in -I) shift; exec {sys.executable} -I -c "{program}" '
                        f'"$@";; *) exec {sys.executable} "$@";; esac')
    sentence = failure(make(checkout, "run", python=python))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "comes without venv or ensurepip" in sentence and f"apt install python{version}-venv" in sentence
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(("output", "cause"), [
    (RETRY.format(4, "Temporary failure in name resolution") + "\n" + NO_MATCH,
     "the package index cannot be reached (Temporary failure in name resolution). Check the network"),
    (RETRY.format(4, "Cannot connect to proxy") + "\n" + NO_MATCH, "(Cannot connect to proxy). Check the network"),
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
     "the disk is full (No space left on device). Free some space"),
    ("ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file system: '/a'\n",
     "the checkout cannot be written (Read-only file system). Copy it"),
    (NO_MATCH + "\n[notice] A new release of pip is available\n", "No matching distribution found for airspeed-ext"),
    ("", "it wrote nothing.")])
def test_a_failed_installation_is_one_sentence(checkout: Path, output: str, cause: str) -> None:
    """It names the step, the cause and what to do; all that pip wrote is in the log, and no stamp is left."""
    (checkout / "output").write_text(output, "utf-8")
    folder = environment(checkout, "cat output; exit 1")
    sentence = failure(make(checkout, "run"))
    assert sentence.startswith("installing what serving needs failed: ") and cause in sentence
    assert sentence.endswith("is in .venv/set-up.log.")
    assert (folder / "set-up.log").read_text("utf-8").endswith(output) and not (folder / ".serving").exists()


def test_a_pipeline_prints_what_pip_wrote(checkout: Path) -> None:
    """Its log goes with the machine."""
    environment(checkout, "echo the long story; exit 1")
    assert "the long story\n" in make(checkout, "run", CI="true").stderr


def test_a_slow_index_is_reported_once(checkout: Path) -> None:
    """While pip tries five times, one line says so, before the end."""
    (checkout / "output").write_text("\n".join(RETRY.format(left, "timed out") for left in range(4, -1, -1)), "utf-8")
    environment(checkout, "cat output; exit 1")
    assert make(checkout, "run").stderr.count("the package index does not answer; pip tries again") == 1


def test_a_set_up_is_done_once(checkout: Path) -> None:
    """The first make installs, with what it takes; the second has nothing to do, until a pinned file changes."""
    environment(checkout, 'echo "$@" >> calls')
    first, second = make(checkout, ".venv/.serving"), make(checkout, ".venv/.serving")
    assert first.returncode == second.returncode == 0 and second.stderr == ""
    begin, end = first.stderr.splitlines()
    assert begin.startswith("shotwise: installing what serving needs: the download, then about ")
    assert end.startswith("shotwise: what serving needs is installed (")
    calls = (checkout / "calls").read_text("utf-8").splitlines()
    assert [call.split(" off ")[1] for call in calls] == ["--requirement requirements/serve.txt",
                                                          "--no-deps --editable ."]
    os.utime(checkout / "requirements/serve.txt", (4e9, 4e9))
    assert "installed" in make(checkout, ".venv/.serving").stderr


def test_torch_comes_from_the_usual_index_where_its_own_is_away(checkout: Path) -> None:
    """The failure of the first try is reported, and no failure of the set-up."""
    environment(checkout, 'echo "$@" >> calls; case "$*" in *whl/cpu*) exit 1;; esac')
    process = make(checkout, ".venv/.developing")
    assert process.returncode == 0 and "the index of its CPU builds does not answer" in process.stderr
    calls = (checkout / "calls").read_text("utf-8").splitlines()
    assert [call.split()[-1].partition("=")[0] for call in calls[-2:]] == ["torch", "torch"]


def test_a_checkout_that_cannot_be_written_is_named(checkout: Path) -> None:
    """Permissions are those of another user's checkout."""
    checkout.chmod(0o555)
    sentence = failure(make(checkout, "run"))
    checkout.chmod(0o755)
    assert sentence == ("making .venv failed: the checkout cannot be written (Permission denied). Copy it to where you "
                        "may write, then call make again.")


def test_an_environment_of_other_tools_is_left_alone(checkout: Path) -> None:
    """It is named, and nothing in it changes; neither does a file of that name."""
    folder = checkout / ".venv"
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.9\n", "utf-8")
    assert "was not made by make, so it is left alone. Move it away" in failure(make(checkout, "run"))
    assert [path.name for path in folder.iterdir()] == ["pyvenv.cfg"]
    shutil.rmtree(folder)
    folder.touch()
    assert "is no folder. Move it away" in failure(make(checkout, "run"))


def test_a_half_made_environment_is_made_anew(checkout: Path) -> None:
    """A set-up that ended before pip was there is begun again from the start, here of an index that has nothing."""
    folder = environment(checkout)
    (folder / ".serving").touch()
    shutil.rmtree(folder / "lib")
    process = make(checkout, ".venv/.developing", PIP_NO_INDEX="1")
    assert ".venv cannot be used, because making it was interrupted; it is made anew" in process.stderr
    assert failure(process).startswith("installing what serving needs failed: No matching distribution found for ")
    assert flaw_of(folder) is None


@pytest.mark.parametrize("break_it", ["move", "remove Python"])
def test_what_cannot_run_any_more_is_set_up_again(checkout: Path, break_it: str) -> None:
    """A moved checkout, and a Python that is gone, are noticed though everything is installed."""
    folder = environment(checkout, place=checkout.parent / "elsewhere/.venv" if break_it == "move" else None)
    for name in (".serving", ".developing"):
        (folder / name).touch()
    if break_it == "remove Python":
        (folder / "bin/python").unlink()
        (folder / "bin/python").symlink_to(checkout / "nowhere")
    assert "needs Python 3.11" in failure(make(checkout, "lint", python="python9"))
    assert flaw_of(folder) == ("the checkout was moved or copied" if break_it == "move"
                               else "the Python that it was made of is gone")


def test_an_interrupted_package_is_installed_again(tmp_path: Path) -> None:
    """What pip did not finish has no RECORD, and is forgotten; finished packages stay."""
    packages = tmp_path / "lib/python3.11/site-packages"
    for name in ("numpy", "numpy-2.dist-info", "~umpy", "boto3-1.dist-info"):
        (packages / name).mkdir(parents=True)
    (packages / "boto3-1.dist-info/RECORD").touch()
    remove_unfinished(tmp_path)
    assert {path.name for path in packages.iterdir()} == {"numpy", "boto3-1.dist-info"}


def test_a_full_disk_is_named_before_the_download() -> None:
    """What is installed already counts; a disk with room is no error."""
    level = LEVELS["serving"]
    require_space(level, used=int(0.6e9), free=int(0.5e9))
    with pytest.raises(SetUpError, match=r"needs about 1\.0 GB more on the disk of the checkout, where 0\.5 GB are"):
        require_space(level, used=0, free=int(0.5e9))


def test_the_last_words_of_an_unknown_failure_are_bounded() -> None:
    """A page of words in one line is cut."""
    assert explain("ERROR: " + "x" * 5000) == "x" * 300


def heed_interrupts() -> None:
    """Let a process end by Ctrl-C, also where the tests themselves were started in the background and ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def busy(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A make whose pip takes a minute, in a session of its own."""
    environment(checkout, "touch started; sleep 60")
    with subprocess.Popen(["make", f"PYTHON={sys.executable}", ".venv/.serving"], cwd=checkout, env=environ(),
                          text=True, stderr=subprocess.PIPE, start_new_session=True,
                          preexec_fn=heed_interrupts) as process:
        assert process.stderr is not None and "installing" in process.stderr.readline()
        yield process


def test_an_interrupt_is_one_sentence(busy: subprocess.Popen[str]) -> None:
    """Ctrl-C ends make, the set-up and pip, and says how to go on."""
    os.killpg(busy.pid, signal.SIGINT)
    _, text = busy.communicate(timeout=30)
    assert text.startswith("shotwise: interrupted; the next make continues.\n") and "Traceback" not in text
    assert busy.returncode != 0


def test_two_makes_take_turns(checkout: Path) -> None:
    """The second waits, says so, and finds everything done."""
    environment(checkout, "echo called >> calls")
    with (checkout / FILES[-1]).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(["make", f"PYTHON={sys.executable}", ".venv/.serving"], cwd=checkout, env=environ(),
                              text=True, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "shotwise: another make fills .venv; waiting for it …\n"
            (checkout / ".venv/.serving").touch()  # as the other one does at its end
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert process.stderr.read() == "" and process.wait(30) == 0
    assert not (checkout / "calls").exists()


def test_another_make_ends_with_a_sentence() -> None:
    """What is a variable for GNU make is a rule and an error for others; BSD's is run where there is one."""
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    begin = lines.index("define other-make:")
    assert not [line for line in lines[:begin] if line and not line.startswith("#")]
    error = lines[begin + 1].removeprefix(".error ")
    assert "needs GNU make" in error and lines[begin + 2] == "endef"
    if bmake := shutil.which("bmake"):
        done = subprocess.run([bmake, "run"], cwd=ROOT, env=environ(), text=True, capture_output=True, check=False)
        assert done.returncode != 0 and done.stderr.strip().endswith(error) and done.stderr.count("\n") == 1


def test_each_level_is_filled_once_and_in_order(checkout: Path) -> None:
    """Serving, Shotwise itself, development and torch; a second call does nothing."""
    environment(checkout, 'echo "$@" >> calls')
    reports: list[str] = []
    for _ in range(2):
        Environment(checkout, reports.append).fill("developing")
    calls = (checkout / "calls").read_text("utf-8").splitlines()
    assert [call.split()[-1] for call in calls] == ["requirements/serve.txt", ".", "requirements/develop.txt",
                                                    "torch==2.13.0"]
    assert [text for text in reports if text.endswith("s)")] == [text for text in reports if "is installed" in text]


def test_torch_comes_from_the_usual_index_if_its_own_is_away(checkout: Path) -> None:
    """It says so, because that may be much larger."""
    environment(checkout, 'echo "$@" >> calls; case "$*" in *whl/cpu*) echo "Retrying ("; exit 1;; esac')
    reports: list[str] = []
    Environment(checkout, reports.append).fill("developing")
    assert (checkout / "calls").read_text("utf-8").splitlines()[-1].endswith("--progress-bar off torch==2.13.0")
    assert [text for text in reports if "does not answer" in text] and not (checkout / ".venv/.measuring").exists()


@pytest.mark.parametrize(("pip", "status", "text"), [
    ("exit 0", 0, "what serving needs is installed"),
    ("echo ERROR: No space left on device; exit 1", 1, "installing what serving needs failed: the disk is full"),
    ("echo ERROR: odd; exit 1", 1, "failed: odd. What pip wrote is in .venv/set-up.log.")])
def test_the_program_returns_the_status_of_make(checkout: Path, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str], pip: str, status: int,
                                                text: str) -> None:
    """0, or 1 with a sentence; where nobody can look into the log, as in CI, what pip wrote is printed."""
    environment(checkout, pip)
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("CI", "1")
    assert main("serving") == status
    printed = capsys.readouterr().err
    assert text in printed and (status == 0) == ("ERROR" not in printed)


def test_an_environment_of_another_tool_is_left_alone(checkout: Path, monkeypatch: pytest.MonkeyPatch,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    """The program ends with 1 and removes nothing."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv/mine").touch()
    monkeypatch.chdir(checkout)
    assert main("serving") == 1 and "left alone" in capsys.readouterr().err and (checkout / ".venv/mine").exists()


def test_an_environment_is_made_anew_or_left_alone(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, and anew where the earlier one was moved here; a file of its name is left alone."""
    folder = environment(checkout, place=checkout / "elsewhere")
    reports: list[str] = []
    made = Environment(checkout, reports.append)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SetUpError, match="installing what serving needs failed"):
        made.fill("serving")
    assert reports[0] == ".venv cannot be used, because the checkout was moved or copied; it is made anew …"
    assert flaw_of(folder) is None and (folder / "bin/pip").exists()
    shutil.rmtree(folder)
    assert flaw_of(folder) == "there is none"
    folder.touch()
    with pytest.raises(SetUpError, match="is no folder"):
        made.fill("serving")


def test_torch_that_is_there_is_not_installed_again(checkout: Path) -> None:
    """Its record says that it was installed completely."""
    folder = environment(checkout, 'echo "$@" >> calls')
    record = folder / "lib/python3.11/site-packages/torch-2.13.0+cpu.dist-info/RECORD"
    record.parent.mkdir()
    record.touch()
    Environment(checkout, lambda text: None).fill("developing")
    assert "torch" not in (checkout / "calls").read_text("utf-8")


def test_a_program_without_ci_keeps_what_pip_wrote_to_the_log(checkout: Path, monkeypatch: pytest.MonkeyPatch,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal has the sentence alone."""
    environment(checkout, "echo a long line; echo ERROR: odd; exit 1")
    monkeypatch.chdir(checkout)
    monkeypatch.delenv("CI", raising=False)
    assert main("serving") == 1
    assert "a long line" not in capsys.readouterr().err
    assert "a long line" in (checkout / ".venv/set-up.log").read_text("utf-8")
