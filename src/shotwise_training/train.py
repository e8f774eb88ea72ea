"""The training run as a whole: table → figures → final pipeline → bundle folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shotwise_training.data.table import check_trainable, read_table
from shotwise_training.evaluation.evaluate import Progress, evaluate, jobs, results
from shotwise_training.export import bundle as export
from shotwise_training.models.configuration import SHOTWISE, Configuration
from shotwise_training.models.defect_types import fit_types
from shotwise_training.models.history import fit_history
from shotwise_training.models.pipeline import fit


def train(csv_path: Path, schema_path: Path, out: Path, configuration: Configuration = SHOTWISE,
          progress: Progress = lambda done, all_steps, what: None) -> dict[str, Any]:
    """Train on `csv_path`, write the bundle to `out` and the fitted pipeline to `export.pipeline_folder(out)`. Returns
    the bundle's manifest; `progress` hears of every step. Raises TableError where the table cannot be used.

    The figures are those of models that never saw the shots that they were measured on; the model that is written is
    then fitted on all shots.
    """
    table = read_table(csv_path, schema_path)
    check_trainable(table)
    todo = jobs(table, _protocols(configuration), [configuration], contenders=False)
    steps = len(todo) + 1
    found = results(evaluate(todo, lambda done, _, what: progress(done, steps, what)))
    progress(len(todo), steps, "the final model")
    shots = table if configuration.twins else table.without_duplicates()
    measured = configuration.name in found["configurations"] and (
        "forward-history" in found["configurations"][configuration.name])
    head = fit_history(shots, configuration) if measured else None  # no head without figures of it
    pipeline = fit(shots, configuration)
    fitted = export.Fitted(pipeline, fit_types(table.without_duplicates(), pipeline.scaling.median), head)
    manifest = export.write(out, configuration, table, fitted, export.Figures(_figures(found), found["types"]))
    progress(steps, steps, "written")
    return manifest


def _protocols(configuration: Configuration) -> tuple[str, ...]:
    return (*(["published"] if configuration.twins else []), "unique", "forward",
            *(["forward-history"] if configuration.history else []))


def _figures(found: dict[str, Any]) -> dict[str, Any]:
    """protocol → its definition, and the figures of the configuration and of the rates."""
    return {protocol: {"definition": definition, **{name: by[protocol] for name, by in found["configurations"].items()
                                                    if protocol in by}}
            for protocol, definition in found["protocols"].items()}
