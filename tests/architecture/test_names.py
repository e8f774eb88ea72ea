"""Identifiers say what they hold: vague words and the names of earlier versions are refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "functions", "frontend", "loadtests", "benchmarks", "manuals")

# Not `value`: a shot is made of values, and a mapping has them.
VAGUE = frozenset(("found", "said", "told", "held", "given", "whole", "one", "asked", "kept", "known", "most", "least",
                   "result", "data", "item", "thing"))
EARLIER_CLASSES = frozenset(("Lexicon", "LexicalIndex", "Standing", "Volume", "Expected", "Library", "Searcher",
                             "Writer", "Stored", "Rejected", "Refused"))
EARLIER_MODULES = frozenset(("edge", "places", "words", "transfers", "cores", "fontlist", "one", "many", "watching",
                             "amounts", "choices", "contenders", "twins", "leaks", "facts", "teacher", "stamps"))
LIMITS = frozenset(("MOST", "LEAST", "FEWEST"))  # MAX and MIN are what everybody searches for
FUNCTIONS = frozenset(("T1", "T2", "T3"))  # predict, importance, rag_query


def words(name: str) -> list[str]:
    """Split snake_case and CamelCase into words, in capitals."""
    return [word.upper() for part in name.split("_")
            for word in re.findall(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*|\d+", part)]


def is_refused(name: str) -> bool:
    """Whether a name is vague, a class of an earlier version, or has a word that is refused."""
    return (name.strip("_") in VAGUE or name in EARLIER_CLASSES or bool(FUNCTIONS & set(words(name)))
            or (name.isupper() and bool(LIMITS & set(words(name)))))


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module defines, assigns to or imports, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.rpartition(".")[2], node.lineno
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, node.lineno


def offences(path: str, source: str) -> list[str]:
    """FILE:LINE: NAME of every refused name in a module, its own included."""
    parts = Path(path).with_suffix("").parts
    modules = [f"{path}:1: module {part}" for part in parts if part in EARLIER_MODULES]
    return modules + [f"{path}:{line}: {name}" for name, line in identifiers(ast.parse(source))
                      if is_refused(name)]


def sources() -> Iterator[tuple[str, str]]:
    """Every module of ours with its source."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def test_every_name_says_what_it_holds() -> None:
    """No module defines a refused name."""
    refused = [offence for path, source in sources() for offence in offences(path, source)]
    assert not refused, "\n" + "\n".join(refused)


@pytest.mark.parametrize(("source", "name"), [
    ("found = 1", "found"), ("def told(): ...", "told"), ("def f(given): ...", "given"), ("f = lambda item: 1", "item"),
    ("self.kept = 1", "kept"), ("for one in []: ...", "one"), ("x = [1 for thing in []]", "thing"),
    ("with f() as data: ...", "data"), ("(result := 1)", "result"), ("_said: int = 1", "_said"),
    ("def f(*, whole=1): ...", "whole"), ("x = {item: 1 for item in []}", "item"),
    ("MOST_ROWS = 3", "MOST_ROWS"), ("SHARE_AT_LEAST = 3", "SHARE_AT_LEAST"), ("FEWEST = 3", "FEWEST"),
    ("def run_t2(): ...", "run_t2"), ("class T1Handler: ...", "T1Handler"), ("class Lexicon: ...", "Lexicon"),
    ("from shotwise.knowledge import Volume", "Volume"), ("import shotwise.ports as Writer", "Writer"),
    ("try: ...\nexcept E as known: ...", "known")])
def test_a_refused_name_is_found(source: str, name: str) -> None:
    """A planted name of each kind is reported with its file and line."""
    assert offences("src/module.py", f"import os\n{source}") == [
        f"src/module.py:{3 if 'except' in source else 2}: {name}"]


@pytest.mark.parametrize("path", ["src/shotwise/edge/api.py", "frontend/words.py"])
def test_a_refused_module_is_found(path: str) -> None:
    """The name of a folder counts as well as that of a file."""
    assert len(offences(path, "")) == 1


@pytest.mark.parametrize("source", [
    "for name, value in features.items(): ...", "found_pages = most_rows = known_names = 1",
    "MAX_ROWS = ALMOST = 1", "class TextWriter: ...", "point_1 = T10 = 1", "print(data, value)"])
def test_other_names_are_let_through(source: str) -> None:
    """Values, names that only contain a refused word, and names that are only read."""
    assert offences("src/module.py", source) == []
