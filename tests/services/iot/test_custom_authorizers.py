"""Custom authorizers: devices without certificates, whom a function lets in, where policies are enforced."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACCOUNT, REGION = "422222222222", "eu-central-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:authorizer"
CODE = """
import base64, json

def handler(event, context):
    mqtt = event["protocolData"].get("mqtt", {})
    print(mqtt.get("username"))
    password = base64.b64decode(mqtt.get("password", ""))
    token = event.get("token")
    if token != "pass" and password != b"pass":
        return {"isAuthenticated": False}
    arn = ":".join(context.invoked_function_arn.split(":")[3:5])
    allow = lambda action, resource: {
        "Effect": "Allow", "Action": f"iot:{action}", "Resource": f"arn:aws:iot:{arn}:{resource}"
    }
    return {
        "isAuthenticated": True,
        "principalId": "pump1",
        "disconnectAfterInSeconds": 600,
        "refreshAfterInSeconds": 400,
        "policyDocuments": [{"Version": "2012-10-17", "Statement": [
            allow("Connect", "client/${iot:ClientId}"), allow("Publish", "topic/farm/*"),
            allow("Subscribe", "topicfilter/farm/*"), allow("Receive", "topic/farm/*"),
        ]}],
    }
"""
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authorizers")


@pytest.fixture(scope="module")
def platform(data: Path) -> Iterator[str]:
    """The URL of a platform that enforces policies."""
    verb(data, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce")
    yield json.loads((data / "platform.json").read_text())["url"]
    verb(data, "down")


def verb(data: Path, *words: str) -> None:
    command = [sys.executable, "-m", "kumoi", *words, "--data", str(data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def client(platform: str) -> Iterator[Callable[[str], Any]]:
    made: dict[str, Any] = {}

    def make(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(
                service,
                endpoint_url=platform,
                region_name=REGION,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return made[service]

    yield make
    for one in made.values():
        one.close()


@pytest.fixture(scope="module")
def iot(client: Callable[[str], Any]) -> Any:
    """IoT, with a function that authorizers ask."""
    trust = {**EVERYTHING, "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    iam = client("iam")
    role = iam.create_role(RoleName="authorizer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="authorizer", PolicyName="logs", PolicyDocument=json.dumps(EVERYTHING))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", CODE)
    functions = client("lambda")
    functions.create_function(
        FunctionName="authorizer",
        Runtime="python3.11",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": archive.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="authorizer")
    functions.add_permission(
        FunctionName="authorizer",
        StatementId="iot",
        Action="lambda:InvokeFunction",
        Principal="iot.amazonaws.com",
        SourceArn=f"arn:aws:iot:{REGION}:{ACCOUNT}:authorizer/*",
    )
    return client("iot")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)


@pytest.fixture
def authorizer(iot: Any) -> Iterator[Callable[..., None]]:
    """Make authorizers, deleted at the end."""
    made: list[str] = []

    def make(name: str, **more: Any) -> None:
        iot.create_authorizer(authorizerName=name, authorizerFunctionArn=FUNCTION, status="ACTIVE", **more)
        made.append(name)

    yield make
    for name in made:
        iot.update_authorizer(authorizerName=name, status="INACTIVE")
        iot.delete_authorizer(authorizerName=name)


@pytest.fixture
def device(platform: str, device_type: Any) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def connect(username: str, client_id: str = "d", password: str | None = None, **more: Any) -> Any:
        made.append(device_type(platform, "", client_id, version=5, **more))
        made[-1].client.username_pw_set(username, password)
        return made[-1]

    yield connect
    for one in made:
        one.close()


def signing(key: rsa.RSAPrivateKey, token: str) -> str:
    return base64.b64encode(key.sign(token.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def public(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


NOT_AUTHORIZED = 0x87


def test_a_password_lets_a_device_in_and_its_policies_count(device: Any, authorizer: Any) -> None:
    authorizer("by-password", signingDisabled=True)
    named = "pump?x-amz-customauthorizer-name=by-password"
    assert device(named, password="wrong").refusal() == NOT_AUTHORIZED
    assert device("pump?x-amz-customauthorizer-name=none-such", password="pass").refusal() == NOT_AUTHORIZED
    assert device("pump", password="pass").refusal() == NOT_AUTHORIZED
    pump = device(named, password="pass")
    pump.connect()
    assert pump.subscribe("farm/7", "news/7") == [1, NOT_AUTHORIZED]
    pump.publish("farm/7", "21")
    assert pump.get().payload == b"21"
    pump.client.publish("news/7", "21", 1)
    assert pump.ended.get(timeout=60).value == NOT_AUTHORIZED


def test_a_token_needs_its_signature(device: Any, authorizer: Any, key: rsa.RSAPrivateKey) -> None:
    authorizer("by-token", tokenKeyName="Token", tokenSigningPublicKeys={"one": public(key)})
    named = "?x-amz-customauthorizer-name=by-token&Token=pass"
    assert device(named).refusal() == NOT_AUTHORIZED
    assert device(f"{named}&x-amz-customauthorizer-signature={signing(key, 'other')}").refusal() == NOT_AUTHORIZED
    for signature in (signing(key, "pass"), quote(signing(key, "pass"), safe="")):
        device(f"{named}&x-amz-customauthorizer-signature={signature}").connect()


def test_a_browser_says_it_in_the_query_of_its_websocket(device: Any, authorizer: Any, key: rsa.RSAPrivateKey) -> None:
    authorizer("by-query", tokenKeyName="Token", tokenSigningPublicKeys={"one": public(key)})
    signature = quote(signing(key, "pass"), safe="")
    query = f"x-amz-customauthorizer-name=by-query&Token=pass&x-amz-customauthorizer-signature={signature}"
    browser = device("", transport="websockets", ws_set_options=(f"/mqtt?{query}",))
    browser.connect()
    assert browser.subscribe("farm/8") == [1]


def test_the_default_authorizer_is_asked_where_none_is_named(
    device: Any, iot: Any, authorizer: Any, platform: str
) -> None:
    authorizer("for-all", signingDisabled=True)
    iot.set_default_authorizer(authorizerName="for-all")
    assert iot.describe_default_authorizer()["authorizerDescription"]["authorizerName"] == "for-all"
    try:
        device(ACCOUNT, password="pass").connect()
        assert device(ACCOUNT, "e", password="wrong").refusal() == NOT_AUTHORIZED
        with pytest.raises(ClientError, match="is the default authorizer"):
            iot.delete_authorizer(authorizerName="for-all")
    finally:
        iot.clear_default_authorizer()
    with pytest.raises(ClientError, match="no default authorizer"):
        iot.clear_default_authorizer()
    assert device(ACCOUNT, "f", password="pass").refusal() == NOT_AUTHORIZED


def test_messages_are_published_over_https(
    device: Any, authorizer: Any, client: Any, platform: str, key: rsa.RSAPrivateKey
) -> None:
    authorizer(
        "by-header", tokenKeyName="Token", tokenSigningPublicKeys={"one": public(key)}, enableCachingForHttp=True
    )
    signature = signing(key, "pass")
    headers = {
        "x-amz-customauthorizer-name": "by-header",
        "x-amz-customauthorizer-signature": signature,
        "token": "pass",
    }
    query = f"x-amz-customauthorizer-name=by-header&token=pass&x-amz-customauthorizer-signature={quote(signature)}"
    pump = device(f"?{query}")
    pump.connect()
    pump.subscribe("farm/9")

    def publish(path: str, **headers: str) -> int:
        request = urllib.request.Request(platform + path, b"22", headers, method="POST")
        try:
            with closing(urllib.request.urlopen(request)) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code

    assert publish("/topics/farm%2F9?qos=1", **headers) == 200
    assert publish(f"/topics/farm%2F9?qos=1&{query}") == 200
    assert [pump.get().payload for _ in range(2)] == [b"22", b"22"]
    assert publish("/topics/news%2F9?qos=1", **headers) == 403
    assert publish("/topics/farm%2F9?qos=1", **{**headers, "token": "other"}) == 403
    assert publish("/topics/farm%2F9?qos=1", **{**headers, "x-amz-customauthorizer-name": "none"}) == 403


def test_a_device_has_to_go_after_its_time(device: Any, authorizer: Any, client: Any, data: Path) -> None:
    authorizer("for-a-time", signingDisabled=True)
    named = "?x-amz-customauthorizer-name=for-a-time"
    first, second = (
        device(f"first{named}", "first", password="pass"),
        device(f"second{named}", "second", password="pass"),
    )
    first.connect()
    verb(data, "clock", "advance", "401s")
    while times_asked(client, "first") < 2:
        pass
    second.connect()
    assert first.ended.empty()
    verb(data, "clock", "advance", "200s")
    assert first.ended.get(timeout=60).value == 0xA0
    assert second.ended.empty()


def test_a_device_is_not_let_in_any_more(device: Any, authorizer: Any, iot: Any, data: Path) -> None:
    authorizer("no-more", signingDisabled=True)
    pump = device("pump?x-amz-customauthorizer-name=no-more", password="pass")
    pump.connect()
    iot.update_authorizer(authorizerName="no-more", status="INACTIVE")
    verb(data, "clock", "advance", "401s")
    assert pump.ended.get(timeout=60).value == NOT_AUTHORIZED


def test_authorizers_are_kept(iot: Any, key: rsa.RSAPrivateKey) -> None:
    given = {
        "authorizerFunctionArn": FUNCTION,
        "tokenKeyName": "Token",
        "tokenSigningPublicKeys": {"one": public(key)},
    }
    for wrong in (
        {"tokenKeyName": "Token"},
        {"tokenSigningPublicKeys": {"one": public(key)}},
        {"tokenKeyName": "Token", "tokenSigningPublicKeys": {"one": "no key"}},
        {**given, "tokenSigningPublicKeys": dict.fromkeys("abc", public(key))},
    ):
        with pytest.raises(ClientError) as refused:
            iot.create_authorizer(authorizerName="kept", **{**wrong, "authorizerFunctionArn": FUNCTION})
        assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    made = iot.create_authorizer(authorizerName="kept", tags=[{"Key": "a", "Value": "b"}], **given)
    assert made["authorizerArn"] == f"arn:aws:iot:{REGION}:{ACCOUNT}:authorizer/kept"
    assert iot.list_tags_for_resource(resourceArn=made["authorizerArn"])["tags"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException):
        iot.create_authorizer(authorizerName="kept", **given)
    shown = iot.describe_authorizer(authorizerName="kept")["authorizerDescription"]
    assert {name: shown[name] for name in given} == given
    assert (shown["status"], shown["signingDisabled"], shown["enableCachingForHttp"]) == ("INACTIVE", False, False)
    iot.update_authorizer(authorizerName="kept", status="ACTIVE", enableCachingForHttp=True)
    assert [one["authorizerName"] for one in iot.list_authorizers(status="ACTIVE")["authorizers"]] == ["kept"]
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_authorizer(authorizerName="kept")
    iot.update_authorizer(authorizerName="kept", status="INACTIVE")
    iot.delete_authorizer(authorizerName="kept")
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_authorizer(authorizerName="kept")


def test_an_authorizer_is_tried(iot: Any, authorizer: Any, key: rsa.RSAPrivateKey) -> None:
    authorizer("tried", tokenKeyName="Token", tokenSigningPublicKeys={"one": public(key)})
    authorizer("tried-too", signingDisabled=True)
    signed = {"token": "pass", "tokenSignature": signing(key, "pass")}
    found = iot.test_invoke_authorizer(authorizerName="tried", **signed)
    assert (found["isAuthenticated"], found["principalId"], found["refreshAfterInSeconds"]) == (True, "pump1", 400)
    assert "iot:Connect" in found["policyDocuments"][0]
    assert not iot.test_invoke_authorizer(authorizerName="tried", **{**signed, "token": "other"})["isAuthenticated"]
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.test_invoke_authorizer(authorizerName="tried", token="pass")
    context = {"mqttContext": {"username": "u", "password": b"pass", "clientId": "c"}}
    assert iot.test_invoke_authorizer(authorizerName="tried-too", **context)["isAuthenticated"]
    iot.update_authorizer(authorizerName="tried-too", authorizerFunctionArn=FUNCTION + "-none")
    with pytest.raises(iot.exceptions.InvalidResponseException):
        iot.test_invoke_authorizer(authorizerName="tried-too", **context)


def times_asked(client: Callable[[str], Any], name: str) -> int:
    """How often the function has been asked about a user name."""
    try:
        found = client("logs").filter_log_events(logGroupName="/aws/lambda/authorizer", filterPattern=f'"{name}?"')
    except client("logs").exceptions.ResourceNotFoundException:
        return 0
    return len(found["events"])
