"""The evaluator resolves templates as CloudFormation does, and refuses what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.intrinsics import TemplateError
from shotwise_tools.cloudformation.stacks import resolve, scenario_parameters, scenarios

BUCKET = {"Type": "AWS::S3::Bucket"}


def template(tag_value: Any = "x", **sections: Any) -> dict[str, Any]:
    """A template with a bucket that has this tag, and with other sections."""
    resources = {"Bucket": {**BUCKET, "Properties": {"Tags": [{"Key": "value", "Value": tag_value}]}}}
    return {"Resources": {**resources, **sections.pop("Resources", {})}, **sections}


def evaluated(expression: Any, **sections: Any) -> Any:
    """The value of an expression; "gone" where it removes its property."""
    bucket = resolve(template(expression, **sections), {}).of_type("AWS::S3::Bucket")["Bucket"]
    return bucket["Tags"][0].get("Value", "gone")


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


@pytest.mark.parametrize(("expression", "expected"), GOOD, ids=json.dumps)
def test_functions_evaluate_as_in_cloudformation(expression: Any, expected: Any) -> None:
    """Each intrinsic function, and what AWS::NoValue removes."""
    assert evaluated(expression, **SECTIONS) == expected


def test_conditions_decide_which_resources_exist() -> None:
    """And, Or and Not are decided, and a resource with a false condition does not exist."""
    stack = resolve(template(**SECTIONS), {})
    assert stack.conditions == {"Yes": True, "No": False, "Both": False, "Either": True}
    assert set(stack.resources) == {"Bucket", "Other"}


BAD = [
    ({"Ref": "Nowhere"}, "Bucket: there is no parameter or resource Nowhere"),
    ({"Ref": "Absent"}, "Absent does not exist, because No is false"),
    ({"Fn::Sub": "${Absent.Arn}"}, "Absent does not exist"), ({"Fn::Sub": "${Words}"}, "must be a string"),
    ({"Fn::If": ["Maybe", 1, 2]}, "no condition Maybe"), ({"Fn::Select": [2, {"Ref": "Words"}]}, "2 of 2 items"),
    ({"Fn::FindInMap": ["Sizes", "red", "Size"]}, "has no red.Size"), ({"Fn::Length": [1]}, "Length is not allowed"),
    ({"Fn::Split": [",", {"Ref": "Words"}]}, "must be a string"), ({"Fn::Equals": [1, 1]}, "Fn::Equals is not allowed"),
    ({"Fn::Cidr": ["10.0.0.0/24", 4, 8]}, "no room for 4 blocks"), ({"Fn::Join": ["", [["a"]]]}, "must be a string"),
    ({"Ref": "Bucket"}, "Circular dependency"),
]


@pytest.mark.parametrize(("expression", "reason"), BAD, ids=json.dumps)
def test_an_expression_that_cannot_be_evaluated_is_refused(expression: Any, reason: str) -> None:
    """An unknown name, a list instead of a string, an index out of range, a circle: each with its reason."""
    with pytest.raises(TemplateError) as error:
        evaluated(expression, **SECTIONS)
    assert reason in str(error.value)


CONSTRAINTS: list[tuple[dict[str, Any], str, bool]] = [
    ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc", True),
    ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc1", False),  # the pattern has to match the entire text
    ({"Type": "String", "AllowedValues": ["on", "off"]}, "On", False),
    ({"Type": "Number", "MinValue": 1, "MaxValue": 9}, "9", True), ({"Type": "Number", "MaxValue": 9}, "10", False),
    ({"Type": "Number"}, "many", False), ({"Type": "String", "MinLength": 2}, "a", False),
    ({"Type": "String", "MaxLength": 2}, "abc", False),
    ({"Type": "CommaDelimitedList", "AllowedPattern": "[0-9]+"}, "1, 2", True),
    ({"Type": "CommaDelimitedList", "AllowedPattern": "[0-9]+"}, "1,b", False),
    ({"Type": "CommaDelimitedList", "AllowedPattern": "[0-9]+"}, "", False),
    ({"Type": "List<AWS::EC2::Subnet::Id>"}, "subnet-1,subnet-2", True), ({"Type": "AWS::EC2::VPC::Id"}, "", False),
]


@pytest.mark.parametrize(("declaration", "text", "fits"), CONSTRAINTS)
def test_a_parameters_constraints_are_checked(declaration: dict[str, Any], text: str, fits: bool) -> None:
    """Type, pattern over the entire text and over each member of a list, values, lengths and bounds."""
    checked = template(Parameters={"One": {**declaration, "ConstraintDescription": "say what to do"}})
    if fits:
        assert resolve(checked, {"One": text}).resources
    else:
        with pytest.raises(TemplateError, match="One"):
            resolve(checked, {"One": text})


def test_a_missing_or_unknown_parameter_is_refused() -> None:
    """A parameter without a default must have a value, and an undeclared one must not."""
    with pytest.raises(TemplateError, match=r"\[One\] must have values"):
        resolve(template(Parameters={"One": {"Type": "String"}}), {})
    with pytest.raises(TemplateError, match=r"\[Two\] do not exist"):
        resolve(template(), {"Two": "2"})


RULES = {"Named": {"RuleCondition": {"Fn::Equals": [{"Ref": "Word"}, "red"]},
                   "Assertions": [
                       {"Assert": {"Fn::Contains": [["a"], {"Ref": "Letter"}]}, "AssertDescription": "say a"},
                       {"Assert": {"Fn::EachMemberIn": [{"Ref": "Words"}, ["a", "b"]]}}]}}


@pytest.mark.parametrize(("overrides", "reason"), [
    ({"Word": "blue", "Letter": "z"}, None), ({"Word": "red", "Letter": "a"}, None),
    ({"Word": "red", "Letter": "z"}, "say a"), ({"Word": "red", "Words": "c", "Letter": "a"}, "the rule Named")])
def test_a_rule_applies_where_its_condition_is_true(overrides: dict[str, str], reason: str | None) -> None:
    """Assertions count only under their rule's condition; the error has the description of the one that fails."""
    checked = template(Parameters={**PARAMETERS, "Letter": {"Type": "String"}}, Rules=RULES)
    if reason is None:
        assert resolve(checked, overrides).resources
    else:
        with pytest.raises(TemplateError, match=reason):
            resolve(checked, overrides)


def nesting(parameters: dict[str, Any], output: str = "Id") -> dict[str, Any]:
    """A template whose bucket takes an output of the nested stack in nested.yaml."""
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "nested.yaml",
                                                                   "Parameters": parameters}}
    return template({"Fn::GetAtt": f"Nested.Outputs.{output}"}, Resources={"Nested": nested},
                    Parameters={"List": {"Type": "CommaDelimitedList", "Default": "a,b"}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nested.yaml."""
    (tmp_path / "nested.yaml").write_text("""
Parameters: { Kind: { Type: String, AllowedValues: ["yes", "no"] } }
Conditions: { IsOn: !Equals [!Ref Kind, "yes"] }
Resources: { Key: { Type: AWS::KMS::Key, Condition: IsOn }, Topic: { Type: AWS::SNS::Topic } }
Outputs: { Id: { Condition: IsOn, Value: !GetAtt Key.Arn }, Topic: { Value: !Ref Topic } }
""", "utf-8")
    return tmp_path


def test_a_nested_stacks_output_reaches_its_parent(folder: Path) -> None:
    """Parameters go down, outputs come up, and all stacks can be iterated over."""
    stack = resolve(nesting({"Kind": "yes"}), {}, folder=folder)
    assert stack.of_type("AWS::S3::Bucket")["Bucket"]["Tags"][0]["Value"].startswith("arn:aws:kms:ap-northeast-2:1234")
    assert [each.name for each in stack.stacks()] == ["shotwise", "shotwise-Nested"]
    assert set(stack.all_of_type("AWS::SNS::Topic")) == {"shotwise-Nested.Topic"}


@pytest.mark.parametrize(("parameters", "output", "reason"), [
    ({"Kind": "no"}, "Id", "no output Id here; it has Topic"), ({"Kind": "yes"}, "Other", "no output Other"),
    ({}, "Topic", r"Nested: Parameters: \[Kind\] must"),
    ({"Kind": "yes", "More": "no"}, "Topic", r"Nested: .*\[More\] do not"),
    ({"Kind": "maybe"}, "Topic", "Nested: Parameter Kind"), ({"Kind": {"Ref": "List"}}, "Topic", "must be a string"),
    ({"Kind": {"Fn::GetAtt": "Bucket.Arn"}}, "Topic", "Nested: Parameter Kind|Circular dependency")])
def test_a_nested_stack_that_does_not_fit_is_refused(folder: Path, parameters: dict[str, Any], output: str,
                                                     reason: str) -> None:
    """An output that does not exist, a parameter that is missing, unknown, bad or a list: the error names the stack."""
    with pytest.raises(TemplateError, match=reason):
        resolve(nesting(parameters, output), {}, folder=folder)


def test_samconfig_gives_a_scenarios_parameters(tmp_path: Path) -> None:
    """Entries are Key=value or files; a file that does not exist is skipped."""
    (tmp_path / "own.yaml").write_text("AlarmEmail: a@example.com\nCidrs: [10.0.0.0/8, 10.1.0.0/16]\n", "utf-8")
    config = tmp_path / "samconfig.toml"
    config.write_text('version = 0.1\n[default.deploy.parameters]\n[dev.deploy.parameters]\nparameter_overrides = '
                      '["Scenario=dev", "Text=\\"a b\\"", "file://own.yaml", "file://absent.yaml"]\n', "utf-8")
    assert scenarios(config) == ["dev"]
    assert scenario_parameters("dev", config) == {"Scenario": "dev", "Text": "a b", "AlarmEmail": "a@example.com",
                                                  "Cidrs": "10.0.0.0/8,10.1.0.0/16"}
    with pytest.raises(KeyError, match="no scenario prod"):
        scenario_parameters("prod", config)


def test_short_forms_are_loaded_as_long_forms(tmp_path: Path) -> None:
    """`!Condition` and `!Ref` have no prefix, all others get Fn::."""
    (tmp_path / "short.yaml").write_text("[!Condition A, !Ref B, !GetAtt C.D, !Sub e]", "utf-8")
    assert load_yaml(tmp_path / "short.yaml") == [{"Condition": "A"}, {"Ref": "B"}, {"Fn::GetAtt": "C.D"},
                                                  {"Fn::Sub": "e"}]
