"""MQTT's packets, 3.1.1 and 5: bytes to values and back. Pure."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 8, 9, 10, 11
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14

_PUBACK = bytes([PUBACK << 4, 2])

Properties = dict[str, Any]

_BYTE, _SHORT, _LONG, _VARIABLE, _TEXT, _BINARY, _PAIR = range(7)
_PROPERTIES: dict[int, tuple[str, int]] = {
    1: ("format_indicator", _BYTE),
    2: ("message_expiry", _LONG),
    3: ("content_type", _TEXT),
    8: ("response_topic", _TEXT),
    9: ("correlation_data", _BINARY),
    11: ("subscription_id", _VARIABLE),
    17: ("session_expiry", _LONG),
    18: ("assigned_client_id", _TEXT),
    19: ("server_keep_alive", _SHORT),
    21: ("authentication_method", _TEXT),
    22: ("authentication_data", _BINARY),
    23: ("request_problem", _BYTE),
    24: ("will_delay", _LONG),
    25: ("request_response", _BYTE),
    26: ("response_information", _TEXT),
    28: ("server_reference", _TEXT),
    31: ("reason", _TEXT),
    33: ("receive_maximum", _SHORT),
    34: ("topic_alias_maximum", _SHORT),
    35: ("topic_alias", _SHORT),
    36: ("maximum_qos", _BYTE),
    37: ("retain_available", _BYTE),
    38: ("user_properties", _PAIR),
    39: ("maximum_packet_size", _LONG),
    40: ("wildcards", _BYTE),
    41: ("subscription_ids", _BYTE),
    42: ("shared", _BYTE),
}
_IDS = {name: (number, kind) for number, (name, kind) in _PROPERTIES.items()}


class Malformed(ValueError):
    """Bytes are no packet."""


class Will(NamedTuple):
    """What is published when a client goes without saying so."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: Properties


class Connect(NamedTuple):
    """A client introduces itself; `level` is 4 (3.1.1) or 5."""

    level: int
    client_id: str
    clean: bool
    keep_alive: int
    username: str | None
    password: bytes | None
    will: Will | None
    properties: Properties


@dataclass(frozen=True, slots=True)
class Publish:
    """A message on its way."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    packet_id: int = 0
    duplicate: bool = False
    properties: Properties = field(default_factory=dict)


class Subscription(NamedTuple):
    """A topic filter as it is subscribed to."""

    topic_filter: str
    qos: int
    no_local: bool = False
    retain_handling: int = 0


class Reader:
    """Reads the fields of a packet's body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self._at + count
        if end > len(self._body):
            raise Malformed("a packet ends too early")
        found, self._at = self._body[self._at : end], end
        return found

    def byte(self) -> int:
        """A byte."""
        return self.take(1)[0]

    def short(self) -> int:
        """Two bytes."""
        return int.from_bytes(self.take(2), "big")

    def variable(self) -> int:
        """A number of one to four bytes."""
        number, shift = 0, 0
        while True:
            one = self.byte()
            number |= (one & 127) << shift
            if not one & 128:
                return number
            shift += 7
            if shift > 21:
                raise Malformed("a number is too long")

    def binary(self) -> bytes:
        """Bytes behind their length."""
        return self.take(self.short())

    def text(self) -> str:
        """A text behind its length."""
        try:
            found = self.binary().decode()
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8") from None
        if "\0" in found:
            raise Malformed("a text holds U+0000")
        return found

    def rest(self) -> bytes:
        """What is left."""
        return self.take(len(self._body) - self._at)

    @property
    def more(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._body)

    def properties(self) -> Properties:
        """MQTT 5's properties by name; user properties as a list of pairs."""
        inner = Reader(self.take(self.variable()))
        found: Properties = {}
        while inner.more:
            known = _PROPERTIES.get(inner.variable())
            if known is None:
                raise Malformed("there is no such property")
            name, kind = known
            if kind == _PAIR:
                found.setdefault(name, []).append((inner.text(), inner.text()))
            elif name in found:
                raise Malformed(f"the property {name} comes twice")
            else:
                found[name] = _read(inner, kind)
        return found


def _read(reader: Reader, kind: int) -> Any:
    if kind == _BYTE:
        return reader.byte()
    if kind == _SHORT:
        return reader.short()
    if kind == _LONG:
        return int.from_bytes(reader.take(4), "big")
    if kind == _VARIABLE:
        return reader.variable()
    return reader.text() if kind == _TEXT else reader.binary()


def frames(buffer: bytes, limit: int) -> tuple[list[tuple[int, bytes]], int, int]:
    """The first bytes and the bodies of the whole packets that a buffer begins with.

    Then how much of it they take up, and how long what is left has to grow before it holds another one.
    """
    found: list[tuple[int, bytes]] = []
    at, size = 0, len(buffer)
    while at + 1 < size:
        length, start = buffer[at + 1], at + 2
        if length > 127:
            length, start = _length(buffer, at + 1)
            if start > size:
                return found, at, start - at
        if length > limit:
            raise Malformed("a packet is too large")
        end = start + length
        if end > size:
            return found, at, end - at
        found.append((buffer[at], buffer[start:end]))
        at = end
    return found, at, 2


def _length(buffer: bytes, at: int) -> tuple[int, int]:
    """A length of several bytes, and where what it measures begins: behind the buffer, where it is not whole."""
    length = 0
    for number, one in enumerate(buffer[at : at + 4]):
        length |= (one & 127) << 7 * number
        if not one & 128:
            return length, at + number + 1
    if len(buffer) >= at + 4:
        raise Malformed("a length is too long")
    return length, len(buffer) + 1


def alike(
    first: tuple[int, bytes], waiting: deque[tuple[int, bytes]], level: int, most: int
) -> list[tuple[bytes, bytes]]:
    """The ids (as they are written) and payloads of PUBLISHes that differ from the one before in them alone.

    They are taken from those waiting, `most` of them. All are without properties, and nothing is to be retained.
    """
    flags, body = first
    if flags >> 4 != PUBLISH or flags & 1:
        return []
    topic_end = 2 + (body[0] << 8 | body[1])
    at = id_end = topic_end + 2 if flags & 6 else topic_end
    if level == 5:
        if body[at : at + 1] != b"\0":
            return []
        at += 1
    topic, kind, nothing = body[:topic_end], flags & 0xF7, body[id_end:at]
    found: list[tuple[bytes, bytes]] = []
    while waiting and len(found) < most:
        other, content = waiting[0]
        if other & 0xF7 != kind or not content.startswith(topic) or len(content) < at:
            break
        packet_id = content[topic_end:id_end]
        if packet_id == b"\0\0" or (nothing and content[id_end] != 0):
            break
        waiting.popleft()
        found.append((packet_id, content[at:]))
    return found


def read_connect(body: bytes) -> Connect:
    """A CONNECT."""
    reader = Reader(body)
    if reader.text() != "MQTT":
        raise Malformed("the protocol is not MQTT")
    level, flags, keep_alive = reader.byte(), reader.byte(), reader.short()
    if level not in (4, 5) or flags & 1:
        raise Malformed(f"MQTT level {level} is not spoken here")
    properties = reader.properties() if level == 5 else {}
    client_id = reader.text()
    will = None
    if flags & 4:
        about = reader.properties() if level == 5 else {}
        will = Will(reader.text(), reader.binary(), flags >> 3 & 3, bool(flags & 32), about)
    username = reader.text() if flags & 128 else None
    password = reader.binary() if flags & 64 else None
    return Connect(level, client_id, bool(flags & 2), keep_alive, username, password, will, properties)


def read_publish(flags: int, body: bytes, level: int) -> Publish:
    """A PUBLISH."""
    reader = Reader(body)
    topic, qos = reader.text(), flags >> 1 & 3
    packet_id = reader.short() if qos else 0
    properties = reader.properties() if level == 5 else {}
    if qos and not packet_id:
        raise Malformed("a packet's id is 0")
    return Publish(topic, reader.rest(), qos, bool(flags & 1), packet_id, bool(flags & 8), properties)


def read_subscribe(body: bytes, level: int) -> tuple[int, Properties, list[Subscription]]:
    """A SUBSCRIBE: its id, its properties, and the filters."""
    reader = Reader(body)
    packet_id = reader.short()
    properties = reader.properties() if level == 5 else {}
    found = []
    while reader.more:
        topic_filter, options = reader.text(), reader.byte()
        found.append(Subscription(topic_filter, options & 3, bool(options & 4), options >> 4 & 3))
    if not found or not packet_id:
        raise Malformed("a SUBSCRIBE needs an id and a filter")
    return packet_id, properties, found


def read_unsubscribe(body: bytes, level: int) -> tuple[int, list[str]]:
    """An UNSUBSCRIBE: its id, and the filters."""
    reader = Reader(body)
    packet_id = reader.short()
    if level == 5:
        reader.properties()
    found = []
    while reader.more:
        found.append(reader.text())
    if not found or not packet_id:
        raise Malformed("an UNSUBSCRIBE needs an id and a filter")
    return packet_id, found


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """A packet."""
    return bytes([kind << 4 | flags]) + _variable(len(body)) + body


def written(properties: Properties) -> bytes:
    """Properties as bytes."""
    content = b"".join(_property(name, value) for name, value in properties.items())
    return _variable(len(content)) + content


def as_sent(properties: dict[str, Any] | None) -> Properties:
    """Properties of a message as they go out: what was kept as text and is not."""
    found = dict(properties or {})
    if isinstance(found.get("correlation_data"), str):
        found["correlation_data"] = found["correlation_data"].encode()
    return found


def publish(message: Publish, level: int) -> bytes:
    """A PUBLISH."""
    flags = (message.duplicate << 3) | (message.qos << 1) | message.retain
    body = _text(message.topic) + (struct.pack(">H", message.packet_id) if message.qos else b"")
    if level == 5:
        body += written(message.properties)
    return packet(PUBLISH, body + message.payload, flags)


def publishes(topic: str, payloads: Sequence[bytes], level: int, properties: Properties) -> bytes:
    """PUBLISHes of one topic with QoS 0, one behind the other."""
    head = _text(topic) + (written(properties) if level == 5 else b"")
    starts: dict[int, bytes] = {}
    parts: list[bytes] = []
    for payload in payloads:
        size = len(payload)
        start = starts.get(size)
        if start is None:
            start = starts[size] = bytes([PUBLISH << 4]) + _variable(len(head) + size) + head
        parts += (start, payload)
    return b"".join(parts)


def acknowledged(ids: Sequence[bytes]) -> bytes:
    """PUBACKs of packets, whose ids are given as they are written: of both versions, for what went well."""
    return b"".join([_PUBACK + one for one in ids])


def results(kind: int, packet_id: int, codes: list[int], level: int) -> bytes:
    """A SUBACK or an UNSUBACK; 3.1.1's UNSUBACK has no codes."""
    body = struct.pack(">H", packet_id) + (b"\0" if level == 5 else b"")
    return packet(kind, body if kind == UNSUBACK and level == 4 else body + bytes(codes))


def connected(present: bool, code: int, level: int, properties: Properties) -> bytes:
    """A CONNACK."""
    return packet(CONNACK, bytes([present, code]) + (written(properties) if level == 5 else b""))


def disconnected(reason: int) -> bytes:
    """MQTT 5's DISCONNECT from the broker."""
    return packet(DISCONNECT, bytes([reason, 0]))


def _variable(number: int) -> bytes:
    found = bytearray()
    while True:
        number, one = number >> 7, number & 127
        found.append(one | (128 if number else 0))
        if not number:
            return bytes(found)


def _text(value: str) -> bytes:
    content = value.encode()
    return struct.pack(">H", len(content)) + content


def _property(name: str, value: Any) -> bytes:
    number, kind = _IDS[name]
    head = _variable(number)
    if kind == _PAIR:
        return b"".join(head + _text(key) + _text(one) for key, one in value)
    if kind == _BYTE:
        return head + bytes([value])
    if kind == _SHORT:
        return head + struct.pack(">H", value)
    if kind == _LONG:
        return head + struct.pack(">I", value)
    if kind == _VARIABLE:
        return head + _variable(value)
    content = value.encode() if isinstance(value, str) else value
    return head + struct.pack(">H", len(content)) + content
