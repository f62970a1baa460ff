"""What AWS says of requests that break a model's constraints."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kumoi.wire import AwsError, Wire
from kumoi.wire.catalog import CATALOG
from kumoi.wire.http import Headers, Request
from kumoi.wire.model import SHORT, ServiceModel, Shape
from kumoi.wire.validation import Validator

TEXT = {"shape": "Text"}
SHAPES: dict[str, Any] = {
    "In": {
        "type": "structure",
        "required": ["TableName", "Token"],
        "members": {
            "TableName": {"shape": "Name"},
            "Token": {"shape": "Text", "idempotencyToken": True},
            "Count": {"shape": "Count"},
            "Kind": {"shape": "Kind"},
            "Payload": {"shape": "Payload"},
            "Keys": {"shape": "Keys"},
            "Tags": {"shape": "Tags"},
            "Tables": {"shape": "Tables"},
            "Environment": {"shape": "Environment"},
            "Weights": {"shape": "Weights"},
            "Tree": {"shape": "Tree"},
            "Free": TEXT,
        },
    },
    "Text": {"type": "string"},
    "Name": {"type": "string", "min": 3, "max": 8, "pattern": "[a-z.]+"},
    "Count": {"type": "integer", "min": 1, "max": 100},
    "Kind": {"type": "string", "enum": ["HASH", "RANGE"]},
    "Payload": {"type": "blob", "max": 4},
    "Keys": {"type": "list", "member": {"shape": "Key"}, "max": 2},
    "Key": {"type": "string", "min": 1, "max": 3},
    "Tags": {"type": "list", "member": {"shape": "Tag"}, "max": 3},
    "Tag": {
        "type": "structure",
        "required": ["Key"],
        "members": {"Key": {"shape": "Key"}, "Value": TEXT},
    },
    "Tables": {"type": "map", "key": TEXT, "value": {"shape": "Tag"}},
    "Environment": {"type": "map", "key": {"shape": "Key"}, "value": {"shape": "Kind"}},
    "Weights": {"type": "map", "key": TEXT, "value": {"shape": "Ratio"}, "max": 1},
    "Ratio": {"type": "double"},
    "Tree": {
        "type": "structure",
        "members": {"Name": {"shape": "Key"}, "Children": {"shape": "Trees"}},
    },
    "Trees": {"type": "list", "member": {"shape": "Tree"}},
}


def model(**metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"protocol": "json", "targetPrefix": "Own", **metadata},
        "operations": {"Do": {"name": "Do", "input": {"shape": "In"}}},
        "shapes": SHAPES,
    }


def told(params: dict[str, Any]) -> str:
    with pytest.raises(AwsError) as caught:
        Wire({"own": model()}).codec("own").operation("Do").validate(params)
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    return caught.value.message


GOOD = {"TableName": "orders"}
AT_MOST = "Member must have length less than or equal to"
AT_LEAST = "Member must have length greater than or equal to"

VIOLATIONS = [
    ({}, "Value null at 'tableName' failed to satisfy constraint: Member must not be null"),
    ({"TableName": "ab"}, f"Value 'ab' at 'tableName' failed to satisfy constraint: {AT_LEAST} 3"),
    ({"TableName": "abcdefghi"}, f"Value 'abcdefghi' at 'tableName' failed to satisfy constraint: {AT_MOST} 8"),
    (
        {"TableName": "a b"},
        "Value 'a b' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-z.]+",
    ),
    (
        {"TableName": "abc\n"},
        "Value 'abc\n' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-z.]+",
    ),
    (
        GOOD | {"Count": 0},
        "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ),
    (
        GOOD | {"Count": 101},
        "Value '101' at 'count' failed to satisfy constraint: Member must have value less than or equal to 100",
    ),
    (
        GOOD | {"Kind": "hash"},
        "Value 'hash' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]",
    ),
    (
        GOOD | {"Payload": b"12345"},
        f"Value 'java.nio.HeapByteBuffer[pos=0 lim=5 cap=5]' at 'payload' failed to satisfy constraint: {AT_MOST} 4",
    ),
    (GOOD | {"Keys": ["a", "b", "c"]}, f"Value '[a, b, c]' at 'keys' failed to satisfy constraint: {AT_MOST} 2"),
    (
        GOOD | {"Keys": ["a", ""]},
        "Value '[a, ]' at 'keys' failed to satisfy constraint: "
        f"Member must satisfy constraint: [{AT_MOST} 3, {AT_LEAST} 1]",
    ),
    (
        GOOD | {"Tags": [{"Key": "a"}, {"Key": "long"}]},
        f"Value 'long' at 'tags.2.member.key' failed to satisfy constraint: {AT_MOST} 3",
    ),
    (
        GOOD | {"Tags": [{"Value": "v"}]},
        "Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null",
    ),
    (
        GOOD | {"Tags": [{"Key": "a", "Value": "v"}, *[{"Key": "b"}] * 3]},
        "Value '[Tag(key=a, value=v), Tag(key=b), Tag(key=b), Tag(key=b)]' at 'tags' failed to satisfy constraint: "
        f"{AT_MOST} 3",
    ),
    (
        GOOD | {"Tables": {"T": {}}},
        "Value null at 'tables.T.member.key' failed to satisfy constraint: Member must not be null",
    ),
    (
        GOOD | {"Environment": {"": "HASH"}},
        "Value '{=HASH}' at 'environment' failed to satisfy constraint: "
        f"Map keys must satisfy constraint: [{AT_MOST} 3, {AT_LEAST} 1]",
    ),
    (
        GOOD | {"Environment": {"a": "b"}},
        "Value '{a=b}' at 'environment' failed to satisfy constraint: "
        "Map value must satisfy constraint: [Member must satisfy enum value set: [HASH, RANGE]]",
    ),
    (
        GOOD | {"Weights": {"1": 0.5, "2": 2.0}},
        f"Value '{{1=0.5, 2=2.0}}' at 'weights' failed to satisfy constraint: {AT_MOST} 1",
    ),
    (
        GOOD | {"Tree": {"Children": [{}, {"Children": [{"Name": "long"}]}]}},
        f"Value 'long' at 'tree.children.2.member.children.1.member.name' failed to satisfy constraint: {AT_MOST} 3",
    ),
]


@pytest.mark.parametrize(("params", "violation"), VIOLATIONS)
def test_one_violation(params: dict[str, Any], violation: str) -> None:
    assert told(params) == f"1 validation error detected: {violation}"


def test_all_violations_are_told_together() -> None:
    assert told({"TableName": "A", "Count": 0}) == (
        f"3 validation errors detected: Value 'A' at 'tableName' failed to satisfy constraint: {AT_LEAST} 3; "
        "Value 'A' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
        "[a-z.]+; Value '0' at 'count' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )


def test_no_more_than_ten_are_told() -> None:
    message = told(GOOD | {"Tree": {"Children": [{"Name": "long"}] * 30}})
    assert message.startswith("10 validation errors detected: ")
    assert message.count("failed to satisfy constraint") == 10


@pytest.mark.parametrize(
    "params",
    [
        GOOD,
        GOOD | {"Count": 1, "Kind": "RANGE", "Payload": b"1234", "Keys": ["a"], "Free": ""},
        GOOD | {"Tags": [{"Key": "a"}], "Tables": {"": {"Key": "a"}}, "Environment": {"a": "HASH"}, "Tree": {}},
    ],
)
def test_what_keeps_the_constraints_passes(params: dict[str, Any]) -> None:
    Wire({"own": model()}).codec("own").operation("Do").validate(params)


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("lambda", "CreateFunction", "ValidationException"),
        ("dynamodb", "PutItem", "ValidationException"),
        ("logs", "PutLogEvents", "InvalidParameterException"),
        ("iam", "CreateRole", "ValidationError"),
        ("sts", "AssumeRole", "ValidationError"),
    ],
)
def test_each_service_has_its_code_for_it(service: str, operation: str, code: str) -> None:
    with pytest.raises(AwsError, match=f"^{code}: .* failed to satisfy constraint: Member must not be null"):
        Wire().codec(service).operation(operation).validate({})


def test_s3_checks_for_itself() -> None:
    Wire().codec("s3").operation("PutObject").validate({})


def test_what_a_short_body_cannot_break_is_checked_of_long_ones_alone() -> None:
    codec = Wire().codec("dynamodb")

    def told(name: str, padding: str) -> str:
        body = orjson.dumps({"TableName": "tab", "Item": {"k": {"S": padding}, "m": {"M": {name: {"S": ""}}}}})
        request = Request("POST", "/", headers=Headers([("X-Amz-Target", "DynamoDB_20120810.PutItem")]))
        try:
            codec.match(request, None).decode(request, body)
        except AwsError as error:
            return error.message
        return ""

    assert told("n" * 1_000, "") == told("n" * 65_535, "") == told("n", "x" * 100_000) == ""
    too_long = told("n" * 65_536, "")
    assert "Member must have length less than or equal to 65535" in too_long


def services() -> list[str]:
    return sorted(entry.name for entry in CATALOG if ServiceModel.load(entry.name).overlay.validation_code is not None)


@pytest.mark.parametrize("service", services())
def test_a_validator_of_short_params_misses_nothing_that_they_can_break(service: str) -> None:
    found = ServiceModel.load(service)

    def told(validator: Validator, shape: Shape) -> set[str]:
        return {words for _, words in validator._own(shape)}

    for name in found.operation_names:
        shape = found.operation(name).input
        for one in () if shape is None else (shape, *shape.within()):
            for words in told(found.validator, one) ^ told(found.validator_of_short, one):
                limit, _, most = words.rpartition(" ")
                assert limit == "Member must have length less than or equal to" and int(most) >= SHORT, (name, one.name)
