"""Every scenario, with every choice that it offers, is a whole: nothing dangles, nothing is declared in vain."""

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
from .transformed import ROOT, transformed, full_system

FILES = [ROOT / "template.yaml", *sorted((ROOT / "infra").glob("*.yaml"))]
ALONE = {"infra/account.yaml"}  # deployed by hand, once for an account
LIMITS = {"Resources": 500, "Parameters": 200, "Outputs": 200}  # CloudFormation's, of one template


def named(value: Any) -> Iterator[str]:
    """Every name that a part of a template refers to: parameters, conditions, mappings, resources, X.Outputs.Y."""
    if isinstance(value, list):
        for one in value:
            yield from named(one)
    if not isinstance(value, dict):
        return
    for key, one in value.items():
        if key in ("Ref", "Condition") and isinstance(one, str):
            yield one
        elif key in ("Fn::If", "Fn::FindInMap"):
            yield str(one[0])
        elif key == "Fn::GetAtt":
            yield ".".join(parse_get_att(one))
        elif key == "Fn::Sub":
            yield from sub_references(one)
        yield from named(one)


def in_vain(template: dict[str, Any]) -> set[str]:
    """Parameters, conditions and mappings that nothing refers to; a rule alone is no use of a parameter."""
    used = set(named({key: part for key, part in template.items() if key not in ("Parameters", "Rules")}))
    return {name for part in ("Parameters", "Conditions", "Mappings") for name in template.get(part, {})} - used


def unused_outputs(root: dict[str, Any], folder: Path = ROOT) -> set[str]:
    """File.Output of the outputs of nested stacks that a template never asks for."""
    nested = nested_files(root)
    asked = {(nested[name.split(".")[0]], name.split(".")[2]) for name in named(root)
             if name.split(".")[0] in nested and name.count(".") == 2}
    return {f"{path}.{output}" for path in nested.values() for output in load_yaml(folder / path).get("Outputs", {})
            if (path, output) not in asked}


def nested_files(template: dict[str, Any]) -> dict[str, str]:
    """Logical id → the file, of a template's nested stacks."""
    return {name: one["Properties"]["TemplateURL"] for name, one in template["Resources"].items()
            if one["Type"] == NESTED_STACK}


def empty_lists(value: Any) -> bool:
    """Whether a list with nothing but an empty item stands somewhere: what an empty list parameter becomes."""
    if isinstance(value, dict):
        return any(empty_lists(one) for one in value.values())
    return isinstance(value, list) and (value == [""] or any(empty_lists(one) for one in value))


def test_the_scenarios_are_dev_staging_and_prod() -> None:
    """samconfig.toml deploys these three, each under its own name, and says what each is."""
    assert tuple(scenarios()) == SCENARIOS
    assert [scenario_parameters(name)["Scenario"] for name in SCENARIOS] == list(SCENARIOS)


def test_every_choice_gives_a_whole_system(any_system: Stack) -> None:
    """All stacks resolve, no macro is left, no list parameter that is empty reaches a resource, and each template is
    within CloudFormation's limits."""
    for one in any_system.stacks():
        text = json.dumps(one.resources)
        assert "Fn::" not in text and '"Ref"' not in text, one.name
        assert not [name for name, resource in one.resources.items() if empty_lists(resource)], one.name
        assert len(one.resources) <= LIMITS["Resources"] and len(one.outputs) <= LIMITS["Outputs"]


def test_a_scenario_without_an_image_has_no_page() -> None:
    """A first deployment has nowhere to push an image to yet; everything but the page is there."""
    for scenario in SCENARIOS:
        found = system(scenario, page=False)
        assert not found.all_of_type("AWS::ECS::Service") and found.all_of_type("AWS::StepFunctions::StateMachine")
        assert not found.all_of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")


def test_staging_has_the_shape_of_prod() -> None:
    """The same resources of the same types, but for what settings bring."""
    shapes = [{name.removeprefix("shotwise"): resource["Type"] for stack in system(scenario).stacks()
               for name, resource in ((f"{stack.name}.{logical}", found) for logical, found in stack.resources.items())
               if "Deployment" not in name} for scenario in ("staging", "prod")]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_declared_in_vain(path: Path) -> None:
    """Every parameter, condition and mapping of every template is used, and every template says what it is."""
    template = load_yaml(path)
    assert in_vain(template) == set() and template["Description"].startswith("Shotwise - ")


def test_every_output_of_a_nested_stack_is_used() -> None:
    """Whoever nests it asks for each of them, and every file under infra/ is nested somewhere, or stands alone."""
    nested = set()
    for path in FILES:
        assert unused_outputs(load_yaml(path), path.parent) == set(), path
        nested |= {(path.parent / one).resolve() for one in nested_files(load_yaml(path)).values()}
    assert nested | {ROOT / one for one in ALONE} == set(FILES[1:])


def test_what_is_declared_in_vain_is_found(tmp_path: Path) -> None:
    """A planted parameter, condition or output, which nothing uses, does not get past."""
    (tmp_path / "nested.yaml").write_text("Outputs: { Used: { Value: x }, Left: { Value: x } }", "utf-8")
    root = {"Parameters": {"A": {"Type": "String"}, "B": {"Type": "String"}},
            "Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}, "D": {"Fn::Not": [{"Condition": "C"}]}},
            "Resources": {"Nested": {"Type": NESTED_STACK, "Properties": {"TemplateURL": "nested.yaml"}},
                          "Topic": {"Type": "AWS::SNS::Topic", "Properties": {
                              "DisplayName": {"Fn::Sub": "${Nested.Outputs.Used}"}}}}}
    assert in_vain(root) == {"B", "D"} and unused_outputs(root, tmp_path) == {"nested.yaml.Left"}
    assert empty_lists({"Subnets": [{"Ids": [""]}]}) and not empty_lists({"Subnets": ["a", ""]})


@pytest.mark.parametrize(("change", "reason"), [
    ({"Value": {"Fn::GetAtt": "Network.Outputs.VpcId"}}, "Network.* is not there, because Private does not hold"),
    ({"Value": {"Fn::GetAtt": "Data.Outputs.ChartBucket"}}, "Data has no output ChartBucket here"),
    ({"Value": {"Ref": "PredictFunctions"}}, "no parameter or resource PredictFunctions")])
def test_what_dangles_is_refused(change: dict[str, Any], reason: str) -> None:
    """An output of a stack that this scenario does not have, a misspelt one, a misspelt resource."""
    template = copy.deepcopy(transformed(load_yaml(ROOT / "template.yaml"), parameters("dev")))
    template["Outputs"]["Planted"] = change
    with pytest.raises(TemplateError, match=reason):
        resolve(template, parameters("dev"))


def test_a_circle_between_stacks_is_refused() -> None:
    """A nested stack that waits for what waits for it."""
    template = load_yaml(ROOT / "template.yaml")
    template["Resources"]["Data"]["DependsOn"] = "Roles"
    with pytest.raises(TemplateError, match="Circular dependency"):
        full_system(parameters("dev"), template=template)
