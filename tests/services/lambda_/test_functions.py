"""Functions as configuration, driven by boto3 against a real platform."""

from __future__ import annotations

import base64
import hashlib
import io
import urllib.request
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context):\n    return event\n"
RUNTIME = "python3.11"


def test_a_function_from_creation_to_deletion(client: Any, create: Any, invoke: Any, package: Any) -> None:
    created = create(ECHO)
    assert (created["State"], created["StateReasonCode"]) == ("Pending", "Creating")
    assert "LastUpdateStatus" not in created
    client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"MaxAttempts": 1})
    client.get_waiter("function_active").wait(FunctionName="f", WaiterConfig={"MaxAttempts": 1})
    client.get_waiter("function_exists").wait(FunctionName="f", WaiterConfig={"MaxAttempts": 1})
    assert invoke({"a": [1, None]})[0] == {"a": [1, None]}

    code = package("def handler(event, context):\n    return 'new'\n")
    updated = client.update_function_code(FunctionName="f", ZipFile=code)
    assert updated["LastUpdateStatus"] == "InProgress"
    client.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"MaxAttempts": 1})
    assert invoke()[0] == "new"

    client.delete_function(FunctionName="f")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Function not found: arn:aws:lambda:"):
        client.get_function(FunctionName="f")


def test_the_configuration_as_aws_answers_it(client: Any, create: Any, kumoi: Any, package: Any) -> None:
    create(ECHO, Description="echo", Environment={"Variables": {"COLOUR": "red"}}, Timeout=5, MemorySize=256)
    found = client.get_function_configuration(FunctionName="f")
    arn = f"arn:aws:lambda:us-east-1:{kumoi.account}:function:f"
    code = package(ECHO)
    expected = {
        "FunctionName": "f",
        "FunctionArn": arn,
        "Handler": "app.handler",
        "CodeSize": len(code),
        "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
        "Description": "echo",
        "Timeout": 5,
        "MemorySize": 256,
        "Version": "$LATEST",
        "Environment": {"Variables": {"COLOUR": "red"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
    }
    assert {name: found[name] for name in expected} == expected
    assert client.get_function_configuration(FunctionName=arn, Qualifier="$LATEST")["FunctionArn"] == f"{arn}:$LATEST"


def test_the_code_can_be_downloaded(client: Any, create: Any) -> None:
    create(ECHO)
    location = client.get_function(FunctionName="f")["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert zipfile.ZipFile(io.BytesIO(answer.read())).namelist() == ["app.py"]
    forged = location.replace("/lambda-code/", "/lambda-code/0")
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(forged)
    refused.value.close()


def test_an_update_changes_what_is_given_and_keeps_the_rest(client: Any, create: Any) -> None:
    create(ECHO, Environment={"Variables": {"COLOUR": "red"}}, Description="before")
    before = client.get_function_configuration(FunctionName="f")
    client.update_function_configuration(FunctionName="f", Timeout=9, Description="")
    after = client.get_function_configuration(FunctionName="f")
    assert (after["Timeout"], after["Description"]) == (9, "")
    assert after["Environment"] == before["Environment"]
    assert after["RevisionId"] != before["RevisionId"]


def test_a_dry_run_changes_nothing(client: Any, create: Any, package: Any, invoke: Any) -> None:
    create(ECHO)
    code = package("def handler(event, context):\n    return 'new'\n")
    answer = client.update_function_code(FunctionName="f", ZipFile=code, DryRun=True)
    assert answer["CodeSize"] == len(code)
    assert invoke("old")[0] == "old"


def test_functions_are_listed_in_pages(client: Any, create: Any) -> None:
    for number in range(5):
        create(ECHO, name=f"f{number}")
    client.publish_version(FunctionName="f1")
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Functions"]) for page in pages] == [2, 2, 1]
    assert [f["FunctionName"] for page in pages for f in page["Functions"]] == ["f0", "f1", "f2", "f3", "f4"]
    every = client.list_functions(FunctionVersion="ALL")["Functions"]
    assert [f["Version"] for f in every if f["FunctionName"] == "f1"] == ["$LATEST", "1"]


def test_versions_are_frozen_and_never_reuse_a_number(client: Any, create: Any, invoke: Any, package: Any) -> None:
    create("def handler(event, context):\n    return context.function_version\n")
    first = client.publish_version(FunctionName="f", Description="first")
    assert (first["Version"], first["FunctionArn"][-4:]) == ("1", ":f:1")
    assert client.publish_version(FunctionName="f")["Version"] == "1"
    client.update_function_code(
        FunctionName="f", ZipFile=package("def handler(event, context):\n    return 'two'\n"), Publish=True
    )
    assert invoke(Qualifier="1")[0] == "1"
    answer, response = invoke(Qualifier="2")
    assert (answer, response["ExecutedVersion"]) == ("two", "2")
    client.delete_function(FunctionName="f", Qualifier="2")
    client.update_function_configuration(FunctionName="f", Timeout=4)
    assert client.publish_version(FunctionName="f")["Version"] == "3"
    versions = client.list_versions_by_function(FunctionName="f")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "3"]


def test_tags(client: Any, create: Any) -> None:
    arn = create(ECHO, Tags={"team": "edge"})["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"stage": "dev"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "dev"}
    assert client.get_function(FunctionName="f")["Tags"] == {"stage": "dev"}
    with pytest.raises(ClientError, match="Tags on function aliases and versions are not supported"):
        client.tag_resource(Resource=f"{arn}:1", Tags={"a": "b"})


REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_function", {"Runtime": "cobol"}, "InvalidParameterValueException", "Value cobol at 'runtime' failed"),
    ("create_function", {"Timeout": 901}, "ValidationException", "less than or equal to 900"),
    ("create_function", {"MemorySize": 64}, "ValidationException", "greater than or equal to 128"),
    ("create_function", {"Role": "nobody"}, "ValidationException", "'role' failed to satisfy constraint"),
    ("create_function", {"Code": {"ZipFile": b"zip"}}, "InvalidParameterValueException", "Could not unzip"),
    ("create_function", {"Code": {}}, "InvalidParameterValueException", "provide a source for function code"),
    (
        "create_function",
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        "InvalidParameterValueException",
        "Reserved keys used in this request: AWS_REGION",
    ),
    (
        "create_function",
        {"Environment": {"Variables": {"BIG": "x" * 4097}}},
        "InvalidParameterValueException",
        "exceeded the 4KB limit",
    ),
    ("create_function", {"FunctionName": "f"}, "ResourceConflictException", "Function already exist: f"),
    ("get_function", {"FunctionName": "nope"}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:"),
    ("get_function", {"FunctionName": "f", "Qualifier": "9"}, "ResourceNotFoundException", ":function:f:9"),
    ("invoke", {"FunctionName": "nope"}, "ResourceNotFoundException", ":function:nope"),
    ("invoke", {"FunctionName": "f", "Payload": b"{"}, "InvalidRequestContentException", "Could not parse request"),
    ("publish_version", {"FunctionName": "f", "CodeSha256": "x"}, "InvalidParameterValueException", "is different"),
    ("publish_version", {"FunctionName": "f", "RevisionId": "x"}, "PreconditionFailedException", "Revision Id"),
    (
        "delete_function",
        {"FunctionName": "f", "Qualifier": "$LATEST"},
        "InvalidParameterValueException",
        "$LATEST version cannot be deleted",
    ),
]


@pytest.mark.parametrize(("operation", "changed", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    operation: str,
    changed: dict[str, Any],
    code: str,
    message: str,
    kumoi: Any,
    create: Callable[..., Any],
    package: Any,
) -> None:
    create(ECHO)
    parameters = changed
    if operation == "create_function":
        parameters = {
            "FunctionName": "g",
            "Runtime": RUNTIME,
            "Role": "arn:aws:iam::000000000000:role/r",
            "Handler": "app.handler",
            "Code": {"ZipFile": package(ECHO)},
        } | changed
    client = kumoi.client("lambda", parameter_validation=False)
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert message in error["Message"]


def test_what_is_not_built_says_so(client: Any, create: Any) -> None:
    create(ECHO)
    with pytest.raises(ClientError, match="Kumoi's lambda does not implement ListCapacityProviders yet"):
        client.list_capacity_providers()
