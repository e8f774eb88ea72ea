"""Fixtures and hooks that all tests share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))
# Logs and metrics of the tested handlers would flood the report; a test that reads them turns them on.
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
if "PYTEST_XDIST_WORKER" in os.environ:  # threads of OpenMP that wait for a core keep it from the other workers
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from shots import Shots, kamp_csv, load_shots

from shotwise.adapters.onnx import ENGINE
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.bundle import Bundle, ExcludedColumn, load_bundle
from shotwise.errors import KnowledgeError
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries
from shotwise_local.home_setup import SHIPPED_INDEX, shipped_index

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "models/shotwise"


def pytest_configure() -> None:
    """End a run without the shipped document store, which many tests read, with what to do."""
    try:
        shipped_index()
    except KnowledgeError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header() -> str:
    """Report which shots this run tests with."""
    path = kamp_csv()
    return "shots: real, from SHOTWISE_KAMP_CSV" if path else "shots: synthetic, because SHOTWISE_KAMP_CSV is not set"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Report it again at the end, where people look."""
    terminalreporter.write_line(pytest_report_header())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run if a test was skipped and SHOTWISE_NO_SKIPS is set, as in CI."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("SHOTWISE_NO_SKIPS") and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("SHOTWISE_NO_SKIPS is set and tests were skipped: failed", red=True)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The shipped bundle."""
    return load_bundle(MODEL, ENGINE)


@pytest.fixture(scope="session")
def excluding(bundle: Bundle) -> Bundle:
    """The shipped bundle with one more excluded column, Ladle."""
    entry = {"name": "Ladle", "label": {"ko": "국자", "en": "Ladle"}, "reason": "the same in every shot"}
    manifest = {**bundle.manifest, "excluded": [*bundle.manifest["excluded"], entry]}
    return replace(bundle, excluded=(*bundle.excluded, ExcludedColumn(**entry)), manifest=manifest)


@pytest.fixture(scope="session")
def shots(bundle: Bundle) -> Shots:
    """Real shots if SHOTWISE_KAMP_CSV is set, else synthetic ones."""
    return load_shots(bundle)


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    """The analyzer with the shipped dictionaries."""
    return Analyzer(read_dictionary(*shipped_dictionaries()))


@pytest.fixture(scope="session")
def index(analyzer: Analyzer) -> HybridSearch:
    """The shipped knowledge index, opened as on Lambda."""
    return HybridSearch(SqliteDocumentStore(SHIPPED_INDEX, read_only=True), analyzer)


@pytest.fixture(scope="session")
def answerer(index: HybridSearch) -> Answerer:
    """Answers from the shipped index with quotes alone."""
    return Answerer(index)


@pytest.fixture(scope="session")
def features(bundle: Bundle) -> dict[str, Any]:
    """The values of a real defective shot."""
    return dict(next(sample["features"] for sample in bundle.samples if sample["outcome"] == "defect"))


@pytest.fixture(scope="session")
def good_features(bundle: Bundle) -> dict[str, Any]:
    """The values of a real good shot."""
    return dict(next(sample["features"] for sample in bundle.samples if sample["outcome"] == "normal"))


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """A function that makes an API Gateway proxy event: event("POST", "/predict", body)."""

    def make(method: str, path: str, body: Any = None, *, resource: str | None = None,
             **parameters: str) -> dict[str, Any]:
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        return {"httpMethod": method, "path": path, "resource": resource or path, "body": text,
                "isBase64Encoded": False, "headers": {"content-type": "application/json"}, "multiValueHeaders": {},
                "queryStringParameters": None, "pathParameters": parameters or None, "stageVariables": None,
                "requestContext": {"stage": "test", "path": path, "requestId": "test"}}

    return make
