"""Role aliases: credentials of AWS for a device with a certificate, where policies are enforced."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT, REGION = "433333333333", "eu-central-1"
ALIAS = f"arn:aws:iot:{REGION}:{ACCOUNT}:rolealias/reader"


def document(effect: str = "Allow", **statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": effect, **statement}})


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a platform that enforces policies."""
    data = str(tmp_path_factory.mktemp("aliases"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield json.loads((Path(data) / "platform.json").read_text())["url"]
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def client(platform: str) -> Iterator[Callable[..., Any]]:
    made = []

    def make(service: str, key: str = ACCOUNT, secret: str = "test", token: str | None = None) -> Any:
        made.append(
            boto3.client(
                service,
                endpoint_url=platform,
                region_name=REGION,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def iot(client: Callable[..., Any]) -> Any:
    """IoT, with a role that devices may read their own objects in, and its alias."""
    iam = client("iam")
    trusted = {"Principal": {"Service": "credentials.iot.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document(**trusted))["Role"]["Arn"]
    own = document(Action="s3:GetObject", Resource="arn:aws:s3:::farm/${credentials-iot:ThingName}/*")
    iam.put_role_policy(RoleName="reader", PolicyName="own", PolicyDocument=own)
    bucket = client("s3")
    bucket.create_bucket(Bucket="farm", CreateBucketConfiguration={"LocationConstraint": REGION})
    for thing in ("pump", "gate"):
        bucket.put_object(Bucket="farm", Key=f"{thing}/settings", Body=thing.encode())
    made = client("iot")
    made.create_role_alias(roleAlias="reader", roleArn=role, credentialDurationSeconds=900)
    return made


@pytest.fixture(scope="module")
def pump(iot: Any) -> dict[str, Any]:
    """The certificate of the thing `pump`, which may ask for credentials."""
    made: dict[str, Any] = iot.create_keys_and_certificate(setAsActive=True)
    for name in ("pump", "gate"):
        iot.create_thing(thingName=name)
    iot.attach_thing_principal(thingName="pump", principal=made["certificateArn"])
    iot.create_policy(policyName="ask", policyDocument=document(Action="iot:AssumeRoleWithCertificate", Resource=ALIAS))
    iot.attach_policy(policyName="ask", target=made["certificateArn"])
    return made


@pytest.fixture
def ask(platform: str, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Ask for the credentials of a role alias, with a certificate or without."""

    def asked(alias: str, made: dict[str, Any] | None, thing: str | None = None) -> tuple[int, dict[str, Any]]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if made is not None:
            (tmp_path / "device.pem").write_text(made["certificatePem"] + made["keyPair"]["PrivateKey"])
            context.load_cert_chain(tmp_path / "device.pem")
        headers = {} if thing is None else {"x-amzn-iot-thingname": thing}
        if made is None:
            headers["Host"] = f"c0123.credentials.iot.{REGION}.amazonaws.com"
        at = urlsplit(platform)
        with closing(HTTPSConnection(at.hostname or "", at.port, context=context)) as connection:
            connection.request("GET", f"/role-aliases/{alias}/credentials", headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    return asked


def test_a_device_reads_what_its_thing_may(client: Any, pump: Any, ask: Any) -> None:
    status, answer = ask("reader", pump, "pump")
    assert status == 200, answer
    found = answer["credentials"]
    keys = found["accessKeyId"], found["secretAccessKey"], found["sessionToken"]
    session = client("sts", *keys).get_caller_identity()["Arn"]
    assert session == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/{pump['certificateId']}"
    reader = client("s3", *keys)
    assert reader.get_object(Bucket="farm", Key="pump/settings")["Body"].read() == b"pump"
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.get_object(Bucket="farm", Key="gate/settings")


def test_credentials_without_a_thing_know_none(client: Any, pump: Any, ask: Any) -> None:
    _, answer = ask("reader", pump)
    found = answer["credentials"]
    reader = client("s3", found["accessKeyId"], found["secretAccessKey"], found["sessionToken"])
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.get_object(Bucket="farm", Key="pump/settings")


def test_who_may_not_ask_is_told_so(iot: Any, pump: Any, ask: Any) -> None:
    other = iot.create_keys_and_certificate(setAsActive=True)
    inactive = iot.create_keys_and_certificate(setAsActive=False)
    assert ask("reader", None)[0] == 403
    assert ask("reader", other)[0] == 403
    assert ask("reader", inactive)[0] == 403
    assert ask("reader", pump, "gate")[0] == 404
    iot.attach_policy(policyName="ask", target=other["certificateArn"])
    assert ask("reader", other)[0] == 200
    assert ask("writer", pump)[0] == 403
    iot.create_role_alias(roleAlias="untrusted", roleArn=f"arn:aws:iam::{ACCOUNT}:role/untrusted")
    iot.create_policy(policyName="all", policyDocument=document(Action="iot:AssumeRoleWithCertificate", Resource="*"))
    iot.attach_policy(policyName="all", target=other["certificateArn"])
    assert ask("untrusted", other)[0] == 403
    assert ask("none-such", other)[0] == 404


def test_role_aliases_are_kept(iot: Any) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/reader"
    made = iot.create_role_alias(roleAlias="kept", roleArn=role, tags=[{"Key": "a", "Value": "b"}])
    assert made["roleAliasArn"] == f"arn:aws:iot:{REGION}:{ACCOUNT}:rolealias/kept"
    assert iot.list_tags_for_resource(resourceArn=made["roleAliasArn"])["tags"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException):
        iot.create_role_alias(roleAlias="kept", roleArn=role)
    iot.update_role_alias(roleAlias="kept", credentialDurationSeconds=1800)
    shown = iot.describe_role_alias(roleAlias="kept")["roleAliasDescription"]
    assert (shown["roleArn"], shown["owner"], shown["credentialDurationSeconds"]) == (role, ACCOUNT, 1800)
    pages = [iot.list_role_aliases(pageSize=1, ascendingOrder=True)]
    while "nextMarker" in pages[-1]:
        pages.append(iot.list_role_aliases(pageSize=1, ascendingOrder=True, marker=pages[-1]["nextMarker"]))
    listed = [name for page in pages for name in page["roleAliases"]]
    assert listed == sorted(listed)
    assert {"kept", "reader"} <= set(listed)
    iot.delete_role_alias(roleAlias="kept")
    for operation in (iot.describe_role_alias, iot.delete_role_alias):
        with pytest.raises(iot.exceptions.ResourceNotFoundException):
            operation(roleAlias="kept")


def test_authorizers_and_aliases_are_deployed_by_a_template(kumoi: Any) -> None:
    def template(function: str, seconds: int) -> str:
        authorizer = {
            "AuthorizerFunctionArn": f"arn:aws:lambda:us-east-1:{kumoi.account}:function:{function}",
            "SigningDisabled": True,
            "Status": "ACTIVE",
        }
        alias = {"RoleArn": f"arn:aws:iam::{kumoi.account}:role/r", "CredentialDurationSeconds": seconds}
        resources = {
            "Authorizer": {"Type": "AWS::IoT::Authorizer", "Properties": authorizer},
            "Alias": {"Type": "AWS::IoT::RoleAlias", "Properties": alias},
        }
        outputs = {
            "Name": {"Value": {"Ref": "Authorizer"}},
            "Arn": {"Value": {"Fn::GetAtt": ["Alias", "RoleAliasArn"]}},
        }
        return json.dumps({"Resources": resources, "Outputs": outputs})

    cloudformation, iot = kumoi.client("cloudformation"), kumoi.client("iot")
    cloudformation.create_stack(StackName="s", TemplateBody=template("one", 900))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    found = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    cloudformation.update_stack(StackName="s", TemplateBody=template("two", 1800))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    authorizer = iot.describe_authorizer(authorizerName=found["Name"])["authorizerDescription"]
    assert authorizer["authorizerFunctionArn"].endswith(":two")
    alias = iot.describe_role_alias(roleAlias=found["Arn"].partition("/")[2])["roleAliasDescription"]
    assert alias["credentialDurationSeconds"] == 1800
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert iot.list_authorizers()["authorizers"] == []
    assert iot.list_role_aliases()["roleAliases"] == []
