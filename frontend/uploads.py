"""Uploads and removals of documents that are under way, and what became of each. Pure functions.

The API takes a file at once and reads it a little later; the list of documents shows when it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from frontend.client import ApiError

MAX_WAIT = 60.0  # seconds for which the list is looked at again and again
Documents = Mapping[str, Mapping[str, Any]]
# Version and failure of a document; None for either that it does not have.
Revision = tuple[str | None, str | None]


@dataclass(frozen=True)
class DocumentChange:
    """A file that was uploaded, or a document that is being removed.

    Attributes
    ----------
    name : str
        The document's name.
    is_removal : bool
        Whether the document is to be removed rather than added or replaced.
    before : tuple
        Version and failure of the document of that name when the change began.
    started : float
        When the change began: seconds of a monotonic clock.
    state : str
        `waiting`; `late`, which is waiting for longer than MAX_WAIT; or how it ended: `searched`, `failed`, `removed`
        or `refused`.
    error : ApiError or None
        The refusal, if there was one.
    """

    name: str
    is_removal: bool
    before: Revision
    started: float
    state: str = "waiting"
    error: ApiError | None = None

    @property
    def pending(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ("waiting", "late")


def by_name(documents: Iterable[Mapping[str, Any]]) -> Documents:
    """Return the documents by their names."""
    return {str(document["name"]): document for document in documents}


def revision_of(name: str, documents: Documents) -> Revision:
    """Return version and failure of a document; None for both where there is no such document."""
    document = documents.get(name, {})
    return document.get("version"), document.get("failure")


def updated(change: DocumentChange, documents: Documents, now: float) -> DocumentChange:
    """Return the change with the state that the list of documents shows at the time `now`."""
    return replace(change, state=_state(change, documents, now)) if change.pending else change


def _state(change: DocumentChange, documents: Documents, now: float) -> str:
    version, failure = revision_of(change.name, documents)
    late = now - change.started > MAX_WAIT
    if (version, failure) != change.before:
        if change.is_removal:  # without a version or failure it is gone; else the shipped one of its name is back
            return "removed"
        return "failed" if failure else "searched"
    if late and failure and not change.is_removal:  # read again, and refused for the same reason as before
        return "failed"
    return "late" if late else "waiting"
