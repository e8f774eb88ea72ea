"""The evaluator refuses what CloudFormation refuses, and gives what it gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.intrinsics import TemplateError
from shotwise_tools.cloudformation.stacks import resolve, scenario_parameters, scenarios

BUCKET = {"Type": "AWS::S3::Bucket"}


def template(value: Any = "x", **sections: Any) -> dict[str, Any]:
    """A template with a bucket, whose tag is `value`, and other sections."""
    resources = {"Bucket": {**BUCKET, "Properties": {"Tags": [{"Key": "value", "Value": value}]}}}
    return {"Resources": {**resources, **sections.pop("Resources", {})}, **sections}


def tag(value: Any, **sections: Any) -> Any:
    """What becomes of `value`; "gone" where nothing does."""
    return resolve(template(value, **sections), {}).of_type("AWS::S3::Bucket")["Bucket"]["Tags"][0].get("Value", "gone")


PARAMETERS = {"Word": {"Type": "String", "Default": "blue"}, "Words": {"Type": "CommaDelimitedList", "Default": "a, b"},
              "None": {"Type": "CommaDelimitedList", "Default": ""}}
GOOD = [
    ({"Ref": "Word"}, "blue"), ({"Ref": "Words"}, ["a", "b"]), ({"Ref": "None"}, [""]),
    ({"Ref": "AWS::Region"}, "ap-northeast-2"), ({"Ref": "AWS::NoValue"}, "gone"),
    ({"Fn::Sub": "${Word}-${AWS::StackName}-${!Literal}"}, "blue-shotwise-${Literal}"),
    ({"Fn::Sub": ["${Own} ${Word}", {"Own": {"Fn::Join": ["+", {"Ref": "Words"}]}}]}, "a+b blue"),
    ({"Fn::Sub": "${Other.Arn}/*"}, "arn:aws:s3:::shotwise-other/*"),
    ({"Fn::GetAtt": "Other.Arn"}, "arn:aws:s3:::shotwise-other"),
    ({"Fn::GetAtt": ["Other", "Arn"]}, "arn:aws:s3:::shotwise-other"),
    ({"Fn::Join": ["", ["a", {"Ref": "Other"}]]}, "ashotwise-other"),
    ({"Fn::Select": ["1", {"Fn::Split": [",", "x,y"]}]}, "y"),
    ({"Fn::If": ["Yes", "y", {"Ref": "Nowhere"}]}, "y"), ({"Fn::If": ["No", "y", {"Ref": "AWS::NoValue"}]}, "gone"),
    ({"Fn::FindInMap": ["Sizes", {"Ref": "Word"}, "Size"]}, 7),
    ({"Fn::Select": [1, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]}, "10.0.1.0/24"),
    ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "ap-northeast-2a"), ({"Fn::Base64": "a"}, "YQ=="),
]
SECTIONS: dict[str, Any] = {
    "Parameters": PARAMETERS, "Mappings": {"Sizes": {"blue": {"Size": 7}}},
    "Conditions": {"Yes": {"Fn::Equals": [{"Ref": "Word"}, "blue"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]},
                   "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
                   "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]}},
    "Resources": {"Other": BUCKET, "Absent": {**BUCKET, "Condition": "No"}}}


@pytest.mark.parametrize(("value", "expected"), GOOD, ids=lambda one: json.dumps(one))
def test_functions_give_what_cloudformation_gives(value: Any, expected: Any) -> None:
    """Each intrinsic function, and what AWS::NoValue takes away."""
    assert tag(value, **SECTIONS) == expected


def test_conditions_decide_what_there_is() -> None:
    """And, Or and Not are decided, and a resource whose condition is false is gone."""
    found = resolve(template(**SECTIONS), {})
    assert found.conditions == {"Yes": True, "No": False, "Both": False, "Either": True}
    assert set(found.resources) == {"Bucket", "Other"}


BAD = [
    ({"Ref": "Nowhere"}, "Bucket: there is no parameter or resource Nowhere"),
    ({"Ref": "Absent"}, "Absent is not there, because No does not hold"),
    ({"Fn::Sub": "${Absent.Arn}"}, "Absent is not there"), ({"Fn::Sub": "${Words}"}, "must be a string"),
    ({"Fn::If": ["Maybe", 1, 2]}, "no condition Maybe"), ({"Fn::Select": [2, {"Ref": "Words"}]}, "2 of 2 items"),
    ({"Fn::FindInMap": ["Sizes", "red", "Size"]}, "has no red.Size"), ({"Fn::Length": [1]}, "Fn::Length cannot stand"),
    ({"Fn::Split": [",", {"Ref": "Words"}]}, "must be a string"), ({"Fn::Equals": [1, 1]}, "Fn::Equals cannot stand"),
    ({"Fn::Cidr": ["10.0.0.0/24", 4, 8]}, "no room for 4 blocks"), ({"Fn::Join": ["", [["a"]]]}, "must be a string"),
    ({"Ref": "Bucket"}, "Circular dependency"),
]


@pytest.mark.parametrize(("value", "reason"), BAD, ids=lambda one: json.dumps(one))
def test_what_leads_nowhere_is_refused(value: Any, reason: str) -> None:
    """A name that is not there, a list where a string belongs, an index too far, a circle: each with its reason."""
    with pytest.raises(TemplateError) as refused:
        tag(value, **SECTIONS)
    assert reason in str(refused.value)


CONSTRAINTS: list[tuple[dict[str, Any], str, bool]] = [
    ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc", True),
    ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc1", False),  # the pattern has to match the whole
    ({"Type": "String", "AllowedValues": ["on", "off"]}, "On", False),
    ({"Type": "Number", "MinValue": 1, "MaxValue": 9}, "9", True), ({"Type": "Number", "MaxValue": 9}, "10", False),
    ({"Type": "Number"}, "many", False), ({"Type": "String", "MinLength": 2}, "a", False),
    ({"Type": "String", "MaxLength": 2}, "abc", False),
    ({"Type": "CommaDelimitedList", "AllowedPattern": "[0-9]+"}, "1, 2", True),
    ({"Type": "CommaDelimitedList", "AllowedPattern": "[0-9]+"}, "1,b", False),
    ({"Type": "CommaDelimitedList", "AllowedPattern": "[0-9]+"}, "", False),
    ({"Type": "List<AWS::EC2::Subnet::Id>"}, "subnet-1,subnet-2", True), ({"Type": "AWS::EC2::VPC::Id"}, "", False),
]


@pytest.mark.parametrize(("declared", "value", "fits"), CONSTRAINTS)
def test_a_parameters_constraints_are_checked(declared: dict[str, Any], value: str, fits: bool) -> None:
    """Type, pattern over the whole value and over each item of a list, values, lengths and bounds."""
    checked = template(Parameters={"One": {**declared, "ConstraintDescription": "say what to do"}})
    if fits:
        assert resolve(checked, {"One": value}).resources
    else:
        with pytest.raises(TemplateError, match="One"):
            resolve(checked, {"One": value})


def test_a_missing_or_unknown_parameter_is_refused() -> None:
    """A parameter without a default must be given, and what is not declared must not."""
    with pytest.raises(TemplateError, match=r"\[One\] must have values"):
        resolve(template(Parameters={"One": {"Type": "String"}}), {})
    with pytest.raises(TemplateError, match=r"\[Two\] do not exist"):
        resolve(template(), {"Two": "2"})


RULES = {"Named": {"RuleCondition": {"Fn::Equals": [{"Ref": "Word"}, "red"]},
                   "Assertions": [
                       {"Assert": {"Fn::Contains": [["a"], {"Ref": "Letter"}]}, "AssertDescription": "say a"},
                       {"Assert": {"Fn::EachMemberIn": [{"Ref": "Words"}, ["a", "b"]]}}]}}


@pytest.mark.parametrize(("given", "reason"), [
    ({"Word": "blue", "Letter": "z"}, None), ({"Word": "red", "Letter": "a"}, None),
    ({"Word": "red", "Letter": "z"}, "say a"), ({"Word": "red", "Words": "c", "Letter": "a"}, "the rule Named")])
def test_a_rule_speaks_where_its_condition_holds(given: dict[str, str], reason: str | None) -> None:
    """Assertions count only under their rule's condition, and one that fails is named by its description."""
    checked = template(Parameters={**PARAMETERS, "Letter": {"Type": "String"}}, Rules=RULES)
    if reason is None:
        assert resolve(checked, given).resources
    else:
        with pytest.raises(TemplateError, match=reason):
            resolve(checked, given)


def nesting(parameters: dict[str, Any], output: str = "Id") -> dict[str, Any]:
    """A template whose bucket takes an output of the nested stack in nested.yaml."""
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "nested.yaml",
                                                                   "Parameters": parameters}}
    return template({"Fn::GetAtt": f"Nested.Outputs.{output}"}, Resources={"Nested": nested},
                    Parameters={"List": {"Type": "CommaDelimitedList", "Default": "a,b"}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where nested.yaml is."""
    (tmp_path / "nested.yaml").write_text("""
Parameters: { Kind: { Type: String, AllowedValues: ["yes", "no"] } }
Conditions: { IsOn: !Equals [!Ref Kind, "yes"] }
Resources: { Key: { Type: AWS::KMS::Key, Condition: IsOn }, Topic: { Type: AWS::SNS::Topic } }
Outputs: { Id: { Condition: IsOn, Value: !GetAtt Key.Arn }, Topic: { Value: !Ref Topic } }
""", "utf-8")
    return tmp_path


def test_a_nested_stacks_output_reaches_its_parent(folder: Path) -> None:
    """Parameters go down, outputs come up, and all stacks can be walked through."""
    found = resolve(nesting({"Kind": "yes"}), {}, folder=folder)
    assert found.of_type("AWS::S3::Bucket")["Bucket"]["Tags"][0]["Value"].startswith("arn:aws:kms:ap-northeast-2:1234")
    assert [one.name for one in found.stacks()] == ["shotwise", "shotwise-Nested"]
    assert set(found.all_of_type("AWS::SNS::Topic")) == {"shotwise-Nested.Topic"}


@pytest.mark.parametrize(("parameters", "output", "reason"), [
    ({"Kind": "no"}, "Id", "no output Id here; it has Topic"), ({"Kind": "yes"}, "Other", "no output Other"),
    ({}, "Topic", r"Nested: Parameters: \[Kind\] must"),
    ({"Kind": "yes", "More": "no"}, "Topic", r"Nested: .*\[More\] do not"),
    ({"Kind": "maybe"}, "Topic", "Nested: Parameter Kind"), ({"Kind": {"Ref": "List"}}, "Topic", "must be a string"),
    ({"Kind": {"Fn::GetAtt": "Bucket.Arn"}}, "Topic", "Nested: Parameter Kind|Circular dependency")])
def test_a_nested_stack_that_does_not_fit_is_refused(folder: Path, parameters: dict[str, Any], output: str,
                                                     reason: str) -> None:
    """An output that is not there here, a parameter missing, unknown, bad or a list: refused, by the stack's name."""
    with pytest.raises(TemplateError, match=reason):
        resolve(nesting(parameters, output), {}, folder=folder)


def test_samconfig_gives_a_scenarios_parameters(tmp_path: Path) -> None:
    """Entries Key=value; a file that is there is read, one that is not is left out."""
    (tmp_path / "own.yaml").write_text("AlarmEmail: a@example.com\nCidrs: [10.0.0.0/8, 10.1.0.0/16]\n", "utf-8")
    config = tmp_path / "samconfig.toml"
    config.write_text('version = 0.1\n[default.deploy.parameters]\n[dev.deploy.parameters]\nparameter_overrides = '
                      '["Scenario=dev", "Text=\\"a b\\"", "file://own.yaml", "file://absent.yaml"]\n', "utf-8")
    assert scenarios(config) == ["dev"]
    assert scenario_parameters("dev", config) == {"Scenario": "dev", "Text": "a b", "AlarmEmail": "a@example.com",
                                                  "Cidrs": "10.0.0.0/8,10.1.0.0/16"}
    with pytest.raises(KeyError, match="no scenario prod"):
        scenario_parameters("prod", config)


def test_short_forms_are_long_ones(tmp_path: Path) -> None:
    """`!Condition` and `!Ref` are no functions by name; the others are."""
    (tmp_path / "short.yaml").write_text("[!Condition A, !Ref B, !GetAtt C.D, !Sub e]", "utf-8")
    assert load_yaml(tmp_path / "short.yaml") == [{"Condition": "A"}, {"Ref": "B"}, {"Fn::GetAtt": "C.D"},
                                                  {"Fn::Sub": "e"}]
