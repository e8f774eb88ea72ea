"""The commands that need the training package: audit a table, draft its schema, train a bundle.

`audit` and `schema` need numpy alone; `train` needs what `make install` brings.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shotwise_cli.console import fail, note, print_json, progress_bar

ROOT = Path(__file__).parents[2]
CONFIGURATIONS = ("shotwise", "poc_baseline")
PROTOCOLS = ("published", "unique", "forward", "forward-history", "new-run")
Command = Callable[[argparse.Namespace], int]


def add_commands(commands: Any) -> None:
    """Add the commands of this file to the parser's subcommands."""
    add = commands.add_parser("audit", help="what in a table would make a model look better than it is")
    add.add_argument("--data", type=Path, required=True, help="the CSV of shots")
    add.add_argument("--label", metavar="COLUMN", help="the column, or group of columns, that says what is defective")
    add.add_argument("--defect", metavar="VALUE", action="append", help="a value of the label that means defective")
    add.add_argument("--schema", type=Path, help="the schema of the table; it names the label too")
    add.add_argument("--json", action="store_true", help="print the findings as JSON and nothing else")
    add.set_defaults(run=_audit)
    add = commands.add_parser("schema", help="draft the schema of a table, as TOML on standard output")
    add.add_argument("--data", type=Path, required=True, help="the CSV of shots")
    add.add_argument("--label", metavar="COLUMN", required=True,
                     help="the column, or group of columns, that says what is defective")
    add.add_argument("--defect", metavar="VALUE", action="append",
                     help="a value of the label that means defective; may be repeated; without it a number above 0")
    add.add_argument("--run", metavar="COLUMN", dest="run_column", help="the column that tells production runs apart")
    add.set_defaults(run=_schema)
    add = commands.add_parser("train", help="train a model bundle (needs `make install`)")
    add.add_argument("--data", type=Path, required=True, help="the CSV of shots")
    add.add_argument("--schema", type=Path, default=ROOT / "src/shotwise_training/kamp.toml", help="what its columns are")
    add.add_argument("--configuration", choices=CONFIGURATIONS, default=CONFIGURATIONS[0],
                     help="shotwise, chosen by honest protocols, or document, the PoC's, which memorises twins")
    add.add_argument("--out", type=Path, help="the bundle folder to write (default: models/CONFIGURATION)")
    add.add_argument("--json", action="store_true", help="print figures and thresholds as JSON")
    add.set_defaults(run=_train)
    add = commands.add_parser("evaluate", help="figures of the configurations, and of others, under honest protocols")
    add.add_argument("--data", type=Path, required=True, help="the CSV of shots")
    add.add_argument("--schema", type=Path, default=ROOT / "src/shotwise_training/kamp.toml", help="what its columns are")
    add.add_argument("--protocol", choices=(*PROTOCOLS, "all"), default="all")
    add.add_argument("--bundle", type=Path, metavar="DIR", help="score this finished bundle on the table instead")
    add.add_argument("--report", type=Path, metavar="HTML", help="write a report with the audit and curves")
    add.add_argument("--json", action="store_true", help="print the figures as JSON and nothing else")
    add.set_defaults(run=_evaluate)


def _command(run: Command) -> Command:
    """A command whose bad tables are bad input, and whose missing packages name what installs them."""

    @functools.wraps(run)
    def guarded(options: argparse.Namespace) -> int:
        try:
            from shotwise_training.data.csv_file import TableError
        except ModuleNotFoundError as error:
            return _not_installed(error)
        try:
            return run(options)
        except TableError as error:
            return fail(str(error), 2)
        except ModuleNotFoundError as error:
            return _not_installed(error)

    return guarded


def _not_installed(error: ModuleNotFoundError) -> int:
    return fail(f"training needs {error.name}; run `make install`", 1)


@_command
def _audit(options: argparse.Namespace) -> int:
    from shotwise_training.audit.audit import audit_file
    from shotwise_training.audit.text import audit_text

    found = audit_file(options.data, options.label, options.schema, tuple(options.defect or ()))
    if options.json:
        print_json(found.to_dict())
    else:
        print(audit_text(found))
    return 0


@_command
def _schema(options: argparse.Namespace) -> int:
    from shotwise_training.audit.schema_draft import draft
    from shotwise_training.data.csv_file import read_csv

    print(draft(read_csv(options.data), options.label, options.defect, options.run_column), end="")
    return 0


@_command
def _train(options: argparse.Namespace) -> int:
    from shotwise_training.models.configuration import CONFIGURATIONS
    from shotwise_training.train import train

    out = options.out or ROOT / "models" / options.configuration
    with progress_bar() as progress:
        document = train(options.data, options.schema, out, CONFIGURATIONS[options.configuration], progress)
    if options.json:
        print_json({name: document[name] for name in ("version", "figures", "thresholds")})
    else:
        print(f"{out}: {document['version']}; figures in {out}/MODEL_CARD.md")
    return 0


@_command
def _evaluate(options: argparse.Namespace) -> int:
    from shotwise_training.data.table import check_trainable, read_table
    from shotwise_training.evaluation.evaluate import evaluate, evaluate_bundle, jobs, results
    from shotwise_training.evaluation.figures_text import figures_text

    table = read_table(options.data, options.schema)
    if options.bundle is not None:
        found = evaluate_bundle(table, options.bundle)
    else:
        check_trainable(table)
        if options.report is not None and not options.report.parent.is_dir():
            return fail(f"{options.report.parent} is not a folder; give another place for --report", 2)
        protocols = PROTOCOLS if options.protocol == "all" else (options.protocol,)
        with progress_bar() as progress:
            evaluation = evaluate(jobs(table, protocols), progress)
        found = results(evaluation)
        if options.report is not None:
            from shotwise_training.evaluation.report import write_report

            write_report(options.report, options.data, options.schema, evaluation, found)
            note(f"report: {options.report}")
    if options.json:
        print_json(found)
    else:
        print(figures_text(found))
    return 0
