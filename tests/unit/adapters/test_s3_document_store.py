"""Documents are stored in S3 complete, found again, and seen by other instances soon."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws
from sample_indexed_documents import NOTES, ODD_NAMES, make_document
from stored_objects import stored_object

from shotwise.adapters.aws.s3_document_store import S3DocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, PassageId
from shotwise.messages import Message

BUCKET = "documents"
TOO_LARGE = Message("too_large", {"max_mib": 1024})


class CountingClient:
    """An S3 client of moto that notes its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._client, name)

    def reads(self) -> int:
        """Return how many objects were read, and forget all calls so far."""
        count = self.calls.count("get_object")
        self.calls.clear()
        return count


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Iterator[CountingClient]:
    """An empty bucket."""
    with mock_aws():
        client = aws("s3")
        client.create_bucket(Bucket=BUCKET)
        yield CountingClient(client)


@pytest.fixture
def document_store(s3: CountingClient) -> S3DocumentStore:
    """A document store that lists the bucket every time."""
    return S3DocumentStore(BUCKET, "library/", s3, fresh_seconds=0)


def open_store(s3: CountingClient, fresh_seconds: float = 0, **options: Any) -> S3DocumentStore:
    """Open another instance over the same bucket, as another Lambda has it."""
    return S3DocumentStore(BUCKET, "library/", s3, fresh_seconds, **options)


def passage_id(document: IndexedDocument, number: int = 0) -> PassageId:
    """Return the id of a passage of a document."""
    return PassageId(document.document.name, document.version, number)


@pytest.mark.parametrize("name", ODD_NAMES + ["\ud800.pdf"])
def test_another_instance_gives_back_what_was_put(s3: CountingClient, document_store: S3DocumentStore,
                                                  name: str) -> None:
    """Everything but the Markdown comes back equal, whatever the name is."""
    document = make_document("기포가 생긴다", "압력을 올린다", name=name, actions=[1])
    document_store.put(document)
    reader = open_store(s3)
    assert reader.versions() == {name: "v1"}
    assert reader.summaries() == [DocumentSummary(name, "Guide", "v1", 2, 2, NOTES)]
    assert reader.postings(name, document.version) == document.postings
    assert reader.passages([passage_id(document), passage_id(document, 1)]) == list(document.passages)
    assert [reader.page_text(name, page) for page in (1, 2, 3)] == ["Text of 1", "Text of 2", ""]


def test_every_odd_name_has_its_own_object(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """Names that resemble each other do not replace each other, and each is removed alone."""
    for name in ODD_NAMES:
        document_store.put(make_document("a", name=name))
    assert set(open_store(s3).versions()) == set(ODD_NAMES)
    document_store.remove("../x.pdf")
    assert set(open_store(s3).versions()) == set(ODD_NAMES) - {"../x.pdf"}
    assert [summary.name for summary in open_store(s3).summaries()] == sorted(set(ODD_NAMES) - {"../x.pdf"})


def test_the_page_markdown_is_not_stored(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """The Markdown of pages is not stored, because it is large and nothing reads it."""
    document_store.put(make_document("a"))
    [entry] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    body = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())
    assert b"# Page" not in body and b"Text of 1" in body


def test_a_new_version_takes_the_place_of_the_old_one(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """Ids of the old version name no passage any more, nor do numbers out of range."""
    old, new = make_document("old"), make_document("new", version="v2")
    document_store.put(old)
    reader = open_store(s3)
    assert reader.passages([passage_id(old)]) == [old.passages[0]]
    document_store.put(new)
    assert reader.versions() == {"guide.pdf": "v2"}
    passage_ids = [passage_id(old), passage_id(new), passage_id(new, 1), passage_id(new, -1), PassageId("b", "v2", 0)]
    assert reader.passages(passage_ids) == [
        None, new.passages[0], None, None, None]


def test_putting_twice_leaves_the_same_object(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """The same document gives the same bytes, so no instance reads it again."""
    document_store.put(make_document("a"))
    reader = open_store(s3)
    reader.versions()
    s3.reads()
    document_store.put(make_document("a"))
    assert reader.versions() == {"guide.pdf": "v1"} and s3.reads() == 0


def test_an_unchanged_document_is_read_once(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """Only a document with a new ETag is read."""
    document_store.put(make_document("a"))
    document_store.put(make_document("b", name="b.pdf"))
    reader = open_store(s3)
    reader.versions()
    assert s3.reads() == 2
    reader.versions()
    reader.postings("b.pdf", reader.versions().get("b.pdf", ""))
    assert s3.reads() == 0
    document_store.put(make_document("c", name="b.pdf", version="v2"))
    assert reader.versions()["b.pdf"] == "v2" and s3.reads() == 1


def test_other_instances_show_after_a_while(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """Within fresh_seconds nothing is listed, and what the instance itself does shows at once."""
    reader = open_store(s3, fresh_seconds=1000)
    assert reader.versions() == {}
    document_store.put(make_document("a"))
    s3.calls.clear()
    assert reader.versions() == {} and s3.calls == []
    reader.put(make_document("b", name="b.pdf"))
    assert reader.versions() == {"b.pdf": "v1"}
    reader.remove("b.pdf")
    assert reader.versions() == {} and reader.summaries() == []
    with pytest.raises(KnowledgeError, match="holds no 'b.pdf'"):
        reader.postings("b.pdf", reader.versions().get("b.pdf", ""))


def test_a_put_before_the_first_listing_hides_nothing(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """Documents that others stored before are still found."""
    document_store.put(make_document("a"))
    writer = open_store(s3, fresh_seconds=1000)
    writer.put(make_document("b", name="b.pdf"))
    assert set(writer.versions()) == {"guide.pdf", "b.pdf"}


def test_the_cache_is_bounded(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """Documents that do not fit into the cache are read again, correctly."""
    documents = [make_document(f"text {number}", name=f"{number}.pdf") for number in range(4)]
    for document in documents:
        document_store.put(document)
    reader = open_store(s3, fresh_seconds=1000, cache_bytes=1)
    reader.versions()
    assert s3.reads() == 4
    assert reader.passages([passage_id(document) for document in documents]) == [
        document.passages[0] for document in documents]
    assert s3.reads() >= 3
    assert reader.passages([passage_id(documents[3])] * 5) == [documents[3].passages[0]] * 5 and s3.reads() == 0


def test_a_document_that_another_instance_removed_is_gone(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """A document that is removed between two listings and not cached is as if it had never been."""
    document_store.put(make_document("a"))
    document_store.put(make_document("b", name="b.pdf"))
    reader = open_store(s3, fresh_seconds=1000, cache_bytes=1)
    reader.versions()
    reader.postings("b.pdf", reader.versions().get("b.pdf", ""))  # takes the place of the other one in the cache
    document_store.remove("guide.pdf")
    assert reader.passages([PassageId("guide.pdf", "v1", 0)]) == [None]
    assert reader.page_text("guide.pdf", 1) == "" and reader.versions() == {"b.pdf": "v1"}
    with pytest.raises(KnowledgeError, match="holds no 'guide.pdf'"):
        reader.postings("guide.pdf", reader.versions().get("guide.pdf", ""))


def test_many_documents_are_listed_in_pages(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """All documents are found where S3 lists them in several pages."""
    get_paginator = s3.get_paginator  # a page of moto holds 1,000, so pages are made small
    document_store.put(make_document("a"))
    document_store.put(make_document("b", name="b.pdf"))
    document_store.put(make_document("c", name="c.pdf"))

    class SmallPages(CountingClient):
        def get_paginator(self, name: str) -> Any:
            paginator = get_paginator(name)
            return type("Pages", (), {"paginate": lambda self, **request: paginator.paginate(
                **request, PaginationConfig={"PageSize": 1})})()

    assert set(open_store(SmallPages(s3)).versions()) == {"guide.pdf", "b.pdf", "c.pdf"}


def test_failures_are_noted_beside_the_document(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """A failure leaves the stored version; the next put or remove forgets the failure."""
    document_store.put(make_document("a"))
    for name in ODD_NAMES:
        document_store.note_failure(name, TOO_LARGE)
    assert document_store.failures() == dict.fromkeys(ODD_NAMES, TOO_LARGE)
    assert open_store(s3).versions() == {"guide.pdf": "v1"}
    document_store.put(make_document("b"))
    document_store.remove("../x.pdf")
    document_store.note_failure("a-b.pdf", None)
    document_store.note_failure("never.pdf", None)
    assert set(open_store(s3).failures()) == set(ODD_NAMES) - {"guide.pdf", "../x.pdf", "a-b.pdf"}


def test_failures_that_were_stored_as_text_are_read(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """An object that a version before codes wrote keeps its English text, without the name that it began with."""
    body = b'{"name": "x.pdf", "reason": "x.pdf: is empty; export it again as PDF"}'
    s3.put_object(Bucket=BUCKET, Key="library/failures/x.pdf.json.gz", Body=body)
    assert document_store.failures() == {"x.pdf": Message("earlier_text", {"text": "is empty; export it again as PDF"})}


def test_a_failure_is_noted_with_its_version(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """The failure of a version is returned for that version alone, and not for an object that noted no version."""
    document_store.note_failure("x.pdf", TOO_LARGE, "v2")
    document_store.note_failure("y.pdf", TOO_LARGE)
    assert open_store(s3).noted_failure("x.pdf", "v2") == open_store(s3).failures()["x.pdf"] == TOO_LARGE
    assert [document_store.noted_failure(name, version) for name, version in (
        ("x.pdf", "v3"), ("x.pdf", ""), ("y.pdf", ""), ("never.pdf", "v2"))] == [None] * 4


def test_removing_what_is_not_there_does_nothing(document_store: S3DocumentStore) -> None:
    """Removing a document that is not there is no error."""
    document_store.remove("never.pdf")
    assert document_store.versions() == {}


def test_the_folder_of_the_console_is_no_document(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """A folder that somebody makes in the console breaks nothing."""
    s3.put_object(Bucket=BUCKET, Key="library/documents/", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="library/failures/", Body=b"")
    assert document_store.versions() == {} and document_store.failures() == {}


def test_the_object_that_the_next_test_damages_is_sound(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """The object that the next test damages is read as it is."""
    s3.put_object(Bucket=BUCKET, Key="library/documents/x.pdf.json.gz", Body=stored_object())
    assert document_store.versions() == {"x.pdf": "v1"}


@pytest.mark.parametrize("body", [b"", stored_object()[:-9], stored_object(format=1), stored_object(name="y.pdf")])
def test_a_damaged_or_foreign_object_is_skipped(s3: CountingClient, document_store: S3DocumentStore, body: bytes,
                                                    caplog: pytest.LogCaptureFixture) -> None:
    """Its key is logged, other documents are found, and putting or removing the document repairs it."""
    object_key = "library/documents/x.pdf.json.gz"
    document_store.put(make_document("a", name="other.pdf"))
    s3.put_object(Bucket=BUCKET, Key=object_key, Body=body)
    assert document_store.versions() == {"other.pdf": "v1"} and f"s3://{BUCKET}/{object_key}" in caplog.text
    document_store.put(make_document("a", name="x.pdf"))
    assert document_store.versions() == {"other.pdf": "v1", "x.pdf": "v1"}
    s3.put_object(Bucket=BUCKET, Key=object_key, Body=body)
    document_store.remove("x.pdf")
    assert document_store.versions() == {"other.pdf": "v1"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"name": "x", "reason": 7}'])
def test_a_foreign_failure_note_is_named(s3: CountingClient, document_store: S3DocumentStore, body: bytes) -> None:
    """A note of another form is a KnowledgeError with the key of the object."""
    s3.put_object(Bucket=BUCKET, Key="library/failures/x", Body=body)
    with pytest.raises(KnowledgeError, match="s3://documents/library/failures/x is not a stored failure"):
        document_store.failures()


def test_a_damaged_object_does_not_make_the_others_read_again(s3: CountingClient,
                                                              document_store: S3DocumentStore) -> None:
    """Each listing reads the damaged object again, and no other."""
    document_store.put(make_document("a"))
    s3.put_object(Bucket=BUCKET, Key="library/documents/x", Body=b"")
    reader = open_store(s3)
    for _ in range(2):
        assert list(reader.versions()) == ["guide.pdf"]
        assert s3.reads() <= 2


@pytest.mark.parametrize("call", [
    lambda store: store.versions(), lambda store: store.summaries(), lambda store: store.failures(),
    lambda store: store.postings("a", "1"), lambda store: store.passages([PassageId("a", "1", 0)]),
    lambda store: store.page_text("a", 1), lambda store: store.put(make_document("a")),
    lambda store: store.remove("a"), lambda store: store.note_failure("a", TOO_LARGE)])
def test_what_s3_refuses_is_a_knowledge_error(s3: CountingClient, call: Any) -> None:
    """Every call raises KnowledgeError where the bucket does not exist."""
    with pytest.raises(KnowledgeError, match="s3://nowhere/library/.*NoSuchBucket"):
        call(S3DocumentStore("nowhere", "library/", s3, 0))


def test_many_threads_see_whole_states(s3: CountingClient, document_store: S3DocumentStore) -> None:
    """While one thread writes, readers get a version together with its own passages."""
    document_store.put(make_document("text of v0", version="v0"))
    reader, mismatches = open_store(s3), list[Any]()

    def read() -> None:
        for _ in range(15):
            version = reader.versions()["guide.pdf"]
            [passage] = reader.passages([PassageId("guide.pdf", version, 0)])
            if passage is not None and passage.lines[0].text != f"text of {version}":
                mismatches.append((version, passage))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        document_store.put(make_document(f"text of v{number}", version=f"v{number}"))
    for thread in threads:
        thread.join()
    assert mismatches == []
