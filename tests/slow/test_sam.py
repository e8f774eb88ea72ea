"""The AWS artefact without AWS: lint, build, sizes, and the built functions in Lambda's emulator."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import pytest

from shotwise_local.template import load_yaml

from .running import BUILD, ROOT, Stack, ask, built_function, invoke, sam, steady, wait_for_port

pytestmark = pytest.mark.slow
SETTINGS = {"SHOTWISE_MODEL_DIR": str(ROOT / "models/shotwise"),
            "SHOTWISE_INDEX": str(ROOT / "layers/knowledge/knowledge/index.sqlite"),
            "SHOTWISE_INDEX_READ_ONLY": "true"}
FUNCTIONS = {"PredictFunction": ("predict", ["RuntimeLayer", "CoreLayer"], "/predict"),
             "ImportanceFunction": ("importance", ["CoreLayer"], "/importance"),
             "RagQueryFunction": ("rag_query", ["KnowledgeRuntimeLayer", "CoreLayer"], "/rag-query")}
RESOURCES = load_yaml(ROOT / "template.yaml")["Resources"]
ALL = [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::Serverless::Function"]
MAX_BYTES = 250 * 1024 * 1024  # Lambda's limit for function and layers, unzipped
ADAPTER_BYTES = 10 * 1024 * 1024  # more than the layer of the Lambda Web Adapter, which is not ours to build


def size(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_template_is_clean() -> None:
    """`sam validate --lint` finds nothing."""
    done = sam("validate", "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def parts(name: str) -> list[Path]:
    """The folders that Lambda unpacks for a function: its own, and those of the layers that are ours."""
    layers = [layer["Ref"] for layer in RESOURCES[name]["Properties"]["Layers"] if "Ref" in layer]
    return [BUILD / name, *(BUILD / layer if "Metadata" in RESOURCES[layer] else
                            ROOT / RESOURCES[layer]["Properties"]["ContentUri"] for layer in layers)]


@pytest.mark.parametrize("name", ALL)
def test_each_function_fits_into_lambda(built: None, name: str) -> None:
    """Function and layers together stay under 250 MB."""
    total = sum(size(folder) for folder in parts(name))
    total += ADAPTER_BYTES if "LambdaAdapterLayer" in str(RESOURCES[name]) else 0
    print(f"\n{name}: {total / 2**20:.0f} MB unzipped")
    assert total <= MAX_BYTES


def test_only_one_numpy_reaches_a_function(built: None) -> None:
    """A second copy beside the layer's would win by path order and break what was pinned; of other packages too there
    is one version."""
    for name in ALL:
        found = [path.name for folder in parts(name) for path in [*folder.glob("*.dist-info"),
                                                                  *folder.glob("python/*.dist-info")]]
        packages = [one.rpartition("-")[0].lower() for one in found]
        assert len(set(packages)) == len(packages), name
        assert not [one for one in found if one.startswith("numpy-") and one != "numpy-2.4.6.dist-info"], name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_built_function_answers_as_the_local_stack(built: None, running: Stack, tmp_path: Path,
                                                       name: str) -> None:
    """Under Python 3.13, from the artefact: the same event gives the same numbers, bit for bit."""
    event_name, layers, path = FUNCTIONS[name]
    event = json.loads((ROOT / f"events/{event_name}.json").read_text("utf-8"))
    with built_function(name, layers, SETTINGS, tmp_path) as url:
        emulated = invoke(url, event)
    local = ask(f"{running.api}{path}", json.dumps(event).encode()).json()
    assert steady(emulated) == steady(local)


def test_the_built_function_rejects_with_its_document(built: None, running: Stack, tmp_path: Path) -> None:
    """The error is named InvalidPayload, and its message is the very document that the API answers with."""
    with built_function("PredictFunction", ["RuntimeLayer", "CoreLayer"], SETTINGS, tmp_path) as url:
        emulated = invoke(url, {"features": {}})
    assert emulated["errorType"] == "InvalidPayload"
    assert emulated["errorMessage"].encode() == ask(f"{running.api}/predict", b'{"features": {}}').body


def test_importance_is_quick_cold_and_warm(built: None, tmp_path: Path) -> None:
    """From the artefact, with values, setpoints, signals and PNG: a first answer within 2 s, then P50 230 ms."""
    event = json.loads((ROOT / "events/importance.json").read_text("utf-8"))
    cold, warm = [], []
    for number in range(3):
        home = tmp_path / str(number)  # matplotlib finds no cache of its fonts there, as in a new Lambda
        home.mkdir()
        with built_function("ImportanceFunction", ["CoreLayer"], SETTINGS, home) as url:
            wait_for_port(url)
            for first in (True, *(False,) * 10):
                started = time.perf_counter()
                found = invoke(url, event)
                (cold if first else warm).append((time.perf_counter() - started) * 1000)
                assert found["visualization_url"] and found["setpoints"]["changes"] and found["degraded"] == []
    first, later = statistics.median(cold), statistics.median(warm)
    print(f"\nimportance in the emulator: cold {first:.0f} ms, warm P50 {later:.0f} ms")
    assert first <= 2000 and later <= 230
