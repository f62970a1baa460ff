"""AddPermission, RemovePermission and GetPolicy, driven by boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context):\n    return event\n"
GRANT = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """A function with version 1 and the alias live."""
    made = create(ECHO, Publish=True)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    return str(made["FunctionArn"])


STATEMENTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"Principal": "*"}, {"Principal": "*"}),
    ({"Principal": "123456789012"}, {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
    (
        {"Principal": "arn:aws:iam::123456789012:role/r"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/r"}},
    ),
    ({"SourceArn": "arn:aws:s3:::b"}, {"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}}),
    (
        {"SourceAccount": "123456789012", "EventSourceToken": "t"},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012", "lambda:EventSourceToken": "t"}}},
    ),
    (
        {"PrincipalOrgID": "o-0123456789", "SourceArn": "arn:aws:s3:::b"},
        {
            "Condition": {
                "StringEquals": {"aws:PrincipalOrgID": "o-0123456789"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
            }
        },
    ),
    (
        {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"},
        {
            "Action": "lambda:InvokeFunctionUrl",
            "Principal": "*",
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        },
    ),
    ({"InvokedViaFunctionUrl": True}, {"Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}),
]


@pytest.mark.parametrize(("given", "expected"), STATEMENTS)
def test_a_permission_becomes_a_statement(
    given: dict[str, Any], expected: dict[str, Any], client: Any, arn: str
) -> None:
    answer = client.add_permission(FunctionName="f", **{**GRANT, **given})
    statement = {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
        **expected,
    }
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert json.loads(answer["Statement"]) == statement
    policy = json.loads(client.get_policy(FunctionName="f")["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}


def test_each_qualifier_has_a_policy_of_its_own(client: Any, arn: str) -> None:
    for qualifier in (None, "1", "live"):
        where = {} if qualifier is None else {"Qualifier": qualifier}
        client.add_permission(FunctionName="f", **where, **GRANT)
        (statement,) = json.loads(client.get_policy(FunctionName="f", **where)["Policy"])["Statement"]
        assert statement["Resource"] == (arn if qualifier is None else f"{arn}:{qualifier}")
    client.remove_permission(FunctionName="f", Qualifier="live", StatementId="s")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="The resource you requested does not exist."):
        client.get_policy(FunctionName="f", Qualifier="live")
    assert client.get_policy(FunctionName="f", Qualifier="1")


def test_a_policy_is_changed_by_those_who_know_it(client: Any, arn: str) -> None:
    revision = client.get_function_configuration(FunctionName="f")["RevisionId"]
    client.add_permission(FunctionName="f", RevisionId=revision, **GRANT)
    first = client.get_policy(FunctionName="f")["RevisionId"]
    client.add_permission(FunctionName="f", RevisionId=first, **{**GRANT, "StatementId": "t"})
    second = client.get_policy(FunctionName="f")["RevisionId"]
    assert first != second
    with pytest.raises(client.exceptions.PreconditionFailedException, match="Call the GetPolicy API to retrieve"):
        client.remove_permission(FunctionName="f", StatementId="s", RevisionId=first)
    client.remove_permission(FunctionName="f", StatementId="s", RevisionId=second)
    policy = json.loads(client.get_policy(FunctionName="f")["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["t"]


def test_a_policy_has_a_size(client: Any, arn: str) -> None:
    with pytest.raises(client.exceptions.PolicyLengthExceededException, match=r"is bigger than the limit \(20480\)"):
        for number in range(200):
            client.add_permission(FunctionName="f", **{**GRANT, "StatementId": f"{'s' * 90}{number}"})


F = {"FunctionName": "f"}
INVALID, MISSING = "InvalidParameterValueException", "ResourceNotFoundException"
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "add_permission",
        F | GRANT | {"StatementId": "there"},
        "ResourceConflictException",
        "The statement id (there) provided already exists. Please provide a new statement id, or remove the existing "
        "statement.",
    ),
    (
        "add_permission",
        F | GRANT | {"Qualifier": "$LATEST"},
        INVALID,
        "We currently do not support adding policies for $LATEST.",
    ),
    (
        "add_permission",
        F | GRANT | {"Principal": "nobody"},
        INVALID,
        "The provided principal was invalid. Please check the principal and try again.",
    ),
    ("add_permission", F | GRANT | {"Principal": "arn:aws:s3:::b"}, INVALID, "The provided principal was invalid."),
    ("add_permission", F | GRANT | {"RevisionId": "x"}, "PreconditionFailedException", "Call the GetPolicy API"),
    ("add_permission", F | GRANT | {"Action": "s3:GetObject"}, "ValidationException", "'action' failed to satisfy"),
    ("add_permission", GRANT | {"FunctionName": "no"}, MISSING, "Function not found: "),
    ("add_permission", F | GRANT | {"Qualifier": "9"}, MISSING, ":function:f:9"),
    ("remove_permission", F | {"StatementId": "no"}, MISSING, "Statement no is not found in resource policy."),
    (
        "remove_permission",
        F | {"StatementId": "s", "Qualifier": "1"},
        MISSING,
        "No policy is associated with the given resource.",
    ),
    ("get_policy", F | {"Qualifier": "1"}, MISSING, "The resource you requested does not exist."),
    ("get_policy", {"FunctionName": "no"}, MISSING, "Function not found: "),
]


@pytest.mark.parametrize(("operation", "parameters", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    operation: str, parameters: dict[str, Any], code: str, message: str, client: Any, arn: str
) -> None:
    client.add_permission(FunctionName="f", **{**GRANT, "StatementId": "there"})
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]
