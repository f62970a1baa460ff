"""Payloads: what the latest calls were given and what they answered, for whoever looks at a trace or asks again.

Kept in memory only and never written: the last few of each edge, each up to a size, all of them up to another; of calls
that come faster than anybody could look at them only some, but all that failed. They are kept as they were, so that a
call can be repeated; redaction.py is what may be shown. Off where policies are enforced, unless switched on.
"""

from __future__ import annotations

import base64
from collections import OrderedDict, deque
from time import monotonic
from typing import Any, NamedTuple

import orjson

from kumoi.doorway.call import Call

PER_EDGE = 50
LARGEST = 262_144
TOGETHER = 67_108_864
HURRIED, EACH = 100, 64
"""Calls of an edge within a second after which only each 64th is kept: to pack what it was given costs, and of some
thousands a second that is still more than are kept of an edge."""
_BESIDE = 1_000
"""Bytes that a payload takes beside its JSON, its edge included."""


class Payload(NamedTuple):
    """One call's parameters and its answer as JSON; None where they were too large to keep, or are a stream."""

    account: str
    region: str
    service: str
    operation: str
    given: bytes | None
    answered: bytes | None


Edge = tuple[str, str]


class _Spans:
    """The calls that are kept of an edge, and how many have come by within a second."""

    __slots__ = ("calls", "second", "spans")

    def __init__(self) -> None:
        self.spans: deque[str] = deque()
        self.second, self.calls = 0, 0

    def hurried(self) -> bool:
        """Note a call; whether it is one of too many to be kept all."""
        second = int(monotonic())
        if second != self.second:
            self.second, self.calls = second, 0
        self.calls = calls = self.calls + 1
        return calls > HURRIED and calls % EACH != 0


_Packed = bytes | tuple[bytes | None, bytes | None]
"""What was given and answered: in one JSON array that lacks its bracket, or each for itself."""


class Payloads:
    """The recorder. Nothing is kept while `on` is False. Whatever is dropped is the oldest of its edge.

    What is held are plain tuples, with both payloads packed in one piece where they fit: every call leaves one, and few
    are looked at.
    """

    def __init__(self, *, on: bool) -> None:
        self.on = on
        self._held: OrderedDict[str, tuple[str, str, str, str, _Packed, Edge, int]] = OrderedDict()
        self._edges: dict[Edge, _Spans] = {}
        self._size = 0

    def record(self, call: Call, result: Any, *, failed: bool = False) -> None:
        """Keep one call's payloads under its span."""
        edge = call.source, call.node
        of_edge = self._edges.get(edge)
        if of_edge is None:
            of_edge = self._edges[edge] = _Spans()
        if of_edge.hurried() and not failed:
            return
        span = call.span
        kept, size = _both(call.params, result) if call.request_bytes <= LARGEST else _each(None, packed(result))
        if span in self._held:
            self._drop(span)
            self._edges[edge] = of_edge
        spans = of_edge.spans
        if len(spans) >= PER_EDGE:
            self._size -= self._held.pop(spans.popleft())[-1]
        spans.append(span)
        self._held[span] = call.account, call.region, call.service, call.operation, kept, edge, size
        self._size += size
        while self._size > TOGETHER:
            self._drop(next(iter(self._held)))

    def find(self, span: str) -> Payload | None:
        """What a call was given and answered, as it was; None when it is not kept (any more)."""
        held = self._held.get(span)
        if held is None:
            return None
        kept = held[4]
        given, answered = map(orjson.dumps, orjson.loads(kept + b"]")) if isinstance(kept, bytes) else kept
        return Payload(*held[:4], given, answered)

    def switch(self, on: bool) -> None:
        """Record from now on, or no longer; what was kept is forgotten then."""
        self.on = on
        if not on:
            self.clear()

    def clear(self, account: str | None = None) -> None:
        """Forget the payloads of one account, or all."""
        for span in [span for span, held in self._held.items() if account in (None, held[0])]:
            self._drop(span)

    def _drop(self, span: str) -> None:
        *_, edge, size = self._held.pop(span)
        self._size -= size
        spans = self._edges[edge].spans
        spans.remove(span)
        if not spans:
            del self._edges[edge]


def _both(given: Any, answered: Any) -> tuple[_Packed, int]:
    """Both payloads of a call, packed, and the bytes they take.

    At once is quicker than each; what is cut off makes it a copy, as in `packed`.
    """
    try:
        together = orjson.dumps((given, answered), _plain, orjson.OPT_PASSTHROUGH_DATETIME)
    except (TypeError, ValueError, RecursionError):
        return _each(packed(given), packed(answered))
    if len(together) > LARGEST:
        return _each(packed(given), packed(answered))
    return together[:-1], _BESIDE + len(together)


def _each(given: bytes | None, answered: bytes | None) -> tuple[_Packed, int]:
    return (given, answered), _BESIDE + len(given or b"") + len(answered or b"")


def packed(value: Any) -> bytes | None:
    """A value as JSON, bytes as the texts they are; None where it is too large, or cannot be JSON.

    Nearly all keys are texts, and to expect others takes orjson twice as long.
    """
    try:
        packed = orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except (TypeError, ValueError, RecursionError):
        try:
            packed = orjson.dumps(value, default=_plain, option=_ANY_KEYS)
        except (TypeError, ValueError, RecursionError):
            return None
    # A copy: what orjson answers keeps the 4 KB that it was written into.
    return bytes(memoryview(packed)) if len(packed) <= LARGEST else None


_ANY_KEYS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_BYTES = (bytes, bytearray, memoryview)


def _plain(value: Any) -> Any:
    if type(value) is bytes:
        return _text(value)
    if isinstance(value, _BYTES):
        return _text(bytes(value))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return f"<{type(value).__name__}>"


def _text(value: bytes) -> Any:
    if len(value) > LARGEST:
        return f"<{len(value)} bytes>"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
