"""Charts and documents are stored, fetched and removed, in folders and in S3."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.stub import Stubber
from moto import mock_aws

from shotwise.adapters.aws.s3_file_store import S3FileStore
from shotwise.adapters.folder_file_store import FolderBounds, FolderFileStore
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


def test_a_folder_returns_the_stored_file(tmp_path: Path) -> None:
    """The URL ends with the name, and the content is the same."""
    store = FolderFileStore([tmp_path / "new"], "http://127.0.0.1:8000/charts")
    assert store.put("a.png", b"picture") == "http://127.0.0.1:8000/charts/a.png"
    assert store.get("a.png").content == b"picture"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "", "a" * 300, "a\0b"])
def test_a_folder_returns_no_file_from_outside(tmp_path: Path, name: str) -> None:
    """A name that is a path is NotFound, wherever it points."""
    (tmp_path / "secret").write_text("x")
    (tmp_path / "charts").mkdir()
    with pytest.raises(NotFound):
        FolderFileStore([tmp_path / "charts"], "").get(name)


def test_an_unwritable_folder_is_a_store_error(tmp_path: Path) -> None:
    """The error is StoreError, so the handler can reply with 503."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError):
        FolderFileStore([tmp_path / "file"], "").put("a.png", b"")


def test_a_file_is_written_in_pieces(folders: FolderFileStore, tmp_path: Path) -> None:
    """The file gets its name when all of it is written; it is private, and a link is replaced, not its target."""
    (tmp_path / "outside").write_bytes(b"outside")
    (tmp_path / "own/a.pdf").symlink_to(tmp_path / "outside")
    with folders.writing("a.pdf") as file:
        for piece in (b"%PDF-", b"1.7"):
            file.write(piece)
        assert folders.get("a.pdf").content == b"outside"
    assert folders.get("a.pdf").content == b"%PDF-1.7" and (tmp_path / "outside").read_bytes() == b"outside"
    assert (tmp_path / "own/a.pdf").lstat().st_mode & 0o777 == 0o600


def test_an_upload_that_breaks_off_stores_nothing(folders: FolderFileStore, tmp_path: Path) -> None:
    """If the block raises, its error gets through, the earlier file stays, and no temporary one is left."""
    folders.put("a.pdf", b"earlier")
    with pytest.raises(KeyError), folders.writing("a.pdf") as file:
        file.write(b"half")
        raise KeyError
    with pytest.raises(StoreError, match="a.pdf"), folders.writing("a.pdf"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert folders.get("a.pdf").content == b"earlier"
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["a.pdf"]


def test_a_full_disk_is_a_store_error_that_heals(tmp_path: Path) -> None:
    """A file that does not fit is refused and leaves nothing; as soon as there is room, it is stored."""
    # In a process of its own, because its limit on the size of files stands for the end of the disk.
    script = """if True:
        import resource, sys
        from pathlib import Path
        from shotwise.adapters.folder_file_store import FolderFileStore
        from shotwise.errors import StoreError
        folder = Path(sys.argv[1]) / "own"
        store = FolderFileStore([folder], "")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        try:
            store.put("a.pdf", b"x" * 100_000)
        except StoreError:
            assert not list(folder.iterdir())
        else:
            raise AssertionError
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        store.put("a.pdf", b"x" * 100_000)
    """
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


def test_new_folders_are_private(tmp_path: Path) -> None:
    """The folder of the files, and folders above that were missing, are their owner's alone, whatever the umask."""
    umask = os.umask(0)
    try:
        FolderFileStore([tmp_path / "home/charts"], "").put("a.png", b"")
    finally:
        os.umask(umask)
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "home", tmp_path / "home/charts",
                                                     tmp_path / "home/charts/a.png")] == [0o700, 0o700, 0o600]


def chart_name(number: int) -> str:
    """A name as charts have it."""
    return f"pred_20261130_{number:03}-{0:016x}.png"


@pytest.mark.parametrize(("bounds", "numbers"), [(FolderBounds(20, 10**6), range(31, 50)),
                                                 (FolderBounds(10**6, 2000), range(31, 50))])
def test_a_bounded_folder_loses_its_oldest_files(tmp_path: Path, bounds: FolderBounds, numbers: range) -> None:
    """A bound that is passed is kept with a tenth to spare, by files of this process and of earlier ones."""
    for earlier in range(30):
        path = tmp_path / chart_name(earlier)
        path.write_bytes(bytes(100))
        os.utime(path, (earlier, earlier))
    for other in (".hidden", "mine.png", "backup.tar"):  # not charts, so nobody may remove them
        (tmp_path / other).write_bytes(bytes(10**4))
        os.utime(tmp_path / other, (0, 0))
    (tmp_path / "folder").mkdir()
    store = FolderFileStore([tmp_path], "", bounds=bounds)
    for number in range(30, 50):
        store.put(chart_name(number), bytes(100))
        os.utime(tmp_path / chart_name(number), (number, number))
        assert len(list(tmp_path.glob("pred_*"))) <= 20
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([
        ".hidden", "folder", "mine.png", "backup.tar", *map(chart_name, numbers)])


def test_a_bounded_folder_is_pruned_without_a_new_file(tmp_path: Path) -> None:
    """`prune`, called at a start, keeps the bounds; without bounds, as for documents, nothing is ever removed."""
    for number in range(30):
        FolderFileStore([tmp_path], "").put(chart_name(number), b"")
    FolderFileStore([tmp_path], "").prune()
    assert len(list(tmp_path.iterdir())) == 30
    FolderFileStore([tmp_path], "", bounds=FolderBounds(20, 10**6)).prune()
    assert len(list(tmp_path.iterdir())) == 18
    FolderFileStore([tmp_path / "nowhere"], "", bounds=FolderBounds(20, 10**6)).prune()


def test_a_bounded_folder_is_rarely_listed(tmp_path: Path) -> None:
    """The folder is listed at the first file, and then once for a tenth of the bound."""
    listings = []

    class CountingFileStore(FolderFileStore):
        def _prune(self, bounds: FolderBounds) -> None:
            listings.append(bounds)
            super()._prune(bounds)

    store = CountingFileStore([tmp_path], "", bounds=FolderBounds(100, 10**6))
    for number in range(200):
        store.put(chart_name(number), b"")
    assert len(listings) == 1 + 200 // 10 - 10


def test_s3_returns_a_signed_url_for_a_stored_file(s3: Any) -> None:
    """The object has its content type, `put` returns an s3:// URL, and `get` a signed one."""
    store = S3FileStore("charts", "charts/", "image/png", s3)
    assert store.put("a.png", b"picture") == "s3://charts/charts/a.png"
    stored = s3.get_object(Bucket="charts", Key="charts/a.png")
    assert (stored["Body"].read(), stored["ContentType"]) == (b"picture", "image/png")
    url = store.get("a.png").url
    assert url is not None and "charts/a.png" in url and "Signature" in url


def test_s3_reports_unknown_names_and_buckets(s3: Any) -> None:
    """An unknown name is NotFound; an unknown bucket is a StoreError."""
    with pytest.raises(NotFound):
        S3FileStore("charts", "charts/", "image/png", s3).get("b.png")
    with pytest.raises(StoreError):
        S3FileStore("nowhere", "", "image/png", s3).put("a.png", b"")


ODD = ("작업 표준.pdf", "「점검」 용해·보온로 #1.pdf", "100% 확인?.pdf", "a+b&c=d.pdf", "%41.pdf")


@pytest.fixture
def folders(tmp_path: Path) -> FolderFileStore:
    """A store that writes to the folder `own` and also reads from `shipped`."""
    (tmp_path / "own").mkdir()
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped/manual.pdf").write_bytes(b"shipped")
    return FolderFileStore([tmp_path / "own", tmp_path / "shipped"], "http://127.0.0.1:8000/uploads", "application/pdf")


def test_a_folder_fetches_without_copying(folders: FolderFileStore, tmp_path: Path) -> None:
    """`fetch` returns the path of the file itself; the plant's own file hides a shipped one of the same name."""
    assert folders.fetch("manual.pdf", tmp_path / "nowhere") == tmp_path / "shipped/manual.pdf"
    folders.put("manual.pdf", b"own")
    assert folders.fetch("manual.pdf", tmp_path / "nowhere").read_bytes() == b"own"


def test_a_folder_removes_only_its_own_files(folders: FolderFileStore, tmp_path: Path) -> None:
    """A shipped file cannot be removed, even after an own file of that name was; the error says why."""
    folders.put("manual.pdf", b"own")
    folders.remove("manual.pdf")
    assert folders.get("manual.pdf").content == b"shipped"
    with pytest.raises(NotFound, match="comes with Shotwise"):
        folders.remove("manual.pdf")
    assert (tmp_path / "shipped/manual.pdf").exists()


@pytest.mark.parametrize("name", ["../shipped/manual.pdf", "..", ".", "", "own/a.pdf", "a\0.pdf", "a" * 300, "b.pdf"])
def test_a_folder_touches_no_file_from_outside(folders: FolderFileStore, tmp_path: Path, name: str) -> None:
    """Every name that is not exactly the name of a file in the folder is NotFound."""
    (tmp_path / "own/b.pdf").mkdir()
    for call in (lambda: folders.fetch(name, tmp_path), lambda: folders.remove(name), lambda: folders.get(name)):
        with pytest.raises(NotFound):
            call()
    assert (tmp_path / "shipped/manual.pdf").exists() and (tmp_path / "own").is_dir()


def test_an_unreadable_folder_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    """A loop of links, like an unreadable disk, is a StoreError and not NotFound."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StoreError):
        FolderFileStore([tmp_path / "loop"], "").fetch("a.pdf", tmp_path)


@pytest.mark.parametrize("name", ODD)
def test_the_upload_url_of_a_folder_encodes_the_name(folders: FolderFileStore, name: str) -> None:
    """The last part of the path decodes to any name, and nothing is cut off as query or fragment."""
    upload = folders.upload(name)
    url = urllib.parse.urlsplit(upload.url)
    assert (upload.method, dict(upload.headers)) == ("PUT", {"Content-Type": "application/pdf"})
    assert urllib.parse.unquote(url.path) == f"/uploads/{name}" and not url.query and not url.fragment


@pytest.mark.parametrize("name", ODD)
def test_s3_stores_fetches_and_removes_any_name(s3: Any, tmp_path: Path, name: str) -> None:
    """`fetch` copies the file into the given folder under its name; a removed file is NotFound."""
    store = S3FileStore("charts", "kept/", "application/pdf", s3)
    store.put(name, b"%PDF-")
    path = store.fetch(name, tmp_path)
    assert path == tmp_path / name and path.read_bytes() == b"%PDF-"
    store.remove(name)
    for call in (lambda: store.fetch(name, tmp_path), lambda: store.remove(name), lambda: store.get(name)):
        with pytest.raises(NotFound):
            call()


def test_s3_keeps_old_versions_of_removed_files(s3: Any) -> None:
    """In a bucket with versioning, as template.yaml makes it, a removal can be undone."""
    s3.put_bucket_versioning(Bucket="charts", VersioningConfiguration={"Status": "Enabled"})
    store = S3FileStore("charts", "", "application/pdf", s3)
    store.put("a.pdf", b"%PDF-")
    store.remove("a.pdf")
    with pytest.raises(NotFound):
        store.fetch("a.pdf", Path())
    assert [version["Key"] for version in s3.list_object_versions(Bucket="charts")["Versions"]] == ["a.pdf"]


@pytest.mark.parametrize("code", ["403", "AccessDenied", "503", "InternalError"])
def test_an_s3_error_is_not_taken_for_a_missing_file(tmp_path: Path, code: str) -> None:
    """Only a missing object is NotFound; if other errors were, the pipeline would forget documents."""
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    store = S3FileStore("documents", "", "application/pdf", client)
    for call in (lambda: store.fetch("a.pdf", tmp_path), lambda: store.remove("a.pdf"), lambda: store.get("a.pdf")):
        with Stubber(client) as stubbed:
            stubbed.add_client_error("head_object", code)
            with pytest.raises(StoreError, match="s3://documents/a.pdf"):
                call()


@pytest.mark.parametrize("name", ODD)
def test_s3_accepts_an_upload_at_the_signed_url(s3: Any, name: str) -> None:
    """A PUT with the headers of the upload stores the object with its content type."""
    upload = S3FileStore("charts", "kept/", "application/pdf", s3).upload(name)
    done = requests.put(upload.url, data=b"%PDF-", headers=dict(upload.headers), timeout=5)
    stored = s3.get_object(Bucket="charts", Key=f"kept/{name}")
    assert done.status_code == 200 and upload.method == "PUT"
    assert (stored["Body"].read(), stored["ContentType"]) == (b"%PDF-", "application/pdf")


def signed_upload(monkeypatch: pytest.MonkeyPatch, region: str) -> urllib.parse.SplitResult:
    """The parts of the upload URL that a Lambda of this region signs."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"),
                        ("AWS_DEFAULT_REGION", region)):
        monkeypatch.setenv(name, value)
    return urllib.parse.urlsplit(S3FileStore("documents", "", "application/pdf").upload("a.pdf").url)


def test_an_upload_is_signed_for_pdfs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature covers the content type, so no other content can be stored with the URL."""
    query = urllib.parse.parse_qs(signed_upload(monkeypatch, "ap-northeast-2").query)
    assert query["X-Amz-SignedHeaders"] == ["content-type;host"] and query["X-Amz-Expires"] == ["900"]


@pytest.mark.parametrize(("region", "host"), [
    ("us-east-1", "documents.s3.amazonaws.com"), ("ap-northeast-2", "documents.s3.ap-northeast-2.amazonaws.com")])
def test_an_upload_is_signed_by_version_4_for_its_own_region(monkeypatch: pytest.MonkeyPatch, region: str,
                                                             host: str) -> None:
    """The URL has a signature of version 4 and the host of the bucket's region.

    New buckets refuse version 2. For some hours the global host redirects requests for a new bucket of another region,
    and a redirect breaks a signed PUT.
    """
    url = signed_upload(monkeypatch, region)
    assert url.hostname == host and "X-Amz-Signature" in url.query
