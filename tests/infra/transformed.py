"""template.yaml as CloudFormation gets it: packaged, its API description included, SAM's resources turned into plain
ones."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from shotwise_local.template import PlainLoader, load_yaml
from shotwise_tools.cloudformation.placeholders import REGION
from shotwise_tools.cloudformation.stacks import Stack, resolve

ROOT = Path(__file__).parents[2]
PACKAGES = "s3://packages/"  # where `sam package` would have put what the template names by path
PACKAGED = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri",
            "AWS::Serverless::StateMachine": "DefinitionUri"}


def packaged(template: dict[str, Any]) -> dict[str, Any]:
    """Paths replaced by addresses in S3; the key is the path, so what is resolved can be followed back."""
    found = copy.deepcopy(template)
    for resource in found["Resources"].values():
        name = PACKAGED.get(resource["Type"])
        if name:
            resource["Properties"][name] = PACKAGES + resource["Properties"][name]
    return found


def included(value: Any, folder: Path = ROOT) -> Any:
    """Every Fn::Transform AWS::Include replaced by the file that it names. Such a file knows no short forms (`!Ref`):
    the plain loader refuses them, as CloudFormation does."""
    if isinstance(value, list):
        return [included(one, folder) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Fn::Transform"} and value["Fn::Transform"]["Name"] == "AWS::Include":
        path = folder / value["Fn::Transform"]["Parameters"]["Location"]
        return yaml.load(path.read_text("utf-8"), PlainLoader)
    return {key: included(one, folder) for key, one in value.items()}


def transformed(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """The template without SAM's resources, metadata kept. The parameters matter: SAM looks at the values of some."""
    plain = included(packaged(template))
    found: dict[str, Any] = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION)).translate(
        plain, parameter_values=dict(parameters), passthrough_metadata=True)
    return found


def whole(parameters: dict[str, str], name: str = "shotwise", template: dict[str, Any] | None = None) -> Stack:
    """The whole system for these parameters: the transformed root, resolved, with all stacks in it."""
    return resolve(transformed(template or load_yaml(ROOT / "template.yaml"), parameters), parameters, name)


def definition(machine: dict[str, Any]) -> str:
    """The ASL text of a resolved state machine, after its substitutions."""
    text = (ROOT / machine["DefinitionS3Location"]["Key"]).read_text("utf-8")
    return re.sub(r"\$\{(\w+)\}", lambda found: str(machine["DefinitionSubstitutions"][found[1]]), text)
