"""The tables of the template's parameters and of the alarms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shotwise_local import ROOT
from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.stacks import scenario_parameters, scenarios
from shotwise_tools.docs.models import DocsError, Rows
from shotwise_tools.docs.texts import Texts

ALARMS = ROOT / "infra/observability.yaml"
LOOK_FIRST = ". Look first: "
# Set for each scenario, where the value would say less.
SET_IN_WORDS = {"Release": "by `make build`, for each", "FrontendImage": "by `make build IMAGE=…`, for each",
                "ModelRegions": "the regions of that profile, for each"}


def parameters(texts: Texts) -> Rows:
    """Make the table of the parameters of template.yaml, in the groups that the console shows."""
    return parameter_rows(load_yaml(ROOT / "template.yaml"), {name: scenario_parameters(name) for name in scenarios()},
                          texts)


def parameter_rows(template: Mapping[str, Any], settings: Mapping[str, Mapping[str, str]], texts: Texts) -> Rows:
    """Make that table of a template and of what each scenario sets.

    Raises
    ------
    DocsError
        A parameter has no description, or is not in exactly one group.
    """
    declared = template["Parameters"]
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    if wrong := sorted(name for name in {*declared, *grouped} if name not in declared or grouped.count(name) != 1):
        raise DocsError(f"template.yaml: ParameterGroups has to name each parameter once, not so {', '.join(wrong)}")
    names = rf"\b({'|'.join(declared)})\b"
    rows = [[texts.word(cell) for cell in ("parameter", "default", "samconfig.toml sets", "meaning")]]
    for group in groups:
        label = group["Label"]["default"]
        rows.append([f"**{texts(label, 'groups', label)}**"])
        for name in group["Parameters"]:
            if not (meaning := declared[name].get("Description")):
                raise DocsError(f"template.yaml: the parameter {name} has no Description")
            default = str(declared[name]["Default"])
            meaning = texts(re.sub(names, r"`\1`", meaning), "parameters", name)
            rows.append([f"`{name}`", f"`{default}`" if default else texts.word("empty"),
                         _configured(name, settings, texts), meaning])
    return rows


def _configured(name: str, settings: Mapping[str, Mapping[str, str]], texts: Texts) -> str:
    if name in SET_IN_WORDS:
        return texts(SET_IN_WORDS[name], "samconfig", name)
    configured = [f"`{scenario}={values[name]}`" for scenario, values in settings.items() if name in values]
    return " ".join(configured) or texts.word("not set")


def alarms(texts: Texts) -> Rows:
    """Make the table of the alarms that send mails."""
    return alarm_rows(load_yaml(ALARMS)["Resources"], texts)


def alarm_rows(resources: Mapping[str, Any], texts: Texts) -> Rows:
    """Make that table of a template's resources.

    Raises
    ------
    DocsError
        The description of an alarm does not say where to look first.
    """
    rows = [[texts.word(cell) for cell in ("alarm", "it means", "look first")]]
    for name, resource in resources.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            means, _, first = resource["Properties"]["AlarmDescription"].partition(LOOK_FIRST)
            if not first:
                raise DocsError(f"infra/observability.yaml: the AlarmDescription of {name} has no {LOOK_FIRST!r}")
            rows.append([f"`{name}`", texts(means, "alarms", name, "means"),
                         texts(first.removesuffix("."), "alarms", name, "first")])
    return rows
