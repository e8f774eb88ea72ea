"""The commands about documents: ask a question; ingest, list and remove documents; measure retrieval."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from shotwise.hidden_characters import visible
from shotwise_cli.console import fail, note, print_json, show
from shotwise_cli.quiet_stack import quiet_stack
from shotwise_local import ROOT

GOLDEN, FLOORS = ROOT / "manuals/golden.jsonl", ROOT / "manuals/golden.floors.json"


def add_commands(commands: Any) -> None:
    """Add the commands of this file to the parser's subcommands."""
    add = commands.add_parser("ask", help="ask the plant's documents a question")
    add.add_argument("question", help="a sentence, in Korean or English")
    _finish(add, _ask, "the reply")
    add = commands.add_parser("ingest", help="put PDFs into the document store, so that they are searched")
    add.add_argument("paths", nargs="*", type=Path, help="PDF files or folders; the shipped manuals if none is given")
    add.add_argument("--index", type=Path, help="the document store's file to write, instead of the local stack's")
    _finish(add, _ingest, "the outcome for each file")
    add = commands.add_parser("attach-questions",
                              help="attach to a PDF the questions that it answers, to find it by them")
    add.add_argument("document", type=Path, help="the PDF; it is changed")
    add.add_argument("questions", type=Path,
                     help='a JSON line {"page", "text", "questions"} for each statement; text: words of that page')
    add.set_defaults(run=_attach)
    add = commands.add_parser("documents", help="list the documents that are searched, and those that failed")
    _finish(add, _documents, "the list")
    add = commands.add_parser("remove", help="remove a document from the document store")
    add.add_argument("name", help="its file name, as `shotwise documents` lists it")
    _finish(add, _remove, "the outcome")
    add = commands.add_parser("evaluate-knowledge", help="measure retrieval, quotes and refusals")
    add.add_argument("--corpus", type=Path, help="rank the passages of this file instead; a JSON line {id, text} each")
    add.add_argument("--queries", type=Path, help="with --corpus: a JSON line {query, relevant: [ids]} for each query")
    add.add_argument("--fitting", action="store_true", help="ask the half of the golden set that refusal was fitted on")
    _finish(add, _evaluate, "the figures")


def _finish(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int], output: str) -> None:
    """Add `--json` to a command and name the function that runs it."""
    parser.add_argument("--json", action="store_true", help=f"print {output} as JSON and nothing else")
    parser.set_defaults(run=run)


def _ask(options: argparse.Namespace) -> int:
    from shotwise.handlers.body import check_encodable
    from shotwise.handlers.requests import knowledge_request
    from shotwise.knowledge.text.question import language_of
    from shotwise_cli.diagnosis_report import answer_lines

    check_encodable(options.question)  # typed in another encoding than the terminal's
    knowledge_request({"query": options.question})
    with quiet_stack() as (functions, _, _):
        reply = functions.invoke("RagQueryFunction", {"query": options.question})
    if options.json:
        print_json(reply)
    else:
        show("\n".join(answer_lines(reply, language_of(options.question))))
    return 0


def _ingest(options: argparse.Namespace) -> int:
    from shotwise_cli.ingest import ingest_paths, outcome_json

    outcomes = ingest_paths(options.paths, options.index, note)
    if options.json:
        print_json([outcome_json(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            size = f", {outcome.pages} pages, {outcome.passages} passages" if outcome.state == "added" else ""
            lines = [outcome.reason or f"{outcome.name}: {outcome.state}{size}", *outcome.note_texts]
            show("\n".join(map(visible, lines)))
    return 1 if any(outcome.state == "failed" for outcome in outcomes) else 0


def _attach(options: argparse.Namespace) -> int:
    from shotwise.errors import DocumentError
    from shotwise_cli.attach_questions import attach_questions

    try:
        count = attach_questions(options.document, options.questions)
    except DocumentError as error:
        return fail(str(error), 2)
    show(f"{visible(options.document.name)}: {count} questions attached; `shotwise ingest` it to search by them")
    return 0


def _documents(options: argparse.Namespace) -> int:
    from shotwise_cli.ingest import list_documents

    reply = list_documents(note)
    if options.json:
        print_json(reply)
    else:
        for summary in reply["documents"]:
            show("\n  ".join(map(visible, _summary_lines(summary))))
    return 0


def _summary_lines(summary: dict[str, Any]) -> list[str]:
    """A document of the list: its name and size, its notes, and why it failed."""
    name = summary["name"]
    head = f"{name}: {summary['title']}, {summary['pages']} pages, {summary['passages']} passages" \
        if summary["version"] else f"{name}: not searched"
    return [head, *summary["notes"], *filter(None, [summary["failure"]])]


def _remove(options: argparse.Namespace) -> int:
    from shotwise_cli.ingest import outcome_json, remove_document

    outcome = remove_document(options.name, note)
    if options.json:
        print_json(outcome_json(outcome))
    else:
        show(visible(f"{outcome.name}: {outcome.state}"))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    if bool(options.corpus) != bool(options.queries):
        return fail("--corpus and --queries go together; give both, or neither for our own set", 2)
    if options.corpus:
        return _print_figures(_ranking_figures(options.corpus, options.queries), {}, options.json)
    from shotwise_cli.knowledge_evaluation import read_floors

    return _print_figures(_golden_figures(fitting=options.fitting), {} if options.fitting else read_floors(FLOORS),
                          options.json)


def _ranking_figures(corpus: Path, queries: Path) -> dict[str, Any]:
    """Figures of ranking the passages of any corpus."""
    from shotwise.adapters.knowledge_factory import open_analyzer
    from shotwise.settings import Settings
    from shotwise_cli.knowledge_evaluation import evaluate_ranking

    analyzer = open_analyzer(Settings.from_mapping(os.environ).knowledge)
    return evaluate_ranking(corpus, queries, analyzer, _progress)


def _golden_figures(*, fitting: bool) -> dict[str, Any]:
    """Figures of answering the golden set from the local stack's documents."""
    from shotwise.adapters.knowledge_factory import open_answerer
    from shotwise.settings import Settings
    from shotwise_cli.knowledge_evaluation import evaluate_golden, read_golden
    from shotwise_cli.pdf_pages import pdf_pages
    from shotwise_local.home_setup import MANUALS
    from shotwise_local.stack import prepare

    prepare(os.environ, note)
    answerer = open_answerer(Settings.from_mapping(os.environ).knowledge)
    return evaluate_golden(read_golden(GOLDEN, fitting=fitting), answerer, pdf_pages(MANUALS), _progress)


def _print_figures(figures: dict[str, Any], floors: dict[str, float], as_json: bool) -> int:
    """Print the figures, and return the exit status: 1 if one is under its floor."""
    if as_json:
        print_json(figures)
    else:
        for name, figure in figures.items():
            show(f"{name:18} {figure:.3f}" if isinstance(figure, float) else f"{name:18} {figure}")
    under = [f"{name} is {figures[name]:.3f}, under its floor {floor}" for name, floor in floors.items()
             if figures[name] < floor]
    return fail("; ".join(under), 1) if under else 0


def _progress(questions: Iterable[Any]) -> Iterable[Any]:
    """Show a progress bar while the questions are iterated over; nothing where there is no terminal."""
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(questions, leave=False, disable=None)
    return bar
