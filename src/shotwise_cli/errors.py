"""The error of the command line itself; all other errors are in `shotwise.errors`."""

from __future__ import annotations

from shotwise.errors import ShotwiseError


class FileError(ShotwiseError):
    """A file or folder named on the command line cannot be used.

    Parameters
    ----------
    name : str
        The file, one of its lines (`corpus.jsonl:3`), or the option that named it.
    *faults : str
        One text for each fault, which continues the name: what is wrong and what to do.
    """

    def __init__(self, name: str, *faults: str) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for fault in faults))
