"""`application/vnd.amazon.eventstream`: messages with headers, a payload and two CRC32s.

Layout ("Event stream encoding", Amazon Transcribe and Smithy documentation): total length, headers length, CRC of
both, headers, payload, CRC of all of it; numbers big-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from kumoi.wire.errors import AwsError
from kumoi.wire.json_shapes import JsonShapes, dumps
from kumoi.wire.model import Shape
from kumoi.wire.xml_shapes import XmlShapes

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING, _BYTES = 7, 6

Encode = Callable[[AsyncIterator[dict[str, Any]], bytes | None], AsyncIterator[bytes]]


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
        kind, count = (raw[at], int.from_bytes(raw[at + 1 : at + 3])) if at + 3 <= end else (0, 0)
        if kind not in (_STRING, _BYTES) or at + 3 + count > end:
            raise EventStreamError("a header is of a kind that is not used here")
        value = raw[at + 3 : at + 3 + count]
        headers[name] = value.decode("utf-8", "replace") if kind == _STRING else value
        at += 3 + count
    return headers, raw[end : total - 4], raw[total:]


def initial_response(document: bytes, as_cbor: bool) -> bytes:
    """The message with which a stream begins where no headers carry the answer's other members."""
    content_type = "application/cbor" if as_cbor else "application/json"
    headers = {":message-type": "event", ":event-type": "initial-response", ":content-type": content_type}
    return message(headers, document)


def encoder(shape: Shape, json: JsonShapes, xml: XmlShapes | None, title: str) -> Encode:
    """The function that turns events, `{"EventName": {members}}`, into messages; its second argument is sent first.

    An AwsError ends the stream with a message that clients raise as the error.
    """
    encoders = {name: _event(name, event, json, xml, title) for name, event in shape.members.items()}
    modelled = {event.name: name for name, event in shape.members.items() if event.traits.get("exception")}

    async def encode(events: AsyncIterator[dict[str, Any]], first: bytes | None) -> AsyncIterator[bytes]:
        if first is not None:
            yield first
        try:
            async for event in events:
                ((name, members),) = event.items()
                yield encoders[name](members)
        except AwsError as error:
            yield _failure(error, modelled.get(error.code))

    return encode


def _failure(error: AwsError, member: str | None) -> bytes:
    """The message for an error: an exception where the stream's shape has it as a member, else a plain error."""
    if member is None:
        return message({":message-type": "error", ":error-code": error.code, ":error-message": error.message}, b"")
    headers = {":message-type": "exception", ":exception-type": member, ":content-type": "application/json"}
    return message(headers, dumps({"message": error.message} | error.members))


def _event(
    name: str, event: Shape, json: JsonShapes, xml: XmlShapes | None, title: str
) -> Callable[[dict[str, Any]], bytes]:
    payload = next((member for member, shape in event.members.items() if shape.traits.get("eventpayload")), None)
    bound = [member for member, shape in event.members.items() if shape.traits.get("eventheader")]
    body = event.members[payload] if payload is not None else event
    fixed = {":message-type": "event", ":event-type": name}
    content_type, write = _content_writer(name, body, json, xml, title)
    if content_type is not None:
        fixed[":content-type"] = content_type

    def encode(members: dict[str, Any]) -> bytes:
        headers = fixed | {member: str(members[member]) for member in bound if members.get(member) is not None}
        return message(headers, write(members.get(payload) if payload is not None else members))

    return encode


def _content_writer(
    name: str, body: Shape, json: JsonShapes, xml: XmlShapes | None, title: str
) -> tuple[str | None, Callable[[Any], bytes]]:
    """(content type, the function that makes a message's payload)."""
    if body.type == "blob":
        return "application/octet-stream", lambda value: value or b""
    if body.type == "string":
        return "text/plain", lambda value: (value or "").encode()
    if not body.members:
        return None, lambda value: b""
    if xml is None:
        write_json = json.encoder(body, title)
        return "application/json", lambda value: write_json(value or {})
    write = xml.writer(body, body.location_name or body.name, title)

    def write_xml(value: Any) -> bytes:
        out: list[str] = []
        write(out.append, value or {})
        return "".join(out).encode()

    return "text/xml", write_xml
