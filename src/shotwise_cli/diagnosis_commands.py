"""The commands about shots: `diagnose` one, `explain` a table of them."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from shotwise.handlers.body import read_body
from shotwise.handlers.requests import LANGUAGES
from shotwise_cli.console import fail, note, print_json, progress_bar, show
from shotwise_cli.quiet_stack import quiet_stack
from shotwise_local import ROOT


def add_commands(commands: Any) -> None:
    """Add the commands of this file to the parser's subcommands."""
    add = commands.add_parser("diagnose", help="diagnose the shot in a JSON file, with chart and causes")
    add.add_argument("file", type=Path, help="a body of POST /diagnose, or the features alone")
    add.add_argument("--language", choices=LANGUAGES, help="of the report; Korean unless the file names one")
    add.add_argument("--json", action="store_true", help="print the reply as JSON and nothing else")
    add.set_defaults(run=_diagnose)
    add = commands.add_parser("explain", help="explain every shot of a CSV or JSON file, with charts of all together")
    add.add_argument("file", type=Path, help="a CSV with a column per feature, or a JSON list of shots")
    add.add_argument("--out", type=Path, required=True,
                     help="the folder to write to; an interrupted run resumes there")
    add.add_argument("--language", choices=LANGUAGES, default="ko", help="of labels and charts")
    add.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
    add.set_defaults(run=_explain)


def _diagnose(options: argparse.Namespace) -> int:
    from shotwise_cli.diagnosis_report import diagnosis_report

    body = read_body(options.file.read_bytes().decode("utf-8", "replace"))
    request = body if "features" in body else {"features": body}
    if options.language:
        request["language"] = options.language
    with quiet_stack() as (_, workflow, _):
        outcome = workflow.run(json.dumps(request))
    if outcome["status"] != "SUCCEEDED":
        return _fail_diagnosis(outcome)
    reply = json.loads(outcome["output"])
    if options.json:
        print_json(reply)
    else:
        language = str(request.get("language") or "ko")
        schema = json.loads((Path(os.environ["SHOTWISE_MODEL_DIR"]) / "bundle.json").read_text("utf-8"))["features"]
        labels = {feature["name"]: feature["label"][language] for feature in schema}
        show(diagnosis_report(reply, language, labels))
    return 0


def _fail_diagnosis(outcome: dict[str, Any]) -> int:
    """Print why the workflow failed: bad input field by field (status 2), any other error as it is (status 1)."""
    if outcome.get("error") != "InvalidPayload":
        return fail(f"the diagnosis failed ({outcome.get('error')}): {outcome.get('cause')}", 1)
    problem = json.loads(outcome["cause"])
    lines = [f"  {error['field']}: {error['reason']}" for error in problem.get("errors", [])]
    return fail(problem["detail"], 2, lines)


def _explain(options: argparse.Namespace) -> int:
    from shotwise.adapters.onnx import OnnxGraph
    from shotwise.bundle import load_bundle
    from shotwise.graph import Engine
    from shotwise_cli.explain import explain_file

    folder = Path(os.environ.get("SHOTWISE_MODEL_DIR", ROOT / "models/shotwise"))
    bundle = load_bundle(folder, Engine(OnnxGraph))
    with progress_bar() as progress:
        summary = explain_file(options.file, options.out, bundle, options.language, progress)
    for failure in summary.degraded:
        note(f"chart not drawn: {failure}")
    if options.json:
        print_json(vars(summary))
    else:
        show(f"{options.out}: {summary.shots} shots; {summary.explained} explained now, {summary.resumed} before; "
              f"{summary.rejected} with bad input (see their lines)")
    return 2 if summary.rejected else 1 if summary.degraded else 0
