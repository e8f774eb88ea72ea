"""Track uploads and removals of documents until the list of documents shows their outcome. Pure functions.

The API accepts a file at once and reads it later; the list of documents then shows a new version or a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from frontend.client import ApiError

MAX_WAIT = 60.0  # seconds for which the list is requested again and again
Documents = Mapping[str, Mapping[str, Any]]  # the entries of GET /documents by name
# Version and failure of a document, each None if the document has none.
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
        Version and failure of the document of that name before the change.
    started : float
        Time when the change began, in seconds of a monotonic clock.
    state : str
        `waiting`; `late` after waiting for longer than MAX_WAIT; or the outcome: `searched`, `failed`, `removed` or
        `refused`.
    error : ApiError or None
        The error by which the API refused the change; None if it did not.
    """

    name: str
    is_removal: bool
    before: Revision
    started: float
    state: str = "waiting"
    error: ApiError | None = None

    @property
    def pending(self) -> bool:
        """Whether the outcome is still unknown."""
        return self.state in ("waiting", "late")


def by_name(documents: Iterable[Mapping[str, Any]]) -> Documents:
    """Return the documents by their names."""
    return {str(document["name"]): document for document in documents}


def revision_of(name: str, documents: Documents) -> Revision:
    """Return version and failure of a document; both None if there is no such document."""
    document = documents.get(name, {})
    return document.get("version"), document.get("failure")


def updated(change: DocumentChange, documents: Documents, now: float) -> DocumentChange:
    """Return the change with the state that the list of documents shows at the time `now`."""
    return replace(change, state=_state(change, documents, now)) if change.pending else change


def _state(change: DocumentChange, documents: Documents, now: float) -> str:
    version, failure = revision_of(change.name, documents)
    late = now - change.started > MAX_WAIT
    if (version, failure) != change.before:
        if change.is_removal:  # if there is a document of that name, it is the shipped one, which is visible again
            return "removed"
        return "failed" if failure else "searched"
    if late and failure and not change.is_removal:  # it failed again for the same reason as before
        return "failed"
    return "late" if late else "waiting"
