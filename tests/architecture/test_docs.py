"""The generated tables of the docs are those of today, and no link between the pages is broken."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from documentation import ROOT

from shotwise_tools.docs.__main__ import main
from shotwise_tools.docs.links import anchors, broken_links, targets
from shotwise_tools.docs.models import DocsError
from shotwise_tools.docs.pages import ENGLISH, MARKER, TRANSLATED, fresh_pages, markdown, read_pages, stale_tables
from shotwise_tools.docs.project_tables import decision_row
from shotwise_tools.docs.settings_table import RecordedEnvironment, setting_rows
from shotwise_tools.docs.template_tables import alarm_rows, parameter_rows
from shotwise_tools.docs.texts import Texts, korean_texts

PAGES = read_pages()
TABLES = [(page, name) for page, text in PAGES.items() for kind, name in MARKER.findall(text) if kind == "begin"]
PARAMETER = {"Default": "", "Description": "says what Moon is"}
ALARM = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmDescription": "It failed. Look first: its log."}}


@pytest.fixture(scope="module")
def fresh() -> dict[str, str]:
    """The pages with all tables made anew."""
    return fresh_pages(PAGES)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with pages of its own; everything else is linked."""
    for path in ROOT.iterdir():
        if path.name == "docs":
            shutil.copytree(path, tmp_path / "docs")
        elif path.suffix != ".md":
            (tmp_path / path.name).symlink_to(path)
    for page in PAGES:
        shutil.copy(ROOT / page, tmp_path / page)
    return tmp_path


def test_every_table_is_up_to_date(fresh: dict[str, str]) -> None:
    """`make docs` would write nothing."""
    assert stale_tables(PAGES, fresh) == []


@pytest.mark.parametrize(("page", "name"), TABLES)
def test_a_stale_table_is_found(fresh: dict[str, str], page: str, name: str) -> None:
    """For each table, a changed cell is reported with page and table."""
    begin, table = fresh[page].split(f"<!-- begin {name} -->")
    changed = f"{begin}<!-- begin {name} -->{table.replace(' |', ' moon |', 1)}"
    assert stale_tables({**fresh, page: changed}, fresh) == [f"{page}: {name}"]


def test_the_check_fails_until_the_tables_are_written(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` writes nothing and ends with 1; without it the page is written, and `--check` ends with 0."""
    page = checkout / "docs/aws.md"
    page.write_text(page.read_text("utf-8").replace("| `Index` | `embedded` |", "| `Index` | `moon` |"), "utf-8")
    assert main(["--check"], checkout) == 1 and "docs/aws.md: parameters" in capsys.readouterr().err
    assert main([], checkout) == 0 and capsys.readouterr().out.splitlines()[0] == "docs/aws.md"
    assert main(["--check"], checkout) == 0 and page.read_text("utf-8") == PAGES["docs/aws.md"]


def test_a_broken_link_fails_the_check(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 1 and names page and target."""
    (checkout / "CONTRIBUTING.md").write_text(PAGES["CONTRIBUTING.md"] + "\n[moon](docs/moon.md)\n", "utf-8")
    assert main(["--check"], checkout) == 1 and "CONTRIBUTING.md: docs/moon.md" in capsys.readouterr().err


@pytest.mark.parametrize("change", [
    ("<!-- end alarms -->", ""), ("<!-- begin alarms -->", ""), ("<!-- begin alarms -->", "<!-- begin moons -->"),
    ("<!-- end alarms -->", "<!-- begin alarms -->\n<!-- end alarms -->")])
def test_markers_are_pairs_of_a_name_that_exists(change: tuple[str, str]) -> None:
    """A missing partner, another name and a marker inside of others are refused, with page and name."""
    with pytest.raises(DocsError, match=r"docs/aws\.md: .*(alarms|moons)"):
        fresh_pages({**PAGES, "docs/aws.md": PAGES["docs/aws.md"].replace(*change)})


def test_every_table_has_a_page() -> None:
    """A table whose markers are nowhere is named."""
    pages = {page: re.sub("<!-- (begin|end) commands -->", "", text) for page, text in PAGES.items()}
    with pytest.raises(DocsError, match="markers of commands"):
        fresh_pages(pages)
    assert {name for _, name in TABLES} == {*ENGLISH, *TRANSLATED}


def test_a_korean_page_has_the_tables_of_the_english_one() -> None:
    """Their markers are the same, in the same order."""
    korean = [page for page in PAGES if page.endswith(".ko.md")]
    assert korean
    for page in korean:
        assert MARKER.findall(PAGES[page]) == MARKER.findall(PAGES[page.replace(".ko.md", ".md")]), page


def test_a_missing_and_an_unused_translation_are_named() -> None:
    """A key without Korean, and Korean for a key that no table has."""
    texts = Texts({"parameters": {"Index": "색인"}, "alarms": {"Moon": {"means": "달", "first": "하늘"}}})
    assert texts("index", "parameters", "Index") == "색인" and texts("writer", "parameters", "Writer") == "writer"
    assert texts.faults() == ["has no parameters.Writer", "has alarms.Moon.first, which no table uses",
                              "has alarms.Moon.means, which no table uses"]
    assert Texts()("index", "parameters", "Index") == "index" and Texts().faults() == []


def test_a_name_with_two_translations_is_refused(tmp_path: Path) -> None:
    """TOML allows a key once; the message names the file and the line."""
    (tmp_path / "ko.toml").write_text('Index = "색인"\nIndex = "목차"\n', "utf-8")
    with pytest.raises(DocsError, match=r"ko\.toml: .*line 2"):
        korean_texts(tmp_path / "ko.toml")


def test_a_cell_may_hold_a_bar_and_a_heading_fills_its_row() -> None:
    """A bar in a cell is escaped, once; a row of one cell gets empty ones."""
    assert markdown([["a", "b"], ["**c**"], ["x | y", r"x \| y"]]).splitlines() == [
        "| a | b |", "|---|---|", "| **c** | |", r"| x \| y | x \| y |"]


@pytest.mark.parametrize(("parameter", "groups", "reason"), [
    ({"Default": ""}, [["Moon"]], "no Description"), (PARAMETER, [[]], "Moon"),
    (PARAMETER, [["Moon"], ["Moon"]], "Moon"), (PARAMETER, [["Moon", "Sun"]], "Sun")])
def test_a_parameter_is_described_and_in_one_group(parameter: dict[str, str], groups: list[list[str]],
                                                   reason: str) -> None:
    """No description, no group, two groups, and a name in a group that is no parameter are refused."""
    with pytest.raises(DocsError, match=reason):
        parameter_rows(template(parameter, groups), {}, Texts())


def template(parameter: dict[str, str], groups: list[list[str]]) -> dict[str, Any]:
    """A template with the parameter Moon, in groups."""
    listed = [{"Label": {"default": "Sky"}, "Parameters": names} for names in groups]
    return {"Parameters": {"Moon": parameter},
            "Metadata": {"AWS::CloudFormation::Interface": {"ParameterGroups": listed}}}


def test_a_parameter_has_its_default_and_what_scenarios_set() -> None:
    """An empty default is said in words; names of parameters become code."""
    rows = parameter_rows(template(PARAMETER, [["Moon"]]), {"dev": {"Moon": "full"}, "prod": {}}, Texts())
    assert rows[1:] == [["**Sky**"], ["`Moon`", "empty", "`dev=full`", "says what `Moon` is"]]


def test_an_alarm_says_where_to_look_first() -> None:
    """The description is divided into what it means and where to look; without the second it is refused."""
    assert alarm_rows({"Moon": ALARM, "Topic": {"Type": "AWS::SNS::Topic"}}, Texts())[1:] == [
        ["`Moon`", "It failed", "its log"]]
    with pytest.raises(DocsError, match="Moon"):
        alarm_rows({"Moon": {**ALARM, "Properties": {"AlarmDescription": "It failed."}}}, Texts())


def test_the_described_settings_are_those_that_the_code_reads() -> None:
    """A setting without a meaning, and a meaning without a setting, are refused; defaults come from the code."""
    environment = RecordedEnvironment()
    assert environment.get("SHOTWISE_MOON", "full") == "full"
    rows = setting_rows({"Sky": {"SHOTWISE_MOON": "how it looks"}}, environment.defaults, {}, Texts())
    assert rows[1:] == [["**Sky**"], ["`SHOTWISE_MOON`", "`full`", "none", "how it looks"]]
    with pytest.raises(DocsError, match="has no SHOTWISE_MOON, which the code reads"):
        setting_rows({"Sky": {}}, environment.defaults, {}, Texts())
    with pytest.raises(DocsError, match="has SHOTWISE_SUN, which nothing reads"):
        setting_rows({"Sky": {"SHOTWISE_MOON": "", "SHOTWISE_SUN": ""}}, environment.defaults, {}, Texts())


def test_every_setting_that_a_file_names_is_described() -> None:
    """What looks like a setting in the code of the functions and of the page is in the table."""
    files = [*(ROOT / "src/shotwise").rglob("*.py"), *(ROOT / "functions").rglob("*.py"),
             *(ROOT / "frontend").rglob("*.py")]
    named = {name for path in files
             for name in re.findall(r'"((?:SHOTWISE|OPENSEARCH)_[A-Z_]+)"', path.read_text("utf-8"))}
    assert named and not [name for name in named if f"| `{name}` |" not in PAGES["docs/operations.md"]]


@pytest.mark.parametrize("head", [
    "# 0099 Title\n\n2026-12-01\n\nText.\n\n", "# 0099 Title\n\n2026-12-01\n\nStatus: maybe\n\n",
    "# 0099 Title\n\n2026-12-01. Replaced.\n\nStatus: accepted\n\n", "# Title\n\n2026-12-01\n\nStatus: accepted\n\n",
    "# 0099 Title\n\n2026-12-01\n\nStatus: superseded by 0100\n\n"])
def test_a_decision_begins_with_number_date_and_status(head: str) -> None:
    """No status, another one, and one that links nothing are refused with the file's name."""
    with pytest.raises(DocsError, match=r"0099-title\.md"):
        decision_row("0099-title.md", head)


def test_the_status_of_a_decision_may_take_two_lines() -> None:
    """They are joined in the index."""
    text = "# 0099 Title\n\n2026-12-01\n\nStatus: superseded in part by\n[0100](0100-b.md): the b.\n\nText.\n"
    with pytest.raises(DocsError):
        decision_row("0099-title.md", text)
    assert decision_row("0099-title.md", text.replace("by\n[0100](0100-b.md): the", "by [0100](0100-b.md): the\n")) == [
        "[0099](0099-title.md)", "Title", "2026-12-01", "superseded in part by [0100](0100-b.md): the b."]


def test_every_link_leads_somewhere(fresh: dict[str, str]) -> None:
    """To an existing file, and to a heading in it."""
    assert broken_links(fresh) == []
    assert any("#" in target for target in targets(fresh["docs/aws.md"]))


@pytest.mark.parametrize("link", [
    "[a](moon.md)", "[a](#moon)", "[a](../README.md#moon)", "![a](images/moon.png)", "[two\nlines](moon.md)",
    "[a](aws.ko.md#달)", '[a](moon.md "title")', '<img src="images/moon.png">', "[a](../api/openapi.yaml#moon)"])
def test_a_broken_link_is_found(link: str) -> None:
    """A file, heading or picture that does not exist, also over two lines and in HTML."""
    assert len(broken_links({"docs/sky.md": f"# Sky\n\nSee {link}.\n"})) == 1


@pytest.mark.parametrize("link", [
    "[a](#로컬-스택)", "[a](#%EB%A1%9C%EC%BB%AC-%EC%8A%A4%ED%83%9D)", "[a](https://example.com/x)", "`[a](moon.md)`",
    "[a](decisions/README.md)", "[a](decisions)", "[a](mailto:a@example.com)", "\n\n```\n[a](moon.md)\n```\n"])
def test_other_links_are_let_through(link: str) -> None:
    """Korean headings, written or encoded, folders, other sites, and what is code."""
    assert broken_links({"docs/sky.md": f"# 로컬 스택\n\nSee {link}\n"}) == []


@pytest.mark.parametrize(("heading", "anchor"), [
    ("Document B's checklist", "document-bs-checklist"), ("`a_b` & c", "a_b--c"), ("문서와 답", "문서와-답"),
    ("API, 그리고 화면", "api-그리고-화면"), ("[Text](a.md) here", "text-here"), ("What? (1.5 s)", "what-15-s")])
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    """Small letters, no punctuation, hyphens for spaces; a repeated heading is numbered; code has none."""
    assert anchors(f"# {heading}\n\ntext\n\n## {heading}\n\n```\n# comment\n```\n") == {anchor, f"{anchor}-1"}
    assert anchors('<a id="settings"></a>\n\n## 설정\n') == {"settings", "설정"}


def test_a_table_that_stands_twice_on_a_page_is_refused(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody wrote between such markers would be replaced."""
    text = PAGES["docs/api.md"] + "\n<!-- begin routes -->\nmine\n<!-- end routes -->\n"
    (checkout / "docs/api.md").write_text(text, "utf-8")
    assert main([], checkout) == 2 and "routes stand there twice" in capsys.readouterr().err
    assert (checkout / "docs/api.md").read_text("utf-8") == text
