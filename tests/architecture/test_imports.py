"""Dependencies point inwards, and serving stays light."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/shotwise"
HEAVY = {"torch", "sklearn", "shap", "pandas", "scipy", "onnx", "skops"}
OUTER = {"shotwise_training", "shotwise_local", "shotwise_cli", "shotwise_tools", "functions", "frontend"}
OUTSIDE = {"boto3", "botocore", "sqlite3", "onnxruntime", "opensearchpy", "requests", "httpx2", "http",
           "urllib.request"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function, as dotted names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def tops(path: Path) -> set[str]:
    """The top-level names of a file's imports."""
    return {name.split(".")[0] for name in imports(path)}


FILES = sorted(SOURCE.rglob("*.py"))
SERVING = FILES + sorted((ROOT / "functions").rglob("*.py"))


@pytest.mark.parametrize("path", SERVING, ids=lambda path: str(path.relative_to(ROOT)))
def test_serving_imports_nothing_of_training(path: Path) -> None:
    """No file of src or functions imports what only training may, or the outer packages."""
    assert not tops(path) & (HEAVY | OUTER)


@pytest.mark.parametrize("path", [path for path in FILES if "adapters" not in path.parts],
                         ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_core_touches_nothing_outside(path: Path) -> None:
    """boto3, SQLite, onnxruntime and HTTP stay in the adapters."""
    assert not {name for name in imports(path) for outside in OUTSIDE if f"{name}.".startswith(f"{outside}.")}


@pytest.mark.parametrize("path", [path for path in FILES if not {"adapters", "handlers", "compat"} & set(path.parts)],
                         ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_core_knows_neither_handlers_nor_adapters(path: Path) -> None:
    """The domain imports no envelope, no handler framework and no adapter."""
    assert not [name for name in imports(path)
                if name.startswith(("shotwise.handlers", "shotwise.adapters", "aws_lambda_powertools"))]


@pytest.mark.parametrize("path", sorted((SOURCE / "adapters").rglob("*.py")),
                         ids=lambda path: str(path.relative_to(SOURCE)))
def test_adapters_know_the_core_and_not_the_handlers(path: Path) -> None:
    """An adapter implements a port; it does not know who calls."""
    assert not [name for name in imports(path) if name.startswith("shotwise.handlers")]


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


@pytest.mark.parametrize("path", sorted((SOURCE / "knowledge").rglob("[!_]*.py")),
                         ids=lambda path: str(path.relative_to(SOURCE)))
def test_inside_knowledge_every_import_points_down(path: Path) -> None:
    """Models, ports, text and verify, ingestion and retrieval, answering on top; no room imports one beside it."""
    own = ".".join(path.relative_to(SOURCE / "knowledge").with_suffix("").parts)
    room = own.split(".")[0]
    others = {name for name in imports(path) if name.startswith("shotwise.knowledge.")
              and name.removeprefix("shotwise.knowledge.").split(".")[0] != room}
    assert not [name for name in others if floor(name) >= floor(own)]


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
                               "SHOTWISE_INDEX": "layers/knowledge/knowledge/index.sqlite",
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


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_fit_in_one_look(path: Path) -> None:
    """No module over 300 lines, no function over 40, and every module says what it is."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(tree)
    long = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= 40]
    assert not long


# The folders and modules of shotwise_training, lowest first. Each may import those before it, none beside or above it.
TRAINING_LAYERS = (("data", "metrics"), ("audit", "models"), ("evaluation",), ("export",), ("train",))


def training_layer(part: str) -> int:
    """Return the layer of a folder or module of shotwise_training."""
    return next(number for number, parts in enumerate(TRAINING_LAYERS) if part in parts)


def upward_imports(part: str, modules: set[str]) -> list[str]:
    """List the modules of shotwise_training that are imported from a part although they are not below it."""
    imported = {module: module.split(".")[1] for module in modules if module.startswith("shotwise_training.")}
    return sorted(module for module, other in imported.items()
                  if other != part and training_layer(other) >= training_layer(part))


@pytest.mark.parametrize("path", sorted((ROOT / "src/shotwise_training").rglob("*.py")),
                         ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_training_imports_point_down(path: Path) -> None:
    """Inside shotwise_training no folder imports one beside or above it."""
    part = path.relative_to(ROOT / "src/shotwise_training").with_suffix("").parts[0]
    assert part == "__init__" or upward_imports(part, imports(path)) == []


def test_an_upward_import_would_be_seen() -> None:
    """The check can fail: an import from above, or from the folder beside, is listed."""
    modules = {"shotwise_training.export.graph", "shotwise_training.data.table", "shotwise_training.models.history"}
    assert upward_imports("models", modules) == ["shotwise_training.export.graph"]
    assert upward_imports("audit", modules) == ["shotwise_training.export.graph", "shotwise_training.models.history"]


def test_serving_never_imports_the_training_package() -> None:
    """No file of shotwise or of the functions imports shotwise_training, at the top or inside a function."""
    assert [str(path) for path in SERVING if "shotwise_training" in tops(path)] == []
