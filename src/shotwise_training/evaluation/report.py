"""Write the report of an evaluation: one self-contained HTML file, to read on a screen or on paper.

Order: file name and sha256 → audit → how to read the figures → for each protocol its definition, warnings, figures,
differences, defect types, abstention and curves. Tables come from the results, curves from the predictions that the
results were computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from shotwise.atomic import SHARED, replace_file
from shotwise_training.audit.audit import audit_file
from shotwise_training.audit.findings import Audit
from shotwise_training.audit.text import audit_text
from shotwise_training.data.protocol import DELAY
from shotwise_training.evaluation.baselines import WINDOW
from shotwise_training.evaluation.curves import draw_curves
from shotwise_training.evaluation.evaluate import Evaluation
from shotwise_training.evaluation.figures_text import COLUMNS
from shotwise_training.evaluation.summary import COMPARED

OURS = "shotwise"
RATES = ("run-rate", "late-rate")  # baselines that ignore the values
NO_TRANSFER = "No model here is shown to transfer to a run that it has not seen."
TELLS_THE_RUN = "the values tell the run, not the shot"
CHANCE = 0.5
HEAD, TITLE = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>', "Shotwise: evaluation on "
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


def write_report(path: Path, table_path: Path, schema: Path, evaluation: Evaluation,
                 results: Mapping[str, Any]) -> None:
    """Write the report of an evaluation.

    Parameters
    ----------
    path : Path
        The HTML file; an earlier one is replaced.
    table_path : Path
        The CSV file that was evaluated.
    schema : Path
        The schema of the CSV file.
    evaluation : Evaluation
        Predictions for the test shots.
    results : mapping
        What `summarise` computed from the evaluation.
    """
    audit = audit_file(table_path, schema_path=schema)
    protocols = [line for protocol in results["protocols"] for line in _protocol(protocol, evaluation, results)]
    text = "\n".join([*_opening(audit), *_how_to_read(), *protocols, "</body>", "</html>", ""])
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: file.write(text.encode("utf-8", "replace")), mode=SHARED)


def is_report(path: Path) -> bool:
    """Whether a file is a report that `write_report` wrote."""
    beginning = f"{HEAD}{TITLE}".encode()
    with path.open("rb") as file:
        return file.read(len(beginning)) == beginning


def _opening(audit: Audit) -> Iterator[str]:
    title = f"{TITLE}{escape(audit.file)}"
    yield f"{HEAD}{title}</title>"
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{CSS}</style>\n</head>\n<body>'
    yield f"<h1>{title}</h1>\n<p>sha256 of the file: <code>{escape(audit.sha256)}</code></p>"
    head, *lines = audit_text(audit).split("\n")
    yield f"<h2>Audit of the table</h2>\n<p>{escape(head)}</p>\n<ul>"
    yield from (f"<li>{escape(line.removeprefix('- '))}</li>" for line in lines)
    yield "</ul>"


def _how_to_read() -> Iterator[str]:
    yield "<h2>How to read the figures</h2>\n<ul>"
    yield "<li>Under each figure is its 95 % bootstrap interval over shots. Differences are paired: same resamples."
    yield "<li><b>run-rate</b> is no model: every shot gets the defect rate that its run has in the training part."
    yield (f"<li><b>late-rate</b> is no model either: the defect rate of the {WINDOW} latest inspected shots of the "
           f"run, known {DELAY} shots late.")
    yield ("<li><b>within-run</b> is the ROC-AUC inside each run, weighted by its shots. 0.5 is chance: a model there "
           "knows which run a shot is from, and nothing else about it.\n</ul>")


def _protocol(protocol: str, evaluation: Evaluation, results: Mapping[str, Any]) -> Iterator[str]:
    rows = {name: by_protocol[protocol] for name, by_protocol in results["configurations"].items()
            if protocol in by_protocol}
    abstention = {name: by_protocol[protocol] for name, by_protocol in results["abstention"].items()
                  if protocol in by_protocol}
    yield f"<h2>{escape(protocol)}</h2>\n<p>{escape(results['protocols'][protocol])}.</p>"
    yield from (f'<p class="warning">{escape(text)}</p>' for text in _warnings(protocol, rows))
    yield from _figures(rows)
    yield from _differences(results["differences"].get(protocol, {}))
    yield from _types(results["types"].get(protocol, {}))
    yield from _abstention(abstention, {name: results["novelty"][name][protocol] for name in abstention})
    yield from _curves(protocol, evaluation, abstention)


def _warnings(protocol: str, rows: Mapping[str, Any]) -> Iterator[str]:
    """Warnings above the figures. The rates get none: within a run they are at chance by construction."""
    if protocol == "new-run":
        yield NO_TRANSFER
    lows = {name: figures["interval"]["within_run_roc_auc"][0] for name, figures in rows.items()
            if name not in RATES}
    at_chance = [name for name, low in lows.items() if low is not None and low <= CHANCE]
    if at_chance:
        yield f"The within-run interval is not above {CHANCE} for {', '.join(at_chance)}: {TELLS_THE_RUN}."


def _figures(rows: Mapping[str, Any]) -> Iterator[str]:
    """The figures of every configuration and baseline, ours first."""
    yield from _table(
        ["who", *COLUMNS.values(), "shots", "defective"],
        ((name, [*(_figure(figures[key], figures["interval"][key]) for key in COLUMNS),
                 str(figures["n"]), str(figures["positives"])])
         for name, figures in sorted(rows.items(), key=lambda row: row[0] != OURS)))


def _differences(differences: Mapping[str, Any]) -> Iterator[str]:
    """Our figures minus those of each other model, in numbers and in words."""
    if differences:
        yield f"<h3>{OURS} minus each other model</h3>"
        columns = [text for figure in COMPARED for text in (COLUMNS[figure], f"so {OURS} is")]
        yield from _table(["other", *columns], (
            (name, [cell for figure in COMPARED for cell in (
                _figure(difference[figure]["difference"], difference[figure]["interval"], sign="+"),
                f'<span class="verdict">{verdict(difference[figure]["interval"])}</span>')])
            for name, difference in differences.items()))


def verdict(interval: list[float | None]) -> str:
    """Return in words what a paired difference shows: better or worse only if its interval excludes 0."""
    low, high = interval
    if low is None or high is None:
        return "not measurable"
    return "better" if low > 0 else "worse" if high < 0 else "no difference shown"


def _types(types: Mapping[str, Any]) -> Iterator[str]:
    """The ROC-AUC of each defect type, beside that of the product type's past shares."""
    if types:
        yield "<h3>Defect types</h3>"
        yield from _table(["type", "ROC-AUC", "by past shares", "difference", "so the model is", "shots"], (
            (name, [*(_figure(figures[key]["roc_auc"], figures[key]["interval"]) for key in ("ours", "by_share")),
                    _figure(figures["difference"]["difference"], figures["difference"]["interval"], sign="+"),
                    f'<span class="verdict">{verdict(figures["difference"]["interval"])}</span>',
                    str(figures["examples"])])
            for name, figures in types.items()))


def _abstention(abstention: Mapping[str, Any], novelty: Mapping[str, float]) -> Iterator[str]:
    """How many shots each configuration leaves to a person, how that changes the error, and how many are novel."""
    if abstention:
        yield "<h3>Shots left to a person, and shots flagged as unlike the training shots</h3>"
        yield from _table(["who", "left to a person", "error of all calls", "error on the rest", "difference",
                           "flagged as unlike"], (
            (name, [*_risk_cells(risk), f"{novelty[name]:.1%}"]) for name, risk in abstention.items()))


def _risk_cells(risk: Mapping[str, Any]) -> list[str]:
    shares, error_of_rest = [f"{risk['inspected']:.1%}", f"{risk['error']:.3f}"], risk["error_of_rest"]
    if error_of_rest is None:  # hardly any shot is left to the model
        return [*shares, "–", "–"]
    difference = _figure(error_of_rest - risk["error"], risk["difference_interval"], sign="+")
    return [*shares, f"{error_of_rest:.3f}", difference]


def _table(columns: Iterable[str], rows: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """An HTML table. The cells have to be HTML; names of columns and rows are escaped here."""
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


def _curves(protocol: str, evaluation: Evaluation, abstention: Mapping[str, Any]) -> Iterator[str]:
    """The curves of the configurations and the rates, in one row of panels."""
    predictions = {name: by_protocol[protocol] for name, by_protocol in evaluation.predictions.items()
                   if protocol in by_protocol and (name in evaluation.served or name in RATES)}
    if any(shots.defect.all() or not shots.defect.any() for shots in predictions.values()):
        yield "<p>No curves: the held-out shots are all of one class.</p>"
        return
    kinds = "ROC, precision–recall, calibration" + (" and risk–coverage" if abstention else "")
    alternative = escape(f"{kinds} of {', '.join(predictions)} under {protocol}")
    yield f'<img alt="{alternative}" src="{draw_curves(predictions, abstention)}">'
