"""The shipped manuals: what they hold, and that they are what their sources and the data make."""

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


def pages(path: Path) -> list[str]:
    """The text of each page."""
    with pymupdf.open(path) as pdf:
        return [page.get_text() for page in pdf]


def shown_table() -> list[str]:
    """The rows of the window table in the process manual, with its header."""
    section = (ROOT / "manuals/process-manual.md").read_text(encoding="utf-8").partition("제품별 관리 창 표")[2]
    return [line for line in section.partition("\n#")[0].splitlines() if line.startswith("|")]


def test_window_table_comes_from_the_data(windows: ModuleType) -> None:
    """The table is what the data give, character for character; without the data, it is whole and in order."""
    rows = shown_table()
    if path := kamp_csv():
        assert "\n".join(rows) == windows.window_table(path)
    body = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]
    assert len(body) >= 20
    measured = [(column.label["ko"], column.name) for column in windows.window_columns()]
    assert [(label, name) for label, name, *_ in body[: len(measured)]] == measured
    for _, _, _, *values in body[: len(measured)]:
        low, median, high, low_2, median_2, high_2 = map(float, values)
        assert low <= median <= high and low_2 <= median_2 <= high_2


def test_every_varying_feature_has_its_label_in_the_table() -> None:
    """A feature with a resolution varies; all but the counter stand in the table by their Korean name."""
    table = "\n".join(shown_table())
    varying = [spec for spec in SCHEMA["features"].values() if "resolution" in spec and "counter" not in spec]
    assert len(varying) == 20
    assert [spec["ko"] for spec in varying if f"| {spec['ko']} |" not in table] == []


def test_every_defect_type_has_a_chapter() -> None:
    """Each of the 13 types of the schema is a chapter of the casebook, with symptom, causes and remedies."""
    source = (ROOT / "manuals/defect-casebook.md").read_text(encoding="utf-8")
    chapters = {chapter.partition("\n")[0]: chapter for chapter in source.split("\n# ")[1:]}
    assert len(SCHEMA["defect_types"]) == 13
    for kind in SCHEMA["defect_types"].values():
        (chapter,) = [text for title, text in chapters.items() if f". {kind['ko']} (" in title]
        assert all(f" {part}\n" in chapter for part in ("증상", "공정 변수별 원인", "대책"))


def test_manuals_are_long_enough() -> None:
    """Together they have at least 40 pages, none of them empty."""
    texts = [text for path in PDFS for text in pages(path)]
    assert len(texts) >= 40 and all(text.strip() for text in texts)


def test_first_page_says_that_it_is_a_sample() -> None:
    """Who opens a manual reads on page 1 that it is no plant's standard."""
    assert len(PDFS) == 4
    for path in PDFS:
        first = "".join(pages(path)[0].split())
        assert "견본문서이다" in first or "예시문서이다" in first


def test_pdfs_are_built_from_their_sources(rebuilt: dict[str, Path]) -> None:
    """Built anew, every PDF has the same text on the same pages."""
    assert sorted(rebuilt) == [path.name for path in PDFS]
    for path in PDFS:
        assert pages(rebuilt[path.name]) == pages(path)


def test_built_again_the_pdfs_are_the_same_bytes(rebuilt: dict[str, Path]) -> None:
    """With their attachments, whose dates would else differ."""
    assert all(rebuilt[path.name].read_bytes() == path.read_bytes() for path in PDFS)


def test_every_question_leads_to_its_page(index: HybridSearch) -> None:
    """Each PDF carries the questions that lie beside it, and each of their lines names words of its page."""
    for path in PDFS:
        with pymupdf.open(path) as pdf:
            assert pdf.embfile_get(ATTACHMENT) == path.with_suffix(".questions.jsonl").read_bytes()
    assert [entry.notes for entry in index.summaries()] == [()] * len(PDFS)
    assert index.question_count() > 8000


def test_the_questions_are_none_that_are_measured_with() -> None:
    """No question of the golden set, or of those for fitting, stands among the manuals' own, nor one that shares six
    tenths of its syllable triples with it."""
    brought = [triples(question) for path in PDFS
               for row in path.with_suffix(".questions.jsonl").read_text("utf-8").splitlines()
               for question in json.loads(row)["questions"]]
    measured = [json.loads(row)["query"] for name in ("golden.jsonl", "fitting.jsonl")
                for row in (ROOT / "manuals" / name).read_text("utf-8").splitlines()]
    assert len(measured) == 480 and likest("노즐 자주 막혀요?", [triples("노즐, 자주 막혀요")]) == 1
    assert [query for query in measured if likest(query, brought) > 0.6] == []


def likest(query: str, others: Sequence[frozenset[str]]) -> float:
    """The part of their triples that a query and the likest of the others share."""
    wanted = triples(query)
    return max((len(wanted & other) / len(wanted | other) for other in others if wanted & other), default=0)


def triples(text: str) -> frozenset[str]:
    """The runs of three letters of a text without its spaces and signs."""
    joined = "".join(letter for letter in text.lower() if letter.isalnum())
    return frozenset(joined[at:at + 3] for at in range(max(len(joined) - 2, 1)))


def test_shipped_index_is_made_from_the_pdfs(index: HybridSearch, tmp_path: Path) -> None:
    """The library of the knowledge layer holds what a fresh ingest of the PDFs gives: versions, pages, passages and
    postings."""
    shipped, fresh = index.document_store, SqliteDocumentStore(tmp_path / "library.sqlite")
    ingestion = Ingestion(fresh, index.analyzer)
    assert [ingestion.ingest(path).state for path in PDFS] == ["added"] * len(PDFS)
    assert fresh.summaries() == shipped.summaries() and shipped.failures() == {}
    for entry in fresh.summaries():
        keys = [PassageId(entry.name, entry.version, number) for number in range(entry.passages + 1)]
        kept = fresh.passages(keys)
        assert kept == shipped.passages(keys) and None not in kept[:-1]
        assert fresh.postings(entry.name, entry.version) == shipped.postings(entry.name, entry.version)
        for number in range(1, entry.pages + 2):
            assert fresh.page_text(entry.name, number) == shipped.page_text(entry.name, number)
    fresh.close()
