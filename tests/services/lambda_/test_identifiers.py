from __future__ import annotations

import pytest

from kumoi.services.lambda_.identifiers import FunctionIdentifier, bare_name, parse, version_number
from kumoi.wire.errors import AwsError

ACCOUNT, REGION = "000000000000", "us-east-1"


@pytest.mark.parametrize(
    ("text", "qualifier", "account", "name", "expected"),
    [
        ("f", None, ACCOUNT, "f", None),
        ("f:1", None, ACCOUNT, "f", "1"),
        ("f", "prod", ACCOUNT, "f", "prod"),
        ("f:prod", "prod", ACCOUNT, "f", "prod"),
        ("function:f", None, ACCOUNT, "f", None),
        ("123456789012:function:f", None, "123456789012", "f", None),
        ("123456789012:function:f:$LATEST", None, "123456789012", "f", "$LATEST"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", None, "123456789012", "f", None),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:7", None, "123456789012", "f", "7"),
    ],
)
def test_every_way_to_name_a_function(
    text: str, qualifier: str | None, account: str, name: str, expected: str | None
) -> None:
    assert parse(text, ACCOUNT, REGION, qualifier) == FunctionIdentifier(account, REGION, name, expected)
    assert bare_name(text) == name


@pytest.mark.parametrize(
    ("text", "qualifier", "code", "message"),
    [
        ("a b", None, "ValidationException", "Value 'a b' at 'functionName' failed to satisfy constraint"),
        ("f" * 65, None, "InvalidParameterValueException", "length less than or equal to 64"),
        ("f:1", "2", "InvalidParameterValueException", "The derived qualifier from the function name does not match"),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:f",
            None,
            "ResourceNotFoundException",
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
        ("arn:aws:s3:::bucket", None, "ValidationException", "functionName"),
    ],
)
def test_what_is_no_name_is_refused_in_awss_words(text: str, qualifier: str | None, code: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        parse(text, ACCOUNT, REGION, qualifier)
    assert refused.value.code == code
    assert message in refused.value.message


def test_arns_are_as_the_caller_named_the_function() -> None:
    identifier = parse("f:prod", ACCOUNT, "cn-north-1")
    assert identifier.arn == "arn:aws-cn:lambda:cn-north-1:000000000000:function:f:prod"
    assert identifier.function_arn == "arn:aws-cn:lambda:cn-north-1:000000000000:function:f"
    assert identifier.not_found().message == f"Function not found: {identifier.arn}"


@pytest.mark.parametrize(
    ("qualifier", "number"),
    [
        (None, 0),
        ("$LATEST", 0),
        ("1", 1),
        ("10", 10),
        ("0", -1),
        ("01", -1),
        ("9" * 18, 999_999_999_999_999_999),
        ("9" * 19, -1),
        ("live", None),
        ("1a", None),
        ("²", None),
        ("", None),
    ],
)
def test_a_qualifier_is_a_number_or_an_alias(qualifier: str | None, number: int | None) -> None:
    assert version_number(qualifier) == number
