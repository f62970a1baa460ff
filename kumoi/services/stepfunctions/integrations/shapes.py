"""Between JSON and a service's shapes, as Step Functions goes between them: PascalCase names, text for blobs and times.

An object given for text is written as JSON. Source: "Learning to use AWS service SDK integrations".
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from kumoi.services.stepfunctions.integrations.task import TaskError
from kumoi.services.stepfunctions.language.errors import RUNTIME
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.wire import BufferedBody, timestamps
from kumoi.wire.http import FileBody
from kumoi.wire.model import Shape

MAX_BODY = 6_291_456


def to_params(shape: Shape, value: Any, path: str, *, strict: bool) -> Any:
    """A JSON value as an operation takes it. Members it does not have are refused, or left out where not `strict`."""
    if shape.document:
        return value
    kind = shape.type
    if kind == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        made: dict[str, Any] = {}
        for key, inner in value.items():
            name = members.get(key.lower())
            if name is not None:
                if inner is not None:
                    made[name] = to_params(shape.members[name], inner, f"{path}.{key}", strict=strict)
            elif strict:
                raise _refused(f'The field "{key}" is not supported by Step Functions at {path}')
        return made
    if kind == "list" and isinstance(value, list):
        return [to_params(shape.item, one, f"{path}[{at}]", strict=strict) for at, one in enumerate(value)]
    if kind == "map" and isinstance(value, dict):
        return {key: to_params(shape.value, one, f"{path}.{key}", strict=strict) for key, one in value.items()}
    if kind in ("string", "character"):
        return value if isinstance(value, str) else dumps(value)
    if kind == "blob":
        content = value.encode() if isinstance(value, str) else dumps(value).encode()
        return BufferedBody(content) if shape.streaming else content
    return _scalar(kind, value, path)


def _scalar(kind: str, value: Any, path: str) -> Any:
    if kind == "timestamp":
        try:
            return timestamps.decode(value)
        except ValueError:
            raise _refused(f"{path} is not a timestamp") from None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("integer", "long", "short", "byte") and number and float(value).is_integer():
        return int(value)
    if kind in ("float", "double") and number:
        return float(value)
    if kind == "boolean" and isinstance(value, bool):
        return value
    if isinstance(value, str):  # the SDK for Java reads numbers and booleans out of text
        if kind == "boolean" and value.lower() in ("true", "false"):
            return value.lower() == "true"
        try:
            return float(value) if kind in ("float", "double") else int(value)
        except ValueError:
            pass
    raise _refused(f"{path} is not of the type {kind}")


def _refused(why: str) -> TaskError:
    return TaskError(RUNTIME, why)


async def from_answer(shape: Shape | None, value: Any, *, millis: bool = False) -> Any:
    """An operation's answer as JSON, names in PascalCase. Times are ISO 8601, or milliseconds of the epoch."""
    if shape is None or value is None:
        return {} if value is None else value
    if shape.document:
        return value
    kind = shape.type
    if kind == "structure" and isinstance(value, dict):
        return {
            name[:1].upper() + name[1:]: await from_answer(shape.members[name], inner, millis=millis)
            for name, inner in value.items()
            if name in shape.members and inner is not None
        }
    if kind == "list":
        return [await from_answer(shape.item, one, millis=millis) for one in value]
    if kind == "map":
        return {key: await from_answer(shape.value, one, millis=millis) for key, one in value.items()}
    if kind == "timestamp":
        return _time(value, millis)
    if kind == "blob":
        content = await read_body(value)
        try:
            return content.decode()
        except UnicodeDecodeError:
            return base64.b64encode(content).decode()
    return value


def _time(value: Any, millis: bool) -> Any:
    if isinstance(value, str):
        value = timestamps.decode(value)
    if millis:
        seconds = value.timestamp() if isinstance(value, datetime) else value
        return round(seconds * 1000)
    return timestamps.iso8601(value)


async def read_body(body: Any, most: int = MAX_BODY) -> bytes:
    """The bytes of a blob, whatever it comes as; of a long one little more than `most`."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, FileBody):
        with body.path.open("rb") as file:
            file.seek(body.offset)
            return file.read(min(body.length, most))
    assert isinstance(body, AsyncIterator)
    content = bytearray()
    async for piece in body:
        content += piece
        if len(content) > most:
            break
    return bytes(content)
