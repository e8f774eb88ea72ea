"""The report holds every number in order, and neither a file's name nor its contents can break it."""

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
from shotwise_training.evaluation.report import NO_TRANSFER, TELLS_THE_RUN, is_report, verdict, write_report
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
        self.open_tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, what it would load, and where a row, a cell or a heading begins."""
        self.tags.append(tag)
        self.open_tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag in ("h1", "h2"):
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        """Close the tag and whatever was left open in it."""
        while self.open_tags and self.open_tags.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Add text to the page, and to the cell or heading that is open."""
        self.text += data
        if {"td", "th"} & set(self.open_tags):
            self.rows[-1][-1] += data
        elif {"h1", "h2"} & set(self.open_tags):
            self.headings[-1] += data


def made_up(seed: int, tells: float = 1.0) -> Predictions:
    """Make shots of 3 runs; `tells` is how far the probability knows the shot itself, beside its run."""
    random = np.random.default_rng(seed)
    run = np.repeat(np.arange(3), SHOTS // 3)
    defect = np.random.default_rng(0).random(SHOTS) < np.array([0.1, 0.3, 0.6])[run]
    probability = np.clip(run * 0.2 + 0.3 * tells * defect + 0.1 * random.random(SHOTS), 0, 1)
    return Predictions(probability, probability >= 0.45, defect, run)


def made_up_served(seed: int, tells: float = 1.0) -> ServedPredictions:
    """Make the same shots, with some left to a person and some flagged as novel."""
    shots = made_up(seed, tells)
    inspected = np.abs(shots.probability - 0.45) < 0.1
    return ServedPredictions(shots, inspected, np.random.default_rng(seed).random(SHOTS) < 0.05)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Two configurations, a baseline and the rates under all protocols; under `new-run` no value tells anything."""
    ours = {name: made_up_served(1, name != "new-run") for name in PROTOCOLS if name != "forward-history"}
    baseline = {name: made_up_served(2, 0.5 * (name != "new-run")) for name in ours}
    rates = {name: replace(made_up(3), probability=made_up(3).run / 4) for name in PROTOCOLS}
    everyone = {"run-rate": rates, "late-rate": {"forward-history": made_up(4)}, "extra-trees": {"unique": made_up(5)},
                "shotwise": {name: served.predictions for name, served in ours.items()},
                "poc_baseline": {name: served.predictions for name, served in baseline.items()}}
    return Evaluation(everyone, {"shotwise": ours, "poc_baseline": baseline},
                      {name: resamples(SHOTS, 50) for name in PROTOCOLS})


@pytest.fixture(scope="module")
def write(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Write the report of a table with this file name, and give its text."""

    def written(name: str = "shots.csv", evaluation: Evaluation = evaluation, results: Any = None) -> str:
        folder = tmp_path_factory.mktemp("report")
        write_csv(folder / name, foundry())
        (folder / "plant.toml").write_text(SCHEMA, "utf-8")
        path = folder / "out/report.html"
        write_report(path, folder / name, folder / "plant.toml", evaluation, results or summarise(evaluation))
        assert [file.name for file in path.parent.iterdir()] == ["report.html"] and is_report(path)
        return path.read_text("utf-8")

    return written


@pytest.fixture(scope="module")
def text(write: Callable[..., str]) -> str:
    """The report of a table with a plain name."""
    return write()


def cell_text(value: float, interval: list[float], sign: str = "") -> str:
    """Write a figure with its interval as the report does."""
    low, high = interval
    return f"{value:{sign}.3f} {low:{sign}.3f} to {high:{sign}.3f}"


def difference_cells(difference: dict[str, Any]) -> list[str]:
    """Write a paired difference in numbers and in words, as the report does."""
    return [cell_text(difference["difference"], difference["interval"], "+"), verdict(difference["interval"])]


def expected_rows(results: dict[str, Any]) -> list[list[str]]:
    """List every row of numbers that the results give."""
    rows = [[name, *(cell_text(figures[key], figures["interval"][key]) for key in FIGURES), str(figures["n"]),
             str(figures["positives"])]
            for name, by_protocol in results["configurations"].items() for figures in by_protocol.values()]
    for differences in results["differences"].values():
        rows += [[name, *difference_cells(figures["roc_auc"]), *difference_cells(figures["f1"])]
                 for name, figures in differences.items()]
    for name, by_protocol in results["abstention"].items():
        rows += [[name, f"{risk['inspected']:.1%}", f"{risk['error']:.3f}", f"{risk['error_of_rest']:.3f}",
                  cell_text(risk["error_of_rest"] - risk["error"], risk["difference_interval"], "+"),
                  f"{results['novelty'][name][protocol]:.1%}"] for protocol, risk in by_protocol.items()]
    return rows


def test_the_report_holds_every_number(evaluation: Evaluation, text: str) -> None:
    """All figures with intervals, differences in numbers and words, abstention and novelty are in the tables.

    A number that is changed is missed.
    """
    results = summarise(evaluation)
    page = Page(text)
    assert len(expected_rows(results)) > 30 and not [row for row in expected_rows(results) if row not in page.rows]
    assert len([row for row in page.rows if row[0] not in ("who", "other")]) == len(expected_rows(results))
    results["configurations"]["extra-trees"]["unique"]["f1"] += 0.002
    assert len([row for row in expected_rows(results) if row not in page.rows]) == 1


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


def test_warnings_stand_where_they_hold(evaluation: Evaluation, text: str, write: Callable[..., str]) -> None:
    """`new-run` alone has the warning on new runs; a model at chance inside a run is named as telling the run only.

    A rate, which is at chance by construction, never causes that warning.
    """
    parts = re.split("<h2>", text)
    warnings = {part.split("</h2>")[0]: (NO_TRANSFER in part, TELLS_THE_RUN in part) for part in parts[3:]}
    assert warnings == {name: (name == "new-run",) * 2 for name in PROTOCOLS}
    assert "for shotwise, poc_baseline: " + TELLS_THE_RUN in parts[-1]
    unique_only = Evaluation(evaluation.predictions, evaluation.served, {"unique": evaluation.weights["unique"]})
    results = summarise(evaluation)
    results["protocols"] = {"unique": results["protocols"]["unique"]}
    assert NO_TRANSFER not in write(evaluation=unique_only, results=results)


def test_a_hostile_file_name_is_text(text: str, write: Callable[..., str]) -> None:
    """Markup in a name is shown and not obeyed; the name that the page shows is the file's."""
    page, plain = Page(write(HOSTILE)), Page(text)
    assert page.headings[0] == f"Shotwise: evaluation on {HOSTILE}" and page.tags == plain.tags


def test_unescaped_markup_would_be_seen(text: str) -> None:
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
    page = Page(write(evaluation=Evaluation(good, {}, {"unique": evaluation.weights["unique"]})))
    assert "all of one class" in page.text and "img" not in page.tags
    assert next(row for row in page.rows if row[0] == "shotwise")[4:7] == ["–"] * 3
    assert [row[1:3] for row in page.rows if row[0] == "run-rate"][-1] == ["–", "not measurable"]


@pytest.mark.parametrize(("interval", "words"), [
    ([0.01, 0.2], "better"), ([-0.2, -0.01], "worse"), ([-0.1, 0.1], "no difference shown"),
    ([0.0, 0.1], "no difference shown"), ([-0.1, 0.0], "no difference shown"), ([None, None], "not measurable")])
def test_a_difference_in_words(interval: list[float | None], words: str) -> None:
    """Better or worse only where the interval excludes 0."""
    assert verdict(interval) == words


def test_the_shots_nearest_to_the_decision_are_left_out_first() -> None:
    """Worked by hand: each side is left from its boundary outwards, ties together; the last point is all shots."""
    shots = Predictions(np.array([0.1, 0.2, 0.2, 0.4, 0.6, 0.9]), np.array([0, 0, 0, 0, 1, 1], bool),
                 np.array([0, 0, 1, 1, 0, 1], bool), np.zeros(6, int))
    kept, error = risk_coverage_curve(shots)  # ranks from the boundary: 4, 2.5, 2.5, 1 and 1, 2
    assert kept * 6 == pytest.approx([1, 3, 4, 6]) and error == pytest.approx([0, 1 / 3, 1 / 4, 3 / 6])
    mixed = made_up(6)
    kept_of_mixed, error_of_mixed = risk_coverage_curve(mixed)
    assert kept_of_mixed[-1] == 1 and error_of_mixed[-1] == np.mean(mixed.predicted != mixed.defect)
    turned = replace(shots, defect=np.roll(shots.defect, 3))  # the wrong calls are others, and as many
    assert risk_coverage_curve(turned)[1][:-1].tolist() != error[:-1].tolist()


def test_the_calibration_curve_is_what_the_calibration_error_measures() -> None:
    """Over bins of equal size the mean distance from the diagonal is the error itself."""
    shots = made_up(7)
    stated, seen = calibration_curve(shots)
    assert len(stated) == 10 and (np.diff(stated) >= 0).all()
    assert np.abs(stated - seen).mean() == pytest.approx(FIGURES["ece"](shots, np.ones((1, SHOTS)))[0])
    assert len(calibration_curve(replace(shots, probability=shots.probability[:4], defect=shots.defect[:4]))[0]) == 4
