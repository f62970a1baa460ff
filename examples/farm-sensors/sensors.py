"""Simulated sensors: each farm has a gateway with a certificate, which publishes its sensors' readings over MQTT."""

import json
import math
import os
import ssl
import tempfile
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import boto3
import paho.mqtt.client as paho

FARMS, SENSORS, READINGS = 3, 4, 50
POLICY = "farm-gateway"
Reading = dict[str, object]


def farm_name(number: int) -> str:
    """The name of a farm, which is its gateway's, too."""
    return f"farm{number}"


def readings(start: float) -> list[tuple[str, Reading]]:
    """Readings of every sensor by the farm that sends them, one a minute.

    The last sensor of each farm runs low on battery, and the first one is far off once.
    """
    found: list[tuple[str, Reading]] = []
    for number in range(READINGS):
        for farm in range(FARMS):
            for sensor in range(SENSORS):
                phase = 2 * math.pi * number / READINGS + farm
                far_off = 60 if (sensor, number) == (0, READINGS // 2) else 0
                reading: Reading = {
                    "sensor": f"s{farm}{sensor}",
                    "ts": int(start) + number * 60,
                    "tempF": round(60 + 12 * math.sin(phase) + 2 * sensor + far_off, 1),
                    "hum": round(55 + 20 * math.cos(phase), 1),
                    "battery": 100 - number - (60 if sensor == SENSORS - 1 else 0),
                }
                found.append((farm_name(farm), reading))
    return found


def register() -> dict[str, str]:
    """Register every farm's gateway and its sensors; certificate and key of each farm, in PEM."""
    iot = boto3.client("iot")
    found = {}
    for farm in range(FARMS):
        name = farm_name(farm)
        iot.create_thing(thingName=name, thingTypeName="gateway")
        made = iot.create_keys_and_certificate(setAsActive=True)
        iot.attach_policy(policyName=POLICY, target=made["certificateArn"])
        iot.attach_thing_principal(thingName=name, principal=made["certificateArn"])
        found[name] = made["certificatePem"] + made["keyPair"]["PrivateKey"]
        for sensor in range(SENSORS):
            attributes = {"farm": name, "offset": f"{sensor / 10}"}
            iot.create_thing(
                thingName=f"s{farm}{sensor}", thingTypeName="sensor", attributePayload={"attributes": attributes}
            )
    return found


def connect(name: str, certificate: str) -> paho.Client:
    """A connection of a gateway: MQTT over TLS, with its certificate."""
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/authority", timeout=30) as answer:
        context = ssl.create_default_context(cadata=json.load(answer)["pem"])
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "gateway.pem"
        file.write_text(certificate)
        context.load_cert_chain(file)
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, name)
    client.tls_set_context(context)
    host, _, port = boto3.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"].partition(":")
    client.connect(host, int(port or 8883))
    client.loop_start()
    return client


def publish(certificates: dict[str, str], messages: Iterable[tuple[str, Reading]]) -> None:
    """Publish readings, each by its farm's gateway, and one thing that nobody can read; return once all are taken."""
    clients = {name: connect(name, certificate) for name, certificate in certificates.items()}
    sent = [
        clients[farm].publish(f"farms/{farm}/{message['sensor']}", json.dumps(message), qos=1)
        for farm, message in messages
    ]
    sent.append(next(iter(clients.values())).publish(f"farms/{farm_name(0)}/s00", b"static", qos=1))
    for one in sent:
        one.wait_for_publish(60)
    for client in clients.values():
        client.disconnect()
        client.loop_stop()
