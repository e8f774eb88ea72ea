"""Write figures as Markdown tables, for the terminal and the model card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

COLUMNS = {"f1": "F1", "precision": "precision", "recall": "recall", "roc_auc": "ROC-AUC",
           "within_run_roc_auc": "within-run", "average_precision": "average precision", "ece": "calibration error"}


def figures_text(results: Mapping[str, Any]) -> str:
    """Write the results of an evaluation, or the figures of one bundle, as Markdown."""
    if "configurations" not in results:
        return "\n".join(figures_table([(results["version"], results)]))
    lines: list[str] = []
    for protocol, definition in results["protocols"].items():
        rows = [(name, by_protocol[protocol]) for name, by_protocol in results["configurations"].items()
                if protocol in by_protocol]
        lines += [f"{protocol}: {definition}", "", *figures_table(rows), "",
                  *_differences(results["differences"].get(protocol, {})), ""]
        if results["types"].get(protocol):
            lines += [*types_table(results["types"][protocol]), ""]
    return "\n".join(lines).rstrip()


def figures_table(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Write a table with one row per (name, figures), each figure with its interval."""
    yield f"| who | {' | '.join(COLUMNS.values())} | shots | defective |"
    yield "|---" * (len(COLUMNS) + 3) + "|"
    for name, figures in rows:
        cells = [_cell(figures[figure], figures["interval"][figure]) for figure in COLUMNS]
        yield f"| {name} | {' | '.join(cells)} | {figures['n']} | {figures['positives']} |"


def types_table(types: Mapping[str, Any]) -> Iterator[str]:
    """Write a table with one row per defect type: ROC-AUC of the model and of the product type's past shares."""
    yield "| defect type | ROC-AUC | by share | difference | shots that show it |"
    yield "|---|---|---|---|---|"
    for name, figures in types.items():
        areas = [_cell(figures[key]["roc_auc"], figures[key]["interval"]) for key in ("ours", "by_share")]
        difference = _cell(figures["difference"]["difference"], figures["difference"]["interval"], sign="+")
        yield f"| {name} | {' | '.join(areas)} | {difference} | {figures['examples']} |"


def _differences(differences: Mapping[str, Any]) -> Iterator[str]:
    for other, figures in differences.items():
        area = figures["roc_auc"]
        yield f"shotwise - {other}: ROC-AUC {_cell(area['difference'], area['interval'], sign='+')}"


def _cell(value: float | None, interval: list[float | None], sign: str = "") -> str:
    if value is None or None in interval:
        return "–"
    return f"{value:{sign}.3f} ({interval[0]:{sign}.3f} to {interval[1]:{sign}.3f})"
