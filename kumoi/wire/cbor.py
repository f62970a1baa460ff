"""CBOR (RFC 8949) as the rpc-v2-cbor protocol uses it.

Our own, because the protocol needs a fraction of what the libraries do (no tags but the epoch time, string keys), and
hostile input must be bounded: nesting, declared lengths and sizes are checked before anything is allocated. Tested
with the RFC's own examples and with Hypothesis.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import orjson

MAX_DEPTH = 128
_BREAK = object()


class CborError(ValueError):
    """The bytes are not CBOR, or not of the kind the protocol uses."""


def encode(value: Any, *, milliseconds: bool = False) -> bytes:
    """A value of None, bool, int (64 bits), float, str, bytes, datetime, list, dict and what is JSON already, as CBOR.

    Times are epoch seconds, or whole `milliseconds`, as the older `application/x-amz-cbor-1.1` has them.
    """
    out: list[bytes] = []
    _encode(out, value, milliseconds)
    return b"".join(out)


def _encode(out: list[bytes], value: Any, milliseconds: bool) -> None:
    if value is None:
        out.append(b"\xf6")
    elif isinstance(value, bool):
        out.append(b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        if not -(1 << 64) <= value < 1 << 64:
            raise CborError(f"{value} does not fit 64 bits")
        out.append(_head(0, value) if value >= 0 else _head(1, -1 - value))
    elif isinstance(value, float):
        out.append(b"\xfb" + struct.pack(">d", value))
    elif isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
        out += (_head(3, len(raw)), raw)
    elif isinstance(value, bytes):
        out += (_head(2, len(value)), value)
    elif isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        out.append(b"\xc1")
        seconds = moment.timestamp()
        if milliseconds:
            seconds = round(seconds * 1000)
        _encode(out, int(seconds) if seconds == int(seconds) else seconds, milliseconds)
    elif isinstance(value, dict):
        out.append(_head(5, len(value)))
        for key, one in value.items():
            _encode(out, key, milliseconds)
            _encode(out, one, milliseconds)
    elif isinstance(value, list | tuple):
        out.append(_head(4, len(value)))
        for one in value:
            _encode(out, one, milliseconds)
    elif isinstance(value, orjson.Fragment):
        _encode(out, orjson.loads(orjson.dumps(value)), milliseconds)
    else:
        raise CborError(f"{type(value).__name__} has no form in CBOR")


def _head(major: int, argument: int) -> bytes:
    first = major << 5
    if argument < 24:
        return bytes((first | argument,))
    for more, code, limit in ((24, ">BB", 1 << 8), (25, ">BH", 1 << 16), (26, ">BI", 1 << 32)):
        if argument < limit:
            return struct.pack(code, first | more, argument)
    return struct.pack(">BQ", first | 27, argument)


def decode(raw: bytes, *, milliseconds: bool = False) -> Any:
    """The one value that `raw` holds; CborError when it holds none, or more than one."""
    reader = _Reader(raw, 1000 if milliseconds else 1)
    value = reader.value(0)
    if value is _BREAK or reader.at != len(raw):
        raise CborError("the value does not end where the bytes do")
    return value


class _Reader:
    def __init__(self, raw: bytes, ticks: int) -> None:
        self.raw = raw
        self.ticks = ticks
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.raw):
            raise CborError("the bytes are cut short")
        piece = self.raw[self.at : end]
        self.at = end
        return piece

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise CborError("the value is nested too deeply")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self._simple(info)
        if info == 31:
            return self._indefinite(major, depth)
        argument = self._argument(info)
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self._text(self.take(argument))
        if major == 4:
            return self._list(argument, depth)
        if major == 5:
            return self._map(argument, depth)
        return self._tagged(argument, depth)

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise CborError("a length is not well-formed")
        return int.from_bytes(self.take(1 << (info - 24)))

    def _list(self, count: int, depth: int) -> list[Any]:
        if count > len(self.raw) - self.at:
            raise CborError("a list is longer than the bytes")
        return [self._inner(depth) for _ in range(count)]

    def _map(self, count: int, depth: int) -> dict[Any, Any]:
        if 2 * count > len(self.raw) - self.at:
            raise CborError("a map is longer than the bytes")
        return {self._key(self._inner(depth)): self._inner(depth) for _ in range(count)}

    def _inner(self, depth: int) -> Any:
        value = self.value(depth + 1)
        if value is _BREAK:
            raise CborError("a break stands where a value is expected")
        return value

    def _key(self, key: Any) -> Any:
        if isinstance(key, list | dict):
            raise CborError("a key is not a scalar")
        return key

    def _indefinite(self, major: int, depth: int) -> Any:
        items: list[Any] = []
        while (item := self.value(depth + 1)) is not _BREAK:
            items.append(item)
        if major == 2 and all(isinstance(item, bytes) for item in items):
            return b"".join(items)
        if major == 3 and all(isinstance(item, str) for item in items):
            return "".join(items)
        if major == 4:
            return items
        if major == 5 and len(items) % 2 == 0:
            return {self._key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}
        raise CborError("a value of indefinite length is not well-formed")

    def _simple(self, info: int) -> Any:
        constants: dict[int, Any] = {20: False, 21: True, 22: None, 23: None, 31: _BREAK}
        if info in constants:
            return constants[info]
        forms = {25: ">e", 26: ">f", 27: ">d"}
        if info not in forms:
            raise CborError("an unknown simple value")
        (number,) = struct.unpack(forms[info], self.take(1 << (info - 24)))
        return number

    def _tagged(self, tag: int, depth: int) -> Any:
        value = self._inner(depth)
        if tag != 1:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CborError("a time is not a number")
        try:
            return datetime.fromtimestamp(value / self.ticks, UTC)
        except (OverflowError, OSError, ValueError) as error:
            raise CborError("a time is out of range") from error

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise CborError("a text is not UTF-8") from None
