"""Files on their way into the documents, or out of them: what became of each. Pure functions.

The API takes a file at once and reads it a little later; the list of documents tells when it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from frontend.client import ApiError

WAIT = 60.0  # seconds for which the list is looked at again and again
Documents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Transfer:
    """A file sent, or a document being removed.

    before: version and failure under its name until then; since: when, in seconds of a clock that only goes on;
    state: waiting, late (still waiting, longer than WAIT), searched, failed, removed or refused; error: the refusal.
    """

    name: str
    removal: bool
    before: tuple[str | None, str | None]
    since: float
    state: str = "waiting"
    error: ApiError | None = None

    @property
    def open(self) -> bool:
        """Whether its end is still to come."""
        return self.state in ("waiting", "late")


def by_name(documents: Iterable[Mapping[str, Any]]) -> Documents:
    """The documents by their names."""
    return {str(document["name"]): document for document in documents}


def known(name: str, documents: Documents) -> tuple[str | None, str | None]:
    """Version and failure under a name; neither where there is no such document."""
    found = documents.get(name, {})
    return found.get("version"), found.get("failure")


def settled(transfer: Transfer, documents: Documents, now: float) -> Transfer:
    """The transfer as the list of documents shows it `now`."""
    if not transfer.open:
        return transfer
    return replace(transfer, state=_state(transfer, documents, now))


def _state(transfer: Transfer, documents: Documents, now: float) -> str:
    version, failure = known(transfer.name, documents)
    late = now - transfer.since > WAIT
    if (version, failure) != transfer.before:
        if transfer.removal:  # without a version or failure it is gone; else the shipped one of its name is back
            return "removed"
        return "failed" if failure else "searched"
    if late and failure and not transfer.removal:  # read again, and refused for the same reason as before
        return "failed"
    return "late" if late else "waiting"
