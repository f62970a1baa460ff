"""Parameter Store's pure rules, as tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kumoi.services.ssm.filters import is_below
from kumoi.services.ssm.naming import Reference, check_new_name, parameter_arn, parse_reference
from kumoi.services.ssm.policies import read_policies, restarted
from kumoi.services.ssm.rules import check_value, is_label, tier_of
from kumoi.wire import AwsError

HERE = "arn:aws:ssm:us-east-1:123456789012:parameter"
DAY = 86_400.0


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("name", Reference(("name",))),
        (" /a/b ", Reference(("/a/b",))),
        ("/a/b:3", Reference(("/a/b",), "3")),
        ("name:prod", Reference(("name",), "prod")),
        (f"{HERE}/a/b", Reference(("/a/b",), "", "123456789012", "us-east-1")),
        (f"{HERE}/name:2", Reference(("name", "/name"), "2", "123456789012", "us-east-1")),
    ],
)
def test_what_a_name_means(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize("text", ["", "a b", "a:", "a:b:c", ":1", "ä", "arn:aws:ssm:x", "arn:aws:s3:::parameter/x"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(AwsError) as error:
        parse_reference(text)
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a b", "ValidationException"),
        ("a/b", "ValidationException"),
        ("/a/", "ValidationException"),
        ("/", "ValidationException"),
        ("/a//b", "ValidationException"),
        ("awsName", "ValidationException"),
        ("/SSM/a", "ValidationException"),
        ("/aws/a", "AccessDeniedException"),
        ("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "HierarchyLevelLimitExceededException"),
        ("n" * 1012, "ValidationException"),
    ],
)
def test_names_that_cannot_be_created(name: str, code: str) -> None:
    with pytest.raises(AwsError) as error:
        check_new_name(name)
    assert error.value.code == code


@pytest.mark.parametrize("name", ["a", "/a", "/a/b.c-d_e", "/my/aws/name", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15"])
def test_names_that_can(name: str) -> None:
    check_new_name(name)


def test_a_leading_slash_is_not_doubled_in_the_arn() -> None:
    assert parameter_arn("123456789012", "us-east-1", "/a/b") == f"{HERE}/a/b"
    assert parameter_arn("123456789012", "us-east-1", "a") == f"{HERE}/a"


@pytest.mark.parametrize(
    ("wanted", "before", "size", "policies", "tier"),
    [
        (None, None, 10, False, "Standard"),
        (None, "Advanced", 10, False, "Advanced"),
        ("Intelligent-Tiering", None, 4096, False, "Standard"),
        ("Intelligent-Tiering", None, 4097, False, "Advanced"),
        ("Intelligent-Tiering", None, 10, True, "Advanced"),
        ("Intelligent-Tiering", "Advanced", 10, False, "Advanced"),
        ("Advanced", "Standard", 10, True, "Advanced"),
    ],
)
def test_the_tier(wanted: str | None, before: str | None, size: int, policies: bool, tier: str) -> None:
    assert tier_of(wanted, before, size, policies=policies) == tier


@pytest.mark.parametrize(("wanted", "before", "policies"), [("Standard", "Advanced", False), (None, None, True)])
def test_a_tier_that_cannot_be(wanted: str | None, before: str | None, policies: bool) -> None:
    with pytest.raises(AwsError):
        tier_of(wanted, before, 10, policies=policies)


@pytest.mark.parametrize(
    ("value", "data_type", "tier"),
    [
        ("", "text", "Standard"),
        ("x" * 4097, "text", "Standard"),
        ("é" * 4000, "text", "Standard"),
        ("x" * 8193, "text", "Advanced"),
        ("a {{ssm:b}}", "text", "Standard"),
        ("ami-x", "aws:ec2:image", "Standard"),
        ("a", "Text", "Standard"),
    ],
)
def test_values_that_cannot_be(value: str, data_type: str, tier: str) -> None:
    with pytest.raises(AwsError) as error:
        check_value(value, len(value.encode()), "String", data_type, tier)
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("text", "valid"),
    [("prod", True), ("a.b-c_d", True), ("1a", False), ("AwsX", False), ("ssm1", False), ("a b", False), ("", False)],
)
def test_labels(text: str, valid: bool) -> None:
    assert is_label(text) is valid


@pytest.mark.parametrize(
    ("name", "path", "deep", "below"),
    [
        ("/a/b", "/a/", False, True),
        ("/a/b/c", "/a/", False, False),
        ("/a/b/c", "/a/", True, True),
        ("/ab/c", "/a/", True, False),
        ("c", "/", False, True),
    ],
)
def test_what_lies_below_a_path(name: str, path: str, deep: bool, below: bool) -> None:
    assert is_below(name, path, deep=deep) is below


def policy(kind: str, **attributes: Any) -> dict[str, Any]:
    return {"Type": kind, "Version": "1.0", "Attributes": attributes}


END = policy("Expiration", Timestamp="1970-01-11T00:00:00.000Z")
BEFORE = policy("ExpirationNotification", Before="2", Unit="Days")
UNCHANGED = policy("NoChangeNotification", After="3", Unit="Hours")


def test_when_policies_act() -> None:
    found = read_policies(json.dumps([END, BEFORE, UNCHANGED]), 100.0)
    assert [(one.type, one.due) for one in found] == [
        ("Expiration", 10 * DAY),
        ("ExpirationNotification", 8 * DAY),
        ("NoChangeNotification", 100 + 3 * 3600.0),
    ]
    assert [restarted(one, 50.0).due - one.due for one in found] == [0, 0, 50]
    assert read_policies("[]", 0.0) == read_policies("{}", 0.0) == ()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([policy("Other")], "InvalidPolicyTypeException"),
        ([{"Type": "Expiration"}], "InvalidPolicyAttributeException"),
        ([policy("Expiration", Timestamp="soon")], "InvalidPolicyAttributeException"),
        ([policy("Expiration", Timestamp="1969-01-01T00:00:00Z")], "InvalidPolicyAttributeException"),
        ([policy("Expiration", Timestamp=5)], "InvalidPolicyAttributeException"),
        ([END, END], "IncompatiblePolicyException"),
        ([BEFORE], "IncompatiblePolicyException"),
        ([policy("NoChangeNotification", After="-1", Unit="Days")], "InvalidPolicyAttributeException"),
        ([policy("NoChangeNotification", After="1", Unit="Weeks")], "InvalidPolicyAttributeException"),
        ([policy("NoChangeNotification", After=["1"], Unit="Days")], "InvalidPolicyAttributeException"),
        ([policy("NoChangeNotification", After="1", Unit=["Days"])], "InvalidPolicyAttributeException"),
        ([UNCHANGED] * 11, "PoliciesLimitExceededException"),
        ([1], "InvalidPolicyAttributeException"),
        ("text", "InvalidPolicyAttributeException"),
    ],
)
def test_policies_that_cannot_be(given: Any, code: str) -> None:
    with pytest.raises(AwsError) as error:
        read_policies(json.dumps(given), 0.0)
    assert error.value.code == code
