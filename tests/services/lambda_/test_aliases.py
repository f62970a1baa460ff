"""Aliases, driven by boto3: names for versions, traffic shared between two, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.lambda_.operations.find import version_of
from kumoi.services.lambda_.records import Alias

VERSION = "def handler(event, context):\n    return [context.function_version, context.invoked_function_arn]\n"


@pytest.fixture
def two_versions(client: Any, create: Callable[..., Any]) -> str:
    """A function with versions 1 and 2; its ARN."""
    arn = create(VERSION, Publish=True)["FunctionArn"]
    client.update_function_configuration(FunctionName="f", Timeout=4)
    client.publish_version(FunctionName="f")
    return str(arn)


def test_an_alias_from_creation_to_deletion(client: Any, two_versions: str, invoke: Any) -> None:
    made = client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {"AliasArn": f"{two_versions}:live", "Name": "live", "FunctionVersion": "1", "Description": ""}
    assert {name: made[name] for name in expected} == expected
    assert "RoutingConfig" not in made

    (version, arn), answer = invoke(Qualifier="live")
    assert (version, arn, answer["ExecutedVersion"]) == ("1", f"{two_versions}:live", "1")

    moved = client.update_alias(FunctionName="f", Name="live", FunctionVersion="2", Description="now")
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "now")
    assert moved["RevisionId"] != made["RevisionId"]
    assert invoke(Qualifier="live")[0][0] == "2"
    assert client.get_alias(FunctionName="f", Name="live")["RevisionId"] == moved["RevisionId"]

    for _ in range(2):
        assert client.delete_alias(FunctionName="f", Name="live")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(
        client.exceptions.ResourceNotFoundException, match=f"Cannot find alias arn: {two_versions}:live"
    ):
        client.get_alias(FunctionName="f", Name="live")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match=f"Function not found: {two_versions}:live"):
        invoke(Qualifier="live")


def test_a_configuration_is_answered_under_the_alias_it_was_asked_by(client: Any, two_versions: str) -> None:
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    found = client.get_function(FunctionName="f", Qualifier="live")["Configuration"]
    assert (found["FunctionArn"], found["Version"]) == (f"{two_versions}:live", "1")
    assert client.get_function_configuration(FunctionName="f:live")["Version"] == "1"


def test_traffic_is_shared(client: Any, two_versions: str, invoke: Any) -> None:
    routing = {"AdditionalVersionWeights": {"2": 1}}
    made = client.create_alias(FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
    assert made["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 1.0}}
    assert invoke(Qualifier="live")[1]["ExecutedVersion"] == "2"
    assert client.list_aliases(FunctionName="f", FunctionVersion="2")["Aliases"][0]["Name"] == "live"
    cleared = client.update_alias(FunctionName="f", Name="live", RoutingConfig={})
    assert "RoutingConfig" not in cleared
    assert invoke(Qualifier="live")[1]["ExecutedVersion"] == "1"


@pytest.mark.parametrize(
    ("weights", "chance", "version"),
    [
        ({}, 0.0, "1"),
        ({"2": 0.25}, 0.0, "2"),
        ({"2": 0.25}, 0.2499, "2"),
        ({"2": 0.25}, 0.25, "1"),
        ({"2": 0.25}, 0.9999, "1"),
        ({"2": 0.0}, 0.0, "1"),
        ({"2": 1.0}, 0.9999, "2"),
    ],
)
def test_chance_picks_the_version(weights: dict[str, float], chance: float, version: str) -> None:
    assert version_of(Alias("f", "live", "1", "", "r", weights), chance) == version


def test_aliases_are_listed_in_pages(client: Any, two_versions: str) -> None:
    for number in range(5):
        client.create_alias(FunctionName="f", Name=f"a{number}", FunctionVersion="1" if number % 2 else "2")
    pages = list(client.get_paginator("list_aliases").paginate(FunctionName="f", PaginationConfig={"PageSize": 2}))
    assert [[alias["Name"] for alias in page["Aliases"]] for page in pages] == [["a0", "a1"], ["a2", "a3"], ["a4"]]
    of_one = client.list_aliases(FunctionName="f", FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in of_one] == ["a1", "a3"]


def test_a_version_is_kept_while_an_alias_leads_to_it(client: Any, two_versions: str) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
    for version in ("1", "2"):
        with pytest.raises(client.exceptions.ResourceConflictException, match="live"):
            client.delete_function(FunctionName="f", Qualifier=version)
    client.delete_alias(FunctionName="f", Name="live")
    client.delete_function(FunctionName="f", Qualifier="1")
    client.delete_function(FunctionName="f", Qualifier="1")


def test_a_function_takes_its_aliases_with_it(client: Any, two_versions: str, create: Any) -> None:
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    client.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    client.add_permission(
        FunctionName="f", Qualifier="live", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
    )
    client.put_function_event_invoke_config(FunctionName="f", Qualifier="live", MaximumRetryAttempts=0)
    client.delete_function(FunctionName="f")
    create(VERSION, Publish=True)
    assert client.list_aliases(FunctionName="f")["Aliases"] == []
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"] == []
    assert client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"] == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_policy(FunctionName="f", Qualifier="live")


NEW = {"FunctionName": "f", "Name": "new", "FunctionVersion": "1"}
LIVE = {"FunctionName": "f", "Name": "live"}
INVALID, VALIDATION, MISSING = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException"
NO_VERSION = "Function not found: {arn}:9"


def weights(**shares: float) -> dict[str, Any]:
    return {"RoutingConfig": {"AdditionalVersionWeights": {name[1:]: share for name, share in shares.items()}}}


REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_alias", NEW | {"Name": "live"}, "ResourceConflictException", "Alias already exists: {arn}:live"),
    ("create_alias", NEW | {"Name": "12"}, VALIDATION, "'name' failed to satisfy constraint"),
    ("create_alias", NEW | {"FunctionVersion": "9"}, MISSING, NO_VERSION),
    ("create_alias", NEW | {"FunctionVersion": "9" * 40}, MISSING, "Function not found: {arn}:999"),
    ("create_alias", NEW | {"FunctionVersion": "0"}, MISSING, "Function not found: {arn}:0"),
    ("create_alias", NEW | {"FunctionVersion": "live"}, VALIDATION, "'functionVersion' failed to satisfy constraint"),
    ("create_alias", NEW | {"FunctionName": "no"}, MISSING, "Function not found: {arn}"),
    ("create_alias", NEW | weights(v9=0.5), MISSING, NO_VERSION),
    (
        "create_alias",
        NEW | weights(v2=0.5, v1=0.5),
        INVALID,
        "Number of items in AdditionalVersionWeights cannot be greater than 1",
    ),
    (
        "create_alias",
        NEW | weights(v1=0.5),
        INVALID,
        "Invalid function version 1. Function version 1 is already included in routing configuration.",
    ),
    (
        "create_alias",
        NEW | {"FunctionVersion": "$LATEST"} | weights(v1=0.5),
        INVALID,
        "$LATEST is not supported for an alias pointing to more than 1 version",
    ),
    (
        "create_alias",
        NEW | weights(v2=2),
        VALIDATION,
        "Value '{{2=2.0}}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must",
    ),
    ("get_alias", LIVE | {"Name": "no"}, MISSING, "Cannot find alias arn: {arn}:no"),
    ("update_alias", LIVE | {"Name": "no", "FunctionVersion": "1"}, MISSING, "Cannot find alias arn: {arn}:no"),
    ("update_alias", LIVE | {"FunctionVersion": "9"}, MISSING, NO_VERSION),
    ("update_alias", LIVE | weights(v1=0.1), INVALID, "already included in routing configuration"),
    (
        "update_alias",
        LIVE | {"RevisionId": "x"},
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
        "the latest Revision Id",
    ),
    ("list_aliases", {"FunctionName": "no"}, MISSING, "Function not found: {arn}"),
    ("get_function", {"FunctionName": "f", "Qualifier": "9" * 40}, MISSING, "Function not found: {arn}:999"),
    ("get_function", {"FunctionName": "f", "Qualifier": "0"}, MISSING, "Function not found: {arn}:0"),
    ("get_function", {"FunctionName": "f:live", "Qualifier": "1"}, INVALID, "derived qualifier from the function name"),
    ("delete_function", {"FunctionName": "f", "Qualifier": "live"}, INVALID, "Deletion of aliases is not"),
]


@pytest.mark.parametrize(("operation", "parameters", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    operation: str, parameters: dict[str, Any], code: str, message: str, kumoi: Any, two_versions: str
) -> None:
    client = kumoi.client("lambda", parameter_validation=False)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    error = refused.value.response["Error"]
    named = two_versions.rpartition(":")[0] + ":" + parameters["FunctionName"].partition(":")[0]
    assert error["Code"] == code
    assert message.format(arn=named) in error["Message"]
