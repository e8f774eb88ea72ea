"""The table of the settings: environment variables that the functions, the local stack and the page read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from frontend.settings import client_from_environ
from frontend.site_guard import allowed_hosts
from shotwise.settings import Settings
from shotwise_local import ROOT
from shotwise_local.stack import api_port, ui_port
from shotwise_local.template import load_yaml
from shotwise_tools.docs.models import DocsError, Rows
from shotwise_tools.docs.texts import Texts

MEANINGS = ROOT / "src/shotwise_tools/docs/settings.toml"
OURS = ("SHOTWISE_", "OPENSEARCH_", "AWS_")  # of Powertools' own variables the table has two


class RecordedEnvironment(dict[str, str]):
    """An empty environment that records which settings are read from it, with their defaults.

    Attributes
    ----------
    defaults : dict of str to str
        Name of each setting that was read → the default that was passed, empty for none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.defaults: dict[str, str] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """Return the default, and record both."""
        self.defaults.setdefault(name, "" if default is None else str(default))
        return default


def recorded_defaults() -> dict[str, str]:
    """Have all code that reads settings read an empty environment; return the defaults by name."""
    environment = RecordedEnvironment()
    for read in (api_port, ui_port, Settings.from_mapping, client_from_environ, allowed_hosts):
        read(environment)
    return environment.defaults


def settings(texts: Texts) -> Rows:
    """Make the table of the settings."""
    return setting_rows(tomllib.loads(MEANINGS.read_text("utf-8")), recorded_defaults(), deployed_values(), texts)


def setting_rows(groups: Mapping[str, Any], defaults: Mapping[str, str], deployed: Mapping[str, str],
                 texts: Texts) -> Rows:
    """Make that table.

    Parameters
    ----------
    groups : mapping
        Heading → name of a setting → its meaning, or a table with `meaning`, `default` in words and `deployed`.
    defaults : mapping of str to str
        Name of a setting that the code reads → its default.
    deployed : mapping of str to str
        Name of a setting that a template sets → the parameter or value.
    texts : Texts
        The language.

    Raises
    ------
    DocsError
        The code reads a setting that is not described, or does not read one that is.
    """
    described = {name for group in groups.values() for name in group}
    if missing := sorted(name for name in set(defaults) - described if name.startswith(OURS)):
        raise DocsError(f"{MEANINGS.name}: has no {', '.join(missing)}, which the code reads")
    if unread := sorted(name for name in described - set(defaults) if name.startswith(OURS)):
        raise DocsError(f"{MEANINGS.name}: has {', '.join(unread)}, which nothing reads")
    rows = [[texts.word(cell) for cell in ("variable", "default", "on AWS", "meaning")]]
    for heading, group in groups.items():
        rows.append([f"**{texts(heading, 'groups', heading)}**"])
        for name, entry in group.items():
            entry = {"meaning": entry} if isinstance(entry, str) else entry
            default = entry.get("default") or (f"`{defaults[name]}`" if defaults.get(name) else "empty")
            rows.append([f"`{name}`", _in_words(default, texts, "settings_default", name),
                         _in_words(entry.get("deployed") or deployed.get(name, "none"), texts),
                         texts(entry["meaning"], "settings", name)])
    return rows


def _in_words(text: str, texts: Texts, *path: str) -> str:
    """Return values as they are, and words in the language."""
    if re.fullmatch(r"`[^`]*`(, `[^`]*`)*", text):
        return text
    return texts(text, *path) if path and text != "empty" else texts.word(text)


def deployed_values() -> dict[str, str]:
    """Return what the templates set each environment variable to: a parameter, a value, or that they do."""
    template, frontend = load_yaml(ROOT / "template.yaml"), load_yaml(ROOT / "infra/frontend.yaml")
    values: dict[str, set[str]] = {}
    for name, value in _variables(template, frontend):
        values.setdefault(name, set()).add(_shown(value, template["Parameters"]))
    return {name: ", ".join(sorted(shown)) for name, shown in values.items()}


def _variables(template: Mapping[str, Any], frontend: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from template["Globals"]["Function"]["Environment"]["Variables"].items()
    for function in template["Resources"].values():
        if function["Type"] == "AWS::Serverless::Function":
            yield from function["Properties"].get("Environment", {}).get("Variables", {}).items()
    for container in frontend["Resources"]["Task"]["Properties"]["ContainerDefinitions"]:
        for entry in container["Environment"]:
            variable = entry["Fn::If"][1] if "Fn::If" in entry else entry
            yield variable["Name"], variable["Value"]


def _shown(value: Any, parameters: Mapping[str, Any]) -> str:
    if not isinstance(value, dict):
        return f"`{value}`"
    reference = value.get("Fn::Join", ["", value])[1]
    name = reference.get("Ref") if isinstance(reference, dict) else None
    return f"`{name}`" if name in parameters else "set by the template"
