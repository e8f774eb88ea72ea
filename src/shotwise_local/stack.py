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
from shotwise.numbers import whole_number
from shotwise.settings import Settings
from shotwise_local import ROOT
from shotwise_local.gateway import Gateway
from shotwise_local.home_setup import MANUALS, set_up_home
from shotwise_local.lambda_host import LambdaHost
from shotwise_local.reconciliation import Reconciliation
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.template import load_yaml, read_template
from shotwise_local.workflow import Workflow


class Stack(NamedTuple):
    """The parts of a running stack."""

    functions: LambdaHost
    workflow: Workflow
    gateway: Gateway


def prepare(environ: MutableMapping[str, str], report: Callable[[str], None]) -> None:
    """Set the environment of the functions for this checkout, and make the home folder usable.

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
    set_up_home(environ, report)


def api_port(environ: MutableMapping[str, str]) -> int:
    """Return the port of the API. Raises SettingError."""
    return _port(environ, "SHOTWISE_API_PORT", "8000")


def ui_port(environ: MutableMapping[str, str]) -> int:
    """Return the port of the page. Raises SettingError."""
    return _port(environ, "SHOTWISE_UI_PORT", "8501")


def _port(environ: MutableMapping[str, str], name: str, default: str) -> int:
    text = environ.get(name, default)
    port = whole_number(text, 1, 65535)
    if port is None:
        raise SettingError(f"{name} is {text!r}; set it to a port, such as {default}")
    return port


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
    reconciliation = None
    if reconcile and not settings.knowledge.index_read_only:
        reconciliation = Reconciliation(settings, partial(bucket.notify, is_new=False), reconcile)
    try:
        with_models = bool(settings.knowledge.generator or settings.knowledge.embedder)
        gateway = Gateway(load_yaml(ROOT / "api/openapi.yaml"), functions, workflow, bucket, with_models=with_models)
        yield Stack(functions, workflow, gateway)
    finally:
        if reconciliation:
            reconciliation.close()
        bucket.close()
        workflow.close()
