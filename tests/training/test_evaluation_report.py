"""The report: what it holds, in which order, and that a file's name or contents cannot break it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from tables import foundry, write_csv

from shotwise_training.data.protocol import PROTOCOLS
from shotwise_training.evaluation.curves import calibration_curve, risk_coverage_curve
from shotwise_training.evaluation.evaluate import Evaluation, ServedPredictions
from shotwise_training.evaluation.report import NO_TRANSFER, TELLS_THE_RUN, verdict, write_report
from shotwise_training.evaluation.summary import summarise
from shotwise_training.metrics import FIGURES, Predictions, resamples

SCHEMA = """[table]
run = "샷번호"
[label]
column = "판정"
defect = ["불량"]
[features]
"주조압력(MPa)" = {}
"""
HOSTILE = '<img src="http:x" onerror=alert(1)>&amp;.csv'
SHOTS = 300


class Page(HTMLParser):
    """A page's tables as rows of cells, its headings, text, warnings and whatever it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.headings: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag in ("h1", "h2"):
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        elif {"h1", "h2"} & set(self.open):
            self.headings[-1] += data


def held(seed: int, tells: float = 1.0) -> Predictions:
    """Shots of 3 runs; `tells` how far the probability knows the shot itself, beside its run."""
    random = np.random.default_rng(seed)
    run = np.repeat(np.arange(3), SHOTS // 3)
    defect = np.random.default_rng(0).random(SHOTS) < np.array([0.1, 0.3, 0.6])[run]
    probability = np.clip(run * 0.2 + 0.3 * tells * defect + 0.1 * random.random(SHOTS), 0, 1)
    return Predictions(probability, probability >= 0.45, defect, run)


def scored(seed: int, tells: float = 1.0) -> ServedPredictions:
    """The same with some shots left to a person and some flagged."""
    shots = held(seed, tells)
    return ServedPredictions(shots, np.abs(shots.probability - 0.45) < 0.1, np.random.default_rng(seed).random(SHOTS) < 0.05)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Two configurations, a contender and the rates under all protocols; under `new-run` no value tells anything."""
    ours = {name: scored(1, name != "new-run") for name in PROTOCOLS if name != "forward-history"}
    baseline = {name: scored(2, 0.5 * (name != "new-run")) for name in ours}
    rates = {name: replace(held(3), probability=held(3).run / 4) for name in PROTOCOLS}
    everyone = {"run-rate": rates, "late-rate": {"forward-history": held(4)}, "extra-trees": {"unique": held(5)},
                "shotwise": {name: one.predictions for name, one in ours.items()},
                "poc_baseline": {name: one.predictions for name, one in baseline.items()}}
    return Evaluation(everyone, {"shotwise": ours, "poc_baseline": baseline},
                      {name: resamples(SHOTS, 50) for name in PROTOCOLS})


@pytest.fixture(scope="module")
def write(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Write the report of a table with this file name, and give its text."""

    def written(name: str = "shots.csv", evaluation: Evaluation = evaluation, found: Any = None) -> str:
        folder = tmp_path_factory.mktemp("report")
        write_csv(folder / name, foundry())
        (folder / "plant.toml").write_text(SCHEMA, "utf-8")
        path = folder / "out/report.html"
        write_report(path, folder / name, folder / "plant.toml", evaluation, found or summarise(evaluation))
        assert [file.name for file in path.parent.iterdir()] == ["report.html"]
        return path.read_text("utf-8")

    return written


@pytest.fixture(scope="module")
def text(write: Callable[..., str]) -> str:
    """The report of a table with a plain name."""
    return write()


def shown(cell: tuple[float, list[float]], sign: str = "") -> str:
    """A figure with its interval as the report words it."""
    value, (low, high) = cell
    return f"{value:{sign}.3f} {low:{sign}.3f} to {high:{sign}.3f}"


def rows_expected(found: dict[str, Any]) -> list[list[str]]:
    """Every row of numbers that `results` gives."""
    expected = [[name, *(shown((one[key], one["interval"][key])) for key in FIGURES), str(one["n"]),
                 str(one["positives"])]
                for name, by in found["configurations"].items() for one in by.values()]
    for by in found["differences"].values():
        expected += [[name, *(text for one in (of["roc_auc"], of["f1"]) for text in (
            shown((one["difference"], one["interval"]), "+"), verdict(one["interval"])))] for name, of in by.items()]
    for name, by in found["abstention"].items():
        expected += [[name, f"{one['inspected']:.1%}", f"{one['error']:.3f}", f"{one['error_of_rest']:.3f}",
                      shown((one["error_of_rest"] - one["error"], one["difference_interval"]), "+"),
                      f"{found['novelty'][name][protocol]:.1%}"] for protocol, one in by.items()]
    return expected


def test_the_report_holds_every_number(evaluation: Evaluation, text: str) -> None:
    """All figures of everyone with intervals, all differences in numbers and words, abstention and novelty; a number
    that is changed is missed."""
    found = summarise(evaluation)
    page = Page(text)
    assert len(rows_expected(found)) > 30 and not [row for row in rows_expected(found) if row not in page.rows]
    assert len([row for row in page.rows if row[0] not in ("who", "other")]) == len(rows_expected(found))
    found["configurations"]["extra-trees"]["unique"]["f1"] += 0.002
    assert len([row for row in rows_expected(found) if row not in page.rows]) == 1


def test_the_file_and_its_audit_come_first(text: str) -> None:
    """Name, sha256, audit, how to read it, then the protocols in their order, each with its definition."""
    page = Page(text)
    assert page.headings == ["Shotwise: evaluation on shots.csv", "Audit of the table", "How to read the figures",
                             *PROTOCOLS]
    assert all(definition in page.text for definition in PROTOCOLS.values())
    marks = [re.search(pattern, page.text) for pattern in ("sha256 of the file: [0-9a-f]{64}", "600 rows", "5 runs by",
                                                           "run-rate is no model", PROTOCOLS["published"])]
    places = [mark.start() for mark in marks if mark]
    assert len(places) == 5 and places == sorted(places)


def test_what_a_reader_must_not_miss_is_said_where_it_holds(evaluation: Evaluation, text: str,
                                                               write: Callable[..., str]) -> None:
    """The warning on new runs there alone; that the values tell the run where no model is above chance inside one, and
    never because of a rate, which is at chance by construction."""
    parts = re.split("<h2>", text)
    said = {part.split("</h2>")[0]: (NO_TRANSFER in part, TELLS_THE_RUN in part) for part in parts[3:]}
    assert said == {name: (name == "new-run",) * 2 for name in PROTOCOLS}
    assert "for shotwise, poc_baseline: " + TELLS_THE_RUN in parts[-1]
    less = Evaluation(evaluation.predictions, evaluation.served, {"unique": evaluation.weights["unique"]})
    found = summarise(evaluation)
    found["protocols"] = {"unique": found["protocols"]["unique"]}
    assert NO_TRANSFER not in write(evaluation=less, found=found)


def test_a_hostile_file_name_is_text(text: str, write: Callable[..., str]) -> None:
    """Markup in a name is shown and not obeyed; the name that the page shows is the file's."""
    page, plain = Page(write(HOSTILE)), Page(text)
    assert page.headings[0] == f"Shotwise: evaluation on {HOSTILE}" and page.tags == plain.tags


def test_the_check_sees_what_is_obeyed(text: str) -> None:
    """The same name unescaped changes the tags and loads something."""
    page = Page(text.replace("<h1>Shotwise", f"<h1>{HOSTILE}"))
    assert page.tags != Page(text).tags and "http:x" in page.loads


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    """No script, no style sheet, no link; the pictures are in the file and refer to nothing outside themselves."""
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "a"} & set(page.tags) and "url(" not in text
    assert "@import" not in text and "://" not in text
    pictures = [place.removeprefix("data:image/svg+xml;base64,") for place in page.loads]
    assert len(pictures) == len(PROTOCOLS) and page.tags.count("img") == len(pictures)
    for picture in pictures:
        assert all(place.startswith("#") for place in re.findall(r'href="([^"]*)"', base64.b64decode(picture).decode()))


def test_equal_evaluations_give_equal_reports(text: str, write: Callable[..., str]) -> None:
    """No date, no random name: two reports can be compared byte by byte."""
    assert write() == text


def test_our_row_is_emphasised_and_comes_first(text: str) -> None:
    """In each table of figures that has it."""
    tables = re.findall("<tbody>\n(.*?)</tbody>", text, re.DOTALL)
    assert sum(table.startswith('<tr class="ours"><th scope="row">shotwise<') for table in tables) == 8


def test_shots_of_one_class_have_no_curves(evaluation: Evaluation, write: Callable[..., str]) -> None:
    """Figures that do not exist are dashes, and it is said why there is no picture."""
    good = {name: {"unique": replace(by["unique"], defect=np.zeros(SHOTS, bool))}
            for name, by in evaluation.predictions.items() if "unique" in by}
    one = Evaluation(good, {}, {"unique": evaluation.weights["unique"]})
    page = Page(write(evaluation=one))
    assert "all of one class" in page.text and "img" not in page.tags
    assert next(row for row in page.rows if row[0] == "shotwise")[4:7] == ["–"] * 3
    assert [row[1:3] for row in page.rows if row[0] == "run-rate"][-1] == ["–", "not measurable"]


@pytest.mark.parametrize(("interval", "said"), [
    ([0.01, 0.2], "better"), ([-0.2, -0.01], "worse"), ([-0.1, 0.1], "no difference shown"),
    ([0.0, 0.1], "no difference shown"), ([-0.1, 0.0], "no difference shown"), ([None, None], "not measurable")])
def test_a_difference_in_words(interval: list[float | None], said: str) -> None:
    """Better or worse only where the interval excludes 0."""
    assert verdict(interval) == said


def test_the_shots_nearest_to_the_decision_are_left_out_first() -> None:
    """Worked by hand: each side is left from its boundary outwards, ties together; the last point is all shots."""
    shots = Predictions(np.array([0.1, 0.2, 0.2, 0.4, 0.6, 0.9]), np.array([0, 0, 0, 0, 1, 1], bool),
                 np.array([0, 0, 1, 1, 0, 1], bool), np.zeros(6, int))
    kept, error = risk_coverage_curve(shots)  # ranks from the boundary: 4, 2.5, 2.5, 1 and 1, 2
    assert kept * 6 == pytest.approx([1, 3, 4, 6]) and error == pytest.approx([0, 1 / 3, 1 / 4, 3 / 6])
    mixed = held(6)
    assert risk_coverage_curve(mixed)[0][-1] == 1 and risk_coverage_curve(mixed)[1][-1] == np.mean(mixed.predicted != mixed.defect)
    turned = replace(shots, defect=np.roll(shots.defect, 3))  # the wrong calls are others, and as many
    assert risk_coverage_curve(turned)[1][:-1].tolist() != error[:-1].tolist()


def test_the_calibration_curve_is_what_the_calibration_error_measures() -> None:
    """Over bins of equal size the mean distance from the diagonal is the error itself."""
    shots = held(7)
    stated, seen = calibration_curve(shots)
    assert len(stated) == 10 and (np.diff(stated) >= 0).all()
    assert np.abs(stated - seen).mean() == pytest.approx(FIGURES["ece"](shots, np.ones((1, SHOTS)))[0])
    assert len(calibration_curve(replace(shots, probability=shots.probability[:4], defect=shots.defect[:4]))[0]) == 4
