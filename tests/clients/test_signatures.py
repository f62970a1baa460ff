"""`--auth verify`: botocore's own signatures are accepted, wrong ones are not, functions keep working."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def verifying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a platform that verifies signatures."""
    data = str(tmp_path_factory.mktemp("verify"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "verify", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield json.loads((Path(data) / "platform.json").read_text())["url"]
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def connect(verifying: str) -> Iterator[Connect]:
    made = []

    def make(
        service: str,
        key: str = "test",
        secret: str = "test",
        token: str | None = None,
        region: str = "eu-west-1",
        config: Config | None = None,
    ) -> Any:
        client = boto3.client(
            service,
            endpoint_url=verifying,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}).merge(config or Config()),
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


CALLS = [
    ("lambda", "list_functions"),
    ("logs", "describe_log_groups"),
    ("sts", "get_caller_identity"),
    ("iam", "list_roles"),
]


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_botocores_signature_is_accepted(connect: Connect, service: str, operation: str) -> None:
    assert getattr(connect(service), operation)()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_each_request_is_verified_though_it_is_like_those_before(connect: Connect, verifying: str) -> None:
    """Requests whose heads differ in the signature alone are known by their bytes; that one is not."""
    client = connect("logs")
    sent: list[Any] = []
    client.meta.events.register("before-send.logs", lambda request, **_: sent.append(request))
    client.describe_log_groups()
    at = urllib.parse.urlsplit(verifying)
    headers = {name: value if isinstance(value, str) else value.decode() for name, value in sent[0].headers.items()}
    right = headers["Authorization"]
    wrong = right[:-64] + ("0" if right[-64] != "0" else "1") + right[-63:]
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=60)
    statuses = []
    for authorization in (right, right, right, wrong, right, wrong):
        connection.request("POST", "/", sent[0].body, {**headers, "Authorization": authorization})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert statuses == [200, 200, 200, 400, 200, 400]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("lambda", "list_functions", "InvalidSignatureException"),
        ("logs", "describe_log_groups", "InvalidSignatureException"),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
        ("iam", "list_roles", "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_secret_is_refused_in_the_protocols_words(
    connect: Connect, service: str, operation: str, code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(connect(service, secret="wrong"), operation)()
    assert refused.value.response["Error"]["Code"] == code


def test_an_unknown_key_and_a_forged_token_are_refused(connect: Connect) -> None:
    with pytest.raises(ClientError) as unknown:
        connect("sts", key="AKIAIOSFODNN7EXAMPLE").get_caller_identity()
    assert unknown.value.response["Error"]["Code"] == "InvalidClientTokenId"
    with pytest.raises(ClientError) as forged:
        connect("lambda", key="ASIAIOSFODNN7EXAMPLE", token="Zm9yZ2Vk").list_functions()
    assert forged.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_an_unsigned_request_is_refused(verifying: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{verifying}/2015-03-31/functions")
    assert refused.value.code == 403
    assert refused.value.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    refused.value.close()


def test_issued_keys_sign_until_they_are_inactive(connect: Connect) -> None:
    iam = connect("iam")
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    sts = connect("sts", key["AccessKeyId"], key["SecretAccessKey"])
    assert sts.get_caller_identity()["Arn"].endswith(":user/u")
    iam.update_access_key(UserName="u", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_a_function_calls_with_its_roles_credentials(
    connect: Connect, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = connect("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client = connect("lambda")
    source = "import boto3\ndef handler(e, c):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"
    client.create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": source})},
        Timeout=60,
        MemorySize=256,
    )
    answer = client.invoke(FunctionName="f")
    assert json.load(answer["Payload"]) == "arn:aws:sts::000000000000:assumed-role/worker/f"


def fetched(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("token", [False, True])
def test_urls_that_boto3_signs_by_default_are_accepted(connect: Connect, style: str, token: bool) -> None:
    """Those of us-east-1 have Signature Version 2; S3 of that region refuses what was changed."""
    made: dict[str, str | None] = {"key": "test", "secret": "test", "token": None}
    if token:
        iam = connect("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
        }
        name = f"signer-{style}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        found = connect("sts").assume_role(RoleArn=role, RoleSessionName="signer")["Credentials"]
        made = {"key": found["AccessKeyId"], "secret": found["SecretAccessKey"], "token": found["SessionToken"]}
    config = Config(s3={"addressing_style": style})
    s3 = connect("s3", **made, region="us-east-1", config=config)
    bucket = f"signed-{style}-{token}".lower()
    s3.create_bucket(Bucket=bucket)
    named = {"Bucket": bucket, "Key": "a b+c/é.txt"}
    put = s3.generate_presigned_url("put_object", {**named, "ContentType": "text/plain"})
    assert "AWSAccessKeyId=" in put
    assert fetched(put, "PUT", b"body", **{"Content-Type": "text/plain"})[0] == 200
    assert fetched(put, "PUT", b"body", **{"Content-Type": "text/html"})[0] == 403
    get = s3.generate_presigned_url("get_object", {**named, "ResponseContentType": "text/css"})
    assert fetched(get) == (200, b"body")
    assert b"SignatureDoesNotMatch" in fetched(get.replace("text%2Fcss", "text%2Fhtml"))[1]
    assert b"SignatureDoesNotMatch" in fetched(get.replace(".txt", ".css"))[1]
    assert fetched(get, "DELETE")[0] == 403
    old = connect(
        "s3", **made, region="us-east-1", config=Config(signature_version="s3", s3={"addressing_style": style})
    )
    assert [one["Key"] for one in old.list_objects_v2(Bucket=bucket)["Contents"]] == [named["Key"]]
    assert old.get_object_tagging(**named)["TagSet"] == []
