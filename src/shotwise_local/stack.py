"""Put the local stack together: template → functions → workflow → gateway."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import SettingError
from shotwise.settings import Settings
from shotwise_local import ROOT
from shotwise_local.gateway import Gateway
from shotwise_local.lambda_host import LambdaHost
from shotwise_local.reconciliation import Reconciliation, is_own_store
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.template import load_yaml, read_template
from shotwise_local.upkeep import put_home_in_order
from shotwise_local.workflow import Workflow

SHIPPED_INDEX = ROOT / "layers/knowledge/knowledge/index.sqlite"
MANUALS = ROOT / "manuals"


class Stack(NamedTuple):
    """The parts of a running stack."""

    functions: LambdaHost
    workflow: Workflow
    gateway: Gateway


def prepare(environ: MutableMapping[str, str], report: Callable[[str], None]) -> None:
    """Set the environment of the functions for this checkout, and put the shipped documents into a new document store.

    The PDFs are not read here: a stack does that in the background, and commands change what they are asked to.

    Parameters
    ----------
    environ : mutable mapping
        Missing settings are added to it.
    report : callable
        Called with a line of text about what cannot be used as it should.
    """
    home = Path(environ.setdefault("SHOTWISE_HOME", str(ROOT / ".shotwise"))).absolute()
    environ["SHOTWISE_HOME"] = str(home)
    for name in ("NO_PROXY", "no_proxy"):  # the page calls the API over HTTP
        environ[name] = ",".join(filter(None, [environ.get(name), "127.0.0.1", "localhost"]))
    environ.setdefault("SHOTWISE_MODEL_DIR", str(ROOT / "models/shotwise"))
    environ.setdefault("SHOTWISE_MANUALS", str(MANUALS))
    environ.setdefault("SHOTWISE_PUBLIC_URL", f"http://127.0.0.1:{api_port(environ)}")
    environ.setdefault("MPLCONFIGDIR", str(home / "matplotlib"))
    settings = Settings.from_mapping(environ)
    put_home_in_order(home, settings, report)
    add_shipped_documents(settings)


def add_shipped_documents(settings: Settings) -> None:
    """Put the shipped documents that the document store of this home lacks into it, as ingesting them would do.

    It takes milliseconds. A store elsewhere, or with manuals of its own, stays as it is.
    """
    from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
    from shotwise.adapters.sqlite.shipped_documents import add_missing_documents

    path = settings.knowledge.index_path
    if is_own_store(settings) and settings.documents[1].resolve() == MANUALS.resolve() and SHIPPED_INDEX.exists():
        document_store = SqliteDocumentStore(path)
        try:
            add_missing_documents(document_store, SHIPPED_INDEX)
        finally:
            document_store.close()


def api_port(environ: MutableMapping[str, str]) -> int:
    """Return the port of the API. Raises SettingError."""
    return _port(environ, "SHOTWISE_API_PORT", "8000")


def ui_port(environ: MutableMapping[str, str]) -> int:
    """Return the port of the page. Raises SettingError."""
    return _port(environ, "SHOTWISE_UI_PORT", "8501")


def _port(environ: MutableMapping[str, str], name: str, default: str) -> int:
    text = environ.get(name, default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingError(f"{name} is {text!r}; set it to a port, such as {default}")
    return int(text)


@contextmanager
def open_stack(*, reconcile: Callable[[str], None] | None = None) -> Iterator[Stack]:
    """Load the functions, and open the workflow and the gateway.

    Call `prepare` before: the functions read the environment when they are loaded.

    Parameters
    ----------
    reconcile : callable, optional
        If set, the documents are brought in line with their folders in the background, and it is called with lines of
        text about that. Commands that only read leave it out.
    """
    template = read_template(ROOT / "template.yaml")
    functions = LambdaHost(template.functions, template.apps)
    workflow = Workflow(template.definition, template.substitutions, functions.invoke)
    settings = Settings.from_mapping(os.environ)
    bucket = DocumentsBucket(FolderFileStore(settings.documents, f"{settings.public_url}/uploads"),
                             lambda event, seconds: functions.invoke("EmbedDocumentsFunction", event, seconds))
    reconciliation = reconcile and Reconciliation(
        settings, partial(add_shipped_documents, settings), bucket.notify, reconcile)
    try:
        yield Stack(functions, workflow, Gateway(load_yaml(ROOT / "api/openapi.yaml"), functions, workflow, bucket))
    finally:
        if reconciliation:
            reconciliation.close()
        bucket.close()
        workflow.close()
