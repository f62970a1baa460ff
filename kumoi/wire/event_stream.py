"""`application/vnd.amazon.eventstream`: messages with headers, a payload and two CRC32s.

Layout ("Event stream encoding", Amazon Transcribe and Smithy documentation): total length, headers length, CRC of
both, headers, payload, CRC of all of it; numbers big-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson

from kumoi.wire.errors import AwsError
from kumoi.wire.json_shapes import JsonShapes
from kumoi.wire.model import Shape
from kumoi.wire.xml_shapes import XmlShapes

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING, _BYTES = 7, 6


class EventStreamError(ValueError):
    """The bytes are no message."""


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message; header values are texts."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    content = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded + payload
    return content + struct.pack(">I", zlib.crc32(content))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return bytes((len(key),)) + key + struct.pack(">BH", _STRING, len(text)) + text


def read_message(raw: bytes) -> tuple[dict[str, str | bytes], bytes, bytes]:
    """(headers, payload, the bytes behind) of the first message in `raw`; EventStreamError when it is none."""
    if len(raw) < 16:
        raise EventStreamError("a message is cut short")
    total, length, check = struct.unpack(">III", raw[:12])
    if zlib.crc32(raw[:8]) != check:
        raise EventStreamError("the prelude's checksum is wrong")
    if not 16 + length <= total <= len(raw):
        raise EventStreamError("a message is cut short")
    if zlib.crc32(raw[: total - 4]) != int.from_bytes(raw[total - 4 : total]):
        raise EventStreamError("the message's checksum is wrong")
    headers: dict[str, str | bytes] = {}
    at, end = 12, 12 + length
    while at < end:
        size = raw[at]
        name = raw[at + 1 : at + 1 + size].decode("utf-8", "replace")
        at += 1 + size
        kind, count = raw[at], int.from_bytes(raw[at + 1 : at + 3])
        if kind not in (_STRING, _BYTES) or at + 3 + count > end:
            raise EventStreamError("a header is of a kind that is not used here")
        value = raw[at + 3 : at + 3 + count]
        headers[name] = value.decode("utf-8", "replace") if kind == _STRING else value
        at += 3 + count
    return headers, raw[end : total - 4], raw[total:]


def encoder(
    shape: Shape, json: JsonShapes, xml: XmlShapes, protocol: str
) -> Callable[[AsyncIterator[dict[str, Any]]], AsyncIterator[bytes]]:
    """The function that turns events, `{"EventName": {members}}`, into messages."""
    encoders = {name: _event(name, event, json, xml, protocol) for name, event in shape.members.items()}

    async def encode(events: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
        try:
            async for event in events:
                ((name, members),) = event.items()
                yield encoders[name](members)
        except AwsError as error:
            headers = {
                ":message-type": "exception",
                ":exception-type": error.code,
                ":content-type": "application/json",
            }
            yield message(headers, orjson.dumps({"message": error.message}))

    return encode


def _event(
    name: str, event: Shape, json: JsonShapes, xml: XmlShapes, protocol: str
) -> Callable[[dict[str, Any]], bytes]:
    payload_name = next((member for member, shape in event.members.items() if shape.traits.get("eventpayload")), None)
    header_names = [member for member, shape in event.members.items() if shape.traits.get("eventheader")]
    headers = {":message-type": "event", ":event-type": name}

    def with_headers(members: dict[str, Any], content_type: str | None) -> dict[str, str]:
        extra = {member: str(members[member]) for member in header_names if members.get(member) is not None}
        return headers | ({":content-type": content_type} if content_type else {}) | extra

    if payload_name is not None and event.members[payload_name].type == "blob":
        return lambda members: message(
            with_headers(members, "application/octet-stream"), members.get(payload_name) or b""
        )
    body = event.members[payload_name] if payload_name is not None else event
    if not body.members:
        return lambda members: message(with_headers(members, None), b"")
    if protocol == "rest-xml":
        write = xml.writer(body)

        def as_xml(members: dict[str, Any]) -> bytes:
            out: list[str] = []
            write(out, payload_name or name, members[payload_name] if payload_name else members)
            return message(with_headers(members, "text/xml"), "".join(out).encode())

        return as_xml
    to_json = json.encoder(body)
    return lambda members: message(
        with_headers(members, "application/json"),
        orjson.dumps(to_json(members[payload_name] if payload_name else members)),
    )
