"""Charts and documents are kept and found again, in a folder and in S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shotwise.adapters.folder_store import FolderStore
from shotwise.adapters.s3_store import S3Store
from shotwise.errors import NotFound, StoreError


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An S3 client of moto with the bucket `charts`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="charts")
        yield client


def test_a_folder_gives_back_what_it_was_given(tmp_path: Path) -> None:
    """The URL ends in the name, and the content is the same."""
    store = FolderStore([tmp_path / "new"], "http://127.0.0.1:8000/charts")
    assert store.put("a.png", b"picture") == "http://127.0.0.1:8000/charts/a.png"
    assert store.get("a.png").content == b"picture"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "", "a" * 300, "a\0b"])
def test_a_folder_gives_nothing_from_outside(tmp_path: Path, name: str) -> None:
    """A name that is a path finds nothing, wherever it points."""
    (tmp_path / "secret").write_text("x")
    (tmp_path / "charts").mkdir()
    with pytest.raises(NotFound):
        FolderStore([tmp_path / "charts"], "").get(name)


def test_an_unwritable_folder_is_a_store_error(tmp_path: Path) -> None:
    """The error is ours, so the edge can answer 503."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError):
        FolderStore([tmp_path / "file"], "").put("a.png", b"")


def test_s3_gives_an_address_for_what_it_keeps(s3: Any) -> None:
    """The URL is s3://, the object is there with its type, and a signed address leads to it."""
    store = S3Store("charts", "charts/", "image/png", s3)
    assert store.put("a.png", b"picture") == "s3://charts/charts/a.png"
    kept = s3.get_object(Bucket="charts", Key="charts/a.png")
    assert (kept["Body"].read(), kept["ContentType"]) == (b"picture", "image/png")
    address = store.get("a.png").address
    assert address is not None and "charts/a.png" in address and "Signature" in address


def test_s3_says_what_it_does_not_keep(s3: Any) -> None:
    """An unknown name is NotFound; an unknown bucket is a StoreError."""
    with pytest.raises(NotFound):
        S3Store("charts", "charts/", "image/png", s3).get("b.png")
    with pytest.raises(StoreError):
        S3Store("nowhere", "", "image/png", s3).put("a.png", b"")
