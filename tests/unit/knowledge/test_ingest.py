"""A PDF is taken into the document store: its outcome is reported, and a crash at any step loses nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pymupdf
import pytest
from fakes import FakeEmbedder, FakePassageSearch, InMemoryDocumentStore
from sample_documents import document
from sample_pdfs import attach, save

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import DocumentError, KnowledgeError
from shotwise.knowledge.ingestion.pipeline import Ingestion, IngestResult
from shotwise.knowledge.models import Document, ExpectedQuestion, Query
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.rank import rank_passages
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries
from shotwise.messages import Message

DAMAGED, EMPTY_PAGE = Message("damaged"), Message("page_empty", {"page": 1, "cause": "crash"})


def read(path: Path) -> Document:
    """Read a text file as a document of one page; one that begins with `!` cannot be read."""
    text = path.read_text("utf-8")
    if text.startswith("!"):
        raise DocumentError(path.name, "damaged")
    return replace(document(text, name=path.name), notes=(EMPTY_PAGE,) if "표" in text else ())


@dataclass
class Plant:
    """A document store in memory, a passage search, an embedder, and the folder of the files."""

    folder: Path
    analyzer: Analyzer
    document_store: InMemoryDocumentStore = field(default_factory=InMemoryDocumentStore)
    passage_search: FakePassageSearch = field(default_factory=FakePassageSearch)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)

    @property
    def ingestion(self) -> Ingestion:
        """The ingestion over all of them."""
        return Ingestion(self.document_store, self.analyzer, self.passage_search, self.embedder, read)

    def ingest(self, text: str, name: str = "guide.pdf") -> IngestResult:
        """Write the file and ingest it."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return self.ingestion.ingest(path)

    def search(self) -> list[str]:
        """Search by words and meaning for pores, cracks and temperatures; return the lines of the passages."""
        text = "기공 균열 온도"
        query = Query(text, FakeEmbedder().embed([text])[0])
        hybrid_search = HybridSearch(self.document_store, self.analyzer, self.passage_search)
        return [line.text for passage in hybrid_search.search(query, 9) for line in passage.lines]


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """An empty plant."""
    return Plant(tmp_path, analyzer)


def test_a_file_is_added_then_left_alone(plant: Plant) -> None:
    """A file with the same content is neither read nor embedded again."""
    assert plant.ingest("기공이 생긴다.") == IngestResult("guide.pdf", "added", 1, 1)
    assert plant.ingest("기공이 생긴다.") == IngestResult("guide.pdf", "unchanged")
    assert len(plant.embedder.texts) == 1 and plant.search() == ["기공이 생긴다."]


def test_new_content_replaces_the_old(plant: Plant) -> None:
    """Nothing of the old version is left in the document store or the passage search."""
    plant.ingest("기공이 생긴다.")
    assert plant.ingest("균열이 생긴다.").state == "added"
    assert plant.search() == ["균열이 생긴다."]
    assert set(plant.passage_search.versions) == set(plant.document_store.versions().items())


def test_what_was_read_badly_is_noted(plant: Plant) -> None:
    """The notes of the reader are part of the outcome and are stored with the document."""
    assert plant.ingest("온도의 표가 있다.").notes == (EMPTY_PAGE,)
    assert plant.document_store.summaries()[0].notes == (EMPTY_PAGE,)


def test_a_file_that_cannot_be_read_leaves_the_old_version(plant: Plant) -> None:
    """A failure is returned and noted; a readable file, also the old one again, clears it."""
    plant.ingest("기공이 생긴다.")
    for good in ("기공이 생긴다.", "균열이 생긴다."):
        before = plant.search()
        assert plant.ingest("!") == IngestResult("guide.pdf", "failed", failure=DAMAGED)
        assert plant.search() == before and plant.document_store.failures() == {"guide.pdf": DAMAGED}
        plant.ingest(good)
        assert plant.document_store.failures() == {} and plant.search() == [good]


def test_a_file_that_was_never_readable_is_noted(plant: Plant) -> None:
    """A file that was never readable is listed as a failure until it is removed."""
    plant.ingest("!", "bad.pdf")
    assert plant.document_store.versions() == {} and plant.document_store.failures() == {"bad.pdf": DAMAGED}
    assert plant.ingestion.remove("bad.pdf").state == "removed" and plant.document_store.failures() == {}


def test_a_failed_file_is_read_again_only_when_asked_for(plant: Plant) -> None:
    """A file that could not be read is not read again by a caller that retries nothing, and always by the others."""
    paths: list[Path] = []

    def count_and_read(path: Path) -> Document:
        paths.append(path)
        return read(path)

    plant.ingest("기공이 생긴다.")
    plant.ingest("!")
    ingestion, path = replace(plant.ingestion, read=count_and_read), plant.folder / "guide.pdf"
    failed = IngestResult("guide.pdf", "failed", failure=DAMAGED)
    assert ingestion.ingest(path, retry_failed=False) == failed and not paths
    assert plant.document_store.failures() == {"guide.pdf": DAMAGED} and plant.search() == ["기공이 생긴다."]
    assert ingestion.ingest(path) == failed and len(paths) == 1
    path.write_text("균열이 생긴다.", "utf-8")
    assert ingestion.ingest(path, retry_failed=False).state == "added" and plant.document_store.failures() == {}


def test_a_failed_file_is_read_again_by_another_reader(plant: Plant) -> None:
    """Another dictionary reads a failed file again, and so does a failure that is not the content's."""
    plant.ingest("!")
    path = plant.folder / "guide.pdf"
    path.unlink()
    assert plant.ingestion.ingest(path, retry_failed=False).failure.code == "unreadable_file"
    plant.ingest("!")
    other = Analyzer(read_dictionary(*shipped_dictionaries(), 'words = ["진공밸브조립체"]'))
    readers = (lambda path: document("기공", name=path.name)), read
    for analyzer, reader, state in ((plant.analyzer, readers[0], "failed"), (other, readers[0], "added")):
        ingestion = replace(plant.ingestion, analyzer=analyzer, read=reader)
        assert ingestion.ingest(path, retry_failed=False).state == state


def test_a_missing_reader_is_not_held_against_the_file(plant: Plant) -> None:
    """A file that failed because the reader was not installed is read as soon as it is."""
    def read_without_library(path: Path) -> Document:
        raise DocumentError(path.name, "reader_missing", packages="pymupdf")

    path = plant.folder / "guide.pdf"
    path.write_text("기공이 생긴다.", "utf-8")
    assert replace(plant.ingestion, read=read_without_library).ingest(path).state == "failed"
    assert plant.ingestion.ingest(path, retry_failed=False).state == "added"


def test_a_file_that_is_not_there_is_noted(plant: Plant) -> None:
    """A file that is missing, or is a folder, is a failure that names it without its path."""
    (plant.folder / "folder.pdf").mkdir()
    for name in ("absent.pdf", "folder.pdf"):
        outcome = plant.ingestion.ingest(plant.folder / name)
        assert outcome.state == "failed" and outcome.reason.startswith(f"{name}: cannot be read (")
        assert str(plant.folder) not in outcome.reason


def test_a_removed_document_is_gone(plant: Plant) -> None:
    """A document is removed from store and search, once; other documents stay."""
    plant.ingest("기공이 생긴다.")
    plant.ingest("균열이 생긴다.", "other.pdf")
    assert plant.ingestion.remove("guide.pdf") == IngestResult("guide.pdf", "removed")
    assert plant.ingestion.remove("guide.pdf") == IngestResult("guide.pdf", "unchanged")
    assert plant.search() == ["균열이 생긴다."] and {name for name, _ in plant.passage_search.versions} == {"other.pdf"}


@pytest.mark.parametrize("text", ["", "\n\n", "# 제목만\n\n## 더 작은 제목"])
def test_an_empty_document_is_stored(plant: Plant, text: str) -> None:
    """A document without passages is stored, so that it is not read again, with a note."""
    assert plant.ingest(text) == IngestResult("guide.pdf", "added", 1, 0, notes=(Message("no_passages"),))
    assert plant.ingest(text).state == "unchanged" and plant.search() == []


def test_an_embedder_embeds_each_passage_once(plant: Plant) -> None:
    """A passage is embedded with its headings; a search that embeds by itself gets no vectors."""
    plant.ingest("# 기공\n\n온도가 높으면 기공이 생긴다.\n\n# 균열\n\n온도가 낮으면 균열이 생긴다.")
    assert plant.embedder.texts == [["기공\n온도가 높으면 기공이 생긴다.", "균열\n온도가 낮으면 균열이 생긴다."]]
    plant.passage_search = FakePassageSearch(needs_vectors=False)
    plant.ingest("균열이 생긴다.", "other.pdf")
    assert len(plant.embedder.texts) == 1 and len(plant.passage_search.versions) == 1


def test_without_passage_search_and_embedder_words_are_stored(tmp_path: Path, analyzer: Analyzer) -> None:
    """Ingestion works with a document store alone."""
    (tmp_path / "guide.pdf").write_text("기공이 생긴다.", "utf-8")
    document_store = InMemoryDocumentStore()
    ingestion = Ingestion(document_store, analyzer, read=read)
    assert [ingestion.ingest(tmp_path / "guide.pdf").state for _ in range(2)] == ["added", "unchanged"]
    assert ingestion.remove("guide.pdf").state == "removed"


def test_another_dictionary_or_embedder_reads_again(plant: Plant) -> None:
    """With another dictionary or embedder the same file is added again, once."""
    plant.ingest("기공이 생긴다.")
    plant.analyzer = Analyzer(read_dictionary(*shipped_dictionaries(), 'words = ["진공밸브조립체"]'))
    assert [plant.ingest("기공이 생긴다.").state for _ in range(2)] == ["added", "unchanged"]
    plant.embedder = FakeEmbedder("other/14")
    assert [plant.ingest("기공이 생긴다.").state for _ in range(2)] == ["added", "unchanged"]
    assert set(plant.passage_search.versions) == set(plant.document_store.versions().items())


def test_the_same_content_under_two_names_is_two_documents(plant: Plant) -> None:
    """Documents are told apart by their names."""
    assert [plant.ingest("기공.", name).state for name in ("a.pdf", "b.pdf")] == ["added", "added"]
    assert sorted(plant.document_store.versions()) == ["a.pdf", "b.pdf"]


STEPS = [("document_store", "versions"), ("embedder", "embed"), ("passage_search", "put"), ("document_store", "put"),
         ("passage_search", "keep_only")]


def break_at(plant: Plant, part: str, method: str) -> None:
    """Make one step fail."""
    if part == "embedder":
        plant.embedder.fails_from = len(plant.embedder.texts) + 1
    else:
        getattr(plant, part).failing = {method}


def repair(plant: Plant) -> None:
    """Make all steps work."""
    plant.embedder.fails_from, plant.document_store.failing, plant.passage_search.failing = None, set(), set()


@pytest.mark.parametrize(("part", "method"), STEPS)
def test_a_crash_leaves_one_complete_version(plant: Plant, part: str, method: str) -> None:
    """Wherever storing a new version breaks off, one version is found, complete; a second run finishes the work."""
    plant.ingest("기공이 생긴다.\n\n온도가 높다.")
    break_at(plant, part, method)
    with pytest.raises(KnowledgeError):
        plant.ingest("균열이 생긴다.\n\n온도가 낮다.")
    repair(plant)
    old, new = {"기공이 생긴다.", "온도가 높다."}, {"균열이 생긴다.", "온도가 낮다."}
    assert set(plant.search()) == (new if method == "keep_only" else old)
    assert plant.ingest("균열이 생긴다.\n\n온도가 낮다.").state == ("unchanged" if method == "keep_only" else "added")
    assert set(plant.search()) == new
    assert set(plant.passage_search.versions) == set(plant.document_store.versions().items())


@pytest.mark.parametrize(("part", "method"), STEPS)
def test_a_crash_of_the_first_version_leaves_nothing_to_be_found(plant: Plant, part: str, method: str) -> None:
    """Nothing is found of a document that the store does not hold, and a second run adds it."""
    break_at(plant, part, method)
    with pytest.raises(KnowledgeError):
        plant.ingest("기공이 생긴다.")
    repair(plant)
    assert plant.search() == (["기공이 생긴다."] if method == "keep_only" else [])
    plant.ingest("기공이 생긴다.")
    assert plant.search() == ["기공이 생긴다."]
    assert set(plant.passage_search.versions) == set(plant.document_store.versions().items())


@pytest.mark.parametrize(("part", "method"), [("document_store", "remove"), ("passage_search", "keep_only")])
def test_a_crash_while_removing_is_repaired_by_removing_again(plant: Plant, part: str, method: str) -> None:
    """The document is found completely or not at all, and after a second run nothing is left of it."""
    plant.ingest("기공이 생긴다.")
    break_at(plant, part, method)
    with pytest.raises(KnowledgeError):
        plant.ingestion.remove("guide.pdf")
    repair(plant)
    assert plant.search() == ([] if method == "keep_only" else ["기공이 생긴다."])
    plant.ingestion.remove("guide.pdf")
    assert plant.search() == [] and not plant.passage_search.versions


def test_real_files_beside_a_broken_one(tmp_path: Path, document_store: SqliteDocumentStore,
                                        analyzer: Analyzer) -> None:
    """Readable PDFs are stored in SQLite, and one that is not is reported by its name."""
    for name, text in (("first.pdf", "Porosity"), ("last.pdf", "Soldering")):
        with pymupdf.open() as pdf:
            pdf.new_page().insert_text((72, 72), text)
            pdf.save(tmp_path / name)
    (tmp_path / "bad.pdf").write_bytes(b"not a PDF")
    ingestion = Ingestion(document_store, analyzer)
    outcomes = [ingestion.ingest(tmp_path / name) for name in ("first.pdf", "bad.pdf", "last.pdf")]
    assert [(outcome.state, outcome.pages) for outcome in outcomes] == [("added", 1), ("failed", 0), ("added", 1)]
    assert outcomes[1].reason.startswith("bad.pdf: is not a PDF")
    assert list(document_store.versions()) == ["first.pdf", "last.pdf"]
    assert list(document_store.failures()) == ["bad.pdf"]


LINE = "Lubricate the tip before each shift."


def save_with_questions(path: Path, *rows: tuple[int, str, str]) -> Path:
    """Save a PDF of one line, with questions about these pages and words attached."""
    if not path.exists():
        save(path, lambda page: page.insert_text((72, 72), LINE))
    return attach(path, "\n".join(json.dumps({"page": page, "text": text, "questions": [question]})
                                  for page, text, question in rows).encode())


def test_a_pdf_is_found_by_the_questions_that_it_brings(tmp_path: Path, document_store: SqliteDocumentStore,
                                                        analyzer: Analyzer) -> None:
    """A word that stands only in an attached question finds the page, and the page is what is quoted."""
    path, query = tmp_path / "guide.pdf", Query("피스톤이 왜 뻑뻑해요?")
    hybrid_search, ingestion = HybridSearch(document_store, analyzer), Ingestion(document_store, analyzer)
    save(path, lambda page: page.insert_text((72, 72), LINE))
    assert ingestion.ingest(path).passages == 1 and not hybrid_search.search(Query("피스톤"), 5)
    assert ingestion.ingest(save_with_questions(path, (1, "Lubricate the tip", query.text))).notes == ()
    (hit,) = rank_passages(query, hybrid_search).hits
    assert [line.quote for line in hit.passage.lines] == [LINE] and "피스톤" not in hit.passage.text
    assert hit.relevance == pytest.approx(1)
    assert hybrid_search.search(Query("피스톤"), 5) == [hit.passage]
    assert hybrid_search.page_text("guide.pdf", 1).strip() == LINE
    ingestion.ingest(save_with_questions(path, (2, "Lubricate the tip", query.text)))
    assert not hybrid_search.search(Query("피스톤"), 5)


def test_questions_that_cannot_be_placed_are_noted(tmp_path: Path, document_store: SqliteDocumentStore,
                                                   analyzer: Analyzer) -> None:
    """Questions that cannot be read or placed are noted in the outcome and with the document."""
    rows = (1, LINE, "왜?"), (2, LINE, "언제?"), (1, "Oil the tip", "어디?"), (0, LINE, "무엇?")
    path = save_with_questions(tmp_path / "guide.pdf", *rows)
    outcome = Ingestion(document_store, analyzer).ingest(path)
    assert outcome.state == "added" and outcome.notes == document_store.summaries()[0].notes == (
        Message("questions_line_bad_page", {"line": 4}),
        Message("questions_not_on_page", {"skipped": 2, "lines": 3, "page": 2, "text": LINE}))


def test_notes_of_questions_follow_those_of_the_reader(plant: Plant) -> None:
    """Notes of the reader come first, then those of the questions."""
    def read_with_questions(path: Path) -> Document:
        expected = ExpectedQuestion(1, "균열", ("왜?",)), ExpectedQuestion(1, "온도의 표", ("왜?",))
        return replace(read(path), expected_questions=expected)

    (plant.folder / "guide.pdf").write_text("온도의 표가 있다.", "utf-8")
    outcome = replace(plant.ingestion, read=read_with_questions).ingest(plant.folder / "guide.pdf")
    assert outcome.notes == plant.document_store.summaries()[0].notes
    assert outcome.notes == (EMPTY_PAGE, Message(
        "questions_not_on_page", {"skipped": 1, "lines": 2, "page": 1, "text": "균열"}))
    assert plant.document_store.documents["guide.pdf"].questions == {(0, 1): ("왜?",)}


def test_other_questions_are_another_version(tmp_path: Path, document_store: SqliteDocumentStore,
                                             analyzer: Analyzer) -> None:
    """A PDF whose attachment changed is read again, and found by the new questions alone."""
    path = tmp_path / "guide.pdf"
    hybrid_search, ingestion = HybridSearch(document_store, analyzer), Ingestion(document_store, analyzer)
    versions = []
    for word, other in (("피스톤", "막힘"), ("막힘", "피스톤")):
        save_with_questions(path, (1, LINE, f"{word}이 왜 생기나요?"))
        assert [ingestion.ingest(path).state for _ in range(2)] == ["added", "unchanged"]
        assert len(hybrid_search.search(Query(word), 5)) == 1 and not hybrid_search.search(Query(other), 5)
        versions.append(document_store.versions()["guide.pdf"])
    assert versions[0] != versions[1]
