"""What became of files on their way, as the list of documents tells it."""

from __future__ import annotations

from typing import Any

import pytest

from frontend.client import ApiError
from frontend.uploads import WAIT, Transfer, by_name, settled

NEVER = (None, None)


def after(before: tuple[str | None, str | None], version: str | None, failure: str | None, *, removal: bool = False,
          seconds: float = 1.0) -> str:
    """The state of a transfer some seconds after it began; no version and no failure is no document."""
    listed: list[dict[str, Any]] = [{"name": "a.pdf", "version": version, "failure": failure}]
    found = by_name(listed if version or failure else [])
    return settled(Transfer("a.pdf", removal, before, 100.0), found, 100.0 + seconds).state


@pytest.mark.parametrize(("before", "version", "failure", "state"), [
    (NEVER, None, None, "waiting"), (NEVER, "1", None, "searched"), (NEVER, None, "broken", "failed"),
    (("1", None), "1", None, "waiting"), (("1", None), "2", None, "searched"), (("1", None), "1", "broken", "failed"),
    ((None, "broken"), None, "broken", "waiting"), ((None, "broken"), "1", None, "searched"),
    ((None, "broken"), None, "empty", "failed"), (("1", "broken"), "1", None, "searched")])
def test_a_file_is_read_when_its_version_or_failure_changes(before: tuple[str | None, str | None], version: str | None,
                                                            failure: str | None, state: str) -> None:
    """What the list said before the file was sent does not count."""
    assert after(before, version, failure) == state


@pytest.mark.parametrize(("before", "version", "failure", "state"), [
    (NEVER, None, None, "late"), (("1", None), "1", None, "late"), ((None, "broken"), None, "broken", "failed"),
    (("1", None), "2", None, "searched")])
def test_waiting_has_an_end(before: tuple[str | None, str | None], version: str | None, failure: str | None,
                            state: str) -> None:
    """After a minute an unchanged version is late, and an unchanged failure the same failure again."""
    assert after(before, version, failure, seconds=WAIT + 1) == state


@pytest.mark.parametrize(("version", "failure", "seconds", "state"), [
    ("1", None, 1, "waiting"), (None, None, 1, "removed"), ("shipped", None, 1, "removed"), ("1", None, 61, "late")])
def test_a_removal_is_done_when_the_document_is_another_or_none(version: str | None, failure: str | None,
                                                                seconds: float, state: str) -> None:
    """The one that came with the installation may come back under the name."""
    assert after(("1", None), version, failure, removal=True, seconds=seconds) == state


def test_the_end_of_a_transfer_stays() -> None:
    """What was searched, failed or refused is not judged again, while a late one is."""
    refused = Transfer("a.pdf", False, NEVER, 0.0, "refused", ApiError(403, {}))
    found = by_name([{"name": "a.pdf", "version": "1", "failure": None}])
    assert settled(refused, found, 1.0) is refused
    assert settled(Transfer("a.pdf", False, NEVER, 0.0, "late"), found, 900.0).state == "searched"
