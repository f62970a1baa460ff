"""What is configured of a function beside its code, driven by boto3: kept, answered, changed, refused."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context):\n    return event\n"
ROLE = "arn:aws:iam::000000000000:role/r"
URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"
INVALID, VALIDATION = "InvalidParameterValueException", "ValidationException"
FILE_SYSTEM = {
    "Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
    "LocalMountPath": "/mnt/a",
}
KEPT: list[dict[str, Any]] = [
    {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"}},
    {"KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"},
    {"FileSystemConfigs": [FILE_SYSTEM]},
    {"TracingConfig": {"Mode": "Active"}},
    {"Architectures": ["arm64"]},
    {"EphemeralStorage": {"Size": 1024}},
    {"Environment": {"Variables": {}}},
    {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}},
    {"AcceleratorConfig": {"AcceleratorMemorySize": 8}},
    {"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/mine"}},
    {
        "LoggingConfig": {
            "LogFormat": "JSON",
            "LogGroup": "/aws/lambda/f",
            "ApplicationLogLevel": "INFO",
            "SystemLogLevel": "INFO",
        }
    },
]


@pytest.mark.parametrize("given", KEPT)
def test_what_is_given_is_answered(given: dict[str, Any], client: Any, create: Any) -> None:
    created = create(ECHO, **given)
    found = client.get_function_configuration(FunctionName="f")
    ((member, value),) = given.items()
    assert created[member] == found[member] == value


@pytest.mark.parametrize(
    ("given", "cleared"),
    [
        (KEPT[0], {"DeadLetterConfig": {"TargetArn": ""}}),
        (KEPT[1], {"KMSKeyArn": ""}),
        (KEPT[2], {"FileSystemConfigs": []}),
    ],
)
def test_what_is_emptied_is_gone(given: dict[str, Any], cleared: dict[str, Any], client: Any, create: Any) -> None:
    create(ECHO, **given)
    client.update_function_configuration(FunctionName="f", Timeout=4)
    (member,) = given
    assert member in client.get_function_configuration(FunctionName="f")
    client.update_function_configuration(FunctionName="f", **cleared)
    assert member not in client.get_function_configuration(FunctionName="f")


def test_a_vpc_config_leaves_its_shape_behind(client: Any, create: Any) -> None:
    assert "VpcConfig" not in create(ECHO)
    vpc = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    client.update_function_configuration(FunctionName="f", VpcConfig=vpc)
    assert client.get_function_configuration(FunctionName="f")["VpcConfig"] == {**vpc, "VpcId": ""}
    client.update_function_configuration(FunctionName="f", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    empty = {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""}
    assert client.get_function_configuration(FunctionName="f")["VpcConfig"] == empty


def test_the_hash_of_a_configuration_changes_with_it(client: Any, create: Any, package: Any) -> None:
    first = create(ECHO, Publish=True)["ConfigSha256"]
    assert client.get_function_configuration(FunctionName="f")["ConfigSha256"] == first
    assert client.get_function_configuration(FunctionName="f", Qualifier="1")["ConfigSha256"] == first
    client.update_function_configuration(FunctionName="f", Timeout=9)
    assert client.get_function_configuration(FunctionName="f")["ConfigSha256"] != first


def test_a_container_image_is_configuration(client: Any, create: Any) -> None:
    image = {"EntryPoint": ["/app"], "Command": ["serve"], "WorkingDirectory": "/srv"}
    options = {"PackageType": "Image", "Code": {"ImageUri": URI}, "Role": ROLE, "ImageConfig": image}
    created = client.create_function(FunctionName="f", **options)
    assert (created["PackageType"], created["CodeSize"]) == ("Image", 0)
    assert created["CodeSha256"] == hashlib.sha256(URI.encode()).hexdigest()
    assert created["ImageConfigResponse"] == {"ImageConfig": image}
    assert not {"Runtime", "Handler", "RuntimeVersionConfig"} & created.keys()
    found = client.get_function(FunctionName="f")
    assert found["Code"] == {"RepositoryType": "ECR", "ImageUri": URI, "ResolvedImageUri": URI}
    with pytest.raises(client.exceptions.InvalidRuntimeException, match="keeps functions of PackageType Image as"):
        client.invoke(FunctionName="f")
    client.update_function_code(FunctionName="f", ImageUri=URI + "2", Publish=True)
    assert client.get_function(FunctionName="f", Qualifier="1")["Code"]["ImageUri"] == URI + "2"


def test_versions_are_listed_in_pages(client: Any, create: Any) -> None:
    create(ECHO)
    for timeout in (4, 5, 6):
        client.update_function_configuration(FunctionName="f", Timeout=timeout)
        client.publish_version(FunctionName="f")
    pages = client.get_paginator("list_versions_by_function").paginate(
        FunctionName="f", PaginationConfig={"PageSize": 1}
    )
    assert [[one["Version"] for one in page["Versions"]] for page in pages] == [["$LATEST"], ["1"], ["2"], ["3"]]
    pages = client.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 1})
    assert [[one["Version"] for one in page["Functions"]] for page in pages] == [["$LATEST"], ["1"], ["2"], ["3"]]


def test_waiters_are_done_at_their_first_poll(client: Any, create: Any) -> None:
    create(ECHO, Publish=True)
    once = {"MaxAttempts": 1}
    for waiter in client.waiter_names:
        where = {"Qualifier": "1"} if waiter == "published_version_active" else {}
        client.get_waiter(waiter).wait(FunctionName="f", WaiterConfig=once, **where)


@pytest.mark.parametrize("form", ["f", "function:f", "{account}:function:f", "{arn}", "{arn}:$LATEST"])
def test_a_function_has_many_names(form: str, client: Any, create: Any, kumoi: Any) -> None:
    arn = create(ECHO)["FunctionArn"]
    name = form.format(account=kumoi.account, arn=arn)
    assert client.get_function_configuration(FunctionName=name)["FunctionName"] == "f"


F = {"FunctionName": "f"}
NEW = {"FunctionName": "g", "Role": ROLE, "Runtime": "python3.12", "Handler": "app.handler"}
IMAGE = {"FunctionName": "g", "Role": ROLE, "PackageType": "Image"}
NO_MARKER = "Invalid Marker: use the NextMarker of an earlier answer."
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "create_function",
        IMAGE | {"Code": {"ZipFile": b"x"}},
        INVALID,
        "Please provide ImageUri when creating a function with packageType Image.",
    ),
    (
        "create_function",
        NEW | {"Code": {"ImageUri": URI}},
        INVALID,
        "Please don't provide ImageUri when creating a function with packageType Zip.",
    ),
    (
        "create_function",
        IMAGE | {"Code": {"ImageUri": URI}, "Runtime": "python3.12", "Handler": "a.b"},
        INVALID,
        "Runtime, Handler not supported for functions created with container images.",
    ),
    (
        "create_function",
        {"FunctionName": "g", "Role": ROLE, "Code": {"ZipFile": b"x"}, "Handler": "a.b"},
        INVALID,
        "Runtime is mandatory for functions created with deployment packages.",
    ),
    (
        "create_function",
        {"FunctionName": "g", "Role": ROLE, "Code": {"ZipFile": b"x"}, "Runtime": "python3.12"},
        INVALID,
        "Handler is mandatory for functions created with deployment packages.",
    ),
    (
        "create_function",
        NEW | {"Code": {"ZipFile": b"x"}, "DurableConfig": {"ExecutionTimeout": 1}},
        "NotImplemented",
        "DurableConfig",
    ),
    (
        "update_function_code",
        F | {"ImageUri": URI},
        INVALID,
        "Please don't provide ImageUri when updating a function with packageType Zip.",
    ),
    ("update_function_code", F, INVALID, "Please provide a source for function code."),
    (
        "update_function_code",
        F | {"S3Bucket": "hot-reload", "S3Key": "/" + "a" * 1000},
        INVALID,
        "hot reload needs an absolute path of a directory",
    ),
    ("update_function_code", F | {"S3Bucket": "hot-reload", "S3Key": "here"}, INVALID, "hot reload needs an absolute"),
    ("update_function_code", {"FunctionName": "f:1"}, INVALID, "only supported on $LATEST"),
    ("update_function_configuration", F | {"Timeout": 901}, VALIDATION, "less than or equal to 900"),
    ("update_function_configuration", F | {"MemorySize": 10_241}, INVALID, "less than or equal to 10240"),
    ("update_function_configuration", F | {"EphemeralStorage": {"Size": 511}}, VALIDATION, "or equal to 512"),
    (
        "update_function_configuration",
        F | {"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "INFO"}},
        INVALID,
        "The LogLevel cannot be specified when the LogFormat is set to Text.",
    ),
    (
        "update_function_configuration",
        F | {"Timeout": 4, "RevisionId": "x"},
        "PreconditionFailedException",
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
    ),
    ("get_function", {"FunctionName": "a" * 65}, INVALID, "length less than or equal to 64"),
    ("get_function", {"FunctionName": "a b"}, VALIDATION, "'functionName' failed to satisfy constraint"),
    (
        "get_function",
        {"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:f"},
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    ),
    ("list_functions", {"Marker": "?"}, INVALID, NO_MARKER),
    ("list_functions", {"Marker": "Zjp4"}, INVALID, NO_MARKER),
    ("list_versions_by_function", F | {"Marker": "x"}, INVALID, NO_MARKER),
    ("list_versions_by_function", F | {"Marker": "²"}, INVALID, NO_MARKER),
    ("publish_version", F | {"PublishTo": "LATEST_PUBLISHED"}, "NotImplemented", "PublishTo"),
]


@pytest.mark.parametrize(("operation", "parameters", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    operation: str, parameters: dict[str, Any], code: str, message: str, kumoi: Any, create: Callable[..., Any]
) -> None:
    create(ECHO)
    client = kumoi.client("lambda", parameter_validation=False)
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]


def test_tags_have_a_limit(client: Any, create: Any) -> None:
    tags = {f"t{number}": "" for number in range(50)}
    arn = create(ECHO, Tags=tags)["FunctionArn"]
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="exceeds the limit of 50"):
        client.tag_resource(Resource=arn, Tags={"more": ""})
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="exceeds the limit of 50"):
        create(ECHO, name="g", Tags=tags | {"more": ""})
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="the request cannot be processed"):
        client.tag_resource(Resource=arn, Tags={})


def test_packages_have_limits(client: Any, create: Any) -> None:
    def archive(size: int, compression: int) -> bytes:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", compression, compresslevel=1) as out:
            out.writestr("zeros", bytes(size))
        return written.getvalue()

    with pytest.raises(ClientError, match="Unzipped size must be smaller than 262144000 bytes"):
        create("", Code={"ZipFile": archive(262_144_001, zipfile.ZIP_DEFLATED)})
    with pytest.raises(ClientError, match="Zipped size must be smaller than 52428800 bytes") as refused:
        create("", Code={"ZipFile": archive(52_428_801, zipfile.ZIP_STORED)})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
