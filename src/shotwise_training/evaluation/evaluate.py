"""Score configurations and baselines under the protocols, in the same folds; or a finished bundle on a later table.

Stages: `plan_jobs` lists what to fit and score → `evaluate` does it → `summary` computes the figures.
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
DETAIL_PROTOCOLS = ("unique", "forward")  # where defect types are scored, and `shotwise` without its counters
Progress: TypeAlias = Callable[[int, int, str], None]  # (steps done, steps in all, name of the step)


@dataclass(frozen=True)
class ServedPredictions:
    """What a configuration would answer for the test shots of a protocol.

    Attributes
    ----------
    predictions : Predictions
        Probability and predicted class.
    inspected : ndarray of bool, shape (n_shots,)
        Whether the shot is left to a person.
    novel : ndarray of bool, shape (n_shots,)
        Whether distance or reconstruction error is above its limit.
    """

    predictions: Predictions
    inspected: NDArray[np.bool_]
    novel: NDArray[np.bool_]


@dataclass(frozen=True)
class Evaluation:
    """Predictions of every model for the test shots of every protocol.

    Attributes
    ----------
    predictions : mapping of str to mapping of str to Predictions
        Configuration or baseline → protocol → predictions.
    served : mapping of str to mapping of str to ServedPredictions
        Configuration → protocol → what it would answer.
    weights : mapping of str to ndarray of float64
        Protocol → bootstrap resamples of its test shots.
    types : mapping of str to TypeScores
        Protocol → predictions of the defect types.
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
    protocol : str
        A key of PROTOCOLS.
    name : str
        What is scored, for results and progress bar.
    run : callable
        Fits and scores it.
    """

    protocol: str
    name: str
    run: Callable[[], ServedPredictions | Predictions | TypeScores]


def plan_jobs(table: Table, protocols: Iterable[str],
              configurations: Collection[Configuration] = tuple(CONFIGURATIONS.values()), *,
              models: bool = True) -> list[Job]:
    """List the jobs of an evaluation; a pipeline that two protocols need is fitted once.

    Parameters
    ----------
    table : Table
        All shots, with their duplicates.
    protocols : iterable of str
        Keys of PROTOCOLS; those that do not apply to the table are left out.
    configurations : collection of Configuration
        Configurations to score; defect types are scored with the first.
    models : bool
        Whether to score the models of `baselines` too, beside the rates.
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
            fit_pipeline = partial(pipelines, configuration=next(iter(configurations)))
            jobs.append(Job(protocol, "defect types", partial(score_types, shots, protocol, fit_pipeline)))
        if models and protocol in DETAIL_PROTOCOLS and SHOTWISE in configurations and _counters(shots):
            jobs.append(Job(protocol, f"{SHOTWISE.name} without {_counters(shots)}",
                            partial(_score_predictions, without_counters(shots), protocol, SHOTWISE)))
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
    """Return the table without its counters, which reveal the run."""
    keep = [index for index, column in enumerate(table.columns) if not column.counter]
    return replace(table, columns=tuple(table.columns[index] for index in keep), features=table.features[:, keep])


def _counters(table: Table) -> str:
    return ", ".join(column.name for column in table.columns if column.counter)


class _PipelineCache:
    """Fits pipelines, each configuration once per training part, which protocols may share."""

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
    table : Table
        As `protocol_shots` returns it.
    protocol : str
        A key of PROTOCOLS; under `forward-history` the history head is fitted too.
    configuration : Configuration
        How pipeline and head are fitted.
    pipelines : _PipelineCache or None
        Fits the pipelines and reuses those fitted before; None for a cache of its own.
    """
    pipelines = pipelines or _PipelineCache()
    folds = []
    for train, test in splits(table, protocol):
        head = fit_history_head(table.select(train), configuration) if protocol == "forward-history" else None
        folds.append((test, *_predict_rows(pipelines(table, train, configuration), head, table, test)))
    rows, probability, predicted, inspected, novel = gather_folds(folds)
    return ServedPredictions(Predictions(probability, predicted, table.defect[rows], table.run[rows]), inspected, novel)


def _score_predictions(table: Table, protocol: str, configuration: Configuration) -> Predictions:
    return score(table, protocol, configuration).predictions


def _predict_rows(pipeline: Pipeline, head: HistoryHead | None, table: Table, test: Rows) -> tuple[NDArray[Any], ...]:
    """Probability, predicted class, left to a person, and novel, each of shape (n_rows,), for the test rows."""
    output = pipeline(table.features[test])
    if head is None:
        return *_triage(output.probability, pipeline.thresholds), _novel(output, pipeline.thresholds)
    defects, results = known_results(table)
    probability = head(output.probability, defects[test], results[test])
    return *_triage(probability, head.thresholds), _novel(output, pipeline.thresholds)


def _triage(probability: NDArray[np.float64], thresholds: Thresholds | HistoryThresholds) -> tuple[NDArray[Any], ...]:
    """Probability, predicted class, and left to a person, each of shape (n_shots,)."""
    inspected = (probability >= thresholds.accept_below) & (probability < thresholds.reject_from)
    return probability, probability >= thresholds.decision, inspected


def _novel(output: PipelineOutput, thresholds: Thresholds) -> NDArray[np.bool_]:
    return (output.distance > thresholds.distance) | (output.reconstruction_error > thresholds.novelty)


def evaluate_bundle(table: Table, folder: Path) -> dict[str, Any]:
    """Compute the figures of a finished bundle on shots that it has never seen.

    Raises
    ------
    TableError
        If table and bundle have different features.
    BundleError
        If the bundle cannot be loaded.
    """
    bundle = load_bundle(folder, ENGINE)
    names = [column.name for column in table.columns]
    if sorted(names) != sorted(bundle.names):
        differing = sorted(set(names) ^ set(bundle.names))
        raise TableError(f"table and bundle differ in {', '.join(differing)}; use the schema that the bundle was "
                         "trained with")
    features = table.features[:, [names.index(name) for name in bundle.names]]
    probability = bundle.graph.probability(features).astype(np.float64)
    shots = Predictions(probability, probability >= bundle.thresholds.decision, table.defect, table.run)
    return {"version": bundle.version, **figures(shots, resamples(len(table)))}
