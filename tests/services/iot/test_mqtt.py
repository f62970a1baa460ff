"""The broker, through paho: 3.1.1 and 5, sessions that outlive connections, wills, presence, rules."""

from __future__ import annotations

import json
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kumoi.services.iot.mqtt.connection import MOST_UNSENT

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.mark.parametrize("version", [4, 5])
def test_subscribers_get_what_is_published(device: Any, kumoi: Any, version: int) -> None:
    one, other = device("one", version=version), device("other", version=version)
    assert not one.connect()
    other.connect()
    assert one.subscribe("farm/+/temp", "$share/g/all", qos=2) == [1, 1]
    other.publish("farm/7/temp", b"21", qos=1)
    message = one.get()
    assert (message.topic, message.payload, message.qos) == ("farm/7/temp", b"21", 1)
    other.publish("farm/7/hum", b"no")
    other.publish("farm/8/temp", b"22", qos=0)
    assert (one.get().payload, one.messages.qsize()) == (b"22", 0)
    kumoi.client("iot-data").publish(topic="farm/9/temp", qos=1, payload=b"23")
    assert one.get().payload == b"23"
    other.publish("all", b"shared")
    assert one.get().payload == b"shared"


def test_retained_messages_greet_subscribers(device: Any) -> None:
    one = device()
    one.connect()
    one.publish("a/b", b"kept", retain=True)
    one.subscribe("a/#")
    message = one.get()
    assert (message.payload, message.retain) == (b"kept", True)


@pytest.mark.parametrize("version", [4, 5])
def test_sessions_keep_what_comes_meanwhile(device: Any, kumoi: Any, version: int) -> None:
    first = device("s", version=version, clean=False)
    assert not first.connect(expiry=600)
    first.subscribe("a")
    first.drop()
    data = kumoi.client("iot-data")
    data.publish(topic="a", qos=1, payload=b"1")
    data.publish(topic="a", qos=1, payload=b"2")
    data.publish(topic="a", qos=0, payload=b"lost")
    again = device("s", version=version, clean=False)
    assert again.connect(expiry=600)
    assert sorted(again.get().payload for _ in range(2)) == [b"1", b"2"]
    data.publish(topic="a", qos=1, payload=b"3")
    assert again.get().payload == b"3"
    clean = device("s", version=version)
    assert not clean.connect()
    data.publish(topic="a", qos=1, payload=b"4")
    clean.subscribe("b")
    data.publish(topic="b", qos=1, payload=b"5")
    assert clean.get().payload == b"5"


def test_a_long_queue_is_drawn_in_order_as_it_is_acknowledged(device: Any) -> None:
    first = device("long", clean=False)
    first.connect()
    first.subscribe("a")
    first.drop()
    other = device("other")
    other.connect()
    sent = [b"%d" % number + bytes(120_000) for number in range(90)]
    for payload in sent:
        other.publish("a", payload)
    again = device("long", clean=False)
    assert again.connect()
    other.publish("a", b"live")
    assert [again.get().payload for _ in range(91)] == [*sent, b"live"]


def test_what_is_behind_is_drawn_though_retained_messages_come_between(device: Any) -> None:
    other = device("other")
    other.connect()
    other.publish("r/1", b"r", retain=True)
    other.publish("r/2", b"r", retain=True)
    slow = device("slow", version=5, clean=False, manual_ack_set=(True,))
    slow.connect(expiry=100, at_a_time=1)
    slow.subscribe("a")
    sent = [b"%d" % number + bytes(120_000) for number in range(10 + MOST_UNSENT // 120_000)]
    for payload in sent:
        other.publish("a", payload)

    def taken(count: int) -> list[bytes]:
        found = []
        for _ in range(count):
            message = slow.get()
            slow.client.ack(message.mid, message.qos)
            found.append(message.payload)
        return found

    first = taken(15)
    slow.subscribe("r/+")
    rest = taken(len(sent) + 2 - 15)
    assert [one for one in first + rest if one != b"r"] == sent


def test_a_client_that_acknowledges_nothing_is_cut_off(device: Any) -> None:
    deaf = device("deaf", manual_ack_set=(True,), version=5)
    deaf.connect()
    deaf.subscribe("a")
    other = device("other")
    other.connect()
    for _ in range(100 + MOST_UNSENT // 120_000):
        other.publish("a", bytes(120_000))
    assert deaf.ended.empty()
    other.publish("a", bytes(120_000))
    assert deaf.ended.get(timeout=60).value == 0x97


@pytest.mark.kumoi_clock
def test_sessions_end_after_their_time(device: Any, kumoi: Any) -> None:
    first = device("s", clean=False)
    first.connect()
    first.subscribe("a")
    first.close()
    kumoi.advance("2h")
    assert not device("s", clean=False).connect()


def test_wills_and_presence_are_published(device: Any) -> None:
    watcher = device("watcher")
    watcher.connect()
    watcher.subscribe("wills", "$aws/events/presence/#")
    leaving = device("leaving", will_set=("wills", b"gone", 1))
    leaving.connect()
    event = json.loads(watcher.get().payload)
    assert (event["clientId"], event["eventType"]) == ("leaving", "connected")
    leaving.drop()
    found = {message.topic: message.payload for message in (watcher.get(), watcher.get())}
    assert found["wills"] == b"gone"
    assert json.loads(found["$aws/events/presence/disconnected/leaving"])["clientInitiatedDisconnect"] is False


def test_devices_speak_mqtt_behind_tls(device: Any) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    one = device("one", tls_set_context=(context,))
    one.connect()
    one.subscribe("a")
    one.publish("a", b"x" * 50_000)
    assert len(one.get().payload) == 50_000


def test_browsers_speak_mqtt_over_websockets(device: Any) -> None:
    one, other = device("one", transport="websockets"), device("other")
    one.connect()
    other.connect()
    one.subscribe("a")
    other.publish("a", b"x" * 100_000)
    assert len(one.get().payload) == 100_000
    other.subscribe("b")
    one.publish("b", b"y")
    assert other.get().payload == b"y"


def test_a_client_id_is_of_one_connection(device: Any) -> None:
    one = device("same")
    one.connect()
    other = device("same")
    other.connect()
    one.ended.get(timeout=60)
    one.client.loop_stop()
    other.subscribe("a")
    other.publish("a", b"x")
    assert other.get().payload == b"x"


def test_what_is_published_starts_rules(device: Any, kumoi: Any) -> None:
    sqs = kumoi.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    action = {"sqs": {"roleArn": "arn:aws:iam::000000000000:role/r", "queueUrl": url}}
    sql = "SELECT *, clientid() AS client, get_user_properties('k') AS k FROM 'a'"
    kumoi.client("iot").create_topic_rule(ruleName="r", topicRulePayload={"sql": sql, "actions": [action]})
    one = device("sensor", version=5)
    one.connect()
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = ("k", "v")
    one.publish("a", b'{"t": 1}', properties=properties)
    deadline = time.monotonic() + 60
    while not (found := sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages")):
        assert time.monotonic() < deadline
    assert json.loads(found[0]["Body"]) == {"t": 1, "client": "sensor", "k": ["v"]}


@pytest.mark.parametrize("version", [4, 5])
def test_filters_that_are_none_or_too_long_fail_alone(device: Any, version: int) -> None:
    one = device("one", version=version)
    one.connect()
    failed = 0x8F if version == 5 else 0x80
    filters = (
        "a/#",
        "/".join("abcdefgh"),
        "/".join("abcdefghi"),
        "a" * 257,
        "$share/g/" + "a" * 256,
        "$share/g/a//////b",
    )
    assert one.subscribe(*filters) == [1, 1, failed, failed, 1, 1]
    raw = [("a/#/b", 1), ("a+", 1), ("$share/+/a", 1), ("$share//a", 1)]
    packet = b"\0\7" + (b"\0" if version == 5 else b"")
    packet += b"".join(len(name).to_bytes(2, "big") + name.encode() + bytes([qos]) for name, qos in raw)
    one.client.socket().sendall(bytes([0x82, len(packet)]) + packet)
    assert [reason.value for reason in one._subscribed.get(timeout=60)] == [failed] * 4


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x10\x00",
        b"\x10\xff\xff\xff\xff\x7f",
        b"\x10\x0c\x00\x04MQIT\x04\x02\x00<\x00\x00",
        b"\x10\x0c\x00\x04MQTT\x03\x02\x00<\x00\x00",
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00<\x00\x01a\x00\x00",
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00<\x00\x01a\x34\x05\x00\x01a\x00\x01",
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00<\x00\x01a\x82\x02\x00\x01",
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00<\x00\x01a\x30\x03\x00\x01#",
        b"\x10\x10\x00\x04MQTT\x05\x02\x00<\x02\x7f\x7f\x00\x01a",
    ],
)
def test_what_is_no_mqtt_ends_the_connection(kumoi: Any, garbage: bytes) -> None:
    where = urlsplit(kumoi.url)
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        connection.sendall(garbage)
        while connection.recv(4096):
            pass


def test_what_was_acknowledged_waits_for_its_session_though_the_platform_is_killed(
    killable: Any, device_type: type[Any]
) -> None:
    killable.start()
    subscriber = device_type(killable.url, "test", "s", clean=False)
    subscriber.connect()
    subscriber.subscribe("a")
    subscriber.drop()
    publisher = device_type(killable.url, "test", "p")
    publisher.connect()
    for number in range(20):
        publisher.publish("a", str(number).encode())
    killable.kill()
    publisher.client.loop_stop()
    killable.start()
    again = device_type(killable.url, "test", "s", clean=False)
    assert again.connect()
    assert [again.get().payload for _ in range(20)] == [str(number).encode() for number in range(20)]
    again.close()


def test_devices_keep_shadows_by_their_topics(device: Any, kumoi: Any) -> None:
    one = device("pump")
    one.connect()
    base = "$aws/things/pump/shadow"
    one.subscribe(*(f"{base}/+/{what}" for what in ("accepted", "rejected", "delta", "documents")))
    one.subscribe(f"{base}/name/config/+/accepted")

    def told(count: int) -> dict[str, Any]:
        found = [one.get() for _ in range(count)]
        return {message.topic.removeprefix(f"{base}/"): json.loads(message.payload) for message in found}

    one.publish(f"{base}/get", b'{"clientToken": "a"}')
    rejected = told(1)["get/rejected"]
    assert (rejected["code"], rejected["message"], rejected["clientToken"]) == (
        404,
        "No shadow exists with name: 'pump'",
        "a",
    )
    one.publish(f"{base}/update", b'{"state": {"desired": {"on": true}}, "clientToken": "b"}')
    found = told(3)
    assert found["update/accepted"]["state"] == {"desired": {"on": True}}
    assert found["update/accepted"]["clientToken"] == "b"
    assert found["update/delta"]["state"] == {"on": True}
    assert found["update/documents"]["current"]["version"] == 1
    one.publish(f"{base}/update", b'{"state": {"reported": {"on": true}}, "version": 7}')
    assert told(1)["update/rejected"]["code"] == 409
    one.publish(f"{base}/name/config/update", b'{"state": {"reported": {"rate": 5}}}')
    assert "name/config/update/accepted" in told(1)
    one.publish(f"{base}/get", b"")
    assert told(1)["get/accepted"]["state"] == {"desired": {"on": True}, "delta": {"on": True}}
    one.publish(f"{base}/delete", b"")
    assert told(1)["delete/accepted"]["version"] == 1
    assert kumoi.client("iot-data").list_named_shadows_for_thing(thingName="pump")["results"] == ["config"]
    one.publish(f"{base}/update", b"no JSON")
    assert told(1)["update/rejected"]["message"] == "Payload contains invalid json"


@pytest.mark.parametrize("version", [4, 5])
def test_what_is_published_in_one_go_comes_in_order(device: Any, kumoi: Any, version: int) -> None:
    """Packets that are alike are one call; those between them are not lost, nor is their order."""
    iot, sqs = kumoi.client("iot"), kumoi.client("sqs")
    queue_url = sqs.create_queue(QueueName="q")["QueueUrl"]
    action = {"sqs": {"queueUrl": queue_url, "roleArn": "arn:aws:iam::000000000000:role/r"}}
    rule = {"sql": "SELECT n FROM 'go' WHERE n % 100 = 99", "actions": [action]}
    iot.create_topic_rule(ruleName="r", topicRulePayload=rule)
    here, kept, publisher = device("here"), device("kept", version=version, clean=False), device("p", version=version)
    publisher.client.max_inflight_messages_set(100)
    here.connect()
    kept.connect(expiry=600)
    publisher.connect()
    here.subscribe("#", qos=0)
    kept.subscribe("go")
    published = [
        publisher.client.publish("other" if n % 150 == 7 else "go", json.dumps({"n": n}), qos=1) for n in range(600)
    ]
    for one in published:
        one.wait_for_publish(60)
    assert [json.loads(here.get().payload)["n"] for _ in range(600)] == list(range(600))
    found = [json.loads(kept.get().payload)["n"] for _ in range(600 - 4)]
    assert found == [n for n in range(600) if n % 150 != 7]
    told = set()
    while len(told) < 6:
        for one in sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]:
            told.add(json.loads(one["Body"])["n"])
    assert told == {99, 199, 299, 399, 499, 599}


def test_groups_share_what_is_published_in_one_go(device: Any) -> None:
    members = [device(f"m{n}") for n in range(2)]
    for one in members:
        one.connect()
        one.subscribe("$share/g/go", qos=0)
    publisher = device("p")
    publisher.connect()
    published = [publisher.client.publish("go", str(n), qos=1) for n in range(100)]
    for one in published:
        one.wait_for_publish(60)
    assert sorted(int(one.get().payload) for one in members for _ in range(50)) == list(range(100))
