"""AWS's IoT Device SDK for Python, unmodified: with a certificate over TLS, signed over a WebSocket, and shadows."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from awscrt import auth, mqtt, mqtt5
from awsiot import iotshadow, mqtt5_client_builder, mqtt_connection_builder

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

ACCOUNT, REGION = "511111111111", "us-east-1"
WAIT = 20


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A platform that enforces policies: its host, its port, and the file of its authority."""
    data = tmp_path_factory.mktemp("enforce")
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", str(data)]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    url = json.loads((data / "platform.json").read_text())["url"]
    made = {}

    def client(service: str) -> Any:
        if service not in made:
            keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test"}
            made[service] = boto3.client(service, endpoint_url=url, region_name=REGION, **keys)
        return made[service]

    yield urlsplit(url).port, ca_file(url, data), client
    for one in made.values():
        one.close()
    subprocess.run([*kumoi, "down", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)


def ca_file(url: str, target: Path) -> str:
    """The authority of the platform, as its users get it."""
    with urllib.request.urlopen(f"{url}/_kumoi/authority") as answer:
        (target / "authority.pem").write_text(json.load(answer)["pem"])
    return str(target / "authority.pem")


def allowing(*actions: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [*actions], "Resource": "*"}]}
    )


@pytest.fixture(scope="module")
def device(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The thing `pump`: how its connections are made."""
    port, authority, client = platform
    iot = client("iot")
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.create_thing(thingName="pump")
    iot.attach_thing_principal(thingName="pump", principal=made["certificateArn"])
    iot.create_policy(
        policyName="all", policyDocument=allowing("iot:Connect", "iot:Publish", "iot:Subscribe", "iot:Receive")
    )
    iot.attach_policy(policyName="all", target=made["certificateArn"])
    target = tmp_path_factory.mktemp("device")
    (target / "cert.pem").write_text(made["certificatePem"])
    (target / "key.pem").write_text(made["keyPair"]["PrivateKey"])
    return {
        "endpoint": "localhost",
        "port": port,
        "cert_filepath": str(target / "cert.pem"),
        "pri_key_filepath": str(target / "key.pem"),
        "ca_filepath": authority,
    }


def exchange(connection: Any, topic: str) -> bytes:
    """Subscribe, publish, and get it."""
    messages: queue.Queue[bytes] = queue.Queue()
    connection.connect().result(WAIT)
    subscribed, _ = connection.subscribe(
        topic, mqtt.QoS.AT_LEAST_ONCE, lambda topic, payload, **_: messages.put(payload)
    )
    assert subscribed.result(WAIT)["qos"] == mqtt.QoS.AT_LEAST_ONCE
    published, _ = connection.publish(topic, b"hello", mqtt.QoS.AT_LEAST_ONCE)
    published.result(WAIT)
    found = messages.get(timeout=WAIT)
    connection.disconnect().result(WAIT)
    return found


def test_a_device_connects_with_its_certificate(device: dict[str, Any]) -> None:
    connection = mqtt_connection_builder.mtls_from_path(**device, client_id="pump", clean_session=True)
    assert exchange(connection, "pumps/1") == b"hello"


def test_mqtt_5_and_its_shadow(device: dict[str, Any]) -> None:
    connected: Future[Any] = Future()
    client = mqtt5_client_builder.mtls_from_path(
        **device,
        client_id="pump",
        on_lifecycle_connection_success=lambda data: connected.set_result(data),
        on_lifecycle_connection_failure=lambda data: connected.set_exception(data.exception),
    )
    client.start()
    connected.result(WAIT)
    shadow = iotshadow.IotShadowClient(client)
    accepted: queue.Queue[Any] = queue.Queue()
    request = iotshadow.UpdateShadowSubscriptionRequest(thing_name="pump")
    subscribed, _ = shadow.subscribe_to_update_shadow_accepted(request, mqtt.QoS.AT_LEAST_ONCE, accepted.put)
    subscribed.result(WAIT)
    state = iotshadow.ShadowState(reported={"level": 7})
    update = iotshadow.UpdateShadowRequest(thing_name="pump", client_token="t", state=state)
    shadow.publish_update_shadow(update, mqtt.QoS.AT_LEAST_ONCE).result(WAIT)
    told = accepted.get(timeout=WAIT)
    assert (told.client_token, told.state.reported, told.version) == ("t", {"level": 7}, 1)
    client.stop(mqtt5.DisconnectPacket())


@pytest.mark.parametrize("temporary", [False, True])
def test_a_signed_websocket(platform: Any, temporary: bool) -> None:
    port, authority, client = platform
    keys = ACCOUNT, "test", None
    if temporary:
        iam = client("iam")
        trusted = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
                ],
            }
        )
        role = iam.create_role(RoleName="phone", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        iam.put_role_policy(RoleName="phone", PolicyName="p", PolicyDocument=allowing("iot:*"))
        found = client("sts").assume_role(RoleArn=role, RoleSessionName="phone")["Credentials"]
        keys = found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
    connection = mqtt_connection_builder.websockets_with_default_aws_signing(
        region=REGION,
        credentials_provider=auth.AwsCredentialsProvider.new_static(*keys),
        endpoint="localhost",
        port=port,
        ca_filepath=authority,
        client_id="phone",
        clean_session=True,
    )
    assert exchange(connection, "phones/1") == b"hello"
