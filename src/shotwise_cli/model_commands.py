"""The commands that need the training package: `audit` and `schema` for a table, `train` and `evaluate` for a model.

`audit` and `schema` need only numpy; `train` and `evaluate` need what `make install` brings. The training package is
imported when a command runs, so that the other commands start without it.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shotwise_cli.console import fail, note, print_json, progress_bar, show
from shotwise_cli.errors import FileError
from shotwise_local import ROOT

KAMP_SCHEMA = ROOT / "src/shotwise_training/kamp.toml"
CONFIGURATIONS = ("shotwise", "poc_baseline")
PROTOCOLS = ("published", "unique", "forward", "forward-history", "new-run")
Command = Callable[[argparse.Namespace], int]


def add_commands(commands: Any) -> None:
    """Add the commands of this file to the parser's subcommands."""
    _add_audit(commands.add_parser("audit", help="find what in a table would make a model look better than it is"))
    _add_schema(commands.add_parser("schema", help="draft the schema of a table, as TOML on standard output"))
    _add_train(commands.add_parser("train", help="train a model bundle (needs `make install`)"))
    _add_evaluate(commands.add_parser(
        "evaluate", help="score configurations and baselines on shots that they have not seen (needs `make install`)"))


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="the CSV of shots")


def _add_audit(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("--label", metavar="COLUMN",
                        help="the column, or group of columns, that says which shots are defective")
    parser.add_argument("--defect", metavar="VALUE", action="append",
                        help="a value of the label that means defective; may be repeated")
    parser.add_argument("--schema", type=Path, help="the schema of the table; it can name the label instead")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON and nothing else")
    parser.set_defaults(run=_audit)


def _add_schema(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("--label", metavar="COLUMN", required=True,
                        help="the column, or group of columns, that says which shots are defective")
    parser.add_argument("--defect", metavar="VALUE", action="append",
                        help="a value of the label that means defective; may be repeated (default: any number above 0)")
    parser.add_argument("--run", metavar="COLUMN", dest="run_column",
                        help="the column that tells production runs apart")
    parser.set_defaults(run=_schema)


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("--schema", type=Path, default=KAMP_SCHEMA, help="the schema of the table")
    parser.add_argument("--configuration", choices=CONFIGURATIONS, default=CONFIGURATIONS[0],
                        help="shotwise, chosen by its figures on unseen shots, or poc_baseline, the pipeline of the "
                             "proof of concept, which memorises duplicates")
    parser.add_argument("--out", type=Path,
                        help="the bundle folder to write: new, empty, or with an earlier bundle, which is replaced "
                             "(default: models/CONFIGURATION)")
    parser.add_argument("--json", action="store_true", help="print figures and thresholds as JSON")
    parser.set_defaults(run=_train)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("--schema", type=Path, default=KAMP_SCHEMA, help="the schema of the table")
    parser.add_argument("--protocol", choices=(*PROTOCOLS, "all"), default="all",
                        help="which shots to train and score on (default: all protocols)")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="score this finished bundle on the table instead")
    parser.add_argument("--report", type=Path, metavar="HTML", help="write a report with the audit and curves")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON and nothing else")
    parser.set_defaults(run=_evaluate)


def _command(run: Command) -> Command:
    """Wrap a command: a bad table or folder ends it with status 2, a missing package with how to install it."""

    @functools.wraps(run)
    def guarded(options: argparse.Namespace) -> int:
        try:
            from shotwise_training.data.csv_file import TableError
            from shotwise_training.export.output_folder import OutputError
        except ModuleNotFoundError as error:
            return _not_installed(error)
        try:
            return run(options)
        except TableError as error:
            return fail(str(error), 2)
        except OutputError as error:
            return fail(f"--out: {error}", 2)
        except ModuleNotFoundError as error:
            return _not_installed(error)

    return guarded


def _not_installed(error: ModuleNotFoundError) -> int:
    return fail(f"training needs {error.name}; run `make install`", 1)


@_command
def _audit(options: argparse.Namespace) -> int:
    from shotwise_training.audit.audit import audit_file
    from shotwise_training.audit.text import audit_text

    audit = audit_file(options.data, options.label, options.schema, tuple(options.defect or ()))
    if options.json:
        print_json(audit.to_dict())
    else:
        show(audit_text(audit))
    return 0


@_command
def _schema(options: argparse.Namespace) -> int:
    from shotwise_training.audit.schema_draft import draft_schema
    from shotwise_training.data.csv_file import read_csv

    show(draft_schema(read_csv(options.data), options.label, options.defect, options.run_column), end="")
    return 0


@_command
def _train(options: argparse.Namespace) -> int:
    from shotwise_training.export.bundle import outputs
    from shotwise_training.models.configuration import CONFIGURATIONS
    from shotwise_training.train import train

    out = options.out or ROOT / "models" / options.configuration
    for stray in (path for output in outputs(out) for path in output.strays()):
        note(f"{stray} was left by a run that was killed, or is of one that still runs; remove it if none does")
    with progress_bar() as progress:
        manifest = train(options.data, options.schema, out, CONFIGURATIONS[options.configuration], progress)
    if options.json:
        print_json({name: manifest[name] for name in ("version", "figures", "thresholds")})
    else:
        show(f"{out}: {manifest['version']}; figures in {out}/MODEL_CARD.md")
    return 0


@_command
def _evaluate(options: argparse.Namespace) -> int:
    from shotwise_training.data.table import check_trainable, read_table
    from shotwise_training.evaluation.evaluate import evaluate, evaluate_bundle, plan_jobs
    from shotwise_training.evaluation.figures_text import figures_text
    from shotwise_training.evaluation.summary import summarise

    if options.report is not None:
        _check_report(options.report)
    table = read_table(options.data, options.schema)
    if options.bundle is not None:
        results = evaluate_bundle(table, options.bundle)
    else:
        check_trainable(table)
        protocols = PROTOCOLS if options.protocol == "all" else (options.protocol,)
        with progress_bar() as progress:
            evaluation = evaluate(plan_jobs(table, protocols), progress)
        results = summarise(evaluation)
        if options.report is not None:
            from shotwise_training.evaluation.report import write_report

            write_report(options.report, options.data, options.schema, evaluation, results)
            note(f"report: {options.report}")
    if options.json:
        print_json(results)
    else:
        show(figures_text(results))
    return 0


def _check_report(path: Path) -> None:
    """Raise FileError, before anything is computed, if the report cannot be written, or another file is there.

    An earlier report is replaced; `--report shots.csv` is a slip that would cost the table.
    """
    from shotwise.atomic import check_replaceable
    from shotwise_training.evaluation.report import is_report

    try:
        check_replaceable(path)
    except OSError as error:
        raise FileError("--report", f"{path} cannot be written ({error.strerror}); name another file") from error
    if path.exists() and path.stat().st_size and not is_report(path):
        raise FileError("--report", f"{path} exists and is no report; name another file")
