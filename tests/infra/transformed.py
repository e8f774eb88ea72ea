"""Transform template.yaml as a deployment does: package it, include the API description, expand SAM's resources."""

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
PACKAGES = "s3://packages/"  # where `sam package` would upload what the template names by path
PACKAGED = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri",
            "AWS::Serverless::StateMachine": "DefinitionUri"}


def packaged(template: dict[str, Any]) -> dict[str, Any]:
    """Replace paths by addresses in S3. The key is the path, so that a resolved template still shows it."""
    packaged_template = copy.deepcopy(template)
    for resource in packaged_template["Resources"].values():
        name = PACKAGED.get(resource["Type"])
        if name:
            resource["Properties"][name] = PACKAGES + resource["Properties"][name]
    return packaged_template


def included(node: Any, folder: Path = ROOT) -> Any:
    """Replace every Fn::Transform AWS::Include by the file that it names.

    Such a file may not use short forms (`!Ref`): the plain loader refuses them, as CloudFormation does.
    """
    if isinstance(node, list):
        return [included(child, folder) for child in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::Transform"} and node["Fn::Transform"]["Name"] == "AWS::Include":
        path = folder / node["Fn::Transform"]["Parameters"]["Location"]
        return yaml.load(path.read_text("utf-8"), PlainLoader)
    return {key: included(child, folder) for key, child in node.items()}


def transformed(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """Expand SAM's resources and keep metadata. SAM looks at the values of some parameters."""
    plain = included(packaged(template))
    expanded: dict[str, Any] = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION)).translate(
        plain, parameter_values=dict(parameters), passthrough_metadata=True)
    return expanded


def full_system(parameters: dict[str, str], name: str = "shotwise", template: dict[str, Any] | None = None) -> Stack:
    """Resolve the whole system for these parameters: the transformed root with all nested stacks."""
    return resolve(transformed(template or load_yaml(ROOT / "template.yaml"), parameters), parameters, name)


def definition(machine: dict[str, Any]) -> str:
    """The ASL text of a resolved state machine, after its substitutions."""
    text = (ROOT / machine["DefinitionS3Location"]["Key"]).read_text("utf-8")
    return re.sub(r"\$\{(\w+)\}", lambda match: str(machine["DefinitionSubstitutions"][match[1]]), text)
