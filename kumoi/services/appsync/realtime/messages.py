"""Messages to clients, as JSON text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

TIMEOUT_MS = 300_000
KEEP_ALIVE = '{"type":"ka"}'
ACKNOWLEDGED = f'{{"type":"connection_ack","payload":{{"connectionTimeoutMs":{TIMEOUT_MS}}}}}'


def dumped(message: Mapping[str, Any]) -> str:
    """A message as text."""
    return orjson.dumps(message).decode()


def nests_too_deep(value: Any) -> bool:
    """Whether a value could not be written as JSON again, a few levels further down."""
    try:
        orjson.dumps([[[[[[[[value]]]]]]]])
    except orjson.JSONEncodeError:
        return True
    return False


def error_entry(kind: str | None, message: str, code: int | None = None) -> dict[str, Any]:
    """An entry of `errors`."""
    entry: dict[str, Any] = {} if kind is None else {"errorType": kind}
    if code is not None:
        entry["errorCode"] = code
    return {**entry, "message": message}


def failed(id: str | None, errors: Sequence[Mapping[str, Any]]) -> str:
    """`error`, of a subscription or of the connection."""
    about = {} if id is None else {"id": id}
    return dumped({**about, "type": "error", "payload": {"errors": errors}})


def connection_error(code: int, kind: str | None, message: str) -> str:
    """`connection_error`, behind which the connection is closed."""
    return dumped({"payload": {"errors": [error_entry(kind, message, code)]}, "type": "connection_error"})


def event_connection_error(code: int, kind: str | None, message: str) -> str:
    """The same as Event APIs word it."""
    return dumped({"type": "connection_error", "errors": [error_entry(kind, message, code)]})


def event(id: str, text: str) -> str:
    """`data` of a subscription to a channel; `text` is an event, quoted as a JSON string."""
    return f'{{"id":{orjson.dumps(id).decode()},"type":"data","event":{text}}}'


def about(kind: str, id: str) -> str:
    """`start_ack` or `complete` of a subscription."""
    return dumped({"id": id, "type": kind})


def data(id: str, payload: str) -> str:
    """`data` of a subscription, whose payload is JSON text already."""
    return f'{{"id":{orjson.dumps(id).decode()},"type":"data","payload":{payload}}}'
