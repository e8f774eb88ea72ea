"""The Korean pages have what the English ones have: sections, commands, and names of files; see docs/tables.ko.toml."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from documentation import ROOT, names

KOREAN_PAGES = sorted((ROOT / "docs").glob("*.ko.md"))


def english(page: Path) -> str:
    """The text of the English page that a Korean one translates."""
    return page.with_name(page.name.replace(".ko.md", ".md")).read_text("utf-8")


def levels(text: str) -> list[int]:
    """The levels of the headings, in order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(text), re.M)]


def without_code(text: str) -> str:
    """The text without its fenced and indented code."""
    return re.sub(r"^```.*?^```$|^    .*$", "", text, flags=re.M | re.S)


def commands(text: str) -> list[str]:
    """The indented lines that name a program of ours or of AWS, without their comments."""
    lines = [re.sub(r"\s+#( |$).*", "", line).strip() for line in text.splitlines() if line.startswith("    ")]
    return [line for line in lines if re.search(r"\b(make|aws|shotwise|sam|python|gh|docker|git)\b", line)]


@pytest.mark.parametrize("page", KOREAN_PAGES, ids=lambda page: page.name)
def test_the_korean_page_has_the_sections_of_the_english_one(page: Path) -> None:
    """Both have headings of the same levels in the same order, and name each other at the top."""
    korean, other = page.read_text("utf-8"), page.name.replace(".ko.md", ".md")
    assert levels(korean) == levels(english(page))
    assert f"[English]({other})" in korean.splitlines()[:4]
    assert f"[한국어]({page.name})" in english(page).splitlines()[:4]


@pytest.mark.parametrize("page", KOREAN_PAGES, ids=lambda page: page.name)
def test_the_korean_page_has_the_commands_of_the_english_one(page: Path) -> None:
    """Both have the same commands in the same order; that they exist is tested of every page."""
    korean = page.read_text("utf-8")
    assert commands(korean) == commands(english(page))


@pytest.mark.parametrize("page", KOREAN_PAGES, ids=lambda page: page.name)
def test_the_korean_page_names_the_files_of_the_english_one(page: Path) -> None:
    """Whatever file, resource or route the English page names is named in the Korean one."""
    korean = page.read_text("utf-8")
    assert Counter(names(english(page))) - Counter(names(korean)) == Counter()
