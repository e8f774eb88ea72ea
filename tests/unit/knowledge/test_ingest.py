"""PDF → library: what becomes of a file is told, and a crash at any step loses nothing."""

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
    """A library in memory, a searcher by meaning, an embedder, and the folder of the files."""

    folder: Path
    analyzer: Analyzer
    library: InMemoryDocumentStore = field(default_factory=InMemoryDocumentStore)
    searcher: FakePassageSearch = field(default_factory=FakePassageSearch)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)

    @property
    def ingestion(self) -> Ingestion:
        """The write side."""
        return Ingestion(self.library, self.analyzer, self.searcher, self.embedder, read)

    def ingest(self, text: str, name: str = "guide.pdf") -> IngestResult:
        """Write the file and ingest it."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return self.ingestion.ingest(path)

    def found(self) -> list[str]:
        """What a search by words and meaning finds of pores, cracks and temperatures."""
        text = "기공 균열 온도"
        query = Query(text, FakeEmbedder().embed([text])[0])
        return [line.text for each in HybridSearch(self.library, self.analyzer, self.searcher).search(query, 9)
                for line in each.lines]


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """An empty one."""
    return Plant(tmp_path, analyzer)


def test_a_file_is_added_then_left_alone(plant: Plant) -> None:
    """The same content again is neither read nor embedded again."""
    assert plant.ingest("기공이 생긴다.") == IngestResult("guide.pdf", "added", 1, 1)
    assert plant.ingest("기공이 생긴다.") == IngestResult("guide.pdf", "unchanged")
    assert len(plant.embedder.texts) == 1 and plant.found() == ["기공이 생긴다."]


def test_new_content_replaces_the_old(plant: Plant) -> None:
    """Of the old version nothing is left, in the library or the searcher."""
    plant.ingest("기공이 생긴다.")
    assert plant.ingest("균열이 생긴다.").state == "added"
    assert plant.found() == ["균열이 생긴다."]
    assert set(plant.searcher.versions) == set(plant.library.versions().items())


def test_what_was_read_badly_is_noted(plant: Plant) -> None:
    """The notes of the reader are told and kept with the document."""
    assert plant.ingest("온도의 표가 있다.").notes == (EMPTY_PAGE,)
    assert plant.library.summaries()[0].notes == (EMPTY_PAGE,)


def test_a_file_that_cannot_be_read_leaves_the_old_version(plant: Plant) -> None:
    """The reason is told and noted; a good file, or the old one again, takes the note away."""
    plant.ingest("기공이 생긴다.")
    for good in ("기공이 생긴다.", "균열이 생긴다."):
        before = plant.found()
        assert plant.ingest("!") == IngestResult("guide.pdf", "failed", failure=DAMAGED)
        assert plant.found() == before and plant.library.failures() == {"guide.pdf": DAMAGED}
        plant.ingest(good)
        assert plant.library.failures() == {} and plant.found() == [good]


def test_a_file_that_never_was_good_is_noted(plant: Plant) -> None:
    """It is no document, but its reason can be listed, and removing it forgets it."""
    plant.ingest("!", "bad.pdf")
    assert plant.library.versions() == {} and plant.library.failures() == {"bad.pdf": DAMAGED}
    assert plant.ingestion.remove("bad.pdf").state == "removed" and plant.library.failures() == {}


def test_a_file_that_is_not_there_is_noted(plant: Plant) -> None:
    """Nor one that is a folder: the reason names it without its path."""
    (plant.folder / "folder.pdf").mkdir()
    for name in ("absent.pdf", "folder.pdf"):
        outcome = plant.ingestion.ingest(plant.folder / name)
        assert outcome.state == "failed" and outcome.reason.startswith(f"{name}: cannot be read (")
        assert str(plant.folder) not in outcome.reason


def test_a_removed_document_is_gone(plant: Plant) -> None:
    """From library and searcher; removing it again changes nothing, and the others stay."""
    plant.ingest("기공이 생긴다.")
    plant.ingest("균열이 생긴다.", "other.pdf")
    assert plant.ingestion.remove("guide.pdf") == IngestResult("guide.pdf", "removed")
    assert plant.ingestion.remove("guide.pdf") == IngestResult("guide.pdf", "unchanged")
    assert plant.found() == ["균열이 생긴다."] and {name for name, _ in plant.searcher.versions} == {"other.pdf"}


@pytest.mark.parametrize("text", ["", "\n\n", "# 제목만\n\n## 더 작은 제목"])
def test_an_empty_document_is_kept(plant: Plant, text: str) -> None:
    """It has no passages, and is not read again and again."""
    assert plant.ingest(text) == IngestResult("guide.pdf", "added", 1, 0)
    assert plant.ingest(text).state == "unchanged" and plant.found() == []


def test_an_embedder_embeds_each_passage_once(plant: Plant) -> None:
    """With its headings, as it will be looked for; a searcher that embeds by itself is given none."""
    plant.ingest("# 기공\n\n온도가 높으면 기공이 생긴다.\n\n# 균열\n\n온도가 낮으면 균열이 생긴다.")
    assert plant.embedder.texts == [["기공\n온도가 높으면 기공이 생긴다.", "균열\n온도가 낮으면 균열이 생긴다."]]
    plant.searcher = FakePassageSearch(needs_vectors=False)
    plant.ingest("균열이 생긴다.", "other.pdf")
    assert len(plant.embedder.texts) == 1 and len(plant.searcher.versions) == 1


def test_without_searcher_and_embedder_words_are_kept(tmp_path: Path, analyzer: Analyzer) -> None:
    """The library alone is enough."""
    (tmp_path / "guide.pdf").write_text("기공이 생긴다.", "utf-8")
    library = InMemoryDocumentStore()
    ingestion = Ingestion(library, analyzer, read=read)
    assert [ingestion.ingest(tmp_path / "guide.pdf").state for _ in range(2)] == ["added", "unchanged"]
    assert ingestion.remove("guide.pdf").state == "removed"


def test_another_dictionary_or_embedder_reads_again(plant: Plant) -> None:
    """What was split or embedded otherwise would not be found: the same file is added anew, once."""
    plant.ingest("기공이 생긴다.")
    plant.analyzer = Analyzer(read_dictionary(*shipped_dictionaries(), 'words = ["진공밸브조립체"]'))
    assert [plant.ingest("기공이 생긴다.").state for _ in range(2)] == ["added", "unchanged"]
    plant.embedder = FakeEmbedder("other/14")
    assert [plant.ingest("기공이 생긴다.").state for _ in range(2)] == ["added", "unchanged"]
    assert set(plant.searcher.versions) == set(plant.library.versions().items())


def test_the_same_content_under_two_names_is_two_documents(plant: Plant) -> None:
    """Documents go by name."""
    assert [plant.ingest("기공.", name).state for name in ("a.pdf", "b.pdf")] == ["added", "added"]
    assert sorted(plant.library.versions()) == ["a.pdf", "b.pdf"]


STEPS = [("library", "versions"), ("embedder", "embed"), ("searcher", "put"), ("library", "put"),
         ("searcher", "keep_only")]


def break_at(plant: Plant, part: str, call: str) -> None:
    """Make one step fail."""
    if part == "embedder":
        plant.embedder.fails_from = len(plant.embedder.texts) + 1
    else:
        getattr(plant, part).failing = {call}


def mend(plant: Plant) -> None:
    """Make all steps work."""
    plant.embedder.fails_from, plant.library.failing, plant.searcher.failing = None, set(), set()


@pytest.mark.parametrize(("part", "call"), STEPS)
def test_a_crash_leaves_one_version_whole(plant: Plant, part: str, call: str) -> None:
    """Wherever putting in a new version breaks off, the old one is found, whole, until the new one is; a second run
    repairs the rest."""
    plant.ingest("기공이 생긴다.\n\n온도가 높다.")
    break_at(plant, part, call)
    with pytest.raises(KnowledgeError):
        plant.ingest("균열이 생긴다.\n\n온도가 낮다.")
    mend(plant)
    old, new = {"기공이 생긴다.", "온도가 높다."}, {"균열이 생긴다.", "온도가 낮다."}
    assert set(plant.found()) == (new if call == "keep_only" else old)
    assert plant.ingest("균열이 생긴다.\n\n온도가 낮다.").state == ("unchanged" if call == "keep_only" else "added")
    assert set(plant.found()) == new and set(plant.searcher.versions) == set(plant.library.versions().items())


@pytest.mark.parametrize(("part", "call"), STEPS)
def test_a_crash_of_the_first_version_leaves_nothing_to_be_found(plant: Plant, part: str, call: str) -> None:
    """Nothing is found of a document that the library does not hold, and a second run adds it."""
    break_at(plant, part, call)
    with pytest.raises(KnowledgeError):
        plant.ingest("기공이 생긴다.")
    mend(plant)
    assert plant.found() == (["기공이 생긴다."] if call == "keep_only" else [])
    plant.ingest("기공이 생긴다.")
    assert plant.found() == ["기공이 생긴다."] and set(plant.searcher.versions) == set(plant.library.versions().items())


@pytest.mark.parametrize(("part", "call"), [("library", "remove"), ("searcher", "keep_only")])
def test_a_crash_while_removing_is_repaired_by_removing_again(plant: Plant, part: str, call: str) -> None:
    """The document is found whole or not at all, and after a second run nothing is left of it."""
    plant.ingest("기공이 생긴다.")
    break_at(plant, part, call)
    with pytest.raises(KnowledgeError):
        plant.ingestion.remove("guide.pdf")
    mend(plant)
    assert plant.found() == ([] if call == "keep_only" else ["기공이 생긴다."])
    plant.ingestion.remove("guide.pdf")
    assert plant.found() == [] and not plant.searcher.versions


def test_real_files_beside_a_broken_one(tmp_path: Path, library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Read by the real reader into the real library, the good files are kept and the bad one is reported by name."""
    for name, text in (("first.pdf", "Porosity"), ("last.pdf", "Soldering")):
        with pymupdf.open() as pdf:
            pdf.new_page().insert_text((72, 72), text)
            pdf.save(tmp_path / name)
    (tmp_path / "bad.pdf").write_bytes(b"not a PDF")
    ingestion = Ingestion(library, analyzer)
    outcomes = [ingestion.ingest(tmp_path / name) for name in ("first.pdf", "bad.pdf", "last.pdf")]
    assert [(outcome.state, outcome.pages) for outcome in outcomes] == [("added", 1), ("failed", 0), ("added", 1)]
    assert outcomes[1].reason.startswith("bad.pdf: is not a PDF")
    assert list(library.versions()) == ["first.pdf", "last.pdf"] and list(library.failures()) == ["bad.pdf"]


LINE = "Lubricate the tip before each shift."


def asking(path: Path, *rows: tuple[int, str, str]) -> Path:
    """A PDF of one line, with the questions of these pages and words attached."""
    if not path.exists():
        save(path, lambda page: page.insert_text((72, 72), LINE))
    return attach(path, "\n".join(json.dumps({"page": page, "text": text, "questions": [question]})
                                  for page, text, question in rows).encode())


def test_a_pdf_is_found_by_the_questions_that_it_brings(tmp_path: Path, library: SqliteDocumentStore,
                                                        analyzer: Analyzer) -> None:
    """A word that stands only in a question leads to the page, which is what is quoted; without the questions, or with
    those of another page, it leads nowhere."""
    path, index, query = tmp_path / "guide.pdf", HybridSearch(library, analyzer), Query("피스톤이 왜 뻑뻑해요?")
    save(path, lambda page: page.insert_text((72, 72), LINE))
    assert Ingestion(library, analyzer).ingest(path).passages == 1 and not index.search(Query("피스톤"), 5)
    assert Ingestion(library, analyzer).ingest(asking(path, (1, "Lubricate the tip", query.text))).notes == ()
    (hit,) = rank_passages(query, index).hits
    assert [line.quote for line in hit.passage.lines] == [LINE] and "피스톤" not in hit.passage.text
    assert hit.relevance == pytest.approx(1)
    assert index.search(Query("피스톤"), 5) == [hit.passage] and index.page_text("guide.pdf", 1).strip() == LINE
    Ingestion(library, analyzer).ingest(asking(path, (2, "Lubricate the tip", query.text)))
    assert not index.search(Query("피스톤"), 5)


def test_questions_of_no_page_are_noted(tmp_path: Path, library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """What cannot be placed, and what cannot be read, is told and kept with the document like other notes."""
    rows = (1, LINE, "왜?"), (2, LINE, "언제?"), (1, "Oil the tip", "어디?"), (0, LINE, "무엇?")
    path = asking(tmp_path / "guide.pdf", *rows)
    outcome = Ingestion(library, analyzer).ingest(path)
    assert outcome.state == "added" and outcome.notes == library.summaries()[0].notes == (
        Message("questions_line_bad_page", {"line": 4}),
        Message("questions_not_on_page", {"skipped": 2, "lines": 3, "page": 2, "text": LINE}))


def test_notes_of_questions_follow_those_of_the_reader(plant: Plant) -> None:
    """Neither takes the place of the other."""
    def reading(path: Path) -> Document:
        return replace(read(path), expected_questions=(ExpectedQuestion(1, "균열", ("왜?",)), ExpectedQuestion(1, "온도의 표", ("왜?",))))

    (plant.folder / "guide.pdf").write_text("온도의 표가 있다.", "utf-8")
    outcome = replace(plant.ingestion, read=reading).ingest(plant.folder / "guide.pdf")
    assert outcome.notes == plant.library.summaries()[0].notes
    assert outcome.notes == (EMPTY_PAGE, Message(
        "questions_not_on_page", {"skipped": 1, "lines": 2, "page": 1, "text": "균열"}))
    assert plant.library.documents["guide.pdf"].questions == {(0, 1): ("왜?",)}


def test_other_questions_are_another_version(tmp_path: Path, library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A PDF of which only the attachment changed is read again, and found by the new questions alone; its bytes again
    change nothing."""
    path, ingestion, index = tmp_path / "guide.pdf", Ingestion(library, analyzer), HybridSearch(library, analyzer)
    versions = []
    for word, other in (("피스톤", "막힘"), ("막힘", "피스톤")):
        asking(path, (1, LINE, f"{word}이 왜 생기나요?"))
        assert [ingestion.ingest(path).state for _ in range(2)] == ["added", "unchanged"]
        assert len(index.search(Query(word), 5)) == 1 and not index.search(Query(other), 5)
        versions.append(library.versions()["guide.pdf"])
    assert versions[0] != versions[1]
