"""The stack of one machine, put together: template → functions → workflow → gateway."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from shotwise.adapters.files import FolderStore
from shotwise.errors import SettingError
from shotwise.settings import Settings
from shotwise_local.gateway import Gateway
from shotwise_local.lambda_host import LambdaHost
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.template import load_yaml, read_template
from shotwise_local.workflow import Workflow

ROOT = Path(__file__).parents[2]
SHIPPED_INDEX = ROOT / "layers/knowledge/knowledge/index.sqlite"
MANUALS = ROOT / "manuals"


def prepare(environ: MutableMapping[str, str], say: Callable[[str], None]) -> None:
    """Set what the functions read, for this checkout, and bring the knowledge index up to date with the manuals."""
    home = Path(environ.setdefault("SHOTWISE_HOME", str(ROOT / ".shotwise"))).absolute()
    environ["SHOTWISE_HOME"] = str(home)
    for name in ("NO_PROXY", "no_proxy"):  # the workflow's interpreter calls this process over HTTP
        environ[name] = ",".join(filter(None, [environ.get(name), "127.0.0.1", "localhost"]))
    environ.setdefault("SHOTWISE_MODEL_DIR", str(ROOT / "models/shotwise"))
    environ.setdefault("SHOTWISE_MANUALS", str(MANUALS))
    environ.setdefault("SHOTWISE_PUBLIC_URL", f"http://127.0.0.1:{api_port(environ)}")
    environ.setdefault("MPLCONFIGDIR", str(home / "matplotlib"))
    settings = Settings.from_mapping(environ)
    if "SHOTWISE_INDEX" not in environ and not settings.knowledge.index_path.exists() and SHIPPED_INDEX.exists():
        # What the first ingest of the manuals would give, without the wait.
        copy_aside(SHIPPED_INDEX, settings.knowledge.index_path)
    own = not settings.knowledge.store_bucket and home in settings.knowledge.index_path.absolute().parents
    _refresh(settings, say, own=own)


def _refresh(settings: Settings, say: Callable[[str], None], *, own: bool) -> None:
    """Ingest what the library lacks of the manuals and of the documents that were ingested before: all of them, where
    they were read by another edition. own: the library holds the documents of our folders and nothing else."""
    from shotwise.adapters.knowledge_factory import open_ingestion

    ingestion = open_ingestion(settings.knowledge)
    # A document of one's own takes the place of a manual of the same name.
    files = {path.name: path for folder in reversed(settings.documents) for path in pdfs_in(folder)}
    if own:  # a removal that a kill cut short
        for name in set(ingestion.document_store.versions()) - set(files):
            ingestion.remove(name)
    for path in files.values():
        found = ingestion.ingest(path)
        if found.state != "unchanged":
            say(f"knowledge: {found.name} {found.state} {found.reason}".rstrip())
    ingestion.document_store.close()


def pdfs_in(folder: Path) -> list[Path]:
    """The PDFs below a folder, whatever the case of their ending; none where there is no folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")


def copy_aside(source: Path, target: Path) -> None:
    """Copy a file and rename the copy into place, so that a kill never leaves half of it there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.writing")
    shutil.copy(source, aside)
    aside.replace(target)


def api_port(environ: MutableMapping[str, str]) -> int:
    """The port of the API. Raises SettingError."""
    return _port(environ, "SHOTWISE_API_PORT", "8000")


def ui_port(environ: MutableMapping[str, str]) -> int:
    """The port of the page. Raises SettingError."""
    return _port(environ, "SHOTWISE_UI_PORT", "8501")


def _port(environ: MutableMapping[str, str], name: str, default: str) -> int:
    given = environ.get(name, default)
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise SettingError(f"{name} is {given!r}; set it to a port, such as {default}")
    return int(given)


@contextmanager
def open_stack() -> Iterator[tuple[LambdaHost, Workflow, Gateway]]:
    """Load the functions and open workflow and gateway. `prepare` has to have run: the functions read the environment
    when they are loaded."""
    template = read_template(ROOT / "template.yaml")
    functions = LambdaHost(template.functions, template.apps)
    workflow = Workflow(template.definition, template.substitutions, functions.invoke)
    settings = Settings.from_mapping(os.environ)
    bucket = DocumentsBucket(FolderStore(settings.documents, f"{settings.public_url}/uploads"),
                    lambda event: functions.invoke("EmbedDocumentsFunction", event))
    try:
        yield functions, workflow, Gateway(load_yaml(ROOT / "api/openapi.yaml"), functions, workflow, bucket)
    finally:
        workflow.close()
