from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.cloudformation.template.rules import check_rules
from kumoi.wire.errors import AwsError

PARAMETERS = {
    "Stage": {"Type": "String"},
    "Users": {"Type": "CommaDelimitedList"},
    "Vpc": {"Type": "AWS::EC2::VPC::Id"},
}
VALUES = {"Stage": "prod", "Users": ["ada", "eve"], "Vpc": "vpc-1", "AWS::Region": "us-east-1"}


def asked(assertion: Any, condition: Any = None) -> None:
    rule: dict[str, Any] = {"Assertions": [{"Assert": assertion, "AssertDescription": "Not so."}]}
    if condition is not None:
        rule["RuleCondition"] = condition
    check_rules({"Parameters": PARAMETERS, "Rules": {"R": rule}}, VALUES)


STAGE, USERS = {"Ref": "Stage"}, {"Ref": "Users"}


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ({"Fn::Equals": [STAGE, "prod"]}, True),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}, False),
        ({"Fn::Contains": [["dev", "prod"], STAGE]}, True),
        ({"Fn::Not": [{"Fn::Contains": [USERS, "ada"]}]}, False),
        ({"Fn::EachMemberIn": [USERS, ["ada", "eve", "bob"]]}, True),
        ({"Fn::EachMemberIn": [USERS, ["ada"]]}, False),
        ({"Fn::EachMemberEquals": [USERS, "ada"]}, False),
        ({"Fn::And": [True, {"Fn::Equals": [STAGE, "prod"]}]}, True),
        ({"Fn::Or": [{"Fn::Equals": [STAGE, "dev"]}, "false"]}, False),
        ({"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::VPC::Id"}, "vpc-1"]}, True),
    ],
)
def test_assertions(assertion: Any, holds: bool) -> None:
    if holds:
        asked(assertion)
    else:
        with pytest.raises(AwsError, match="Rule R failed: Not so."):
            asked(assertion)


def test_a_rule_whose_condition_does_not_hold_asserts_nothing() -> None:
    asked({"Fn::Equals": ["a", "b"]}, {"Fn::Equals": [STAGE, "dev"]})


@pytest.mark.parametrize(
    "assertion",
    [
        "maybe",
        {"Ref": "Nothing"},
        {"Ref": ["Stage"]},
        {"Fn::Join": ["", ["a"]]},
        {"Fn::Equals": ["a"]},
        {"Fn::Contains": ["a", "a"]},
        {"Fn::Not": []},
        {"Fn::And": [True]},
        {"Fn::ValueOf": ["Vpc", "Tags.a"]},
        {},
        {"Fn::Not": [1], "Ref": "Stage"},
    ],
)
def test_malformed_assertions_are_refused(assertion: Any) -> None:
    with pytest.raises(AwsError, match="Template format error"):
        asked(assertion)


@pytest.mark.parametrize("rules", [[], {"R": 1}, {"R": {}}, {"R": {"Assertions": [{}]}}, {"R": {"Assertions": {}}}])
def test_malformed_rules_are_refused(rules: Any) -> None:
    with pytest.raises(AwsError, match="Template format error"):
        check_rules({"Rules": rules}, {})


def test_nesting_has_an_end() -> None:
    assertion: Any = True
    for _ in range(500):
        assertion = {"Fn::Not": [assertion]}
    with pytest.raises(AwsError, match="nested too deeply"):
        asked(assertion)
