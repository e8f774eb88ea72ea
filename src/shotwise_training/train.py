"""Train a bundle from start to end: table → figures → final pipeline → bundle folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shotwise_training.data.table import Table, check_trainable, read_table
from shotwise_training.evaluation.evaluate import Progress, evaluate, plan_jobs
from shotwise_training.evaluation.summary import summarise
from shotwise_training.export.bundle import outputs, write_bundle
from shotwise_training.export.manifest import Figures
from shotwise_training.export.pipeline_files import FittedModels
from shotwise_training.models.configuration import SHOTWISE, Configuration
from shotwise_training.models.defect_types import fit_defect_types
from shotwise_training.models.history import can_fit_history_head, fit_history_head
from shotwise_training.models.pipeline import fit


def train(csv_path: Path, schema_path: Path, out: Path, configuration: Configuration = SHOTWISE,
          progress: Progress = lambda done, total, step: None) -> dict[str, Any]:
    """Train a bundle from a CSV file of shots, and return its manifest.

    Parameters
    ----------
    csv_path : Path
        The CSV file of shots.
    schema_path : Path
        The schema of the CSV file.
    out : Path
        The bundle folder, new, empty, or with an earlier bundle, which is replaced; the fitted models go to
        `export.pipeline_files.pipeline_folder(out)`.
    configuration : Configuration
        How the pipeline is fitted.
    progress : callable
        Called with (steps done, steps in all, name of the step).

    Raises
    ------
    OutputError, TableError
        If one of the folders or the table cannot be used; before anything is computed.

    Notes
    -----
    The figures come from models that never saw the shots they were measured on; the bundle's model is then fitted on
    all shots.
    """
    table = _check(csv_path, schema_path, out)
    jobs = plan_jobs(table, _protocols(configuration), [configuration], models=False)
    steps = len(jobs) + 1
    results = summarise(evaluate(jobs, lambda done, _, step: progress(done, steps, step)))
    progress(len(jobs), steps, "the final model")
    # The jobs have no history head where the ends of the runs have too few shots of a class; then none is fitted here.
    with_head = "forward-history" in results["configurations"].get(configuration.name, {})
    models = _fit_models(table, configuration, with_head)
    manifest = write_bundle(out, configuration, table, models, Figures(_by_protocol(results), results["types"]))
    progress(steps, steps, "written")
    return manifest


def _check(csv_path: Path, schema_path: Path, out: Path) -> Table:
    """Read the table, once it is sure that the bundle can be written; then check what it needs to be trained on."""
    for output in outputs(out):
        output.check()
    table = read_table(csv_path, schema_path)
    check_trainable(table)
    return table


def _fit_models(table: Table, configuration: Configuration, with_head: bool) -> FittedModels:
    unique = table.without_duplicates()
    shots = table if configuration.keep_duplicates else unique
    # The ends of the runs of all shots may have fewer of a class than those of the part that was scored.
    head = fit_history_head(shots, configuration) if with_head and can_fit_history_head(shots) else None
    pipeline = fit(shots, configuration)
    return FittedModels(pipeline, fit_defect_types(unique, pipeline.scaling.median), head)


def _protocols(configuration: Configuration) -> tuple[str, ...]:
    return (*(["published"] if configuration.keep_duplicates else []), "unique", "forward",
            *(["forward-history"] if configuration.history else []))


def _by_protocol(results: dict[str, Any]) -> dict[str, Any]:
    """Protocol → its definition, and the figures of the configuration and of the rates, each by its name."""
    return {protocol: {"definition": definition, **{name: figures[protocol]
                                                    for name, figures in results["configurations"].items()
                                                    if protocol in figures}}
            for protocol, definition in results["protocols"].items()}
