"""Write logs of one machine: every line one JSON object, in a file that rotates and whose failure stops nothing.

A line that cannot be written, because the disk is full or the folder was deleted, is dropped and counted. As soon as
writing works again, a line says how many were lost.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import stat
import sys
import threading
import traceback
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from shotwise.home import make_private_folder
from shotwise.limits import MAX_LOG_BYTES, MAX_LOG_LINE_CHARACTERS, MAX_OLD_LOGS

# Not blocking matters for a named pipe in the place of the file only.
OPEN_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


class LogFile:
    """A log file. Thread-safe, and no method raises OSError.

    Several processes may write to the same file. A file that was rotated, deleted or replaced by anybody is opened
    again at the next line.

    Parameters
    ----------
    path : Path
        The file; rotated ones have .1 (the newest), .2, … behind its name.
    service : str
        The name of the service in lines that are no JSON when they arrive.
    max_bytes : int
        The size at which the file is rotated.
    """

    def __init__(self, path: Path, service: str, max_bytes: int = MAX_LOG_BYTES) -> None:
        self._path = path
        self._service = service
        self._max_bytes = max_bytes
        self._lock = threading.RLock()  # a signal handler may log while its own thread does
        self._descriptor: int | None = None
        self._identity = (0, 0)  # device and inode of the open file
        self._lost_lines = 0
        self._reason: str | None = None

    def write(self, text: str, level: str) -> None:
        """Write lines that are JSON objects as they are, and the others as one object for each run of them."""
        for is_object, lines in groupby(text.split("\n"), _is_json_object):
            if is_object:
                for line in lines:
                    self._write_line(line)
            elif message := "\n".join(lines).strip("\n"):
                self._write_line(self.wrap(message, level))

    def wrap(self, message: str, level: str) -> str:
        """Return a message as a line, with the keys of the functions' own lines."""
        timestamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3] + "+0000"
        return json.dumps({"level": level, "service": self._service, "message": message[:MAX_LOG_LINE_CHARACTERS],
                           "timestamp": timestamp}, ensure_ascii=False)

    def close(self) -> None:
        """Close the file. It is opened again at the next line."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _write_line(self, line: str) -> None:
        # JSON has the same escape for what UTF-8 cannot encode as backslashreplace writes.
        content = (line + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            try:
                self._open_current(len(content))
                if self._lost_lines:
                    notice = self.wrap(f"lines lost before this one: {self._lost_lines} ({self._reason})", "ERROR")
                    self._append(f"{notice}\n".encode())
                    self._lost_lines = 0
                self._append(content)
            except OSError as error:
                self._lost_lines += 1
                self._reason = error.strerror

    def _open_current(self, size: int) -> None:
        """Make sure that the open file is the one at the path and has room for `size` bytes."""
        try:
            current = self._path.stat()
        except FileNotFoundError:
            self._open()
            return
        if stat.S_ISREG(current.st_mode) and 0 < current.st_size > self._max_bytes - size:
            self._rotate()
            self._open()
        elif self._descriptor is None or self._identity != (current.st_dev, current.st_ino):
            self._open()

    def _open(self) -> None:
        self.close()
        make_private_folder(self._path.parent)
        self._descriptor = os.open(self._path, OPEN_FLAGS, 0o600)
        opened = os.fstat(self._descriptor)
        self._identity = opened.st_dev, opened.st_ino
        if stat.S_ISREG(opened.st_mode):
            self._cut_torn_line(self._descriptor, opened.st_size)
            if opened.st_mode & 0o077:
                os.fchmod(self._descriptor, 0o600)

    def _rotate(self) -> None:
        for number in range(MAX_OLD_LOGS, 0, -1):
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            if newer.exists():
                newer.replace(self._path.with_name(f"{self._path.name}.{number}"))

    @staticmethod
    def _cut_torn_line(descriptor: int, size: int) -> None:
        """Remove the part of a line that a process wrote when it was killed."""
        start = max(0, size - 8 * MAX_LOG_LINE_CHARACTERS)
        tail = os.pread(descriptor, size - start, start)
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(descriptor, start + tail.rfind(b"\n") + 1)

    def _append(self, content: bytes) -> None:
        """Append all of `content` or, as far as the disk allows, nothing. Raises OSError."""
        assert self._descriptor is not None
        written = os.write(self._descriptor, content)
        if written < len(content):  # the disk is full
            os.ftruncate(self._descriptor, os.lseek(self._descriptor, 0, os.SEEK_CUR) - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class LogStream(io.TextIOBase):
    """A text stream into a log file, to stand in for `sys.stdout` and `sys.stderr`.

    What a thread writes is collected until the end of the line or `flush`, so that lines of several threads do not mix.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, log: LogFile, level: str) -> None:
        self._log = log
        self._level = level
        self._pending = threading.local()

    def write(self, text: str) -> int:
        """Write the complete lines of what this thread has written, and collect the rest."""
        lines, newline, rest = (getattr(self._pending, "text", "") + text).rpartition("\n")
        self._pending.text = rest
        if newline:
            self._log.write(lines, self._level)
        if len(rest) > MAX_LOG_LINE_CHARACTERS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Write the incomplete line of this thread, if there is one, as a line."""
        text = getattr(self._pending, "text", "")
        self._pending.text = ""
        if text:
            self._log.write(text, self._level)

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return False."""
        return False

    def fileno(self) -> NoReturn:
        """Raise UnsupportedOperation: what writes to the descriptor would not be JSON, and rotation changes it."""
        raise io.UnsupportedOperation("fileno")

    def close(self) -> None:
        """Write the incomplete line. The file stays open."""
        self.flush()


def redirect_output(path: Path, service: str) -> LogFile:
    """Let everything that this process prints, warns of or logs, and exceptions that nobody catches, go to a log file.

    Call it before loggers are made, because a logger's handler keeps the stream that it found.
    """
    log = LogFile(path, service)
    sys.stdout, sys.stderr = LogStream(log, "INFO"), LogStream(log, "WARNING")
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_JsonFormatter(log))
    logging.lastResort = handler

    def write_exception(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        log.write("".join(traceback.format_exception(kind, error, trace)), "ERROR")

    def write_exception_of_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_type is not SystemExit:
            write_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    sys.excepthook = write_exception
    threading.excepthook = write_exception_of_thread
    return log


class _JsonFormatter(logging.Formatter):
    """Formats a record of a logger without handlers, such as uvicorn's, as a line of the log."""

    def __init__(self, log: LogFile) -> None:
        super().__init__()
        self._log = log

    def format(self, record: logging.LogRecord) -> str:
        """Return message and traceback in one line."""
        return self._log.wrap(super().format(record), record.levelname)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _is_json_object(line: str) -> bool:
    if not line.startswith("{") or len(line) > MAX_LOG_LINE_CHARACTERS:
        return False
    try:
        _DECODER.decode(line)
    except (ValueError, RecursionError):
        return False
    return True
