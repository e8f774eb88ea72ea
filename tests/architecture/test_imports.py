"""Dependencies point inwards, and serving stays light."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from shotwise_local.home_setup import SHIPPED_INDEX

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/shotwise"
HEAVY = {"torch", "sklearn", "shap", "pandas", "scipy", "onnx", "skops"}
OUTER = {"shotwise_training", "shotwise_local", "shotwise_cli", "shotwise_tools", "functions", "frontend"}
OUTSIDE = {"boto3", "botocore", "sqlite3", "onnxruntime", "opensearchpy", "requests", "httpx2", "http",
           "urllib.request"}


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports, at the top or inside a function, as dotted names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return frozenset(names)


def tops(path: Path) -> set[str]:
    """The top-level names of a file's imports."""
    return {name.split(".")[0] for name in imports(path)}


FILES = sorted(SOURCE.rglob("*.py"))
SERVING = FILES + sorted((ROOT / "functions").rglob("*.py"))


def offenders(paths: Iterable[Path], offence: Callable[[Path], object]) -> dict[str, object]:
    """What each of the files does wrong, by its name, without those that do nothing wrong."""
    offences = {path.relative_to(ROOT).as_posix(): offence(path) for path in paths}
    assert offences, "no file was looked at"
    return {name: wrong for name, wrong in offences.items() if wrong}


def test_serving_imports_nothing_of_training() -> None:
    """No file of src or functions imports what only training may, or the outer packages."""
    assert offenders(SERVING, lambda path: tops(path) & (HEAVY | OUTER)) == {}


def outside_imports(path: Path) -> set[str]:
    """The imports of a file that only adapters may have."""
    return {name for name in imports(path) for outside in OUTSIDE if f"{name}.".startswith(f"{outside}.")}


def test_the_core_touches_nothing_outside() -> None:
    """boto3, SQLite, onnxruntime and HTTP stay in the adapters."""
    assert offenders([path for path in FILES if "adapters" not in path.parts], outside_imports) == {}
    assert outside_imports(SOURCE / "adapters/onnx.py"), "an adapter's import is not seen"


def imports_under(path: Path, *packages: str) -> list[str]:
    """The imports of a file from these packages."""
    return [name for name in imports(path) if name.startswith(packages)]


def test_the_core_knows_neither_handlers_nor_adapters() -> None:
    """The domain imports no envelope, no handler framework and no adapter."""
    core = [path for path in FILES if not {"adapters", "handlers", "compat"} & set(path.parts)]
    assert offenders(core, lambda path: imports_under(path, "shotwise.handlers", "shotwise.adapters",
                                                      "aws_lambda_powertools")) == {}


def test_adapters_know_the_core_and_not_the_handlers() -> None:
    """An adapter implements a port; it does not know who calls."""
    adapters = (SOURCE / "adapters").rglob("*.py")
    assert offenders(adapters, lambda path: imports_under(path, "shotwise.handlers")) == {}


def module_name(path: Path) -> str:
    """The dotted name of a module under src."""
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")


def test_no_module_imports_itself_over_others() -> None:
    """The modules under src can be put in an order in which each imports only earlier ones."""
    paths = {module_name(path): path for path in (ROOT / "src").rglob("*.py")}
    graph = {name: (imports(path) & paths.keys()) - {name} for name, path in paths.items()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the modules


# A package of the list may import those above it, never those below.
FLOORS = ("models", "ports", ("text", "verify"), ("ingestion", "retrieval"), "answering")


def floor(module: str) -> int:
    """The floor that a module of shotwise.knowledge is on."""
    room = module.removeprefix("shotwise.knowledge.").split(".")[0]
    return next(number for number, rooms in enumerate(FLOORS) if room == rooms or room in rooms)


def upward_in_knowledge(path: Path) -> list[str]:
    """The imports of a file of shotwise.knowledge from rooms beside or above its own."""
    own = ".".join(path.relative_to(SOURCE / "knowledge").with_suffix("").parts)
    room = own.split(".")[0]
    others = {name for name in imports(path) if name.startswith("shotwise.knowledge.")
              and name.removeprefix("shotwise.knowledge.").split(".")[0] != room}
    return [name for name in others if floor(name) >= floor(own)]


def test_inside_knowledge_every_import_points_down() -> None:
    """Models, ports, text and verify, ingestion and retrieval, answering on top; no room imports one beside it."""
    assert offenders((SOURCE / "knowledge").rglob("[!_]*.py"), upward_in_knowledge) == {}


def test_run_installs_what_serving_imports() -> None:
    """Every package that serving, the emulator, the command line and the page import is in requirements/serve.txt."""
    pinned = {re.split(r"[=\[;\s]", line)[0].lower() for line in
              (ROOT / "requirements/serve.txt").read_text("utf-8").splitlines()}
    providers = importlib.metadata.packages_distributions()
    ours = OUTER | {"shotwise"}
    folders = ("src/shotwise_local", "src/shotwise_cli", "src/shotwise_tools", "frontend")
    lacking = {}
    for path in (*SERVING, *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))):
        for top in tops(path) - ours - sys.stdlib_module_names:
            if not {name.lower().replace("_", "-") for name in providers.get(top, [])} & pinned:
                lacking[top] = path.name
    assert lacking == {}


def test_the_environment_is_read_in_the_composition_roots_alone() -> None:
    """Settings come from a mapping that is passed in."""
    readers = {path.relative_to(ROOT).as_posix() for path in SERVING
               if "os.environ" in path.read_text("utf-8") or "getenv" in path.read_text("utf-8")}
    assert readers == {f"functions/{name}/app.py" for name in
                       ("predict", "importance", "rag_query", "embed_documents", "stream_query")}


def loaded(function: str) -> set[str]:
    """The modules that a cold import of a function's app loads, in a fresh interpreter."""
    code = (f"import sys, functions.{function}.app; "
            "print('\\n'.join(sorted(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": f"{ROOT}/src:{ROOT}", "PATH": "/usr/bin:/bin",
                               "SHOTWISE_INDEX": str(SHIPPED_INDEX),
                               "SHOTWISE_INDEX_READ_ONLY": "true"})
    return set(done.stdout.split())


@pytest.mark.parametrize(("function", "absent"), [
    ("predict", HEAVY | {"boto3", "botocore.session", "matplotlib", "sqlite3", "pymupdf", "aws_xray_sdk"}),
    ("importance", HEAVY | {"boto3", "botocore.session", "sqlite3", "pymupdf", "aws_xray_sdk"}),
    ("rag_query", HEAVY | {"boto3", "botocore.session", "onnxruntime", "matplotlib", "pymupdf", "httpx2",
                           "opensearchpy", "aws_xray_sdk"}),
    ("embed_documents", HEAVY | {"boto3", "botocore.session", "onnxruntime", "matplotlib", "numpy", "pymupdf",
                                 "httpx2", "opensearchpy"})])
def test_a_cold_import_pulls_in_what_it_needs_alone(function: str, absent: set[str]) -> None:
    """Measured in a fresh interpreter, not read from the source."""
    assert not loaded(function) & absent


def test_the_check_sees_what_is_loaded() -> None:
    """The measure can fail: what each function does need is found loaded."""
    assert {"onnxruntime", "numpy"} <= loaded("predict") and {"sqlite3", "numpy", "mecab_ko"} <= loaded("rag_query")
    assert "matplotlib" in loaded("importance")


CODE = sorted(path for folder in ("src", "functions", "frontend") for path in (ROOT / folder).rglob("*.py"))


def unwieldy(path: Path) -> list[str]:
    """What makes a file hard to read: its own length, those of its functions, a missing docstring."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    flaws = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
             and (node.end_lineno or 0) - node.lineno >= 40]
    flaws += ["over 300 lines"] if len(text.splitlines()) > 300 else []
    return flaws + ([] if ast.get_docstring(tree) else ["no docstring"])


def test_files_and_functions_fit_in_one_look() -> None:
    """No module over 300 lines, no function over 40, and every module says what it is."""
    assert offenders(CODE, unwieldy) == {}


def test_an_unwieldy_file_is_seen(tmp_path: Path) -> None:
    """The check can fail: each of the three flaws is named."""
    path = tmp_path / "module.py"
    path.write_text("def long():\n" + "    pass\n" * 300, "utf-8")
    assert unwieldy(path) == ["long", "over 300 lines", "no docstring"]


# The folders and modules of shotwise_training, lowest first. Each may import those before it, none beside or above it.
TRAINING_LAYERS = (("data", "metrics"), ("audit", "models"), ("evaluation",), ("export",), ("train",))


def training_layer(part: str) -> int:
    """Return the layer of a folder or module of shotwise_training."""
    return next(number for number, parts in enumerate(TRAINING_LAYERS) if part in parts)


def upward_imports(part: str, modules: Collection[str]) -> list[str]:
    """List the modules of shotwise_training that are imported from a part although they are not below it."""
    imported = {module: module.split(".")[1] for module in modules if module.startswith("shotwise_training.")}
    return sorted(module for module, other in imported.items()
                  if other != part and training_layer(other) >= training_layer(part))


def upward_in_training(path: Path) -> list[str]:
    """The imports of a file of shotwise_training from folders beside or above its own."""
    part = path.relative_to(ROOT / "src/shotwise_training").with_suffix("").parts[0]
    return [] if part == "__init__" else upward_imports(part, imports(path))


def test_training_imports_point_down() -> None:
    """Inside shotwise_training no folder imports one beside or above it."""
    assert offenders((ROOT / "src/shotwise_training").rglob("*.py"), upward_in_training) == {}


def test_an_upward_import_would_be_seen() -> None:
    """The check can fail: an import from above, or from the folder beside, is listed."""
    modules = {"shotwise_training.export.graph", "shotwise_training.data.table", "shotwise_training.models.history"}
    assert upward_imports("models", modules) == ["shotwise_training.export.graph"]
    assert upward_imports("audit", modules) == ["shotwise_training.export.graph", "shotwise_training.models.history"]


def test_serving_never_imports_the_training_package() -> None:
    """No file of shotwise or of the functions imports shotwise_training, at the top or inside a function."""
    assert [str(path) for path in SERVING if "shotwise_training" in tops(path)] == []
