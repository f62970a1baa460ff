"""Account settings, runtime management, recursion and code signing, driven by boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context):\n    return event\n"
PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/p/0123456789"
PUBLISHERS = {"SigningProfileVersionArns": [PROFILE]}
INVALID, MISSING = "InvalidParameterValueException", "ResourceNotFoundException"
NO_SIGNING = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0"


def usage(client: Any) -> tuple[int, int]:
    used = client.get_account_settings()["AccountUsage"]
    return used["TotalCodeSize"], used["FunctionCount"]


def test_account_settings_tell_limits_and_use(client: Any, create: Any, zipped: Any) -> None:
    assert client.get_account_settings()["AccountLimit"] == {
        "TotalCodeSize": 80530636800,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    }
    assert usage(client) == (0, 0)
    size = create(ECHO)["CodeSize"]
    client.update_function_configuration(FunctionName="f", Timeout=9)
    assert usage(client) == (size, 1)
    client.publish_version(FunctionName="f")
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": zipped({"a": "a"})})["Content"]["CodeSize"]
    assert usage(client) == (2 * size + layer, 1)
    client.delete_layer_version(LayerName="l", VersionNumber=1)
    client.delete_function(FunctionName="f")
    assert usage(client) == (0, 0)


def test_runtime_management_is_kept_for_each_version(client: Any, create: Any) -> None:
    made = create(ECHO, Publish=True)
    runtime = made["RuntimeVersionConfig"]["RuntimeVersionArn"]
    assert client.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto"
    given = {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": runtime}
    put = client.put_runtime_management_config(FunctionName="f", Qualifier="1", **given)
    found = client.get_runtime_management_config(FunctionName="f", Qualifier="1")
    for answer in (put, found):
        assert {name: answer[name] for name in given} == given
        assert answer["FunctionArn"] == f"{made['FunctionArn']}:1"
    assert client.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto"


def test_recursion_is_allowed_or_ended(client: Any, create: Any) -> None:
    create(ECHO)
    assert client.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate"
    assert client.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    assert client.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Allow"


def test_snap_start_is_on_for_published_versions(client: Any, create: Any) -> None:
    create(ECHO, SnapStart={"ApplyOn": "PublishedVersions"}, Publish=True)
    latest = client.get_function_configuration(FunctionName="f")["SnapStart"]
    published = client.get_function_configuration(FunctionName="f", Qualifier="1")["SnapStart"]
    assert latest == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    assert published == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    client.update_function_configuration(FunctionName="f", SnapStart={})
    off = client.get_function_configuration(FunctionName="f")["SnapStart"]
    assert off == {"ApplyOn": "None", "OptimizationStatus": "Off"}


def test_code_signing_configurations_are_kept(client: Any, create: Any) -> None:
    made = client.create_code_signing_config(AllowedPublishers=PUBLISHERS, Description="d", Tags={"a": "b"})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    config = made["CodeSigningConfig"]
    arn = config["CodeSigningConfigArn"]
    assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    policies = {"UntrustedArtifactOnDeployment": "Enforce"}
    client.update_code_signing_config(CodeSigningConfigArn=arn, CodeSigningPolicies=policies)
    found = client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    assert (found["CodeSigningPolicies"], found["Description"], found["AllowedPublishers"]) == (
        policies,
        "d",
        PUBLISHERS,
    )
    client.tag_resource(Resource=arn, Tags={"c": "d"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"c": "d"}

    create(ECHO, CodeSigningConfigArn=arn)
    create(ECHO, name="g")
    assert client.get_function_code_signing_config(FunctionName="f")["CodeSigningConfigArn"] == arn
    client.put_function_code_signing_config(FunctionName="g", CodeSigningConfigArn=arn)
    pages = client.get_paginator("list_functions_by_code_signing_config").paginate(
        CodeSigningConfigArn=arn, PaginationConfig={"PageSize": 1}
    )
    listed = [[one.rpartition(":")[2] for one in page["FunctionArns"]] for page in pages]
    assert listed == [["f"], ["g"]]
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.delete_code_signing_config(CodeSigningConfigArn=arn)
    client.delete_function_code_signing_config(FunctionName="g")
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName="g")
    client.delete_function(FunctionName="f")
    assert client.delete_code_signing_config(CodeSigningConfigArn=arn)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []


F = {"FunctionName": "f"}
CONFIG = {"CodeSigningConfigArn": NO_SIGNING}
NOT_FOUND = f"The Lambda code signing configuration {NO_SIGNING} can not be found."
DELETED = "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
NO = {"FunctionName": "no"}
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("get_code_signing_config", CONFIG, MISSING, NOT_FOUND),
    ("update_code_signing_config", CONFIG | {"Description": "d"}, MISSING, NOT_FOUND),
    ("delete_code_signing_config", CONFIG, MISSING, NOT_FOUND),
    ("list_functions_by_code_signing_config", CONFIG, MISSING, NOT_FOUND),
    ("list_tags", {"Resource": NO_SIGNING}, MISSING, NOT_FOUND),
    ("put_function_code_signing_config", F | CONFIG, "CodeSigningConfigNotFoundException", DELETED + NO_SIGNING),
    ("get_function_code_signing_config", NO, MISSING, "Function not found: "),
    ("get_runtime_management_config", NO, MISSING, "Function not found: "),
    ("put_runtime_management_config", NO | {"UpdateRuntimeOn": "Auto"}, MISSING, "Function not found: "),
    ("put_runtime_management_config", F | {"UpdateRuntimeOn": "Manual"}, INVALID, "RuntimeVersionArn must be"),
    ("put_runtime_management_config", F | {"UpdateRuntimeOn": "Never"}, "ValidationException", "'updateRuntimeOn'"),
    ("get_function_recursion_config", NO, MISSING, "Function not found: "),
    ("put_function_recursion_config", NO | {"RecursiveLoop": "Allow"}, MISSING, "Function not found: "),
    ("put_function_recursion_config", F | {"RecursiveLoop": "Often"}, "ValidationException", "'recursiveLoop'"),
]


@pytest.mark.parametrize(("operation", "parameters", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    operation: str, parameters: dict[str, Any], code: str, message: str, client: Any, create: Any
) -> None:
    create(ECHO)
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]


def test_a_function_is_not_made_with_a_signing_configuration_that_is_not_there(client: Any, create: Any) -> None:
    with pytest.raises(client.exceptions.CodeSigningConfigNotFoundException, match="is not deleted"):
        create(ECHO, CodeSigningConfigArn=NO_SIGNING)
    assert client.list_functions()["Functions"] == []
