"""Server-sent events: pieces of bytes, however they were cut → (kind, data)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def events(pieces: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Every whole event of a stream; one that its end cuts off is not given. Lines end in LF or CR LF; comments and
    fields other than `event` and `data` are passed over."""
    kind = "message"
    data: list[str] = []
    for line in _lines(pieces):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield kind, "\n".join(data)
            kind, data = "message", []
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Whole lines, each decoded when it is whole: a border between pieces may fall inside a letter."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
