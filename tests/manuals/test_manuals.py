"""The shipped manuals: what they contain, and that they are built from their sources and the data."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pymupdf
from shots import kamp_csv

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.ingestion.expected_questions import ATTACHMENT
from shotwise.knowledge.ingestion.pipeline import Ingestion
from shotwise.knowledge.models import PassageId
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch

ROOT = Path(__file__).parents[2]
PDFS = sorted((ROOT / "manuals").glob("*.pdf"))
SCHEMA = tomllib.loads((ROOT / "src/shotwise_training/kamp.toml").read_text(encoding="utf-8"))


def page_texts(path: Path) -> list[str]:
    """The text of each page of a PDF."""
    with pymupdf.open(path) as pdf:
        return [page.get_text() for page in pdf]


def window_table() -> list[str]:
    """The rows of the table of process windows in the process manual, header included."""
    section = (ROOT / "manuals/process-manual.md").read_text(encoding="utf-8").partition("제품별 관리 창 표")[2]
    return [line for line in section.partition("\n#")[0].splitlines() if line.startswith("|")]


def test_the_window_table_is_computed_from_the_data(windows: ModuleType) -> None:
    """It is the same character for character; without the data, it is checked to be complete and in order."""
    rows = window_table()
    if path := kamp_csv():
        assert "\n".join(rows) == windows.window_table(path)
    body = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]
    measured = [(column.label["ko"], column.name) for column in windows.window_columns()]
    assert [(label, name) for label, name, *_ in body[: len(measured)]] == measured
    for _, _, _, *values in body[: len(measured)]:
        low, median, high, low_2, median_2, high_2 = map(float, values)
        assert low <= median <= high and low_2 <= median_2 <= high_2


def test_every_varying_feature_has_its_label_in_the_table() -> None:
    """Features with a resolution vary; all but the counter are in the table by their Korean names."""
    table = "\n".join(window_table())
    varying = [spec for spec in SCHEMA["features"].values() if "resolution" in spec and "counter" not in spec]
    assert varying and [spec["ko"] for spec in varying if f"| {spec['ko']} |" not in table] == []


def test_every_defect_type_has_a_chapter() -> None:
    """Each type of the schema has a chapter in the casebook, with symptom, causes and countermeasures."""
    source = (ROOT / "manuals/defect-casebook.md").read_text(encoding="utf-8")
    chapters = {chapter.partition("\n")[0]: chapter for chapter in source.split("\n# ")[1:]}
    for defect_type in SCHEMA["defect_types"].values():
        (chapter,) = [text for title, text in chapters.items() if f". {defect_type['ko']} (" in title]
        assert all(f" {part}\n" in chapter for part in ("증상", "공정 변수별 원인", "대책"))


def test_no_page_of_the_manuals_is_empty() -> None:
    """Each has text that can be read."""
    texts = [text for path in PDFS for text in page_texts(path)]
    assert texts and all(text.strip() for text in texts)


def test_the_first_page_says_that_it_is_a_sample() -> None:
    """A reader learns on page 1 that the manual is no plant's standard."""
    assert PDFS
    for path in PDFS:
        first = "".join(page_texts(path)[0].split())
        assert "견본문서이다" in first or "예시문서이다" in first


def test_pdfs_are_built_from_their_sources(rebuilt: dict[str, Path]) -> None:
    """Built again, every PDF has the same text on the same pages."""
    assert sorted(rebuilt) == [path.name for path in PDFS]
    for path in PDFS:
        assert page_texts(rebuilt[path.name]) == page_texts(path)


def test_building_again_gives_the_same_bytes(rebuilt: dict[str, Path]) -> None:
    """The dates of attachments, which would differ, are fixed."""
    assert all(rebuilt[path.name].read_bytes() == path.read_bytes() for path in PDFS)


def test_every_question_leads_to_its_page(index: HybridSearch) -> None:
    """Each PDF has the questions beside it attached, and each line of them names words of its page."""
    for path in PDFS:
        with pymupdf.open(path) as pdf:
            assert pdf.embfile_get(ATTACHMENT) == path.with_suffix(".questions.jsonl").read_bytes()
    assert [summary.notes for summary in index.summaries()] == [()] * len(PDFS)
    assert index.question_count() > 8000


def test_the_measured_questions_are_not_among_the_expected_ones() -> None:
    """No question of the golden or the fitting set is an expected question of the manuals, or nearly one.

    Nearly means that the Jaccard similarity of their trigrams is over 0.6.
    """
    expected_questions = [trigrams(question) for path in PDFS
                          for row in path.with_suffix(".questions.jsonl").read_text("utf-8").splitlines()
                          for question in json.loads(row)["questions"]]
    queries = [json.loads(row)["query"] for name in ("golden.jsonl", "fitting.jsonl")
               for row in (ROOT / "manuals" / name).read_text("utf-8").splitlines()]
    assert len(queries) == 480 and max_similarity("노즐 자주 막혀요?", [trigrams("노즐, 자주 막혀요")]) == 1
    assert [query for query in queries if max_similarity(query, expected_questions) > 0.6] == []


def max_similarity(query: str, others: Sequence[frozenset[str]]) -> float:
    """The greatest Jaccard similarity between the trigrams of a query and those of the others."""
    own = trigrams(query)
    return max((len(own & other) / len(own | other) for other in others if own & other), default=0)


def trigrams(text: str) -> frozenset[str]:
    """The runs of three letters of a text without its spaces and punctuation."""
    letters = "".join(letter for letter in text.lower() if letter.isalnum())
    return frozenset(letters[start:start + 3] for start in range(max(len(letters) - 2, 1)))


def test_shipped_index_is_made_from_the_pdfs(index: HybridSearch, tmp_path: Path) -> None:
    """The store in the knowledge layer has the versions, pages, passages and postings of a fresh ingestion."""
    shipped, fresh = index.document_store, SqliteDocumentStore(tmp_path / "library.sqlite")
    ingestion = Ingestion(fresh, index.analyzer)
    assert [ingestion.ingest(path).state for path in PDFS] == ["added"] * len(PDFS)
    assert fresh.summaries() == shipped.summaries() and shipped.failures() == {}
    for summary in fresh.summaries():
        name, version = summary.name, summary.version
        passage_ids = [PassageId(name, version, number) for number in range(summary.passages + 1)]
        passages = fresh.passages(passage_ids)
        assert passages == shipped.passages(passage_ids) and None not in passages[:-1]
        assert fresh.postings(name, version) == shipped.postings(name, version)
        for number in range(1, summary.pages + 2):
            assert fresh.page_text(name, number) == shipped.page_text(name, number)
    fresh.close()
