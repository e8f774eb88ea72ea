"""Configurations and contenders under the protocols, all in the same folds; and a finished bundle on a later table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import HistoryThresholds, Thresholds, load_bundle
from shotwise_training.data.protocol import PROTOCOLS, Rows, applies, gathered, splits, table_of
from shotwise_training.data.table import Table, TableError
from shotwise_training.evaluation.baselines import ABLATION, MODELS, RATES, Contender, late_rate
from shotwise_training.evaluation.type_scores import TypeScores, score_types, type_results
from shotwise_training.metrics import Held, Weights, difference, figures, resamples
from shotwise_training.models.configuration import CONFIGURATIONS, SHOTWISE, Configuration
from shotwise_training.models.history import History, enough_for_history, fit_history, known_results
from shotwise_training.models.pipeline import Output, Pipeline, fit

COMPARED = ("roc_auc", "f1")
ABLATED = ("published", "unique")  # where the PoC's ablation of its latents is repeated
LOOKED_INTO = ("unique", "forward")  # where defect types are measured, and ours without the counter
Progress = Callable[[int, int, str], None]  # steps done, steps in all, what is done now


@dataclass(frozen=True)
class Scored:
    """A configuration's held-out shots. inspected: [N], left to a person. unlike: [N], over the limit of distance or
    reconstruction error."""

    held: Held
    inspected: NDArray[np.bool_]
    unlike: NDArray[np.bool_]


@dataclass(frozen=True)
class Evaluation:
    """held: configuration or contender → protocol → its held-out shots; scored: configuration → protocol;
    types: protocol → defect types."""

    held: Mapping[str, Mapping[str, Held]]
    scored: Mapping[str, Mapping[str, Scored]]
    weights: Mapping[str, Weights]
    types: Mapping[str, TypeScores] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A configuration or contender under a protocol."""

    protocol: str
    name: str
    run: Callable[[], Scored | Held | TypeScores]


def jobs(table: Table, protocols: Iterable[str],
         configurations: Collection[Configuration] = tuple(CONFIGURATIONS.values()), *,
         contenders: bool = True) -> list[Job]:
    """What an evaluation has to do. A pipeline that two protocols need is fitted once."""
    fitted = _Fitted()
    found = []
    for protocol in protocols:
        if not applies(table, protocol):
            continue
        shots = table_of(table, protocol)
        known = _contenders(protocol, contenders)
        found += [Job(protocol, name, partial(contend, shots, protocol, one)) for name, one in known.items()]
        found += [Job(protocol, one.name, partial(score, shots, protocol, one, fitted)) for one in configurations
                  if protocol != "forward-history" or _has_head(shots, one)]
        if protocol in LOOKED_INTO and configurations and shots.types.shape[1]:
            one = next(iter(configurations))
            found.append(Job(protocol, "defect types", partial(score_types, shots, protocol,
                                                               partial(fitted, configuration=one))))
        if contenders and protocol in LOOKED_INTO and SHOTWISE in configurations and any(
                column.counter for column in shots.columns):
            found.append(Job(protocol, f"{SHOTWISE.name} without {_counters(shots)}", partial(
                _held_alone, without_counters(shots), protocol, SHOTWISE)))
    return found


def evaluate(todo: Sequence[Job], progress: Progress = lambda done, all_steps, what: None) -> Evaluation:
    """Fit every configuration and contender on every training part, and score the held-out part."""
    held: dict[str, dict[str, Held]] = {}
    scored: dict[str, dict[str, Scored]] = {}
    types: dict[str, TypeScores] = {}
    for done, job in enumerate(todo):
        progress(done, len(todo), f"{job.protocol}: {job.name}")
        found = job.run()
        if isinstance(found, TypeScores):
            types[job.protocol] = found
            continue
        if isinstance(found, Scored):
            scored.setdefault(job.name, {})[job.protocol] = found
        held.setdefault(job.name, {})[job.protocol] = found.held if isinstance(found, Scored) else found
    counts = {protocol: len(found.defect) for by in held.values() for protocol, found in by.items()}
    return Evaluation(held, scored, {protocol: resamples(count) for protocol, count in counts.items()}, types)


def _has_head(table: Table, configuration: Configuration) -> bool:
    ((train, _),) = splits(table, "forward-history")
    return configuration.history and enough_for_history(table.select(train))


def _contenders(protocol: str, models: bool) -> Mapping[str, Contender]:
    late = {"late-rate": late_rate} if protocol == "forward-history" else {}
    known = {**RATES, **late, **(MODELS if models and protocol != "forward-history" else {})}
    return {**known, **ABLATION} if models and protocol in ABLATED else known


def without_counters(table: Table) -> Table:
    """The table without the counters that tell a run, `Shot` above all."""
    keep = [index for index, column in enumerate(table.columns) if not column.counter]
    return replace(table, columns=tuple(table.columns[index] for index in keep), features=table.features[:, keep])


def _counters(table: Table) -> str:
    return ", ".join(column.name for column in table.columns if column.counter)


class _Fitted:
    """Fits a pipeline, and keeps those of the protocols that share their training part."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bytes], Pipeline] = {}

    def __call__(self, table: Table, train: Rows, configuration: Configuration) -> Pipeline:
        key = configuration.name, train.tobytes()
        if key not in self._kept:
            self._kept[key] = fit(table.select(train), configuration)
        return self._kept[key]


def contend(table: Table, protocol: str, contender: Contender) -> Held:
    """A contender's held-out shots."""
    said = ((held, *contender(table, train, held)) for train, held in splits(table, protocol))
    rows, probability, called = gathered((held, found, found >= threshold) for held, found, threshold in said)
    return Held(probability, called, table.defect[rows], table.run[rows])


def score(table: Table, protocol: str, configuration: Configuration, fitted: _Fitted | None = None) -> Scored:
    """A configuration's held-out shots."""
    fitted = fitted or _Fitted()
    parts = []
    for train, held in splits(table, protocol):
        head = fit_history(table.select(train), configuration) if protocol == "forward-history" else None
        parts.append((held, *_said(fitted(table, train, configuration), head, table, held)))
    rows, probability, called, inspected, unlike = gathered(parts)
    return Scored(Held(probability, called, table.defect[rows], table.run[rows]), inspected, unlike)


def _held_alone(table: Table, protocol: str, configuration: Configuration) -> Held:
    return score(table, protocol, configuration).held


def _said(pipeline: Pipeline, head: History | None, table: Table, held: Rows) -> tuple[NDArray[Any], ...]:
    """probability, called a defect, left to a person, unlike the training shots: [N] each."""
    output = pipeline(table.features[held])
    if head is None:
        return *_called(output.probability, pipeline.thresholds), _unlike(output, pipeline.thresholds)
    defects, results = known_results(table)
    found = head(output.probability, defects[held], results[held])
    return *_called(found, head.thresholds), _unlike(output, pipeline.thresholds)


def _called(probability: NDArray[np.float64], limits: Thresholds | HistoryThresholds) -> tuple[NDArray[Any], ...]:
    """probability, called a defect, left to a person: [N] each."""
    inspected = (probability >= limits.accept_below) & (probability < limits.reject_from)
    return probability, probability >= limits.decision, inspected


def _unlike(output: Output, limits: Thresholds) -> NDArray[np.bool_]:
    return (output.distance > limits.distance) | (output.reconstruction_error > limits.novelty)


def evaluate_bundle(table: Table, folder: Path) -> dict[str, Any]:
    """A finished bundle's figures on shots that it has never seen. Raises TableError where the table's features are not
    the bundle's, and BundleError where the bundle may not be served."""
    bundle = load_bundle(folder, ENGINE)
    names = [column.name for column in table.columns]
    if sorted(names) != sorted(bundle.names):
        odd = sorted(set(names) ^ set(bundle.names))
        raise TableError(f"table and bundle differ in {', '.join(odd)}; use the schema that the bundle was trained by")
    features = table.features[:, [names.index(name) for name in bundle.names]]
    probability = bundle.graph.probability(features).astype(np.float64)
    held = Held(probability, probability >= bundle.thresholds.decision, table.defect, table.run)
    return {"version": bundle.version, **figures(held, resamples(len(table)))}


def results(evaluation: Evaluation) -> dict[str, Any]:
    """Everything as plain data: figures, paired differences of `shotwise`, abstention, novelty, definitions."""
    return {
        "protocols": {protocol: PROTOCOLS[protocol] for protocol in evaluation.weights},
        "configurations": {name: {protocol: figures(held, evaluation.weights[protocol])
                                  for protocol, held in found.items()} for name, found in evaluation.held.items()},
        "types": {protocol: type_results(found, evaluation.weights[protocol])
                  for protocol, found in evaluation.types.items()},
        "differences": _differences(evaluation), "abstention": _abstention(evaluation),
        "novelty": {name: {protocol: round(float(found.unlike.mean()), 4) for protocol, found in by.items()}
                    for name, by in evaluation.scored.items()}}


def _differences(evaluation: Evaluation) -> dict[str, Any]:
    """protocol → other → figure → `shotwise` minus the other, paired."""
    ours = evaluation.held.get("shotwise", {})
    return {protocol: {name: {figure: difference(held, others[protocol], figure, evaluation.weights[protocol])
                              for figure in COMPARED}
                       for name, others in evaluation.held.items() if name != "shotwise" and protocol in others}
            for protocol, held in ours.items()}


def _abstention(evaluation: Evaluation) -> dict[str, Any]:
    """configuration → protocol → the part left to a person, the error of the calls on all and on the rest, and the
    interval of the difference, over resamples of the shots."""
    return {name: {protocol: _risk(found, evaluation.weights[protocol]) for protocol, found in by.items()}
            for name, by in evaluation.scored.items()}


def _risk(found: Scored, weights: Weights) -> dict[str, Any]:
    wrong = (found.held.called != found.held.defect).astype(float)
    rest = (~found.inspected).astype(float)
    shared = {"inspected": round(float(1 - rest.mean()), 4), "error": round(float(wrong.mean()), 4)}
    kept = weights @ rest
    if not rest.any() or not kept.all():  # everything, or nearly, is left to a person
        return {**shared, "error_of_rest": None, "difference_interval": [None, None]}
    low, high = np.percentile(weights @ (wrong * rest) / kept - weights @ wrong / weights.sum(axis=1), (2.5, 97.5))
    return {**shared, "error_of_rest": round(float(wrong[rest > 0].mean()), 4),
            "difference_interval": [round(float(low), 4), round(float(high), 4)]}
