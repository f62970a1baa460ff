"""The configuration of function URLs, driven by boto3; what they serve is in test_urls.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context):\n    return event\n"
CORS = {
    "AllowCredentials": True,
    "AllowHeaders": ["x-a"],
    "AllowMethods": ["GET"],
    "AllowOrigins": ["https://a.example"],
    "ExposeHeaders": ["x-b"],
    "MaxAge": 60,
}


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """A function with version 1 and the aliases live and next."""
    made = create(ECHO, Publish=True)
    for name in ("live", "next"):
        client.create_alias(FunctionName="f", Name=name, FunctionVersion="1")
    return str(made["FunctionArn"])


def test_a_url_as_aws_answers_it(client: Any, arn: str) -> None:
    made = client.create_function_url_config(FunctionName="f", AuthType="AWS_IAM", Cors=CORS)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["FunctionArn"], made["AuthType"], made["Cors"]) == (arn, "AWS_IAM", CORS)
    assert "InvokeMode" not in made
    found = client.get_function_url_config(FunctionName="f")
    assert found["FunctionUrl"] == made["FunctionUrl"]
    assert found["LastModifiedTime"] == found["CreationTime"] == made["CreationTime"]
    changed = client.update_function_url_config(FunctionName="f", AuthType="NONE", Cors={})
    assert (changed["AuthType"], changed["FunctionUrl"]) == ("NONE", made["FunctionUrl"])
    assert "Cors" not in changed
    assert "Cors" not in client.get_function_url_config(FunctionName="f")
    streaming = client.create_function_url_config(
        FunctionName="f", Qualifier="live", AuthType="NONE", InvokeMode="RESPONSE_STREAM"
    )
    assert (streaming["InvokeMode"], streaming["FunctionArn"]) == ("RESPONSE_STREAM", f"{arn}:live")
    assert streaming["FunctionUrl"] != made["FunctionUrl"]


def test_urls_are_listed_in_pages(client: Any, arn: str) -> None:
    for where in ({}, {"Qualifier": "live"}, {"Qualifier": "next"}):
        client.create_function_url_config(FunctionName="f", AuthType="NONE", **where)
    pages = client.get_paginator("list_function_url_configs").paginate(
        FunctionName="f", PaginationConfig={"PageSize": 2}
    )
    listed = [[one["FunctionArn"] for one in page["FunctionUrlConfigs"]] for page in pages]
    assert listed == [[arn, f"{arn}:live"], [f"{arn}:next"]]


F = {"FunctionName": "f"}
NO = {"FunctionName": "no"}
MISSING, NONE = "ResourceNotFoundException", {"AuthType": "NONE"}
NOT_THERE, NO_FUNCTION = "The resource you requested does not exist.", "Function does not exist"
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "create",
        F | NONE | {"Qualifier": "live"},
        "ResourceConflictException",
        "Failed to create function url config for [functionArn = {arn}:live]. Error message:  FunctionUrlConfig exists "
        "for this Lambda function",
    ),
    ("create", NO | NONE, MISSING, NO_FUNCTION),
    ("create", F | NONE | {"Qualifier": "none"}, MISSING, NO_FUNCTION),
    ("create", F | NONE | {"Qualifier": "1"}, "ValidationException", "Value '1' at 'qualifier' failed to satisfy"),
    ("create", F | NONE | {"Qualifier": "$LATEST"}, "ValidationException", "Value '$LATEST' at 'qualifier' failed"),
    ("create", F | {"AuthType": "SOME"}, "ValidationException", "'authType' failed to satisfy constraint"),
    ("create", F, "ValidationException", "Value null at 'authType' failed to satisfy constraint"),
    ("get", F, MISSING, NOT_THERE),
    ("get", NO, MISSING, NOT_THERE),
    ("update", F | NONE, MISSING, NOT_THERE),
    ("update", NO | NONE, MISSING, NO_FUNCTION),
    ("delete", F, MISSING, NOT_THERE),
]


@pytest.mark.parametrize(("verb", "parameters", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    verb: str, parameters: dict[str, Any], code: str, message: str, kumoi: Any, arn: str
) -> None:
    client = kumoi.client("lambda", parameter_validation=False)
    client.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    with pytest.raises(ClientError) as refused:
        getattr(client, f"{verb}_function_url_config")(**parameters)
    assert refused.value.response["Error"]["Code"] == code
    assert message.format(arn=arn) in refused.value.response["Error"]["Message"]
    with pytest.raises(client.exceptions.ResourceNotFoundException, match=NO_FUNCTION):
        client.list_function_url_configs(FunctionName="no")
