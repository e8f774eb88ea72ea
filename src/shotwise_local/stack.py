"""Put the local stack together: template → functions → workflow → gateway."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import SettingError
from shotwise.settings import Settings
from shotwise_local import ROOT
from shotwise_local.gateway import Gateway
from shotwise_local.lambda_host import LambdaHost
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.template import load_yaml, read_template
from shotwise_local.workflow import Workflow

SHIPPED_INDEX = ROOT / "layers/knowledge/knowledge/index.sqlite"
MANUALS = ROOT / "manuals"


class Stack(NamedTuple):
    """The parts of a running stack."""

    functions: LambdaHost
    workflow: Workflow
    gateway: Gateway


def prepare(environ: MutableMapping[str, str], report: Callable[[str], None]) -> None:
    """Set the environment of the functions for this checkout, and bring the knowledge index up to date.

    Parameters
    ----------
    environ : mutable mapping
        Missing settings are added to it.
    report : callable
        Called with a line of text for every document that was read.
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
    if "SHOTWISE_INDEX" not in environ and not settings.knowledge.index_path.exists() and SHIPPED_INDEX.exists():
        # Equal to what ingesting the manuals would build, without the wait.
        copy_atomically(SHIPPED_INDEX, settings.knowledge.index_path)
    own_index = not settings.knowledge.store_bucket and home in settings.knowledge.index_path.absolute().parents
    _ingest_documents(settings, report, remove_missing=own_index)


def _ingest_documents(settings: Settings, report: Callable[[str], None], *, remove_missing: bool) -> None:
    """Ingest the PDFs of the document folders that the index lacks, or holds from an earlier version of the reader.

    `remove_missing` also removes documents that are not in the folders; it is for an index of these folders alone.
    """
    from shotwise.adapters.knowledge_factory import open_ingestion

    ingestion = open_ingestion(settings.knowledge)
    # A document of the plant replaces a shipped manual of the same name.
    files = {path.name: path for folder in reversed(settings.documents) for path in pdfs_in(folder)}
    if remove_missing:  # an interrupted removal leaves documents behind
        for name in set(ingestion.document_store.versions()) - set(files):
            ingestion.remove(name)
    for path in files.values():
        outcome = ingestion.ingest(path)
        if outcome.state != "unchanged":
            report(f"knowledge: {outcome.name} {outcome.state} {outcome.reason}".rstrip())
    ingestion.document_store.close()


def pdfs_in(folder: Path) -> list[Path]:
    """Return the PDFs below a folder, whatever the case of their suffix; none if there is no such folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")


def copy_atomically(source: Path, target: Path) -> None:
    """Copy a file under a temporary name and rename it, so that an interruption leaves no partial copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.writing")
    shutil.copy(source, partial)
    partial.replace(target)


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
def open_stack() -> Iterator[Stack]:
    """Load the functions, and open the workflow and the gateway.

    Call `prepare` before: the functions read the environment when they are loaded.
    """
    template = read_template(ROOT / "template.yaml")
    functions = LambdaHost(template.functions, template.apps)
    workflow = Workflow(template.definition, template.substitutions, functions.invoke)
    settings = Settings.from_mapping(os.environ)
    bucket = DocumentsBucket(FolderFileStore(settings.documents, f"{settings.public_url}/uploads"),
                             lambda event: functions.invoke("EmbedDocumentsFunction", event))
    try:
        yield Stack(functions, workflow, Gateway(load_yaml(ROOT / "api/openapi.yaml"), functions, workflow, bucket))
    finally:
        workflow.close()
