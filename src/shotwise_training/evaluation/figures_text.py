"""Figures as tables of Markdown: for the terminal, the model card and the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

COLUMNS = {"f1": "F1", "precision": "precision", "recall": "recall", "roc_auc": "ROC-AUC",
           "within_run_roc_auc": "within-run", "average_precision": "average precision", "ece": "calibration error"}


def figures_text(found: Mapping[str, Any]) -> str:
    """The results of an evaluation, or the figures of one bundle."""
    if "configurations" not in found:
        return "\n".join(table([(found["version"], found)]))
    lines: list[str] = []
    for protocol, definition in found["protocols"].items():
        rows = [(name, by[protocol]) for name, by in found["configurations"].items() if protocol in by]
        lines += [f"{protocol}: {definition}", "", *table(rows), "", *_differences(found, protocol), ""]
        if found["types"].get(protocol):
            lines += [*types_table(found["types"][protocol]), ""]
    return "\n".join(lines).rstrip()


def table(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """One row a configuration; every figure with its interval."""
    yield f"| who | {' | '.join(COLUMNS.values())} | shots | defective |"
    yield "|---" * (len(COLUMNS) + 3) + "|"
    for who, figures in rows:
        cells = [_cell(figures[name], figures["interval"][name]) for name in COLUMNS]
        yield f"| {who} | {' | '.join(cells)} | {figures['n']} | {figures['positives']} |"


def types_table(found: Mapping[str, Any]) -> Iterator[str]:
    """One row a defect type: ROC-AUC by the model, and by its share of the product type's past defects."""
    yield "| defect type | ROC-AUC | by share | difference | shots that show it |"
    yield "|---|---|---|---|---|"
    for name, one in found.items():
        areas = [_cell(one[key]["roc_auc"], one[key]["interval"]) for key in ("ours", "by_share")]
        gain = _cell(one["difference"]["difference"], one["difference"]["interval"], sign="+")
        yield f"| {name} | {' | '.join(areas)} | {gain} | {one['examples']} |"


def _differences(found: Mapping[str, Any], protocol: str) -> Iterator[str]:
    for other, by in found["differences"].get(protocol, {}).items():
        area = by["roc_auc"]
        yield f"shotwise - {other}: ROC-AUC {_cell(area['difference'], area['interval'], sign='+')}"


def _cell(value: float | None, interval: list[float | None], sign: str = "") -> str:
    if value is None or None in interval:
        return "–"
    return f"{value:{sign}.3f} ({interval[0]:{sign}.3f} to {interval[1]:{sign}.3f})"
