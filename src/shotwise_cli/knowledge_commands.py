"""The commands about documents: ask them, take them in, list and remove them, measure how well they are found."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shotwise_cli.console import fail, note, print_json

ROOT = Path(__file__).parents[2]
GOLDEN, FLOORS = ROOT / "manuals/golden.jsonl", ROOT / "manuals/golden.floors.json"


def add_commands(commands: Any) -> None:
    """Add the commands of this file to the parser's subcommands."""
    add = commands.add_parser("ask", help="ask the plant's documents")
    add.add_argument("question")
    _with_json(add, "the reply", _ask)
    add = commands.add_parser("ingest", help="put PDFs into the knowledge library")
    add.add_argument("paths", nargs="*", type=Path, help="PDF files or folders; the shipped manuals without any")
    add.add_argument("--index", type=Path, help="the library file to write, instead of the local stack's")
    _with_json(add, "what became of each file", _ingest)
    add = commands.add_parser("attach-questions", help="attach the questions that a PDF answers, to find it by them")
    add.add_argument("document", type=Path, help="the PDF; it is changed")
    add.add_argument("questions", type=Path, help='{"page", "text", "questions"} a line; text: words of that page')
    add.set_defaults(run=_attach)
    add = commands.add_parser("documents", help="list what is searched, and what could not be read")
    _with_json(add, "the list", _documents)
    add = commands.add_parser("remove", help="remove a document from the knowledge library")
    add.add_argument("name", help="its file name, as `shotwise documents` lists it")
    _with_json(add, "what became of it", _remove)
    add = commands.add_parser("evaluate-knowledge", help="how well pages are found, quoted and refused")
    add.add_argument("--corpus", type=Path, help="rank the passages of this file instead: {id, text} a line")
    add.add_argument("--queries", type=Path, help="with --corpus: {query, relevant: [ids]} a line")
    add.add_argument("--fitting", action="store_true", help="the half of the golden set that refusal was fitted on")
    _with_json(add, "the figures", _evaluate)


def _with_json(parser: argparse.ArgumentParser, what: str, run: Any) -> None:
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON and nothing else")
    parser.set_defaults(run=run)


def _ask(options: argparse.Namespace) -> int:
    from shotwise.handlers.requests import knowledge_request
    from shotwise.knowledge.text.question import language_of
    from shotwise_cli.report import knowledge_lines

    knowledge_request({"query": options.question})
    with quiet_stack() as (functions, _, _):
        reply = functions.invoke("RagQueryFunction", {"query": options.question})
    if options.json:
        print_json(reply)
    else:
        print("\n".join(knowledge_lines(reply, language_of(options.question))))
    return 0


def _ingest(options: argparse.Namespace) -> int:
    from shotwise_cli.ingest import ingest_paths

    outcomes = ingest_paths(options.paths, options.index, note)
    if options.json:
        print_json([vars(outcome) for outcome in outcomes])
    else:
        for found in outcomes:
            size = f", {found.pages} pages, {found.passages} passages" if found.state == "added" else ""
            print("\n".join([found.reason or f"{found.name}: {found.state}{size}", *found.notes]))
    return 1 if any(found.state == "failed" for found in outcomes) else 0


def _attach(options: argparse.Namespace) -> int:
    from shotwise.errors import DocumentError
    from shotwise_cli.attach_questions import attach_questions

    try:
        count = attach_questions(options.document, options.questions)
    except DocumentError as error:
        return fail(str(error), 2)
    print(f"{options.document.name}: {count} questions attached; `shotwise ingest` it to search by them")
    return 0


def _documents(options: argparse.Namespace) -> int:
    from shotwise_cli.ingest import listed

    found = listed(note)
    if options.json:
        print_json(found)
    else:
        for document in found["documents"]:
            size = f"{document['pages']} pages, {document['passages']} passages"
            print("\n  ".join([f"{document['name']}: {document['title']}, {size}" if document["version"]
                               else f"{document['name']}: not searched", *document["notes"],
                               *filter(None, [document["failure"]])]))
    return 0


def _remove(options: argparse.Namespace) -> int:
    from shotwise_cli.ingest import remove

    found = remove(options.name, note)
    if options.json:
        print_json(vars(found))
    else:
        print(f"{found.name}: {found.state}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from shotwise.adapters.knowledge_factory import open_analyzer, open_answerer
    from shotwise.settings import Settings

    if bool(options.corpus) != bool(options.queries):
        return fail("--corpus and --queries go together; give both, or none for our own set", 2)
    if options.corpus:
        from shotwise_cli.knowledge_evaluation import evaluate_ranking

        settings = Settings.from_mapping(os.environ)
        found = evaluate_ranking(options.corpus, options.queries, open_analyzer(settings.knowledge), _bar)
        return _told(found, {}, options.json)
    from shotwise_cli.knowledge_evaluation import evaluate_golden, read_floors, read_golden
    from shotwise_cli.pdf_pages import pdf_pages
    from shotwise_local.stack import MANUALS, prepare

    prepare(os.environ, note)
    answerer = open_answerer(Settings.from_mapping(os.environ).knowledge)
    questions = read_golden(GOLDEN, fitting=options.fitting)
    found = evaluate_golden(questions, answerer, pdf_pages(MANUALS), _bar)
    return _told(found, {} if options.fitting else read_floors(FLOORS), options.json)


def _told(found: dict[str, Any], floors: dict[str, float], as_json: bool) -> int:
    """Print the figures; a figure under its floor is a failed check."""
    if as_json:
        print_json(found)
    else:
        for name, value in found.items():
            print(f"{name:18} {value:.3f}" if isinstance(value, float) else f"{name:18} {value}")
    under = [f"{name} is {found[name]:.3f}, under its floor {floor}" for name, floor in floors.items()
             if found[name] < floor]
    return fail("; ".join(under), 1) if under else 0


def _bar(items: Iterable[Any]) -> Iterable[Any]:
    from tqdm import tqdm

    return tqdm(items, leave=False, disable=None)


@contextmanager
def quiet_stack() -> Iterator[Any]:
    """The stack without its logs on standard output."""
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
    from shotwise_local.stack import open_stack, prepare

    prepare(os.environ, note)
    with open_stack() as stack:
        yield stack
