"""Pages are split into passages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sample_documents import document

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.chunk import MAX_CHARACTERS, split_into_passages
from shotwise.knowledge.ingestion.running_lines import left_out_note
from shotwise.knowledge.models import Document, Page, Passage
from shotwise.limits import MAX_LINE_CHARACTERS, MAX_PASSAGES


def quotes(passages: list[Passage]) -> list[str]:
    """Return the quotes of all lines."""
    return [line.quote for passage in passages for line in passage.lines]


def test_headings_reach_over_pages() -> None:
    """A heading holds until the next of its level, across page ends, and each passage names its own page."""
    first, second, third = split_into_passages(document("# 1 기공\n\n## 1.1 원인\n\n압력이 낮다.",
                                                        "온도가 높다.\n\n# 2 기포\n\n공기가 많다."))
    assert (first.page, first.headings) == (1, ("1 기공", "1.1 원인"))
    assert (second.page, second.headings) == (2, ("1 기공", "1.1 원인"))
    assert (third.page, third.headings) == (2, ("2 기포",))


def test_table_row_quotes_its_sentence() -> None:
    """A row is searched by all its cells and quoted from its sentence on; the header row is left out."""
    table = "|변수|방향|이유|\n|---|---|---|\n|주조 압력|낮음|주조 압력이 낮으면 기공이 생긴다.|"
    (line,) = split_into_passages(document(table))[0].lines
    assert line.text == "주조 압력 낮음 주조 압력이 낮으면 기공이 생긴다."
    assert line.quote == "주조 압력이 낮으면 기공이 생긴다."


def test_table_row_keeps_what_follows_its_sentence() -> None:
    """A cell after the sentence is part of the quote if the page holds them in that order, else not."""
    table = "|측정기|방법|주기|\n|---|---|---|\n|열전대|보정한 것과 비교한다.|한 주마다|"
    row = split_into_passages(Document("a.pdf", "", "", (Page(1, table, "열전대\n보정한 것과 비교한다.\n한 주마다"),)))
    other_order = split_into_passages(
        Document("a.pdf", "", "", (Page(1, table, "열전대 한 주마다 보정한 것과 비교한다."),)))
    assert quotes(row) == ["보정한 것과 비교한다. 한 주마다"]
    assert quotes(other_order) == ["보정한 것과 비교한다."]


def test_table_row_without_sentence_is_one_quote() -> None:
    """A row of names and figures is quoted with all its cells."""
    assert quotes(split_into_passages(document("|변수|P1|\n|---|---|\n|형체력|250|"))) == ["형체력 250"]


def test_running_headers_and_footers_are_left_out() -> None:
    """A line at the edge of every page, whatever its number, is left out; a line that is there once is not."""
    pages = [f"공정 매뉴얼\n\n{name}에 관한 문장이 여기에 있다.\n\n- {number} -"
             for number, name in enumerate(("기공", "기포", "균열", "변형"), 1)]
    assert quotes(split_into_passages(document(*pages))) == [
        f"{name}에 관한 문장이 여기에 있다." for name in ("기공", "기포", "균열", "변형")]


def test_words_of_a_running_header_stay_between_the_edges() -> None:
    """A line in the middle of a page stays, even if a running header has the same words."""
    pages = [f"공정 매뉴얼\n\n{name}의 원인은 압력이다.\n\n공정 매뉴얼\n\n{name}의 대책은 점검이다.\n\n- {number} -"
             for number, name in enumerate(("기공", "기포", "균열", "변형"), 1)]
    assert quotes(split_into_passages(document(*pages))).count("공정 매뉴얼") == 4


NAMES = ("기공", "기포", "균열", "변형", "미성형", "유동 무늬")
SENTENCES = [f"{name}에 관한 문장이 여기에 있다." for name in NAMES]


def framed(header: Callable[[int], str] = lambda number: "", footer: Callable[[int], str] = lambda number: "",
           first: int = 1) -> list[str]:
    """Return the quotes of six pages with a sentence each between header and footer, which get the page's number."""
    pages = [f"{header(number)}\n\n{sentence}\n\n{footer(number)}" for number, sentence in enumerate(SENTENCES, first)]
    return quotes(split_into_passages(document(*pages)))


@pytest.mark.parametrize("footer", [
    "- {n} -", "{n}", "{n} / 20", "Page {n} of 20", "{n}쪽", "페이지 {n}", "| {n} |"[2:-2], "공정 매뉴얼 {n}",
    "{n} Die Casting Manual", "Rev. 3 (2024-05-01), p. {n}", "**{n}**", "## {n}", "DC-210 · {n}/20"])
@pytest.mark.parametrize("first", [1, 5, 117])
def test_page_numbers_are_left_out(footer: str, first: int) -> None:
    """A line that is the same on every page but for the number of the page is left out, wherever the count begins."""
    for where in ("header", "footer"):
        assert framed(**{where: lambda number: footer.format(n=number)}, first=first) == SENTENCES


def test_page_numbers_may_alternate_and_begin_again() -> None:
    """Left and right pages have their numbers at other ends of the line, and a chapter begins its own."""
    assert framed(lambda number: f"{number} 공정 매뉴얼" if number % 2 else f"공정 매뉴얼 {number}") == SENTENCES
    pages = [f"{name}이 생긴다.\n\n2-{number}" for number, name in enumerate([*NAMES, *NAMES[:3]], 1)]
    assert quotes(split_into_passages(document(*pages, "기공이 준다.\n\n3-1"))) == [
        *(f"{name}이 생긴다." for name in (*NAMES, *NAMES[:3])), "기공이 준다."]


VALUES = (25, 49, 86, 210, 12, 50)


@pytest.mark.parametrize("text", [
    "M{m} 볼트는 {v} Nm로 조인다.", "Tighten to {v} Nm", "Torque {v}", "{v} bar", "형체력 {v}",
    "P{m}: {v} bar at {m} s", "{m}. Tighten the bolts to {v} Nm.", "- Torque {m}", "# Station {v}", "{m}.{v}",
    "|M{m}|{v}|"])
@pytest.mark.parametrize("lines", [1, 2, 4])
def test_values_are_text(text: str, lines: int) -> None:
    """Lines that differ in values alone, even on every page of a document, are text."""
    pages = ["\n\n".join(text.format(m=number + 6, v=value + line) for line in range(lines))
             for number, value in enumerate(VALUES)]
    passages = split_into_passages(document(*pages))
    words = "".join("".join((*passage.headings, *quotes([passage]))) for passage in passages)
    numbers = [str(value + line) for value in VALUES for line in range(lines)] if "{v}" in text else ["6", "11"]
    if not text.startswith("#"):
        assert [number for number in numbers if number not in words] == []


@pytest.mark.parametrize("text", ["{n}. 볼트를 조인다.", "- 볼트 {n}", "볼트 {n}을 25 Nm로 조인다.", "{n}.5",
                                  "압력 {n} bar"])
def test_what_grows_with_the_pages_is_text_unless_it_may_be_their_number(text: str) -> None:
    """Steps, list items, decimals and values with units stay, even if they count the pages."""
    assert len(framed(lambda number: text.format(n=number))) == 12


@pytest.mark.parametrize(("pages", "codes"), [
    (["공정 매뉴얼\n\n기공이 생긴다.\n\n공장 내부 문서"] * 5, ["lines_left_out"]),
    ([f"공정 매뉴얼\n\n{SENTENCES[0]}\n\n{number}쪽" for number in range(5)], ["lines_left_out"]),
    ([f"공정 매뉴얼\n\n{page}" + f"\n\n{page}의 온도는 {number}도이다." * 4 for number, page in enumerate(NAMES)], []),
    (["기공이 생긴다."] * 2, []), (["공정 매뉴얼\n\n1"] * 2, [])])
def test_a_considerable_share_of_left_out_lines_is_noted(pages: list[str], codes: list[str]) -> None:
    """A note names the first of the lines if a quarter or more of the lines with words are left out."""
    notes = left_out_note(document(*pages))
    assert [note.code for note in notes] == codes
    assert all(note.params["text"] == "공정 매뉴얼" and note.params["pages"] == 5 for note in notes)


def test_text_after_the_contents_is_kept() -> None:
    """Where no heading follows the table of contents, the text after it is not taken for a part of it."""
    assert quotes(split_into_passages(document("## 차례\n\n1 기공 3\n\n2 기포 7", SENTENCES[0]))) == [SENTENCES[0]]


def test_a_first_row_of_values_is_no_header() -> None:
    """The first row of a table stays if it has values, or if it is the only row; a row of words is a header."""
    rule = "|---|---|"
    for rows, lines in (
            (("|M8|25 Nm|", "|M10|49 Nm|"), ["M8 25 Nm", "M10 49 Nm"]), (("|M8|규격|",), ["M8 규격"]),
            (("|볼트|토크|", "|M8|25|"), ["M8 25"]),
            (("|압력|≤ 3,5 bar|", "|온도|±2|"), ["압력 ≤ 3,5 bar", "온도 ±2"])):
        assert quotes(split_into_passages(document("\n".join((rows[0], rule, *rows[1:]))))) == lines


def test_a_line_without_end_is_split() -> None:
    """A page of words without a full stop becomes lines that can be quoted, with all words."""
    words = [f"word{number}" for number in range(5_000)]
    lines = quotes(split_into_passages(document(" ".join(words))))
    assert " ".join(lines).split() == words and max(map(len, lines)) <= MAX_LINE_CHARACTERS


@pytest.mark.slow
def test_a_document_of_endless_passages_is_refused() -> None:
    """A document of more passages than the limit is an error."""
    page = "".join(f"# {number}\n\n기공\n\n" for number in range(MAX_PASSAGES // 10 + 100))
    with pytest.raises(DocumentError, match="has more than 100000 passages"):
        split_into_passages(document(*[page] * 10))


def test_contents_are_left_out() -> None:
    """A section headed as table of contents and lines with dotted leaders are left out."""
    assert split_into_passages(document("## 차례\n\n1 기공 3")) == []
    assert quotes(split_into_passages(document("1 기공 . . . . . . . . 3\n\n기공은 구멍이다."))) == ["기공은 구멍이다."]


def test_list_items_are_one_line() -> None:
    """A list item is one line, even of two sentences; a paragraph is split into sentences."""
    passages = split_into_passages(document(
        "1. 급탕량을 늘리고 열 샷을 확인한다. 다시\n잰다.\n2. 온도를 올린다.\n\n"
        "첫 문장은 금형의 온도와 압력을 말한다. 둘째 문장은 속도를 말한다."))
    assert quotes(passages) == ["급탕량을 늘리고 열 샷을 확인한다. 다시 잰다.", "온도를 올린다.",
                                "첫 문장은 금형의 온도와 압력을 말한다.", "둘째 문장은 속도를 말한다."]


def test_short_sentence_stays_with_the_next() -> None:
    """A sentence as short as 예시 사례, 제품 종류 1. is one line with the next."""
    assert quotes(split_into_passages(document("예시 사례, 제품 종류 1. 보스에서 기공이 나왔다."))) == [
        "예시 사례, 제품 종류 1. 보스에서 기공이 나왔다."]


def test_long_sections_are_split() -> None:
    """A long section becomes several passages under its heading, none over the limit, with all lines."""
    sentences = [f"문장 번호 {number}은 주조 압력과 승압 시간을 함께 다루는 긴 문장이다." for number in range(60)]
    passages = split_into_passages(document("# 긴 절\n\n" + " ".join(sentences)))
    assert len(passages) > 1 and {passage.headings for passage in passages} == {("긴 절",)}
    assert max(sum(len(line.text) for line in passage.lines) for passage in passages) <= MAX_CHARACTERS
    assert quotes(passages) == sentences


def test_countermeasures_are_flagged() -> None:
    """A heading that announces countermeasures flags its passages."""
    causes, remedies = split_into_passages(
        document("# 1 기공\n\n## 1.1 원인\n\n압력이 낮다.\n\n## 1.2 대책\n\n압력을 올린다."))
    assert (causes.action, remedies.action) == (False, True)


def test_marks_of_markdown_are_removed() -> None:
    """Markdown's bold, code and line breaks are not part of a line."""
    passages = split_into_passages(document("**형체력**은 `Clamping_Force`<br>이다."))
    assert quotes(passages) == ["형체력은 Clamping_Force 이다."]


def test_real_casebook_is_split_well(casebook: Document) -> None:
    """In the shipped casebook no passage is too long, no line is the running title, and each defect has remedies."""
    passages = split_into_passages(casebook)
    assert max(sum(len(line.text) for line in passage.lines) for passage in passages) <= MAX_CHARACTERS
    assert casebook.title not in quotes([passage for passage in passages if passage.page > 1])
    remedies = {passage.headings[0] for passage in passages if passage.action}
    assert {heading.partition(".")[0] for heading in remedies} >= {str(number) for number in range(1, 14)}
