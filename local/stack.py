"""The stack of one machine, put together: template → functions → workflow → gateway."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.functions import Functions
from local.gateway import Gateway
from local.template import load_yaml, read_template
from local.workflow import Workflow
from shotwise.errors import ShotwiseError

ROOT = Path(__file__).parent.parent
SHIPPED_INDEX = ROOT / "layers/knowledge/knowledge/index.sqlite"
MANUALS = ROOT / "manuals"


class SettingError(ShotwiseError):
    """A setting of the environment that cannot be used."""


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
    index = home / "knowledge.sqlite"
    if "SHOTWISE_INDEX" not in environ and not index.exists() and SHIPPED_INDEX.exists():
        home.mkdir(parents=True, exist_ok=True)
        aside = index.with_suffix(".writing")
        shutil.copy(SHIPPED_INDEX, aside)  # what the first ingest of the manuals would give, without the wait
        aside.rename(index)
    folders = (Path(environ["SHOTWISE_MANUALS"]), home / "documents")
    _refresh(Path(environ.get("SHOTWISE_INDEX", index)), folders, say)


def _refresh(index_path: Path, folders: Sequence[Path], say: Callable[[str], None]) -> None:
    """Ingest what the index lacks of the manuals and of the documents that were ingested before: all of them, where
    an index of an older format was emptied."""
    from shotwise.adapters.sqlite_index import SqliteIndex
    from shotwise.knowledge.ingest import ingest

    index = SqliteIndex(index_path)
    for found in ingest([path for folder in folders for path in sorted(folder.glob("*.pdf"))], index):
        if found.state != "unchanged":
            say(f"knowledge: {found.name} {found.state} {found.reason}".rstrip())
    index.close()


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
def open_stack() -> Iterator[tuple[Functions, Workflow, Gateway]]:
    """Load the functions and open workflow and gateway. `prepare` has to have run: the functions read the environment
    when they are loaded."""
    template = read_template(ROOT / "template.yaml")
    functions = Functions(template.functions)
    workflow = Workflow(template.definition, template.substitutions, functions.invoke)
    try:
        yield functions, workflow, Gateway(load_yaml(ROOT / "api/openapi.yaml"), functions, workflow)
    finally:
        workflow.close()
