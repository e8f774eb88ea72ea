"""What became of uploads and removals, as the list of documents shows it."""

from __future__ import annotations

from typing import Any

import pytest

from frontend.client import ApiError
from frontend.uploads import MAX_WAIT, DocumentChange, by_name, updated

ABSENT = (None, None)


def after(before: tuple[str | None, str | None], version: str | None, failure: str | None, *, removal: bool = False,
          seconds: float = 1.0) -> str:
    """Return the state of a change some seconds after it began; no version and no failure is no document."""
    listing: list[dict[str, Any]] = [{"name": "a.pdf", "version": version, "failure": failure}]
    documents = by_name(listing if version or failure else [])
    return updated(DocumentChange("a.pdf", removal, before, 100.0), documents, 100.0 + seconds).state


@pytest.mark.parametrize(("before", "version", "failure", "state"), [
    (ABSENT, None, None, "waiting"), (ABSENT, "1", None, "searched"), (ABSENT, None, "broken", "failed"),
    (("1", None), "1", None, "waiting"), (("1", None), "2", None, "searched"), (("1", None), "1", "broken", "failed"),
    ((None, "broken"), None, "broken", "waiting"), ((None, "broken"), "1", None, "searched"),
    ((None, "broken"), None, "empty", "failed"), (("1", "broken"), "1", None, "searched")])
def test_a_file_is_read_when_its_version_or_failure_changes(before: tuple[str | None, str | None], version: str | None,
                                                            failure: str | None, state: str) -> None:
    """What the list said before the file was sent does not count."""
    assert after(before, version, failure) == state


@pytest.mark.parametrize(("before", "version", "failure", "state"), [
    (ABSENT, None, None, "late"), (("1", None), "1", None, "late"), ((None, "broken"), None, "broken", "failed"),
    (("1", None), "2", None, "searched")])
def test_waiting_has_an_end(before: tuple[str | None, str | None], version: str | None, failure: str | None,
                            state: str) -> None:
    """After a minute an unchanged version is late, and an unchanged failure the same failure again."""
    assert after(before, version, failure, seconds=MAX_WAIT + 1) == state


@pytest.mark.parametrize(("version", "failure", "seconds", "state"), [
    ("1", None, 1, "waiting"), (None, None, 1, "removed"), ("shipped", None, 1, "removed"), ("1", None, 61, "late")])
def test_a_removal_is_done_when_the_document_is_another_or_none(version: str | None, failure: str | None,
                                                                seconds: float, state: str) -> None:
    """The one that came with the installation may come back under the name."""
    assert after(("1", None), version, failure, removal=True, seconds=seconds) == state


def test_the_end_of_a_change_stays() -> None:
    """One that was searched, failed or refused keeps its state, while a late one still changes."""
    refused = DocumentChange("a.pdf", False, ABSENT, 0.0, "refused", ApiError(403, {}))
    documents = by_name([{"name": "a.pdf", "version": "1", "failure": None}])
    assert updated(refused, documents, 1.0) is refused
    assert updated(DocumentChange("a.pdf", False, ABSENT, 0.0, "late"), documents, 900.0).state == "searched"
