"""Every scenario is complete with every choice: nothing is missing, and nothing is declared without being used."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.intrinsics import TemplateError, parse_get_att, sub_references
from shotwise_tools.cloudformation.stacks import NESTED_STACK, Stack, resolve, scenario_parameters, scenarios

from .systems import SCENARIOS, parameters, system
from .transformed import ROOT, full_system, transformed

FILES = [ROOT / "template.yaml", *sorted((ROOT / "infra").glob("*.yaml"))]
ALONE = {"infra/account.yaml"}  # deployed by hand, once for an account
LIMITS = {"Resources": 500, "Parameters": 200, "Outputs": 200}  # CloudFormation's, of one template


def referenced_names(node: Any) -> Iterator[str]:
    """Every name that a part of a template refers to: parameters, conditions, mappings, resources, X.Outputs.Y."""
    if isinstance(node, list):
        for child in node:
            yield from referenced_names(child)
    if not isinstance(node, dict):
        return
    for key, child in node.items():
        if key in ("Ref", "Condition") and isinstance(child, str):
            yield child
        elif key in ("Fn::If", "Fn::FindInMap"):
            yield str(child[0])
        elif key == "Fn::GetAtt":
            yield ".".join(parse_get_att(child))
        elif key == "Fn::Sub":
            yield from sub_references(child)
        yield from referenced_names(child)


def unused_declarations(template: dict[str, Any]) -> set[str]:
    """Parameters, conditions and mappings that nothing refers to; a rule alone is no use of a parameter."""
    used = set(referenced_names({key: part for key, part in template.items() if key not in ("Parameters", "Rules")}))
    return {name for part in ("Parameters", "Conditions", "Mappings") for name in template.get(part, {})} - used


def unused_outputs(root: dict[str, Any], folder: Path = ROOT) -> set[str]:
    """FILE.OUTPUT of the outputs of nested stacks that a template never refers to."""
    nested = nested_files(root)
    used = {(nested[name.split(".")[0]], name.split(".")[2]) for name in referenced_names(root)
             if name.split(".")[0] in nested and name.count(".") == 2}
    return {f"{path}.{output}" for path in nested.values() for output in load_yaml(folder / path).get("Outputs", {})
            if (path, output) not in used}


def nested_files(template: dict[str, Any]) -> dict[str, str]:
    """Logical id → file, of a template's nested stacks."""
    return {name: resource["Properties"]["TemplateURL"] for name, resource in template["Resources"].items()
            if resource["Type"] == NESTED_STACK}


def has_empty_list(node: Any) -> bool:
    """Whether there is a list with nothing but an empty member, which an empty list parameter becomes."""
    if isinstance(node, dict):
        return any(has_empty_list(child) for child in node.values())
    return isinstance(node, list) and (node == [""] or any(has_empty_list(child) for child in node))


def test_the_scenarios_are_dev_staging_and_prod() -> None:
    """The file samconfig.toml deploys these three, and sets Scenario in each."""
    assert tuple(scenarios()) == SCENARIOS
    assert [scenario_parameters(name)["Scenario"] for name in SCENARIOS] == list(SCENARIOS)


def test_every_choice_gives_a_complete_system(any_system: Stack) -> None:
    """All stacks resolve within CloudFormation's limits.

    No macro is left, and no empty list parameter reaches a resource.
    """
    for stack in any_system.stacks():
        text = json.dumps(stack.resources)
        assert "Fn::" not in text and '"Ref"' not in text, stack.name
        assert not [name for name, resource in stack.resources.items() if has_empty_list(resource)], stack.name
        assert len(stack.resources) <= LIMITS["Resources"] and len(stack.outputs) <= LIMITS["Outputs"]


def test_a_scenario_without_an_image_has_no_page() -> None:
    """Before the first image is pushed, everything but the page exists."""
    for scenario in SCENARIOS:
        stack = system(scenario, page=False)
        assert not stack.all_of_type("AWS::ECS::Service") and stack.all_of_type("AWS::StepFunctions::StateMachine")
        assert not stack.all_of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")


def test_staging_has_the_shape_of_prod() -> None:
    """It has the same resources of the same types, apart from API deployments."""
    staging, prod = ({f"{stack.name}.{name}".removeprefix("shotwise"): resource["Type"]
                      for stack in system(scenario).stacks() for name, resource in stack.resources.items()
                      if "Deployment" not in name} for scenario in ("staging", "prod"))
    assert staging == prod


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_declaration_is_used(path: Path) -> None:
    """Every parameter, condition and mapping is used, and every template has a description."""
    template = load_yaml(path)
    assert unused_declarations(template) == set() and template["Description"].startswith("Shotwise - ")


def test_every_output_of_a_nested_stack_is_used() -> None:
    """Every output is referred to, and every file under infra/ is nested somewhere or stands alone."""
    nested = set()
    for path in FILES:
        assert unused_outputs(load_yaml(path), path.parent) == set(), path
        nested |= {(path.parent / path_name).resolve() for path_name in nested_files(load_yaml(path)).values()}
    assert nested | {ROOT / path_name for path_name in ALONE} == set(FILES[1:])


def test_an_unused_declaration_is_found(tmp_path: Path) -> None:
    """A planted parameter, condition or output that nothing uses is reported."""
    (tmp_path / "nested.yaml").write_text("Outputs: { Used: { Value: x }, Left: { Value: x } }", "utf-8")
    root = {"Parameters": {"A": {"Type": "String"}, "B": {"Type": "String"}},
            "Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}, "D": {"Fn::Not": [{"Condition": "C"}]}},
            "Resources": {"Nested": {"Type": NESTED_STACK, "Properties": {"TemplateURL": "nested.yaml"}},
                          "Topic": {"Type": "AWS::SNS::Topic", "Properties": {
                              "DisplayName": {"Fn::Sub": "${Nested.Outputs.Used}"}}}}}
    assert unused_declarations(root) == {"B", "D"} and unused_outputs(root, tmp_path) == {"nested.yaml.Left"}
    assert has_empty_list({"Subnets": [{"Ids": [""]}]}) and not has_empty_list({"Subnets": ["a", ""]})


@pytest.mark.parametrize(("change", "reason"), [
    ({"Value": {"Fn::GetAtt": "Network.Outputs.VpcId"}}, "Network.* does not exist, because Private is false"),
    ({"Value": {"Fn::GetAtt": "Data.Outputs.ChartBucket"}}, "Data has no output ChartBucket here"),
    ({"Value": {"Ref": "PredictFunctions"}}, "no parameter or resource PredictFunctions")])
def test_a_dangling_reference_is_refused(change: dict[str, Any], reason: str) -> None:
    """An output of a stack that this scenario does not have, a misspelt output, a misspelt resource."""
    template = copy.deepcopy(transformed(load_yaml(ROOT / "template.yaml"), parameters("dev")))
    template["Outputs"]["Planted"] = change
    with pytest.raises(TemplateError, match=reason):
        resolve(template, parameters("dev"))


def test_a_circle_between_stacks_is_refused() -> None:
    """A nested stack that waits for one that waits for it."""
    template = load_yaml(ROOT / "template.yaml")
    template["Resources"]["Data"]["DependsOn"] = "Roles"
    with pytest.raises(TemplateError, match="Circular dependency"):
        full_system(parameters("dev"), template=template)
