"""Any operation of any service, as JSON: what Studio's screens read and change goes through here.

Members are AWS's; blobs are base64 and times epoch seconds, as in AWS's JSON protocols. What only reads is not seen on
the map; what changes something is, as Studio's own call.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.studio.looking import Looker, looks
from kumoi.wire import AwsError, Wire, aws_error
from kumoi.wire.http import FileBody
from kumoi.wire.model import Shape
from kumoi.wire.timestamps import decode as timestamp

logger = logging.getLogger(__name__)

STREAM_LIMIT = 1_048_576
"""Bytes that are read of a streamed answer."""

SOURCE = "studio"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation to call, where, and with what."""

    service: str
    operation: str
    account: str
    region: str
    params: dict[str, Any]


async def call(doorway: Doorway, wire: Wire, wanted: Wanted) -> Any:
    """The operation's answer as JSON values; raises its AwsError."""
    if wanted.service not in doorway.registry:
        doorway.registry[wanted.service]
    try:
        model = wire.codec(wanted.service).operation(wanted.operation)
    except LookupError:
        raise aws_error("UnknownOperationException", f"{wanted.service} has no {wanted.operation}") from None
    params = {} if model.input is None else given(model.input, wanted.params)
    model.validate(params)
    if looks(wanted.operation):
        answer = await _look(doorway, wanted, params)
    else:
        caller = Principal(
            wanted.account, f"arn:aws:iam::{wanted.account}:root", wanted.account, SOURCE, wanted.account
        )
        answer = await doorway.ask(wanted.service, wanted.operation, params, caller, wanted.region)
    return await told(answer)


async def _look(doorway: Doorway, wanted: Wanted, params: dict[str, Any]) -> Any:
    looker = Looker(doorway, wanted.account, wanted.region)
    try:
        return await looker.ask(wanted.service, wanted.operation, **params)
    except AwsError:
        raise
    except Exception as error:
        logger.exception("%s %s failed when Studio looked", wanted.service, wanted.operation)
        raise aws_error("InternalFailure", f"Kumoi failed at {wanted.service} {wanted.operation}.") from error


def given(shape: Shape, value: Any) -> Any:
    """A JSON value as the plain value that a handler takes; what does not fit the shape is refused."""
    if shape.document:
        return value
    match shape.type:
        case "structure":
            _expect(isinstance(value, dict), shape)
            known = {name: inner for name, inner in value.items() if name in shape.members and inner is not None}
            if unknown := value.keys() - shape.members.keys():
                raise aws_error("ValidationException", f"{shape.name} has no {', '.join(sorted(unknown))}")
            return {name: given(shape.members[name], inner) for name, inner in known.items()}
        case "list":
            _expect(isinstance(value, list), shape)
            return [given(shape.item, inner) for inner in value]
        case "map":
            _expect(isinstance(value, dict), shape)
            return {str(key): given(shape.value, inner) for key, inner in value.items()}
        case "blob":
            _expect(isinstance(value, str), shape)
            try:
                return base64.b64decode(value, validate=True)
            except binascii.Error:
                raise aws_error("SerializationException", f"{shape.name} is no base64") from None
        case "timestamp":
            try:
                return timestamp(value)
            except ValueError as error:
                raise aws_error("SerializationException", f"{shape.name}: {error}") from None
        case "boolean":
            _expect(isinstance(value, bool), shape)
        case "integer" | "long":
            _expect(isinstance(value, int) and not isinstance(value, bool), shape)
        case "float" | "double":
            _expect(isinstance(value, int | float) and not isinstance(value, bool), shape)
        case "string":
            _expect(isinstance(value, str), shape)
    return value


def _expect(fits: bool, shape: Shape) -> None:
    if not fits:
        raise aws_error("SerializationException", f"{shape.name} is a {shape.type}")


async def told(value: Any) -> Any:
    """A handler's plain answer as JSON values; streams are read up to a limit."""
    if isinstance(value, dict):
        return {str(name): await told(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [await told(inner) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, FileBody):
        return await told(await asyncio.to_thread(_read, value))
    if isinstance(value, AsyncIterator):
        return await told(await _gathered(value))
    return value


def _read(body: FileBody) -> bytes:
    with body.path.open("rb") as file:
        file.seek(body.offset)
        return file.read(min(body.length, STREAM_LIMIT))


async def _gathered(stream: AsyncIterator[Any]) -> bytes | list[Any]:
    pieces: list[Any] = []
    size = 0
    async for piece in stream:
        pieces.append(piece)
        size += len(piece)
        if size >= STREAM_LIMIT:
            break
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
    return b"".join(pieces)[:STREAM_LIMIT] if all(isinstance(one, bytes) for one in pieces) else pieces
