"""The command `shotwise`. Exit status 0: done, 1: a check or a step failed, 2: bad input."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shotwise.errors import InvalidInput, ShotwiseError
from shotwise.handlers.body import read_body
from shotwise.handlers.requests import LANGUAGES
from shotwise_cli import knowledge_commands, model_commands
from shotwise_cli.console import fail, note, print_json, progress_bar
from shotwise_cli.knowledge_commands import quiet_stack
from shotwise_cli.model_commands import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except InvalidInput as error:
        return fail(str(error), 2)
    except (FileNotFoundError, IsADirectoryError) as error:
        return fail(f"{error.filename}: {error.strerror}", 2)
    except ShotwiseError as error:
        return fail(str(error), 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has read enough
        sys.stdout = None
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("shotwise", description="Is this casting shot defective, why, what to change.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("serve", help="serve the API (and with --ui the page) on this machine")
    add.add_argument("--ui", action="store_true", help="serve the page too")
    add.set_defaults(run=_serve)
    add = commands.add_parser("diagnose", help="diagnose the shot in a JSON file, with chart and causes")
    add.add_argument("file", type=Path, help="a body of POST /diagnose, or the features alone")
    add.add_argument("--language", choices=LANGUAGES, help="of the report; Korean unless the file says otherwise")
    add.add_argument("--json", action="store_true", help="print the reply as JSON and nothing else")
    add.set_defaults(run=_diagnose)
    add = commands.add_parser("explain", help="explain every shot of a CSV or JSON file, with charts of all together")
    add.add_argument("file", type=Path, help="columns named as the features are, or a list of shots")
    add.add_argument("--out", type=Path, required=True, help="the folder to write; a cut-off run goes on there")
    add.add_argument("--language", choices=LANGUAGES, default="ko", help="of labels and charts")
    add.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
    add.set_defaults(run=_explain)
    knowledge_commands.add_commands(commands)
    model_commands.add_commands(commands)
    return parser


def _serve(options: argparse.Namespace) -> int:
    from shotwise_local.serve import serve

    return serve(ui=options.ui)


def _diagnose(options: argparse.Namespace) -> int:
    from shotwise_cli.report import report

    body = read_body(options.file.read_bytes().decode("utf-8", "replace"))
    request = body if "features" in body else {"features": body}
    if options.language:
        request["language"] = options.language
    with quiet_stack() as (_, workflow, _):
        outcome = workflow.run(json.dumps(request))
    if outcome["status"] != "SUCCEEDED":
        return _rejected(outcome)
    reply = json.loads(outcome["output"])
    if options.json:
        print_json(reply)
    else:
        language = request.get("language") or "ko"
        schema = json.loads((Path(os.environ["SHOTWISE_MODEL_DIR"]) / "bundle.json").read_text("utf-8"))["features"]
        print(report(reply, language, {feature["name"]: feature["label"][language] for feature in schema}))
    return 0


def _rejected(outcome: dict[str, Any]) -> int:
    """Bad input is told field by field; everything else is a failure here."""
    if outcome.get("error") != "InvalidPayload":
        return fail(f"the diagnosis failed ({outcome.get('error')}): {outcome.get('cause')}", 1)
    problem = json.loads(outcome["cause"])
    lines = [f"  {error['field']}: {error['reason']}" for error in problem.get("errors", [])]
    return fail("\n".join([problem["detail"], *lines]), 2)


def _explain(options: argparse.Namespace) -> int:
    from shotwise.adapters.onnx import OnnxGraph
    from shotwise.bundle import Engine, load_bundle
    from shotwise_cli.explain import explain_file

    folder = Path(os.environ.get("SHOTWISE_MODEL_DIR", ROOT / "models/shotwise"))
    bundle = load_bundle(folder, Engine(OnnxGraph))
    try:
        with progress_bar() as progress:
            found = explain_file(options.file, options.out, bundle, options.language, progress)
    except OSError as error:
        return fail(f"{error.filename or options.out}: {error.strerror}", 2)
    for picture in found.degraded:
        note(f"no picture {picture}")
    if options.json:
        print_json(vars(found))
    else:
        print(f"{options.out}: {found.shots} shots, {found.explained} explained now, {found.resumed} before, "
              f"{found.rejected} at fault (see their lines)")
    return 2 if found.rejected else 1 if found.degraded else 0


if __name__ == "__main__":
    sys.exit(main())
