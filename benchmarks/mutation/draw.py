"""Draw the sample: mutants by the operators of cosmic-ray, the same number in every group of groups.toml.

    pip install -c requirements/develop.txt cosmic-ray==8.7.0
    python -m benchmarks.mutation.draw [--also CHECKOUT]

Writes sample.json. A place in the source is drawn first and then one of its mutants, since an operator such as `+` has
eleven and `not` has one; no line is drawn twice.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from benchmarks.mutation.run import ROOT, SAMPLE, read_groups, row_of

SEED = 2026
PER_GROUP = 25

# None, True and small numbers are single objects: between `is` and `==` nothing changes.
EQUIVALENT = ("_Eq_Is", "_NotEq_IsNot", "_Is_Eq", "_IsNot_NotEq")


class Place(NamedTuple):
    """A piece of source that operators can change: lines from 1, columns in characters from 0."""

    module: str
    start: tuple[int, int]
    end: tuple[int, int]


def main() -> None:
    """Draw from every group and write the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--also", type=Path, default=ROOT, help="draw only lines that this checkout has as well")
    also = parser.parse_args().also.resolve()
    rng = random.Random(SEED)
    sample = [{"group": name, **mutant} for name, group in read_groups().items()
              for mutant in draw(group["modules"], rng, also)]
    rows = [json.dumps({"id": f"{number:03}", **mutant}, ensure_ascii=False) for number, mutant in enumerate(sample, 1)]
    SAMPLE.write_text("[\n" + ",\n".join(rows) + "\n]\n", "utf-8")
    print(f"{len(sample)} mutants of {len({mutant['module'] for mutant in sample})} modules")


def draw(patterns: list[str], rng: random.Random, also: Path) -> Iterator[dict[str, Any]]:
    """Draw PER_GROUP mutants of the modules that the patterns name."""
    places: dict[Place, list[tuple[str, int]]] = {}
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        places |= places_of(path)
    lines: set[tuple[str, int]] = set()
    for place in rng.sample(sorted(places), len(places)):
        operator, occurrence = rng.choice(places[place])
        mutant = mutate(place, operator, occurrence)
        if mutant and row_of(mutant, also) is not None and (place.module, place.start[0]) not in lines:
            lines.add((place.module, place.start[0]))
            yield mutant
            if len(lines) == PER_GROUP:
                return
    raise SystemExit(f"only {len(lines)} mutants of {patterns}")


def places_of(path: Path) -> dict[Place, list[tuple[str, int]]]:
    """List the places of a module with the (operator, occurrence) of each of their mutants."""
    source = path.read_text("utf-8")
    nodes = list(ast_nodes(get_ast(source)))
    left_out = list(typing_only(source))
    places = defaultdict(list)
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or name.endswith(("/NoOp", *EQUIVALENT)):
            continue
        positions = (position for node in nodes for position in operator().mutation_positions(node))
        for occurrence, (start, end) in enumerate(positions):
            if not any(first <= start < last for first, last in left_out):
                places[Place(path.relative_to(ROOT).as_posix(), start, end)].append((name, occurrence))
    return places


def typing_only(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the spans that only a type checker reads: annotations, aliases of unions, TYPE_CHECKING blocks."""
    lines = source.splitlines()

    def position(line: int, column: int) -> tuple[int, int]:
        return line, len(lines[line - 1].encode()[:column].decode())

    for node in ast.walk(ast.parse(source)):
        spans: list[ast.expr | ast.stmt | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            spans = [node.annotation]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            spans = [node.returns]
        elif isinstance(node, ast.Module):
            spans = [child for child in node.body if isinstance(child, ast.Assign)
                     and isinstance(child.value, ast.BinOp) and isinstance(child.value.op, ast.BitOr)]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            spans = [node]
        for span in spans:
            if span is not None:
                yield position(span.lineno, span.col_offset), position(span.end_lineno or 0, span.end_col_offset or 0)


def mutate(place: Place, operator: str, occurrence: int) -> dict[str, Any] | None:
    """Describe a mutant by its line before and after; None if it changes nothing, more than a line, or the grammar."""
    source = (ROOT / place.module).read_text("utf-8")
    mutated = mutate_code(source, get_operator(operator)(), occurrence)
    try:
        if ast.dump(ast.parse(mutated)) == ast.dump(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    before, after = source.splitlines(), mutated.splitlines()
    changed = [row for row, (line, other) in enumerate(zip(before, after, strict=False)) if line != other]
    if len(before) != len(after) or len(changed) != 1:
        return None
    line = before[changed[0]]
    return {"module": place.module, "function": function_at(source, changed[0] + 1), "operator": operator,
            "line": line, "nth": before[:changed[0]].count(line), "mutant": after[changed[0]]}


def function_at(source: str, line: int) -> str:
    """Name the innermost function or class around a line; empty at the level of the module."""
    names = [node for node in ast.walk(ast.parse(source))
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
             and node.lineno <= line <= (node.end_lineno or 0)]
    return max(names, key=lambda node: node.lineno).name if names else ""


if __name__ == "__main__":
    main()
