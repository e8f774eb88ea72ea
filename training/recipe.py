"""The training run as a whole: table → figures → final pipeline → bundle folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from training import export
from training.configuration import SHOTWISE, Configuration
from training.evaluate import evaluate, results
from training.history import fit_history
from training.pipeline import fit
from training.table import Table, check_trainable, read_table

MEASURED = ("unique", "forward")  # of every configuration


def train(csv_path: Path, schema_path: Path, out: Path, say: Callable[[str], None] = lambda text: None,
          configuration: Configuration = SHOTWISE) -> dict[str, Any]:
    """Train on `csv_path`, write the bundle to `out` and the fitted pipeline to `export.pipeline_folder(out)`. Returns
    the bundle's document; `say` hears of every stage. Raises TableError where the table cannot be used.

    The figures are those of models that never saw the shots that they were measured on; the model that is written is
    then fitted on all shots.
    """
    table = read_table(csv_path, schema_path)
    check_trainable(table)
    figures = measure(table, configuration, say)
    say("fitting the final model")
    shots = table if configuration.twins else table.without_twins()
    pipeline = fit(shots, configuration)
    history = fit_history(shots, configuration) if configuration.history else None
    return export.write(out, configuration, table, export.Fitted(pipeline, history), figures)


def measure(table: Table, configuration: Configuration, say: Callable[[str], None]) -> dict[str, Any]:
    """protocol → its definition, and the figures of the configuration and of `run-rate`."""
    protocols = (*(["published"] if configuration.twins else []), *MEASURED,
                 *(["forward-history"] if configuration.history else []))
    found = results(evaluate(table, protocols, lambda text: say(f"measuring {text}"), [configuration],
                             contenders=False))
    return {protocol: {"definition": found["protocols"][protocol],
                       **{name: by[protocol] for name, by in found["configurations"].items()}}
            for protocol in protocols}
