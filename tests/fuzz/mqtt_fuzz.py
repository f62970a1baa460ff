"""Garbage against the MQTT broker: conversations of both versions, mutated by Hypothesis, cut into pieces.

    python tests/fuzz/mqtt_fuzz.py --seconds 600 [--seed N]

Whatever is sent, what comes back are whole packets that a broker may send, the connection ends soon after the client's
last byte, nothing fails inside the platform, and the next good client is served. The seeds speak to what answers
messages (shadows, jobs, provisioning, rules with functions), so that topics and payloads are mutated, too. A failure
prints the smallest bytes that cause it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvloop
from hypothesis import strategies as st
from mutations import Failures, attempted, command, mutated, pieces, talk

from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings
from kumoi.services.iot.mqtt.packets import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    Publish,
    connected,
    frames,
    packet,
    publish,
    results,
    written,
)

ANSWER_SECONDS = 10.0
SENT = frozenset((CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP, DISCONNECT))
"""What a broker may send."""
ACCOUNT = "000000000000"


def text(value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return len(content).to_bytes(2, "big") + content


def hello(level: int, client: str, flags: int = 2, more: bytes = b"", **properties: Any) -> bytes:
    head = text("MQTT") + bytes([level, flags, 0, 60]) + (written(properties) if level == 5 else b"")
    return packet(CONNECT, head + text(client) + more)


def subscribe(level: int, *filters: str, options: int = 1) -> bytes:
    listed = b"".join(text(one) + bytes([options]) for one in filters)
    return packet(SUBSCRIBE, b"\0\7" + (b"\0" if level == 5 else b"") + listed, 2)


def said(level: int, topic: str, payload: bytes, qos: int = 1, retain: bool = False, **properties: Any) -> bytes:
    return publish(Publish(topic, payload, qos, retain, 9 if qos else 0, properties=properties), level)


def conversation(level: int, *sent: bytes) -> bytes:
    return hello(level, "fuzz") + b"".join(sent)


WILL = text("wills") + text(b"gone")
SEEDS = [
    conversation(4, subscribe(4, "a/#", "$share/g/+/b"), said(4, "a/b", b'{"t": 1}'), packet(PINGREQ, b"")),
    conversation(5, subscribe(5, "a/+", options=0x2D), said(5, "a/b", b"x", content_type="y", topic_alias=1)),
    hello(4, "kept", 0) + subscribe(4, "a/#") + said(4, "a/b", b"1") * 3 + packet(PUBACK, b"\0\1"),
    hello(5, "kept", 0, session_expiry=60, receive_maximum=1) + subscribe(5, "#") + said(5, "a", b"1", 0) * 3,
    hello(5, "will", 0x2E, b"\0" + WILL) + said(5, "a", b"", 1, True, user_properties=[("k", "v")]),
    hello(4, "will", 0xC6, WILL + text("user") + text("password")) + packet(DISCONNECT, b""),
    conversation(4, subscribe(4, "$aws/things/t/shadow/#"), said(4, "$aws/things/t/shadow/update", b'{"state":{}}')),
    conversation(4, said(4, "$aws/things/t/shadow/name/n/get", b"{}"), said(4, "$aws/things/t/shadow/delete", b"")),
    conversation(4, said(4, "$aws/things/t/jobs/start-next", b'{"statusDetails": {"a": "b"}}')),
    conversation(4, said(4, "$aws/things/t/jobs/j/update", b'{"status": "FAILED", "expectedVersion": 1}')),
    conversation(4, subscribe(4, "$aws/certificates/#"), said(4, "$aws/certificates/create-from-csr/json", b"{}")),
    conversation(
        5,
        subscribe(5, "$aws/provisioning-templates/#"),
        said(5, "$aws/provisioning-templates/f/provision/json", b'{"certificateOwnershipToken":"x","parameters":{}}'),
        said(5, "$aws/provisioning-templates/f/provision/cbor", b"\xa1\x61a\x61b"),
    ),
    conversation(4, said(4, "$aws/rules/r/a/b", b'{"t": 2, "x": [1, {"y": "z"}]}'), said(4, "a", b'{"t": 1e400}')),
    conversation(5, packet(UNSUBSCRIBE, b"\0\1\0" + text("a/#")), packet(DISCONNECT, b"\x04\0")),
]
WORDS = [
    b"\0", b"\xff", b"\x80", b"\x7f", b"#", b"+", b"/", b"$", b"\xc3\x28", b"\xed\xa0\x80", b"{", b"[" * 600, b'"',
    b"1e999", b"null", b"-0", b"\xff\xff\xff\x7f", b"\xf0\0", b"\x62\2\0\1", b"\x50\2\0\1", b"\x36\6\0\1a\0\1x",
    b"\x00\x00", b"\xe0\0", b"/" * 9, b"a" * 300, packet(CONNECT, b""), packet(PINGREQ, b""), packet(PUBACK, b"\0\0"),
]  # fmt: skip


@st.composite
def attacks(draw: st.DrawFn) -> list[bytes]:
    """The pieces of one connection's bytes: a seed, mutated, and perhaps another's packets behind it."""
    sent = draw(mutated(SEEDS, WORDS, most=5))
    return [b"\x10", *filter(None, draw(pieces(sent, begin=1)))]


TOPICS = [
    "a/b", "$aws/things/t/shadow/update", "$aws/things/t/shadow/name/n/update", "$aws/things/t/jobs/j/update",
    "$aws/things/t/jobs/start-next", "$aws/things/t/jobs/$next/get", "$aws/rules/r/a",
    "$aws/provisioning-templates/f/provision/json", "$aws/provisioning-templates/f/provision/cbor",
    "$aws/certificates/create-from-csr/json", "$aws/certificates/create-from-csr/cbor",
]  # fmt: skip
NAMES = st.sampled_from(
    (
        *("state", "reported", "desired", "version", "clientToken", "status", "statusDetails", "expectedVersion"),
        *("stepTimeoutInMinutes", "executionNumber", "includeJobDocument", "certificateOwnershipToken"),
        *("parameters", "certificateSigningRequest", "t", "x"),
    )
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=9)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4)
)


@st.composite
def messages(draw: st.DrawFn) -> list[bytes]:
    """Good packets whose payloads are documents that nobody expects."""
    import orjson

    sent = [hello(4, "fuzz"), subscribe(4, "#", "$aws/#")]
    for _ in range(draw(st.integers(1, 3))):
        document = draw(DOCUMENTS)
        try:
            payload = orjson.dumps(document)
        except TypeError:  # a text with half of a surrogate pair
            payload = b"\xed\xa0\x80"
        sent.append(said(4, draw(st.sampled_from(TOPICS)), payload))
    return sent


RULE = (
    "SELECT *, topic(2) AS p, clientid() AS c, encode(*, 'base64') AS e, t + 1 AS n, x[0].y AS y, "
    "substring(x, 1) AS s, get_thing_shadow('t', 'r') AS g FROM '#' WHERE t > 0 OR isUndefined(t)"
)


async def _prepare(doorway: Doorway) -> None:
    caller = Principal.root(ACCOUNT)

    async def ask(service: str, operation: str, **params: Any) -> None:
        await doorway.ask(service, operation, params, caller, "us-east-1")

    await ask("iot", "CreateThing", thingName="t")
    target = f"arn:aws:iot:us-east-1:{ACCOUNT}:thing/t"
    await ask("iot", "CreateJob", jobId="j", targets=[target], document="{}")
    thing = '{"Resources": {"t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "u"}}}}'
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    template = {"templateName": "f", "templateBody": thing, "provisioningRoleArn": role, "enabled": True}
    await ask("iot", "CreateProvisioningTemplate", **template)
    await ask("iotanalytics", "CreateChannel", channelName="in")
    actions = [{"iotAnalytics": {"channelName": "in", "roleArn": role}}]
    await ask("iot", "CreateTopicRule", ruleName="r", topicRulePayload={"sql": RULE, "actions": actions})


@contextmanager
def platform() -> Iterator[tuple[int, Failures]]:
    """A platform with a thing, a job, a template and a rule; its port and its failures."""
    failures = Failures()
    started: list[tuple[int, asyncio.AbstractEventLoop]] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def main() -> None:
        async with Platform(Settings(port=0)) as made:
            await _prepare(made.parts[Doorway])
            started.append((made.port, asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    if not ready.wait(60):
        raise RuntimeError("the platform did not start")
    logging.getLogger().addHandler(failures)
    try:
        yield started[0][0], failures
    finally:
        logging.getLogger().removeHandler(failures)
        started[0][1].call_soon_threadsafe(stop.set)
        thread.join()


def good(port: int) -> None:
    """A good client that is served: it hears what it says."""
    sent = [hello(4, "good"), subscribe(4, "good", options=0), said(4, "good", b"heard", 0)]
    expected = connected(False, 0, 4, {}) + results(SUBACK, 7, [0], 4) + sent[-1]
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(b"".join(sent))
        received = b""
        while len(received) < len(expected):
            more = connection.recv(4096)
            assert more, received
            received += more
        assert received == expected, received
        connection.sendall(packet(DISCONNECT, b""))


def attack(port: int, failures: Failures, sent: list[bytes]) -> None:
    """Send pieces, judge the answers, and see that the broker is well."""
    failures.texts.clear()
    received = talk(port, sent, ANSWER_SECONDS)
    found, taken, _ = frames(received, 1 << 20)
    assert taken == len(received), received
    assert {first >> 4 for first, _ in found} <= SENT, received
    good(port)
    assert not failures.texts, failures.texts


def run(seeds: Iterable[int], examples: int = 100) -> int:
    """Attack twice so often for each seed; how many attacks there were. AssertionError or TimeoutError if one hits."""
    with platform() as (port, failures):
        return attempted([attacks(), messages()], partial(attack, port, failures), seeds, examples)


if __name__ == "__main__":
    command(run, __doc__)
