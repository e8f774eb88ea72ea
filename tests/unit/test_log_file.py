"""The log of one machine is JSON line by line, bounded, and never stops what logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from shotwise.limits import MAX_LOG_LINE_CHARACTERS, MAX_OLD_LOGS
from shotwise_local.log_file import LogFile, LogStream

FULL = Path("/dev/full")


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Every line of a log, parsed strictly."""
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text("utf-8").split("\n")[:-1]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is, in a folder that does not exist yet."""
    return tmp_path / "home/logs/api.log"


@pytest.fixture
def log(path: Path) -> LogFile:
    """A log that rotates at 2 kB."""
    return LogFile(path, "serve", max_bytes=2000)


@pytest.fixture
def stream(log: LogFile) -> LogStream:
    """A stream into the log."""
    return LogStream(log, "INFO")


def test_json_stays_as_it_is(stream: LogStream, path: Path) -> None:
    """A line that is a JSON object is written byte by byte as it came, in any number of calls."""
    for text in ('{"level":"INFO", "text": "작업"}', "\n", '{"a":', '1}\n{"b":2}\n'):
        assert stream.write(text) == len(text)
    assert path.read_text("utf-8") == '{"level":"INFO", "text": "작업"}\n{"a":1}\n{"b":2}\n'


@pytest.mark.parametrize("text", [
    "Segmentation fault", "{'a': 1}", "{", "[1]", "12", '{"a": NaN}', "{" * 100_000, "\x1b[31mred", "'\"\\", "a\rb",
    '{"a": "' + "x" * MAX_LOG_LINE_CHARACTERS + '"}'], ids=lambda text: text[:12])
def test_what_is_no_json_becomes_a_message(stream: LogStream, path: Path, text: str) -> None:
    """Any other line is one JSON object with level, service, message and time, and of bounded length."""
    print(text, file=stream)
    (line,) = lines_of(path)
    assert (line["level"], line["service"]) == ("INFO", "serve") and line["timestamp"].endswith("+0000")
    assert line["message"] == text[:MAX_LOG_LINE_CHARACTERS]


def test_a_traceback_in_one_call_is_one_line(stream: LogStream, path: Path) -> None:
    """Lines that arrive together and are no JSON stay together; a JSON line between them stays JSON."""
    stream.write('Traceback (most recent call last):\n  File "a.py", line 1\nValueError: x\n{"level":"INFO"}\n\nlast\n')
    messages = [line.get("message") for line in lines_of(path)]
    assert messages == ['Traceback (most recent call last):\n  File "a.py", line 1\nValueError: x', None, "last"]


@pytest.mark.parametrize("text", ["\udc80", '{"a": "\udc80"}'])
def test_text_that_is_no_utf_8_is_escaped(stream: LogStream, path: Path, text: str) -> None:
    """A lone surrogate, as in the name of a file in another encoding, reaches the log."""
    print(text, file=stream)
    assert "\udc80" in (line := lines_of(path)[0]).get("message", line.get("a"))


def test_the_line_of_a_thread_stays_in_one_piece(stream: LogStream, path: Path) -> None:
    """Eight threads that write their lines in pieces, while the file is rotated, mix no two of them."""
    def write(name: str) -> None:
        for number in range(8):
            for piece in ('{"thread": ', f'"{name}"', f', "number": {number}', "}", "\n"):
                stream.write(piece)
                time.sleep(0)

    threads = [threading.Thread(target=write, args=(f"{name}",)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for file in path.parent.iterdir() for line in lines_of(file)]
    assert sorted((line["thread"], line["number"]) for line in lines) == [(f"{t}", n) for t in range(8)
                                                                         for n in range(8)]


def test_a_line_without_end_is_written_by_flush(path: Path) -> None:
    """Nothing waits for a newline for ever: `flush`, as at the exit, or the maximum length writes it."""
    stream = LogStream(LogFile(path, "serve"), "INFO")
    stream.write("half")
    stream.flush()
    stream.write("x" * (MAX_LOG_LINE_CHARACTERS + 1))
    assert [line["message"][:4] for line in lines_of(path)] == ["half", "xxxx"]


def test_old_files_are_bounded(stream: LogStream, path: Path) -> None:
    """A log that is always written to keeps its newest lines, in files of bounded size and number."""
    for number in range(400):
        print(json.dumps({"number": number, "text": "x" * 40}), file=stream)
    names = [path.name, *(f"{path.name}.{number}" for number in range(1, MAX_OLD_LOGS + 1))]
    assert sorted(file.name for file in path.parent.iterdir()) == names
    assert all(file.stat().st_size <= 2000 for file in path.parent.iterdir())
    numbers = [line["number"] for name in reversed(names) for line in lines_of(path.parent / name)]
    assert numbers == list(range(numbers[0], 400)) and len(numbers) > 60


def test_a_full_disk_stops_nothing_and_heals(stream: LogStream, path: Path) -> None:
    """While the disk is full nothing is raised; then a line says how many were lost, and why."""
    path.parent.mkdir(parents=True)
    path.symlink_to(FULL)
    for number in range(3):
        print(f"lost {number}", file=stream, flush=True)
    path.unlink()
    print("written", file=stream)
    print("written", file=stream)
    messages = [line["message"] for line in lines_of(path)]
    assert messages == ["lines lost before this one: 3 (No space left on device)", "written", "written"]


def test_a_line_that_fits_in_part_is_not_begun(tmp_path: Path) -> None:
    """Where only a part of a line has room, the file still ends with a complete line."""
    # In a process of its own, because its limit on the size of files cannot be raised again.
    script = """if True:
        import resource, sys
        from pathlib import Path
        from shotwise_local.log_file import LogFile
        path = Path(sys.argv[1]) / "api.log"
        log = LogFile(path, "serve")
        log.write('{"first": 1}', "INFO")
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
        log.write('{"second": "does not fit"}', "INFO")
        first = path.read_text()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        log.write('{"third": 1}', "INFO")
        assert first == '{"first": 1}\\n', first
        assert "lines lost before this one: 1 (No space" in path.read_text()
    """
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


@pytest.mark.parametrize("obstacle", ["folder", "file for the folder", "pipe"])
def test_a_log_that_cannot_be_opened_stops_nothing(stream: LogStream, path: Path, obstacle: str) -> None:
    """Whatever is in the place of the file, lines are dropped until it is gone."""
    blocked = path.parent if obstacle == "file for the folder" else path
    blocked.parent.mkdir(parents=True)
    {"folder": Path.mkdir, "file for the folder": Path.touch, "pipe": os.mkfifo}[obstacle](blocked)
    for _ in range(3 if obstacle != "pipe" else 3000):  # more than the pipe has room for
        print("x" * 100, file=stream)
    blocked.rmdir() if obstacle == "folder" else blocked.unlink()
    print("written", file=stream)
    assert [line["message"][-7:] for line in lines_of(path)][-1] == "written"


@pytest.mark.parametrize("lose", ["file", "folder", "rotated by another process"])
def test_a_lost_file_is_made_again(stream: LogStream, path: Path, lose: str) -> None:
    """Lines go to the file at the path, not to one that was deleted or renamed."""
    print("before", file=stream)
    path.rename(path.with_name("old")) if lose.startswith("rotated") else path.unlink()
    if lose == "folder":
        path.parent.rmdir()
    print("after", file=stream)
    assert [line["message"] for line in lines_of(path)] == ["after"]


def test_a_torn_line_is_cut(path: Path) -> None:
    """The beginning of a line that a killed process left does not spoil the next line."""
    path.parent.mkdir(parents=True)
    path.write_text('{"a": 1}\n{"b":')
    LogFile(path, "serve").write('{"c": 1}', "INFO")
    assert lines_of(path) == [{"a": 1}, {"c": 1}]


def test_only_the_owner_reads_the_log(stream: LogStream, path: Path) -> None:
    """Folder and file are private whatever the umask, and so is a file of an earlier version."""
    path.parent.mkdir(parents=True)
    path.touch()
    path.chmod(0o644)
    for number in range(60):
        print(f"{number}{'x' * 40}", file=stream)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert len(list(path.parent.iterdir())) > 1


def test_new_folders_of_the_log_are_private(stream: LogStream, path: Path) -> None:
    """The home, which the log may be the first to create, is its owner's alone."""
    umask = os.umask(0)
    try:
        print("first", file=stream)
    finally:
        os.umask(umask)
    modes = [created.stat().st_mode & 0o777 for created in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_all_that_a_process_says_is_json(path: Path) -> None:
    """Prints, warnings, loggers without handlers and exceptions that nobody caught are one JSON line each."""
    script = """if True:
        import logging, sys, threading, warnings
        from pathlib import Path
        from shotwise_local.log_file import redirect_output
        redirect_output(Path(sys.argv[1]), "serve")
        print("printed", {"a": 1})
        warnings.warn("warned")
        try:
            raise ValueError("logged")
        except ValueError:
            logging.getLogger("uvicorn.error").exception("in ASGI application")
        logging.getLogger("uvicorn.error").info("of no interest")
        def fail(): raise RuntimeError("of a thread")
        for target in (fail, sys.exit):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        raise KeyError("of the program")
    """
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "")
    lines = lines_of(path)
    assert [line["level"] for line in lines] == ["INFO", "WARNING", "ERROR", "ERROR", "ERROR"]
    for line, text in zip(lines, ("{'a': 1}", "UserWarning: warned", "ValueError: logged", "RuntimeError: of a thread",
                                  "KeyError: 'of the program'"), strict=True):
        assert text in line["message"]


def test_a_stream_has_no_descriptor(stream: LogStream) -> None:
    """What would write past the log, such as a child process, is refused; it is no terminal, and takes text alone."""
    with pytest.raises(OSError, match="fileno"):
        stream.fileno()
    with pytest.raises(TypeError):
        print("x", file=stream.write(b"x"))  # type: ignore[arg-type]
    assert not stream.isatty() and stream.writable()
