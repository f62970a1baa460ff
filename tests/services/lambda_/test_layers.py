"""Layers, driven by boto3: published, used by functions that see them at /opt, shared, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.cli.connection import Connection
from kumoi.pytest_plugin import KumoiAccount
from kumoi.services.lambda_.code import merge
from kumoi.services.lambda_.operations.layers import mapped_layer
from kumoi.wire.errors import AwsError

USES_SHARED = "import shared\n\n\ndef handler(event, context):\n    return shared.WHO\n"
READS_OPT = "from pathlib import Path\n\n\ndef handler(event, context):\n    return Path('/opt', event).read_text()\n"
MISSING, INVALID = "ResourceNotFoundException", "InvalidParameterValueException"


@pytest.fixture
def publish(client: Any, zipped: Callable[[dict[str, str]], bytes]) -> Callable[..., dict[str, Any]]:
    """Publish a layer version of some files."""

    def run(files: dict[str, str], name: str = "l", **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.publish_layer_version(
            LayerName=name, Content={"ZipFile": zipped(files)}, **options
        )
        return answer

    return run


def test_a_layer_version_as_aws_answers_it(publish: Any, client: Any, kumoi: Any, zipped: Any) -> None:
    files = {"python/shared.py": "WHO = 'l1'\n"}
    options = {
        "Description": "shared code",
        "CompatibleRuntimes": ["python3.12", "python3.13"],
        "CompatibleArchitectures": ["arm64"],
        "LicenseInfo": "MIT",
    }
    made = publish(files, **options)
    arn = f"arn:aws:lambda:us-east-1:{kumoi.account}:layer:l"
    expected = {"LayerArn": arn, "LayerVersionArn": f"{arn}:1", "Version": 1, **options}
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert {name: made[name] for name in expected} == expected
    package = zipped(files)
    assert made["Content"]["CodeSize"] == len(package)
    assert made["Content"]["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()

    for found in (
        client.get_layer_version(LayerName="l", VersionNumber=1),
        client.get_layer_version(LayerName=arn, VersionNumber=1),
        client.get_layer_version_by_arn(Arn=f"{arn}:1"),
    ):
        assert {name: found[name] for name in expected} == expected
        assert found["CreatedDate"] == made["CreatedDate"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", found["CreatedDate"])
        with urllib.request.urlopen(found["Content"]["Location"]) as answer:
            assert zipfile.ZipFile(io.BytesIO(answer.read())).namelist() == ["python/shared.py"]


def test_a_function_sees_its_layers_in_order(publish: Any, create: Any, client: Any, invoke: Any) -> None:
    first = publish({"python/shared.py": "WHO = 'first'\n", "a.txt": "a1"}, name="first")
    second = publish({"python/shared.py": "WHO = 'second'\n", "b.txt": "b2"}, name="second")
    arns = [first["LayerVersionArn"], second["LayerVersionArn"]]
    created = create(USES_SHARED, Layers=arns)
    assert created["Layers"] == [
        {"Arn": layer["LayerVersionArn"], "CodeSize": layer["Content"]["CodeSize"]} for layer in (first, second)
    ]
    assert invoke()[0] == "second"
    client.update_function_configuration(FunctionName="f", Layers=arns[::-1])
    assert invoke()[0] == "first"
    create(READS_OPT, name="g", Layers=arns)
    assert [invoke(file, name="g")[0] for file in ("a.txt", "b.txt")] == ["a1", "b2"]
    bare = client.update_function_configuration(FunctionName="f", Layers=[])
    assert "Layers" not in bare
    assert invoke()[1]["FunctionError"] == "Unhandled"


def test_a_deleted_version_keeps_working_for_those_that_use_it(
    publish: Any, create: Any, client: Any, invoke: Any, package: Any
) -> None:
    arn = publish({"python/shared.py": "WHO = 'l1'\n"})["LayerVersionArn"]
    create(USES_SHARED, Layers=[arn])
    for _ in range(2):
        assert client.delete_layer_version(LayerName="l", VersionNumber=1)["ResponseMetadata"]["HTTPStatusCode"] == 204
    client.update_function_code(FunctionName="f", ZipFile=package(USES_SHARED + "# other\n"))
    assert invoke()[0] == "l1"
    assert client.list_layers()["Layers"] == []
    assert publish({"python/shared.py": "WHO = 'l2'\n"})["Version"] == 2
    with pytest.raises(ClientError, match=f"Layer version {arn} does not exist."):
        create(USES_SHARED, name="g", Layers=[arn])


def test_layers_are_listed_by_what_they_are_for(publish: Any, client: Any) -> None:
    for number in range(3):
        publish({"a": str(number)}, name="a", CompatibleRuntimes=[f"python3.1{number + 1}"])
    publish({"b": "b"}, name="b", CompatibleRuntimes=["nodejs22.x"], CompatibleArchitectures=["arm64"])
    publish({"c": "c"}, name="c")
    pages = list(client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 2}))
    assert [[layer["LayerName"] for layer in page["Layers"]] for page in pages] == [["a", "b"], ["c"]]
    assert pages[0]["Layers"][0]["LatestMatchingVersion"]["Version"] == 3
    matching = client.list_layers(CompatibleRuntime="python3.11")["Layers"]
    assert [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in matching] == [("a", 1)]
    assert [layer["LayerName"] for layer in client.list_layers(CompatibleArchitecture="arm64")["Layers"]] == ["b"]
    versions = client.get_paginator("list_layer_versions").paginate(LayerName="a", PaginationConfig={"PageSize": 2})
    assert [[one["Version"] for one in page["LayerVersions"]] for page in versions] == [[3, 2], [1]]
    assert client.list_layer_versions(LayerName="none")["LayerVersions"] == []


def test_a_directory_of_this_machine_is_a_layer(
    client: Any, create: Any, invoke: Any, publish: Any, tmp_path: Path
) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "shared.py").write_text("WHO = 'disk'\n")
    local = client.publish_layer_version(LayerName="d", Content={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)})
    zipped = publish({"python/other.py": "", "python/shared.py": "WHO = 'zip'\n"})
    create(USES_SHARED, Layers=[zipped["LayerVersionArn"], local["LayerVersionArn"]])
    assert invoke()[0] == "disk"


def test_others_may_be_let_use_a_version(publish: Any, client: Any) -> None:
    arn = publish({"a": "a"})["LayerVersionArn"]
    version = {"LayerName": "l", "VersionNumber": 1}
    statement = {"StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    added = client.add_layer_version_permission(**version, **statement, OrganizationId="o-0123456789")
    expected = {
        "Sid": "all",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:GetLayerVersion",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}},
    }
    assert json.loads(added["Statement"]) == expected
    policy = client.get_layer_version_policy(**version)
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [expected]}
    assert policy["RevisionId"] == added["RevisionId"]

    with pytest.raises(client.exceptions.ResourceConflictException, match=r"The statement id \(all\) provided already"):
        client.add_layer_version_permission(**version, **statement)
    with pytest.raises(client.exceptions.PreconditionFailedException, match="Call the GetLayerPolicy API"):
        client.remove_layer_version_permission(**version, StatementId="all", RevisionId="x")
    client.remove_layer_version_permission(**version, StatementId="all", RevisionId=policy["RevisionId"])
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="No policy is associated"):
        client.get_layer_version_policy(**version)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Statement all is not found"):
        client.remove_layer_version_permission(**version, StatementId="all")


ARN = "arn:aws:lambda:us-east-1:{account}:layer:{name}"
GONE = "The resource you requested does not exist."
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("get_layer_version", {"LayerName": "l", "VersionNumber": 0}, INVALID, "Layer Version Cannot be less than 1"),
    ("get_layer_version", {"LayerName": "l", "VersionNumber": -1}, INVALID, "Layer Version Cannot be less than 1"),
    ("get_layer_version", {"LayerName": "l", "VersionNumber": 3}, MISSING, GONE),
    ("get_layer_version", {"LayerName": "l", "VersionNumber": 2**62}, MISSING, GONE),
    ("get_layer_version", {"LayerName": "no", "VersionNumber": 1}, MISSING, GONE),
    ("get_layer_version_by_arn", {"Arn": f"{ARN}:9"}, MISSING, GONE),
    ("get_layer_version_by_arn", {"Arn": "l:1"}, "ValidationException", "'arn' failed to satisfy constraint"),
    ("get_layer_version_by_arn", {"Arn": f"{ARN}:{'9' * 40}"}, "ValidationException", "'arn' failed to satisfy"),
    ("delete_layer_version", {"LayerName": "l", "VersionNumber": 0}, INVALID, "Layer Version Cannot be less than 1"),
    ("get_layer_version_policy", {"LayerName": "no", "VersionNumber": 1}, MISSING, GONE),
    ("publish_layer_version", {"LayerName": "x", "Content": {"ZipFile": b"zip"}}, INVALID, "Could not unzip"),
    ("publish_layer_version", {"LayerName": "x", "Content": {}}, INVALID, "provide a source for function code"),
    ("publish_layer_version", {"LayerName": "a b", "Content": {}}, "ValidationException", "'layerName'"),
]


@pytest.mark.parametrize(("operation", "parameters", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    operation: str, parameters: dict[str, Any], code: str, message: str, kumoi: Any, publish: Any
) -> None:
    publish({"a": "a"})
    client = kumoi.client("lambda", parameter_validation=False)
    given = {
        member: value.format(account=kumoi.account, name="l") if isinstance(value, str) else value
        for member, value in parameters.items()
    }
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**given)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]


LAYERS_REFUSED: list[tuple[list[str], str]] = [
    ([f"{ARN}:1"] * 6, "Cannot reference more than 5 layers."),
    ([f"{ARN}:9"], "Layer version {arn}:9 does not exist."),
    (
        [f"{ARN}:1", f"{ARN}:2"],
        "Two different versions of the same layer are not allowed to be referenced in the same function. {arn}:1 and "
        "{arn}:2 are versions of the same layer.",
    ),
    (
        [f"{ARN}:1".replace("us-east-1", "eu-west-1")],
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
    ),
    (["arn:aws:lambda:us-east-1:123456789012:layer:theirs:1"], "Layer version arn:aws:lambda:us-east-1:123456789012:"),
]


@pytest.mark.parametrize(("arns", "message"), LAYERS_REFUSED)
def test_layers_a_function_cannot_have(
    arns: list[str], message: str, kumoi: Any, client: Any, create: Any, publish: Any
) -> None:
    for number in range(2):
        publish({"a": str(number)})
    named = [arn.format(account=kumoi.account, name="l") for arn in arns]
    expected = message.format(arn=ARN.format(account=kumoi.account, name="l"))
    with pytest.raises(client.exceptions.InvalidParameterValueException) as refused:
        create(USES_SHARED, Layers=named)
    assert expected in str(refused.value)
    create(USES_SHARED)
    with pytest.raises(client.exceptions.InvalidParameterValueException) as refused:
        client.update_function_configuration(FunctionName="f", Layers=named)
    assert expected in str(refused.value)


def test_code_and_layers_together_have_a_limit(client: Any, create: Any) -> None:
    def zeros(megabytes: int) -> bytes:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
            out.writestr("zeros", bytes(megabytes << 20))
        return archive.getvalue()

    content = {"ZipFile": zeros(130)}
    arns = [client.publish_layer_version(LayerName=name, Content=content)["LayerVersionArn"] for name in ("one", "two")]
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="maximum allowed size of 262144000"):
        create(USES_SHARED, Layers=arns)
    create(USES_SHARED, Layers=arns[:1])


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("", None),
        ("{}", None),
        ('{"arn:aws:lambda:us-east-1:1": "/a"}', "/a"),
        ('{"arn:aws": "/a", "arn:aws:lambda:us-east-1:1:layer:tools:": "/b"}', "/b"),
        ('{"arn:aws:lambda:us-east-1:2": "/a"}', None),
    ],
)
def test_a_setting_stands_for_layers_of_others(setting: str, found: str | None) -> None:
    path = mapped_layer(setting, "arn:aws:lambda:us-east-1:1:layer:tools:7")
    assert path == (None if found is None else Path(found))


@pytest.mark.parametrize("setting", ["{", "[]", '{"arn": 1}', "null"])
def test_a_setting_that_is_no_map_says_so(setting: str) -> None:
    with pytest.raises(AwsError, match="KUMOI_LAYER_MAP is no JSON object"):
        mapped_layer(setting, "arn")


def test_directories_are_laid_over_one_another(tmp_path: Path) -> None:
    trees: list[dict[str, str]] = [
        {"both/a": "1", "both/b": "1", "becomes_file/x": "1", "becomes_directory": "1"},
        {"both/b": "2", "both/c": "2", "becomes_file": "2", "becomes_directory/y": "2"},
    ]
    sources = []
    for number, tree in enumerate(trees):
        for name, content in tree.items():
            path = tmp_path / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        sources.append(tmp_path / str(number))
    merged = tmp_path / "merged"
    merge(sources, merged)
    files = {str(path.relative_to(merged)): path.read_text() for path in merged.rglob("*") if path.is_file()}
    assert files == {"both/a": "1", "both/b": "2", "both/c": "2", "becomes_file": "2", "becomes_directory/y": "2"}
    assert (tmp_path / "0" / "both" / "b").read_text() == "1"


@pytest.fixture
def stranger(kumoi_platform: Any, kumoi_accounts: Any) -> Iterator[Any]:
    """Another account of the same platform."""
    account = KumoiAccount(kumoi_platform, f"{next(kumoi_accounts):012d}")
    yield account
    account.close()
    account.reset()


def test_another_account_can_use_a_layer(publish: Any, stranger: Any, zipped: Any) -> None:
    arn = publish({"python/shared.py": "WHO = 'theirs'\n"})["LayerVersionArn"]
    client = stranger.client("lambda")
    found = client.get_layer_version_by_arn(Arn=arn)
    assert found["LayerVersionArn"] == arn
    with urllib.request.urlopen(found["Content"]["Location"]) as answer:
        assert zipfile.ZipFile(io.BytesIO(answer.read())).namelist() == ["python/shared.py"]
    client.create_function(
        FunctionName="f",
        Role=f"arn:aws:iam::{stranger.account}:role/r",
        Runtime="python3.12",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": USES_SHARED})},
        Layers=[arn],
    )
    assert json.loads(client.invoke(FunctionName="f")["Payload"].read()) == "theirs"


@pytest.fixture
def mapped(tmp_path: Path, zipped: Any) -> Iterator[KumoiAccount]:
    """An account on a platform that has a zip, and a file that is missing, for layers of others."""
    package = tmp_path / "layer.zip"
    package.write_bytes(zipped({"python/shared.py": "WHO = 'mapped'\n"}))
    layers = {THEIRS: str(package), f"{THEIRS}gone": str(tmp_path / "gone.zip")}
    kumoi, where = [sys.executable, "-m", "kumoi"], ["--data", str(tmp_path / "data")]
    environment = {**os.environ, "KUMOI_LAYER_MAP": json.dumps(layers)}
    subprocess.run([*kumoi, "up", "-d", "--ephemeral", "--port", "0", *where], check=True, env=environment)
    try:
        account = KumoiAccount(Connection.find(tmp_path / "data"), "123456789012")
        yield account
        account.close()
    finally:
        subprocess.run([*kumoi, "down", *where], check=True)


THEIRS = "arn:aws:lambda:us-east-1:999999999999:layer:"


def test_a_layer_that_cannot_be_fetched_is_found_on_this_machine(mapped: KumoiAccount, zipped: Any) -> None:
    client = mapped.client("lambda")
    function = {
        "FunctionName": "f",
        "Role": "arn:aws:iam::123456789012:role/r",
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Code": {"ZipFile": zipped({"app.py": USES_SHARED})},
    }
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="cannot be read: No such file"):
        client.create_function(**function, Layers=[f"{THEIRS}gone:1"])
    client.create_function(**function, Layers=[f"{THEIRS}tools:7"])
    assert json.loads(client.invoke(FunctionName="f")["Payload"].read()) == "mapped"
