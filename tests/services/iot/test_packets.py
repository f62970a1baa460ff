"""Bytes to packets and back, and who subscribes to what: pure."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.iot_sql.rules import matches
from kumoi.services.iot.mqtt import packets
from kumoi.services.iot.mqtt.packets import Malformed, Publish, Subscription
from kumoi.services.iot.mqtt.subscribers import Subscribers

LIMIT = 1 << 16
FRAMES = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=8)
LEVEL = st.sampled_from(("a", "b", "", "+"))
TOPIC = st.lists(st.sampled_from(("a", "b", "", "$a")), min_size=1, max_size=4).map("/".join)
FILTER = st.tuples(st.lists(LEVEL, min_size=1, max_size=4), st.sampled_from(("", "/#"))).map(
    lambda found: "/".join(found[0]) + found[1]
)


def framed(listed: list[tuple[int, bytes]]) -> bytes:
    return b"".join(packets.packet(first >> 4, body, first & 15) for first, body in listed)


@settings(max_examples=100, deadline=None)
@given(FRAMES, st.integers(1, 400))
def test_packets_are_found_wherever_the_stream_is_cut(listed: list[tuple[int, bytes]], size: int) -> None:
    stream, found, buffer, needed = framed(listed), [], b"", 0
    for at in range(0, len(stream), size):
        buffer += stream[at : at + size]
        if len(buffer) >= needed:
            more, taken, needed = packets.frames(buffer, LIMIT)
            found += more
            buffer = buffer[taken:]
    assert (found, buffer) == (listed, b"")


@pytest.mark.parametrize("stream", [b"\x30\xff\xff\xff\xff", b"\x30\xff\xff\xff\xff\x01", b"\x30\xff\xff\x7f"])
def test_lengths_that_are_too_long_are_none(stream: bytes) -> None:
    with pytest.raises(Malformed):
        packets.frames(stream, LIMIT)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from((4, 5)),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.binary(max_size=3), st.booleans()), min_size=1),
)
def test_packets_that_are_alike_are_told_as_one_by_one(level: int, listed: list[tuple[str, int, bytes, bool]]) -> None:
    messages = [
        Publish(topic, payload, qos, retain, number + 1 if qos else 0)
        for number, (topic, qos, payload, retain) in enumerate(listed)
    ]
    frames, _, _ = packets.frames(b"".join(packets.publish(one, level) for one in messages), LIMIT)
    waiting, found = deque(frames), []
    while waiting:
        first, body = waiting.popleft()
        message = packets.read_publish(first & 15, body, level)
        found.append(message)
        for packet_id, payload in packets.alike((first, body), waiting, level, 3):
            number = int.from_bytes(packet_id, "big")
            found.append(Publish(message.topic, payload, message.qos, message.retain, number))
    assert found == messages


@pytest.mark.parametrize("level", [4, 5])
def test_messages_of_one_topic_are_written_together_as_alone(level: int) -> None:
    payloads, properties = [b"a", b"bb" * 200, b"c", b""], {"content_type": "x"} if level == 5 else {}
    alone = [packets.publish(Publish("t", one, properties=properties), level) for one in payloads]
    assert packets.publishes("t", payloads, level, properties) == b"".join(alone)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("xyz"), FILTER, st.booleans()), max_size=12), TOPIC)
def test_subscribers_are_those_whose_filters_match(listed: list[tuple[str, str, bool]], topic: str) -> None:
    subscribers, expected = Subscribers(), dict[tuple[str, str], Subscription]()
    for client, topic_filter, stays in listed:
        if stays:
            expected[client, topic_filter] = Subscription(topic_filter, 1)
            subscribers.add(client, expected[client, topic_filter])
        else:
            subscribers.remove(client, topic_filter)
            expected.pop((client, topic_filter), None)
    meant = {client for client, topic_filter in expected if matches(topic_filter, topic)}
    assert subscribers.of(topic, None) == dict.fromkeys(meant, 1)
    for client in "xyz":
        subscribers.remove_all(client)
    assert subscribers.of(topic, None) == {}
    assert subscribers.empty


def test_one_of_a_group_gets_a_message() -> None:
    subscribers = Subscribers()
    for client in "xy":
        subscribers.add(client, Subscription("$share/g/a/+", 1))
    subscribers.add("z", Subscription("a/#", 0, no_local=True))
    assert [subscribers.of("a/b", "z") for _ in range(3)] == [{"x": 1}, {"y": 1}, {"x": 1}]
    subscribers.remove_all("x")
    assert (subscribers.of("a/b", None), subscribers.shares) == ({"y": 1, "z": 0}, True)
    subscribers.remove("y", "$share/g/a/+")
    assert (subscribers.of("a/b", None), subscribers.shares) == ({"z": 0}, False)
