"""Bytes to a table of text: what is read, and what is refused with a message that says where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shotwise_training.data.csv_file import TableError, as_numbers, canonical, parse_csv, read_csv

KOREAN = "온도,판정\n1.5,양품\n2.5,불량\n"
GROUPED = "Process,Process,Sensor\nid,A,B\n1,2,3\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_every_encoding_gives_the_same_table(encoding: str) -> None:
    """Korean names and values come out alike, and a byte order mark is no part of the first name."""
    raw = parse_csv(KOREAN.encode(encoding), "shots.csv")
    assert (raw.names, raw.cells) == (("온도", "판정"), (("1.5", "2.5"), ("양품", "불량")))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_detected(separator: str, end: str) -> None:
    """Comma, semicolon and tab; the line ends of Unix, Windows and old Macs."""
    raw = parse_csv(" a ,b\n1,\n2,4\n".replace(",", separator).replace("\n", end).encode(), "shots.csv")
    assert (raw.names, raw.cells) == (("a", "b"), (("1", "2"), ("", "4")))


@pytest.mark.parametrize(("text", "groups", "names"), [
    (GROUPED, ("Process", "Process", "Sensor"), ("id", "A", "B")),
    ("Process,,Sensor\nid,A,B\n1,2,3\n", ("Process", "Process", "Sensor"), ("id", "A", "B")),
    ("공정,공정\n압력,온도\n1,2\n", ("공정", "공정"), ("압력", "온도")),
    ("a,b,c\nx,y,z\n1,2,3\n", None, ("a", "b", "c")),
    ("a,b,c\n1,2,3\n", None, ("a", "b", "c")),
    (",a,b\n1,2,3\n", None, ("column 1", "a", "b")),
    ("a,b,\n1,2,\n", None, ("a", "b"))])
def test_one_or_two_header_rows_are_detected(text: str, groups: tuple[str, ...] | None,
                                              names: tuple[str, ...]) -> None:
    """There are two if the first line is blocks of a repeated or blank-continued name.

    A column without a name is called by its position, and one without a value either is dropped.
    """
    raw = parse_csv(text.encode(), "shots.csv")
    assert (raw.groups, raw.names) == (groups, names)


def test_the_schema_decides_how_many_header_rows() -> None:
    """With `header_rows = 1`, a second line of names is data."""
    assert parse_csv(b"A,B\nid,name\n1,2\n", "shots.csv", 2).groups == ("A", "B")
    assert len(parse_csv(b"A,B\nid,name\n1,2\n", "shots.csv", 1)) == 2


def test_blank_lines_are_not_rows_and_places_are_given_by_line() -> None:
    """Blank lines and a line break inside quotes do not shift what a message points at."""
    raw = parse_csv(b'a,b\n\n"x\ny",1\n,\nz,2\n\n\n', "shots.csv")
    assert raw.lines == (4, 6) and raw.place(1) == "shots.csv, row 2 (line 6)"


@pytest.mark.parametrize(("content", "message"), [
    (b"", "shots.csv is empty"), (b"\xef\xbb\xbf\n\n", "shots.csv is empty"), (b" \n , \n", "shots.csv is empty"),
    (b"a,b\n", "no rows under its header"), (b"1,2\n3,4\n", "no header: line 1 holds numbers"),
    (b"a,b\n1,2\n3,4,5\n", r"row 2 \(line 3\) has 3 cells, the header 2"),
    (b"a,b\n1\n\n3\n", r"row 1 \(line 2\) has 1 cells, the header 2 \(2 rows are like this\)"),
    (b"a, a,b,b ,c\n1,2,3,4,5\n", "more than once: a, b; rename"),
    (b"PK\x03\x04\x14\x00", "workbook or an archive"), (b"a,b\n\x00\x01,2\n", "not text in UTF-8 or CP949"),
    (b"a,b\n\xff\xfe\xfd,2\n", "not text in UTF-8 or CP949"), (b'a,b\n"1,2\n3,4\n', "line 3: .*check the quotes")])
def test_a_file_that_is_no_table_is_refused(content: bytes, message: str) -> None:
    """The message names the file and the line, and what is wrong there."""
    with pytest.raises(TableError, match=message):
        parse_csv(content, "shots.csv")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """An absent file and a folder are told apart from an empty one."""
    with pytest.raises(TableError, match="absent.csv: No such file"):
        read_csv(tmp_path / "absent.csv")
    with pytest.raises(TableError, match="Is a directory"):
        read_csv(tmp_path)


def test_a_tolerant_reading_goes_on_and_reports_problems() -> None:
    """Rows of the wrong length are left out, a repeated name is numbered, and both are in `problems`."""
    raw = parse_csv(b"a,a,b\n1,2,3\n4,5\n6,7,8\n", "shots.csv", tolerant=True)
    assert (raw.names, raw.cells[2]) == (("a", "a (2)", "b"), ("3", "8"))
    assert ["more than once: a" in raw.problems[0], "row 2 (line 3) has 2 cells" in raw.problems[1]] == [True, True]


def test_only_finite_numbers_are_numbers() -> None:
    """What Python would read as a number and a foundry would not write is text; an empty cell is neither."""
    cells = ["1", "-2.5", "1e3", "", "nan", "inf", "1_000", "1e400", "n/a"]
    numbers, not_numbers = as_numbers(cells)
    np.testing.assert_array_equal(numbers, [1, -2.5, 1000, *[np.nan] * 6])
    assert not_numbers.tolist() == [False] * 4 + [True] * 5
    assert not as_numbers(["1", ""])[1].any()


def test_a_category_is_the_same_with_and_without_a_decimal() -> None:
    """1.0 is 1, which a spreadsheet makes of it; a code with a leading zero stays itself."""
    assert [canonical(text) for text in ("1.0", "1.", "1", "1.50", "01", "가.0", "10")] == [
        "1", "1", "1", "1.5", "01", "가.0", "10"]
