"""Score configurations and baselines under the protocols, in the same folds; or a finished bundle on a later table.

Stages: `plan_jobs` says what has to be fitted and scored → `evaluate` does it → `summary` makes figures of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import HistoryThresholds, Thresholds, load_bundle
from shotwise_training.data.csv_file import TableError
from shotwise_training.data.protocol import Rows, applies, gather_folds, protocol_shots, splits
from shotwise_training.data.table import Table
from shotwise_training.evaluation.baselines import ABLATION, MODELS, RATES, Baseline, late_rate
from shotwise_training.evaluation.type_scores import TypeScores, score_types
from shotwise_training.metrics import Predictions, Weights, figures, resamples
from shotwise_training.models.configuration import CONFIGURATIONS, SHOTWISE, Configuration
from shotwise_training.models.history import HistoryHead, can_fit_history_head, fit_history_head, known_results
from shotwise_training.models.pipeline import Pipeline, PipelineOutput, fit

ABLATION_PROTOCOLS = ("published", "unique")  # where the PoC's ablation of its latents is repeated
DETAIL_PROTOCOLS = ("unique", "forward")  # where defect types are scored, and `shotwise` without the counter
Progress: TypeAlias = Callable[[int, int, str], None]  # (steps done, steps in all, what is done now)


@dataclass(frozen=True)
class ServedPredictions:
    """What a configuration would answer for the N test shots of a protocol.

    Attributes
    ----------
    predictions : probability and predicted class.
    inspected : bool [N], left to a person.
    novel : bool [N], above the limit of distance or of reconstruction error.
    """

    predictions: Predictions
    inspected: NDArray[np.bool_]
    novel: NDArray[np.bool_]


@dataclass(frozen=True)
class Evaluation:
    """The test shots of every protocol as every model predicted them.

    Attributes
    ----------
    predictions : configuration or baseline → protocol → predictions.
    served : configuration → protocol → what it would answer.
    weights : protocol → resamples of its test shots.
    types : protocol → predictions of the defect types.
    """

    predictions: Mapping[str, Mapping[str, Predictions]]
    served: Mapping[str, Mapping[str, ServedPredictions]]
    weights: Mapping[str, Weights]
    types: Mapping[str, TypeScores] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One configuration or baseline to be fitted and scored under one protocol.

    Attributes
    ----------
    protocol : a key of PROTOCOLS.
    name : what is scored, for the results and for the progress bar.
    run : does it.
    """

    protocol: str
    name: str
    run: Callable[[], ServedPredictions | Predictions | TypeScores]


def plan_jobs(table: Table, protocols: Iterable[str],
              configurations: Collection[Configuration] = tuple(CONFIGURATIONS.values()), *,
              models: bool = True) -> list[Job]:
    """List what an evaluation has to do; a pipeline that two protocols need is fitted once.

    Parameters
    ----------
    table : all shots, with their duplicates.
    protocols : protocols to score under; those that do not apply to the table are left out.
    configurations : configurations to score; defect types are scored with the first.
    models : whether the models of `baselines` are fitted beside the rates, which always are.
    """
    pipelines = _PipelineCache()
    jobs = []
    for protocol in protocols:
        if not applies(table, protocol):
            continue
        shots = protocol_shots(table, protocol)
        jobs += [Job(protocol, name, partial(score_baseline, shots, protocol, baseline))
                 for name, baseline in _baselines(protocol, models).items()]
        jobs += [Job(protocol, configuration.name, partial(score, shots, protocol, configuration, pipelines))
                 for configuration in configurations
                 if protocol != "forward-history" or _has_history_head(shots, configuration)]
        if protocol in DETAIL_PROTOCOLS and configurations and shots.types.shape[1]:
            fit_first = partial(pipelines, configuration=next(iter(configurations)))
            jobs.append(Job(protocol, "defect types", partial(score_types, shots, protocol, fit_first)))
        if models and protocol in DETAIL_PROTOCOLS and SHOTWISE in configurations and _counters(shots):
            jobs.append(Job(protocol, f"{SHOTWISE.name} without {_counters(shots)}",
                            partial(_predictions_alone, without_counters(shots), protocol, SHOTWISE)))
    return jobs


def evaluate(jobs: Sequence[Job], progress: Progress = lambda done, total, step: None) -> Evaluation:
    """Run the jobs: fit each model on every training part, and score it on the test part."""
    predictions: dict[str, dict[str, Predictions]] = {}
    served: dict[str, dict[str, ServedPredictions]] = {}
    types: dict[str, TypeScores] = {}
    for done, job in enumerate(jobs):
        progress(done, len(jobs), f"{job.protocol}: {job.name}")
        scored = job.run()
        if isinstance(scored, TypeScores):
            types[job.protocol] = scored
            continue
        if isinstance(scored, ServedPredictions):
            served.setdefault(job.name, {})[job.protocol] = scored
            scored = scored.predictions
        predictions.setdefault(job.name, {})[job.protocol] = scored
    counts = {protocol: len(shots.defect) for by_protocol in predictions.values()
              for protocol, shots in by_protocol.items()}
    weights = {protocol: resamples(count) for protocol, count in counts.items()}
    return Evaluation(predictions, served, weights, types)


def _has_history_head(table: Table, configuration: Configuration) -> bool:
    ((train, _),) = splits(table, "forward-history")
    return configuration.history and can_fit_history_head(table.select(train))


def _baselines(protocol: str, models: bool) -> Mapping[str, Baseline]:
    late = {"late-rate": late_rate} if protocol == "forward-history" else {}
    baselines = {**RATES, **late, **(MODELS if models and protocol != "forward-history" else {})}
    return {**baselines, **ABLATION} if models and protocol in ABLATION_PROTOCOLS else baselines


def without_counters(table: Table) -> Table:
    """Return the table without its counters, which tell the run."""
    keep = [index for index, column in enumerate(table.columns) if not column.counter]
    return replace(table, columns=tuple(table.columns[index] for index in keep), features=table.features[:, keep])


def _counters(table: Table) -> str:
    return ", ".join(column.name for column in table.columns if column.counter)


class _PipelineCache:
    """Fits pipelines, and keeps them for the protocols that share a training part."""

    def __init__(self) -> None:
        self._pipelines: dict[tuple[str, bytes], Pipeline] = {}

    def __call__(self, table: Table, train: Rows, configuration: Configuration) -> Pipeline:
        key = configuration.name, train.tobytes()
        if key not in self._pipelines:
            self._pipelines[key] = fit(table.select(train), configuration)
        return self._pipelines[key]


def score_baseline(table: Table, protocol: str, baseline: Baseline) -> Predictions:
    """Fit a baseline in every fold of a protocol and predict the test shots."""
    folds = ((test, *baseline(table, train, test)) for train, test in splits(table, protocol))
    rows, probability, predicted = gather_folds(
        (test, probability, probability >= threshold) for test, probability, threshold in folds)
    return Predictions(probability, predicted, table.defect[rows], table.run[rows])


def score(table: Table, protocol: str, configuration: Configuration,
          pipelines: _PipelineCache | None = None) -> ServedPredictions:
    """Fit a configuration in every fold of a protocol and answer for the test shots.

    Parameters
    ----------
    table : as `protocol_shots` returns it.
    protocol : a key of PROTOCOLS; under `forward-history` the history head is fitted too.
    configuration : how pipeline and head are fitted.
    pipelines : pipelines that were fitted before.
    """
    pipelines = pipelines or _PipelineCache()
    folds = []
    for train, test in splits(table, protocol):
        head = fit_history_head(table.select(train), configuration) if protocol == "forward-history" else None
        folds.append((test, *_answers(pipelines(table, train, configuration), head, table, test)))
    rows, probability, predicted, inspected, novel = gather_folds(folds)
    return ServedPredictions(Predictions(probability, predicted, table.defect[rows], table.run[rows]), inspected, novel)


def _predictions_alone(table: Table, protocol: str, configuration: Configuration) -> Predictions:
    return score(table, protocol, configuration).predictions


def _answers(pipeline: Pipeline, head: HistoryHead | None, table: Table, test: Rows) -> tuple[NDArray[Any], ...]:
    """Probability, predicted defective, left to a person, and novel, each [N], for the test rows."""
    output = pipeline(table.features[test])
    if head is None:
        return *_triage(output.probability, pipeline.thresholds), _novel(output, pipeline.thresholds)
    defects, results = known_results(table)
    probability = head(output.probability, defects[test], results[test])
    return *_triage(probability, head.thresholds), _novel(output, pipeline.thresholds)


def _triage(probability: NDArray[np.float64], thresholds: Thresholds | HistoryThresholds) -> tuple[NDArray[Any], ...]:
    """Probability, predicted defective, and left to a person, each [N]."""
    inspected = (probability >= thresholds.accept_below) & (probability < thresholds.reject_from)
    return probability, probability >= thresholds.decision, inspected


def _novel(output: PipelineOutput, thresholds: Thresholds) -> NDArray[np.bool_]:
    return (output.distance > thresholds.distance) | (output.reconstruction_error > thresholds.novelty)


def evaluate_bundle(table: Table, folder: Path) -> dict[str, Any]:
    """Compute the figures of a finished bundle on shots that it has never seen.

    Raises
    ------
    TableError
        If the table's features are not the bundle's.
    BundleError
        If the bundle may not be served.
    """
    bundle = load_bundle(folder, ENGINE)
    names = [column.name for column in table.columns]
    if sorted(names) != sorted(bundle.names):
        differing = sorted(set(names) ^ set(bundle.names))
        raise TableError(f"table and bundle differ in {', '.join(differing)}; use the schema that the bundle was "
                         "trained by")
    features = table.features[:, [names.index(name) for name in bundle.names]]
    probability = bundle.graph.probability(features).astype(np.float64)
    shots = Predictions(probability, probability >= bundle.thresholds.decision, table.defect, table.run)
    return {"version": bundle.version, **figures(shots, resamples(len(table)))}
