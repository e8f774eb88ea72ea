"""The report of an evaluation: one HTML file that needs nothing else, to read on a screen or on paper.

    file name, sha256 → audit → how to read it → per protocol: definition, warnings, figures, differences, curves

Tables come from `results`, curves from the held-out shots themselves; both are drawn of the same folds.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import precision_recall_curve, roc_curve

from shotwise_training.audit.audit import Audit, audit_file
from shotwise_training.audit.text import audit_text
from shotwise_training.data.protocol import DELAY
from shotwise_training.evaluation.baselines import WINDOW
from shotwise_training.evaluation.evaluate import COMPARED, Evaluation
from shotwise_training.evaluation.figures_text import COLUMNS
from shotwise_training.metrics import BINS, Held

OURS = "shotwise"
KNOW_NO_VALUES = ("run-rate", "late-rate")
NO_TRANSFER = "No model here is shown to transfer to a run that it has not seen."
TELLS_THE_RUN = "the values tell the run, not the shot"
CHANCE = 0.5
MIN_KEPT = 0.05  # part of the shots below which an error rate is too few shots to draw
MAX_POINTS = 400  # of a risk–coverage curve
STYLES: Mapping[str, Mapping[str, Any]] = {
    OURS: {"color": "#1f4e9c", "linewidth": 2.0}, "poc_baseline": {"color": "#c2571a", "linestyle": "-."},
    "run-rate": {"color": "#666666", "linestyle": "--"}, "late-rate": {"color": "#2e7d4f", "linestyle": ":"}}
CSS = """
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: #1a1a1a; background: #fff;
       max-width: 68rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; } h2 { margin: 2.6rem 0 .4rem; font-size: 1.25rem; }
h3 { margin: 1.4rem 0 .3rem; font-size: 1rem; } p, ul { max-width: 48rem; } li { overflow-wrap: anywhere; }
code { font-size: .85em; overflow-wrap: anywhere; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem .3rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid #ddd; }
th:first-child { text-align: left; } thead th { border-bottom: 1px solid #555; font-weight: 600; }
tbody th { font-weight: 400; } .ours > * { font-weight: 600; background: #eef3fb; }
.interval { display: block; font-size: .82em; font-weight: 400; color: #555; white-space: nowrap; }
.warning { border-left: 4px solid #b3261e; padding: .35rem .8rem; background: #fdf1f0; font-weight: 600; }
img { display: block; width: 100%; margin: .8rem 0; }
@page { size: A4 landscape; margin: 14mm; }
@media print { body { font-size: 10pt; margin: 0; max-width: none; padding: 0; } h2, h3 { break-after: avoid; }
  h2:nth-of-type(n+3) { break-before: page; } .wide, img, .warning { break-inside: avoid; }
  .wide { overflow: visible; }
  .ours > *, .warning { print-color-adjust: exact; } }
"""


def write_report(path: Path, data: Path, schema: Path, evaluation: Evaluation, found: Mapping[str, Any]) -> None:
    """Write the report of `evaluation`, whose results are `found`, on the table `data` to `path`. The file is written
    aside and renamed, so that a half-written report is never found there."""
    audit = audit_file(data, schema_path=schema)
    protocols = [line for protocol in found["protocols"] for line in _protocol(protocol, evaluation, found)]
    text = "\n".join([*_opening(audit), *_reading(), *protocols, "</body>", "</html>", ""])
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    aside.write_text(text, "utf-8", errors="replace")
    aside.replace(path)


def _opening(audit: Audit) -> Iterator[str]:
    title = escape(f"Shotwise: evaluation on {audit.file}")
    yield f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>'
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{CSS}</style>\n</head>\n<body>'
    yield f"<h1>{title}</h1>\n<p>sha256 of the file: <code>{escape(audit.sha256)}</code></p>"
    head, *lines = audit_text(audit).split("\n")
    yield f"<h2>Audit of the table</h2>\n<p>{escape(head)}</p>\n<ul>"
    yield from (f"<li>{escape(line.removeprefix('- '))}</li>" for line in lines)
    yield "</ul>"


def _reading() -> Iterator[str]:
    yield "<h2>How to read the figures</h2>\n<ul>"
    yield "<li>Under each figure stands its 95 % bootstrap interval over shots. Differences are paired: same resamples."
    yield "<li><b>run-rate</b> is no model: every shot gets the defect rate that its run has in the training part."
    yield (f"<li><b>late-rate</b> is no model either: the defect rate of the {WINDOW} latest inspected shots of the "
           f"run, known {DELAY} shots late.")
    yield ("<li><b>within-run</b> is the ROC-AUC inside each run, weighted by its shots. 0.5 is chance: a model there "
           "knows which run a shot is from, and nothing else of the shot.\n</ul>")


def _protocol(protocol: str, evaluation: Evaluation, found: Mapping[str, Any]) -> Iterator[str]:
    rows = {name: by[protocol] for name, by in found["configurations"].items() if protocol in by}
    yield f"<h2>{escape(protocol)}</h2>\n<p>{escape(found['protocols'][protocol])}.</p>"
    yield from (f'<p class="warning">{escape(text)}</p>' for text in _warnings(protocol, rows))
    yield from _figures(rows)
    yield from _differences(found["differences"].get(protocol, {}))
    yield from _types(found["types"].get(protocol, {}))
    yield from _doubt(protocol, found)
    yield from _curves(protocol, evaluation, found)


def _warnings(protocol: str, rows: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must not miss. Rates that know no values are at chance inside a run by their construction."""
    if protocol == "new-run":
        yield NO_TRANSFER
    lows = {name: figures["interval"]["within_run_roc_auc"][0] for name, figures in rows.items()
            if name not in KNOW_NO_VALUES}
    blind = [name for name, low in lows.items() if low is not None and low <= CHANCE]
    if blind:
        yield f"The within-run interval is not above {CHANCE} for {', '.join(blind)}: {TELLS_THE_RUN}."


def _figures(rows: Mapping[str, Any]) -> Iterator[str]:
    """Every configuration and contender, ours first."""
    yield from _table(
        ["who", *COLUMNS.values(), "shots", "defective"],
        ((name, [*(_figure(figures[key], figures["interval"][key]) for key in COLUMNS),
                 str(figures["n"]), str(figures["positives"])])
         for name, figures in sorted(rows.items(), key=lambda row: row[0] != OURS)))


def _differences(by: Mapping[str, Any]) -> Iterator[str]:
    """Ours minus each other one, in numbers and in words."""
    if by:
        yield f"<h3>{OURS} minus each other one</h3>"
        columns = [text for figure in COMPARED for text in (COLUMNS[figure], f"so {OURS} is")]
        yield from _table(["other", *columns], (
            (name, [cell for figure in COMPARED for cell in (
                _figure(found[figure]["difference"], found[figure]["interval"], sign="+"),
                f'<span class="verdict">{verdict(found[figure]["interval"])}</span>')])
            for name, found in by.items()))


def verdict(interval: list[float | None]) -> str:
    """What a paired difference says of us; it says something where the interval excludes 0."""
    low, high = interval
    if low is None or high is None:
        return "not measurable"
    return "better" if low > 0 else "worse" if high < 0 else "no difference shown"


def _types(found: Mapping[str, Any]) -> Iterator[str]:
    """Each defect type's ROC-AUC beside what the product type's past shares alone would give."""
    if found:
        yield "<h3>Defect types</h3>"
        yield from _table(["type", "ROC-AUC", "by past shares", "difference", "so the model is", "shots"], (
            (name, [*(_figure(one[key]["roc_auc"], one[key]["interval"]) for key in ("ours", "by_share")),
                    _figure(one["difference"]["difference"], one["difference"]["interval"], sign="+"),
                    f'<span class="verdict">{verdict(one["difference"]["interval"])}</span>', str(one["examples"])])
            for name, one in found.items()))


def _doubt(protocol: str, found: Mapping[str, Any]) -> Iterator[str]:
    """What each configuration leaves to a person, what that saves, and what it flags as unlike."""
    rows = {name: by[protocol] for name, by in found["abstention"].items() if protocol in by}
    if rows:
        yield "<h3>Shots left to a person, and shots flagged as unlike the training shots</h3>"
        yield from _table(["who", "left to a person", "error of all calls", "error on the rest", "difference",
                           "flagged as unlike"], (
            (name, [*_risk_cells(risk), f"{found['novelty'][name][protocol]:.1%}"]) for name, risk in rows.items()))


def _risk_cells(risk: Mapping[str, Any]) -> list[str]:
    shared, rest = [f"{risk['inspected']:.1%}", f"{risk['error']:.3f}"], risk["error_of_rest"]
    if rest is None:  # nothing, or hardly anything, is left to the model
        return [*shared, "–", "–"]
    return [*shared, f"{rest:.3f}", _figure(rest - risk["error"], risk["difference_interval"], sign="+")]


def _table(columns: Iterable[str], rows: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """A table whose cells are HTML already, and whose columns and row names are not."""
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    yield f'<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>'
    for name, cells in rows:
        ours = ' class="ours"' if name == OURS else ""
        yield f'<tr{ours}><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    yield "</tbody>\n</table></div>"


def _figure(value: float | None, interval: list[float | None], sign: str = "") -> str:
    low, high = interval
    if value is None or low is None or high is None:
        return "–"
    return f'{value:{sign}.3f} <span class="interval">{low:{sign}.3f} to {high:{sign}.3f}</span>'


def _curves(protocol: str, evaluation: Evaluation, found: Mapping[str, Any]) -> Iterator[str]:
    """The configurations and the rates, in one row of panels."""
    held = {name: by[protocol] for name, by in evaluation.held.items()
            if protocol in by and (name in evaluation.scored or name in KNOW_NO_VALUES)}
    if any(one.defect.all() or not one.defect.any() for one in held.values()):
        yield "<p>No curves: the held-out shots are all of one class.</p>"
        return
    used = {name: by[protocol] for name, by in found["abstention"].items() if protocol in by}
    figure = Figure(figsize=(12, 3.6) if used else (9, 3.6), layout="constrained")
    panels = figure.subplots(1, 4 if used else 3)
    _frame(panels[0], "ROC", "good shots called defective", "defects called")
    _frame(panels[1], "Precision–recall", "recall", "precision")
    _frame(panels[2], f"Calibration, {BINS} equal-count bins", "mean probability", "defect rate")
    for name, shots in held.items():
        _draw(panels, name, shots)
    for panel in (panels[0], panels[2]):
        panel.plot((0, 1), (0, 1), color="#bbbbbb", linewidth=0.8, zorder=0)
    if used:
        _draw_risk(panels[3], {name: held[name] for name in used}, used)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(held), frameon=False)
    what = "ROC, precision–recall, calibration" + (" and risk–coverage" if used else "")
    alternative = escape(f"{what} of {', '.join(held)} under {protocol}")
    yield f'<img alt="{alternative}" src="{_embedded(figure)}">'


def _frame(panel: Axes, title: str, x: str, y: str) -> None:
    panel.set(title=title, xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.01))
    panel.title.set_fontsize(10)
    panel.spines[["top", "right"]].set_visible(False)


def _draw(panels: NDArray[Any], name: str, held: Held) -> None:
    style = STYLES.get(name, {})
    false, true, _ = roc_curve(held.defect, held.probability)
    panels[0].plot(false, true, label=name, **style)
    precision, recall, _ = precision_recall_curve(held.defect, held.probability, drop_intermediate=True)
    panels[1].plot(recall, precision, drawstyle="steps-post", **style)
    panels[2].plot(*calibration(held), marker=".", **style)


def calibration(held: Held) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(mean probability, defect rate) of BINS bins of equally many shots, the bins of the calibration error."""
    order = np.argsort(held.probability, kind="stable")
    bins = [rows for rows in np.split(order, np.linspace(0, len(order), BINS + 1).astype(int)[1:-1]) if len(rows)]
    return (np.array([held.probability[rows].mean() for rows in bins]),
            np.array([held.defect[rows].mean() for rows in bins]))


def risk(held: Held) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(part of the shots kept, error of the calls on them), the shots nearest to the decision left out first.

    Every training part chose a threshold of its own, so nearness is a shot's rank from the boundary on its side of it;
    shots of one rank enter together.
    """
    away = np.empty(len(held.called))
    away[held.called] = rankdata(held.probability[held.called])
    away[~held.called] = rankdata(-held.probability[~held.called])
    order = np.argsort(-away, kind="stable")
    last = np.flatnonzero(np.diff(away[order], append=0.0))
    wrong = np.cumsum((held.called != held.defect)[order])[last]
    return (last + 1) / len(order), wrong / (last + 1)


def _draw_risk(panel: Axes, held: Mapping[str, Held], used: Mapping[str, Any]) -> None:
    """The curves, and on each the part that the bundle's own limits leave to a person."""
    _frame(panel, "Risk–coverage (dot: as used)", "part of the shots kept", "error of the calls kept")
    highest = 0.0
    for name, shots in held.items():
        kept, error = risk(shots)
        shown = np.flatnonzero(kept >= MIN_KEPT)
        shown = shown[np.unique(np.linspace(0, len(shown) - 1, MAX_POINTS).astype(int))]
        style = STYLES.get(name, {})
        panel.plot(kept[shown], error[shown], **style)
        as_used = used[name]["error_of_rest"] or 0.0
        if used[name]["inspected"] < 1:
            panel.plot(1 - used[name]["inspected"], as_used, marker="o", color=style.get("color"))
        highest = max(highest, as_used, error[shown].max())
    panel.set_ylim(0, highest * 1.15 or 1)


def _embedded(figure: Figure) -> str:
    """The figure as a data URI; equal figures give equal bytes."""
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": OURS}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()
