"""The AWS artefact without AWS: lint, build, sizes, and the built functions in Lambda's emulator."""

from __future__ import annotations

import json
import stat
import statistics
import time
from pathlib import Path

import pytest

from shotwise_local.home_setup import SHIPPED_INDEX
from shotwise_local.template import load_yaml

from .running import BUILD, BUILT_INDEX, ROOT, Stack, ask, built_function, invoke, sam, steady, wait_for_port

pytestmark = pytest.mark.slow
SETTINGS = {"SHOTWISE_MODEL_DIR": str(ROOT / "models/shotwise"),
            "SHOTWISE_INDEX": str(BUILT_INDEX),
            "SHOTWISE_INDEX_READ_ONLY": "true"}
FUNCTIONS = {"PredictFunction": ("predict", ["RuntimeLayer", "CoreLayer"], "/predict"),
             "ImportanceFunction": ("importance", ["CoreLayer"], "/importance"),
             "RagQueryFunction": ("rag_query", ["KnowledgeRuntimeLayer", "CoreLayer"], "/rag-query")}
RESOURCES = load_yaml(ROOT / "template.yaml")["Resources"]
ALL = [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::Serverless::Function"]
MAX_BYTES = 250 * 1024 * 1024  # Lambda's limit for function and layers, unzipped
ADAPTER_BYTES = 10 * 1024 * 1024  # more than the layer of the Lambda Web Adapter, which we do not build


def size(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_template_is_clean() -> None:
    """`sam validate --lint` finds nothing."""
    process = sam("validate", "--lint")
    assert process.returncode == 0, process.stdout + process.stderr


def folders_of(name: str) -> list[Path]:
    """The folders that Lambda unpacks for a function: its own, and those of our layers."""
    layers = [layer["Ref"] for layer in RESOURCES[name]["Properties"]["Layers"] if "Ref" in layer]
    return [BUILD / name, *(BUILD / layer if "Metadata" in RESOURCES[layer] else
                            ROOT / RESOURCES[layer]["Properties"]["ContentUri"] for layer in layers)]


@pytest.mark.parametrize("name", ALL)
def test_each_function_fits_into_lambda(built: None, name: str) -> None:
    """Function and layers together stay under 250 MB."""
    total = sum(size(folder) for folder in folders_of(name))
    total += ADAPTER_BYTES if "LambdaAdapterLayer" in str(RESOURCES[name]) else 0
    print(f"\n{name}: {total / 2**20:.0f} MB unzipped")
    assert total <= MAX_BYTES


def test_only_one_numpy_reaches_a_function(built: None) -> None:
    """A second copy would win by path order over the layer's pinned one; no package may have two versions."""
    for name in ALL:
        metadata = [path.name for folder in folders_of(name) for path in [*folder.glob("*.dist-info"),
                                                                     *folder.glob("python/*.dist-info")]]
        packages = [distribution.rpartition("-")[0].lower() for distribution in metadata]
        assert len(set(packages)) == len(packages), name
        assert not [distribution for distribution in metadata
                    if distribution.startswith("numpy-") and distribution != "numpy-2.4.6.dist-info"], name


def test_the_knowledge_layer_holds_the_index_of_this_checkout(built: None) -> None:
    """Byte for byte, and Lambda, which is another user, may read it."""
    assert BUILT_INDEX.read_bytes() == SHIPPED_INDEX.read_bytes()
    assert stat.S_IMODE(BUILT_INDEX.stat().st_mode) == 0o644
    assert [path.name for path in (BUILD / "KnowledgeLayer").rglob("*") if path.is_file()] == ["index.sqlite"]


def test_no_layer_holds_the_baseline(built: None) -> None:
    """The proof of concept's bundle, 20 MB unpacked, is for comparison and not served."""
    assert {path.name for path in (BUILD / "ModelsLayer").iterdir()} == {"shotwise"}
    assert not [path for path in BUILD.rglob("*") if "poc_baseline" in path.name or path.name.endswith(".onnx.xz")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_built_function_answers_as_the_local_stack(built: None, running: Stack, tmp_path: Path,
                                                       name: str) -> None:
    """From the artefact, under Python 3.13, the same event gives the same numbers, bit for bit."""
    event_name, layers, path = FUNCTIONS[name]
    event = json.loads((ROOT / f"events/{event_name}.json").read_text("utf-8"))
    with built_function(name, layers, SETTINGS, tmp_path) as url:
        emulated = invoke(url, event)
    local = ask(f"{running.api}{path}", json.dumps(event).encode()).json()
    assert steady(emulated) == steady(local)


def test_the_built_function_raises_its_problem(built: None, running: Stack, tmp_path: Path) -> None:
    """The error is named InvalidPayload, and its message is the problem that the API returns, byte for byte."""
    with built_function("PredictFunction", ["RuntimeLayer", "CoreLayer"], SETTINGS, tmp_path) as url:
        emulated = invoke(url, {"features": {}})
    assert emulated["errorType"] == "InvalidPayload"
    assert emulated["errorMessage"].encode() == ask(f"{running.api}/predict", b'{"features": {}}').body


@pytest.mark.alone
def test_importance_is_quick_cold_and_warm(built: None, tmp_path: Path) -> None:
    """From the artefact, with setpoints, signals and chart, the first answer takes up to 2 s, then P50 230 ms."""
    event = json.loads((ROOT / "events/importance.json").read_text("utf-8"))
    cold, warm = [], []
    for number in range(3):
        home = tmp_path / str(number)  # without matplotlib's cache of fonts, as in a new Lambda
        home.mkdir()
        with built_function("ImportanceFunction", ["CoreLayer"], SETTINGS, home) as url:
            wait_for_port(url)
            for first in (True, *(False,) * 10):
                started = time.perf_counter()
                reply = invoke(url, event)
                (cold if first else warm).append((time.perf_counter() - started) * 1000)
                assert reply["visualization_url"] and reply["setpoints"]["changes"] and reply["degraded"] == []
    first, later = statistics.median(cold), statistics.median(warm)
    print(f"\nimportance in the emulator: cold {first:.0f} ms, warm P50 {later:.0f} ms")
    assert first <= 2000 and later <= 230
