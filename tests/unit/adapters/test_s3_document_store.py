"""Documents are kept in S3 whole, found again, and seen by others soon."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws
from sample_indexed_documents import NOTES, ODD_NAMES, volume
from stored_objects import kept_object

from shotwise.adapters.aws.s3_document_store import S3DocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, PassageId
from shotwise.messages import Message

BUCKET = "documents"
TOO_LARGE = Message("too_large", {"max_mib": 1024})


class Counted:
    """An S3 client of moto that counts what it is asked."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._client, name)

    def reads(self) -> int:
        """How many objects were read since the last call."""
        count = self.asked.count("get_object")
        self.asked.clear()
        return count


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Iterator[Counted]:
    """The bucket, empty."""
    with mock_aws():
        client = aws("s3")
        client.create_bucket(Bucket=BUCKET)
        yield Counted(client)


@pytest.fixture
def library(s3: Counted) -> S3DocumentStore:
    """A library that looks at S3 every time."""
    return S3DocumentStore(BUCKET, "library/", s3, fresh_seconds=0)


def other(s3: Counted, fresh_seconds: float = 0, **options: Any) -> S3DocumentStore:
    """Another instance over the same bucket, as another Lambda has it."""
    return S3DocumentStore(BUCKET, "library/", s3, fresh_seconds, **options)


def key(kept: IndexedDocument, number: int = 0) -> PassageId:
    """The key of a passage of a volume."""
    return PassageId(kept.document.name, kept.version, number)


@pytest.mark.parametrize("name", ODD_NAMES + ["\ud800.pdf"])
def test_another_instance_gives_back_what_was_put(s3: Counted, library: S3DocumentStore, name: str) -> None:
    """All but the Markdown comes back equal, whatever the name is."""
    kept = volume("기포가 생긴다", "압력을 올린다", name=name, actions=[1])
    library.put(kept)
    found = other(s3)
    assert found.versions() == {name: "v1"}
    assert found.summaries() == [DocumentSummary(name, "Guide", "v1", 2, 2, NOTES)]
    assert found.postings(name, kept.version) == kept.postings
    assert found.passages([key(kept), key(kept, 1)]) == list(kept.passages)
    assert [found.page_text(name, page) for page in (1, 2, 3)] == ["Text of 1", "Text of 2", ""]


def test_every_odd_name_has_its_own_object(s3: Counted, library: S3DocumentStore) -> None:
    """Names that resemble each other do not replace each other, and each is removed alone."""
    for name in ODD_NAMES:
        library.put(volume("a", name=name))
    assert set(other(s3).versions()) == set(ODD_NAMES)
    library.remove("../x.pdf")
    assert set(other(s3).versions()) == set(ODD_NAMES) - {"../x.pdf"}
    assert [entry.name for entry in other(s3).summaries()] == sorted(set(ODD_NAMES) - {"../x.pdf"})


def test_the_page_markdown_is_not_kept(s3: Counted, library: S3DocumentStore) -> None:
    """It is large and nothing reads it."""
    library.put(volume("a"))
    [found] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    body = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read())
    assert b"# Page" not in body and b"Text of 1" in body


def test_a_new_version_takes_the_place_of_the_old_one(s3: Counted, library: S3DocumentStore) -> None:
    """Keys of the old version name nothing any more, nor do numbers that there are not."""
    old, new = volume("old"), volume("new", version="v2")
    library.put(old)
    reader = other(s3)
    assert reader.passages([key(old)]) == [old.passages[0]]
    library.put(new)
    assert reader.versions() == {"guide.pdf": "v2"}
    assert reader.passages([key(old), key(new), key(new, 1), key(new, -1), PassageId("b", "v2", 0)]) == [
        None, new.passages[0], None, None, None]


def test_putting_twice_leaves_the_same_object(s3: Counted, library: S3DocumentStore) -> None:
    """The same volume gives the same bytes, so nobody reads it anew."""
    library.put(volume("a"))
    reader = other(s3)
    reader.versions()
    s3.reads()
    library.put(volume("a"))
    assert reader.versions() == {"guide.pdf": "v1"} and s3.reads() == 0


def test_an_unchanged_document_is_read_once(s3: Counted, library: S3DocumentStore) -> None:
    """Only a new ETag costs a read: of the changed document alone."""
    library.put(volume("a"))
    library.put(volume("b", name="b.pdf"))
    reader = other(s3)
    reader.versions()
    assert s3.reads() == 2
    reader.versions()
    reader.postings("b.pdf", reader.versions().get("b.pdf", ""))
    assert s3.reads() == 0
    library.put(volume("c", name="b.pdf", version="v2"))
    assert reader.versions()["b.pdf"] == "v2" and s3.reads() == 1


def test_others_are_looked_for_after_a_while_only(s3: Counted, library: S3DocumentStore) -> None:
    """Between two looks nothing is listed; what the instance itself does shows at once."""
    reader = other(s3, fresh_seconds=1000)
    assert reader.versions() == {}
    library.put(volume("a"))
    s3.asked.clear()
    assert reader.versions() == {} and s3.asked == []
    reader.put(volume("b", name="b.pdf"))
    assert reader.versions() == {"b.pdf": "v1"}
    reader.remove("b.pdf")
    assert reader.versions() == {} and reader.summaries() == []
    with pytest.raises(KnowledgeError, match="holds no 'b.pdf'"):
        reader.postings("b.pdf", reader.versions().get("b.pdf", ""))


def test_a_put_before_the_first_look_hides_nothing(s3: Counted, library: S3DocumentStore) -> None:
    """What others had put is still found."""
    library.put(volume("a"))
    writer = other(s3, fresh_seconds=1000)
    writer.put(volume("b", name="b.pdf"))
    assert set(writer.versions()) == {"guide.pdf", "b.pdf"}


def test_memory_is_bounded(s3: Counted, library: S3DocumentStore) -> None:
    """What does not fit is read again, and is right."""
    kept = [volume(f"text {number}", name=f"{number}.pdf") for number in range(4)]
    for one in kept:
        library.put(one)
    reader = other(s3, fresh_seconds=1000, cache_bytes=1)
    reader.versions()
    assert s3.reads() == 4
    assert reader.passages([key(one) for one in kept]) == [one.passages[0] for one in kept]
    assert s3.reads() >= 3
    assert reader.passages([key(kept[3])] * 5) == [kept[3].passages[0]] * 5 and s3.reads() == 0


def test_a_document_that_went_away_is_not_there(s3: Counted, library: S3DocumentStore) -> None:
    """Removed by another instance between two looks, and no longer in memory: as if it had never been."""
    library.put(volume("a"))
    library.put(volume("b", name="b.pdf"))
    reader = other(s3, fresh_seconds=1000, cache_bytes=1)
    reader.versions()
    reader.postings("b.pdf", reader.versions().get("b.pdf", ""))  # takes the place of the other one in memory
    library.remove("guide.pdf")
    assert reader.passages([PassageId("guide.pdf", "v1", 0)]) == [None]
    assert reader.page_text("guide.pdf", 1) == "" and reader.versions() == {"b.pdf": "v1"}
    with pytest.raises(KnowledgeError, match="holds no 'guide.pdf'"):
        reader.postings("guide.pdf", reader.versions().get("guide.pdf", ""))


def test_many_documents_are_listed_in_pages(s3: Counted, library: S3DocumentStore) -> None:
    """More than S3 lists at once."""
    body = s3.get_paginator  # a page of moto holds 1,000, so pages are made small
    library.put(volume("a"))
    library.put(volume("b", name="b.pdf"))
    library.put(volume("c", name="c.pdf"))

    class Small(Counted):
        def get_paginator(self, name: str) -> Any:
            pages = body(name)
            return type("Pages", (), {"paginate": lambda self, **asked: pages.paginate(
                **asked, PaginationConfig={"PageSize": 1})})()

    assert set(other(Small(s3)).versions()) == {"guide.pdf", "b.pdf", "c.pdf"}


def test_failures_are_noted_beside_the_document(s3: Counted, library: S3DocumentStore) -> None:
    """The kept version stays; the next put or remove forgets the failure."""
    library.put(volume("a"))
    for name in ODD_NAMES:
        library.note_failure(name, TOO_LARGE)
    assert library.failures() == dict.fromkeys(ODD_NAMES, TOO_LARGE)
    assert other(s3).versions() == {"guide.pdf": "v1"}
    library.put(volume("b"))
    library.remove("../x.pdf")
    library.note_failure("a-b.pdf", None)
    library.note_failure("never.pdf", None)
    assert set(other(s3).failures()) == set(ODD_NAMES) - {"guide.pdf", "../x.pdf", "a-b.pdf"}


def test_failures_that_were_stored_as_text_are_read(s3: Counted, library: S3DocumentStore) -> None:
    """An object that a version before codes wrote keeps its English text, without the name that it began with."""
    body = b'{"name": "x.pdf", "reason": "x.pdf: is empty; export it again as PDF"}'
    s3.put_object(Bucket=BUCKET, Key="library/failures/x.pdf.json.gz", Body=body)
    assert library.failures() == {"x.pdf": Message("earlier_text", {"text": "is empty; export it again as PDF"})}


def test_removing_what_is_not_there_does_nothing(library: S3DocumentStore) -> None:
    """No error, whether it never was or was removed already."""
    library.remove("never.pdf")
    assert library.versions() == {}


def test_the_folder_of_the_console_is_no_document(s3: Counted, library: S3DocumentStore) -> None:
    """A person who makes the folder by hand breaks nothing."""
    s3.put_object(Bucket=BUCKET, Key="library/documents/", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="library/failures/", Body=b"")
    assert library.versions() == {} and library.failures() == {}


def test_the_object_that_the_next_test_damages_is_whole(s3: Counted, library: S3DocumentStore) -> None:
    """Unchanged, it is read."""
    s3.put_object(Bucket=BUCKET, Key="library/documents/x.pdf.json.gz", Body=kept_object())
    assert library.versions() == {"x.pdf": "v1"}


@pytest.mark.parametrize("body", [b"", kept_object()[:-9], kept_object(format=1), kept_object(name="y.pdf")])
def test_a_damaged_or_foreign_object_is_passed_over(s3: Counted, library: S3DocumentStore, body: bytes,
                                                    caplog: pytest.LogCaptureFixture) -> None:
    """The log has its key, the other documents are there, and putting or removing the document mends it."""
    place = "library/documents/x.pdf.json.gz"
    library.put(volume("a", name="other.pdf"))
    s3.put_object(Bucket=BUCKET, Key=place, Body=body)
    assert library.versions() == {"other.pdf": "v1"} and f"s3://{BUCKET}/{place}" in caplog.text
    library.put(volume("a", name="x.pdf"))
    assert library.versions() == {"other.pdf": "v1", "x.pdf": "v1"}
    s3.put_object(Bucket=BUCKET, Key=place, Body=body)
    library.remove("x.pdf")
    assert library.versions() == {"other.pdf": "v1"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"name": "x", "reason": 7}'])
def test_a_foreign_failure_note_is_named(s3: Counted, library: S3DocumentStore, body: bytes) -> None:
    """The message has its key."""
    s3.put_object(Bucket=BUCKET, Key="library/failures/x", Body=body)
    with pytest.raises(KnowledgeError, match="s3://documents/library/failures/x holds no note"):
        library.failures()


def test_a_damaged_object_does_not_make_the_others_read_again(s3: Counted, library: S3DocumentStore) -> None:
    """Each further look reads the damaged one alone."""
    library.put(volume("a"))
    s3.put_object(Bucket=BUCKET, Key="library/documents/x", Body=b"")
    reader = other(s3)
    for _ in range(2):
        assert list(reader.versions()) == ["guide.pdf"]
        assert s3.reads() <= 2


@pytest.mark.parametrize("call", [
    lambda library: library.versions(), lambda library: library.summaries(), lambda library: library.failures(),
    lambda library: library.postings("a", "1"), lambda library: library.passages([PassageId("a", "1", 0)]),
    lambda library: library.page_text("a", 1), lambda library: library.put(volume("a")),
    lambda library: library.remove("a"), lambda library: library.note_failure("a", TOO_LARGE)])
def test_what_s3_refuses_is_a_knowledge_error(s3: Counted, call: Any) -> None:
    """A bucket that is not there, in every call."""
    with pytest.raises(KnowledgeError, match="s3://nowhere/library/.*NoSuchBucket"):
        call(S3DocumentStore("nowhere", "library/", s3, 0))


def test_many_threads_see_whole_states(s3: Counted, library: S3DocumentStore) -> None:
    """While one writes, every reader gets a version and its own passages."""
    library.put(volume("text of v0", version="v0"))
    reader, wrong = other(s3), list[Any]()

    def read() -> None:
        for _ in range(15):
            version = reader.versions()["guide.pdf"]
            [found] = reader.passages([PassageId("guide.pdf", version, 0)])
            if found is not None and found.lines[0].text != f"text of {version}":
                wrong.append((version, found))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        library.put(volume(f"text of v{number}", version=f"v{number}"))
    for thread in threads:
        thread.join()
    assert wrong == []
