"""Heads of requests that are as one before, but for what each has of its own: a date, a signature, a length.

SDKs send the same header fields with each request of an operation. What the parser made of them once is kept by these
bytes, whole: all of a head but those few values must be the same, byte for byte, and a value of one's own may have
letters, digits and a few marks alone, as many as the one before. So nothing that could be read in two ways is ever
taken for known; whatever is not exactly that is parsed. The parser and its call for each field take most of what
reading a small request costs.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from kumoi.gateway.limits import Limits
from kumoi.gateway.plain_requests import PATH, QUERY, is_plain
from kumoi.wire.http import HeaderList, Headers, Kin, Request

MOST = 1024
"""Header fields that are kept; beyond them all are dropped, and whoever still repeats itself is known soon again."""
MOST_LINES = 64
"""Request lines that are kept of each."""
MOST_SHAPES = 4
"""Ways that are kept in which as many bytes can be what is the same and what is not."""
LONGEST_FIELDS = 4096
LONGEST_LINE = 2048

_LINE = re.compile(
    rb"(GET|HEAD|POST|PUT|DELETE|PATCH) (/" + PATH + rb"*)(?:\?(" + QUERY + rb"*))? HTTP/1\.1",
)
"""A target with neither a fragment nor what a URL cannot have."""
_OWN_MARKS = (string.ascii_letters + string.digits + "+/=;:-").encode()
_OWN = frozenset(
    {
        *("x-amz-date", "content-length", "content-md5", "x-amz-content-sha256", "x-amzn-trace-id"),
        *("amz-sdk-invocation-id", "x-amz-checksum-crc32", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme"),
        *("x-amz-checksum-sha1", "x-amz-checksum-sha256"),
    }
)
"""Fields whose values are mostly each request's own."""
OWN_FIELDS = _OWN | {"authorization"}
"""Fields in which requests may differ that are of one kin."""
_SIGNED, _SIGNATURE = "AWS4-HMAC-SHA256 ", "Signature="
_DIGITS = 64
"""Of a signature's, which ends the field."""
_Pieces = Callable[[bytes], tuple[bytes, ...]]


class _Own(NamedTuple):
    """A field with a value of each request's own: where it stands among all, its name, and what stays before it."""

    at: int
    name: str
    key: str
    before: str


class _Fields:
    """Header fields that were parsed: as they were, which of them differ, and the request lines that came with them."""

    __slots__ = ("beginning", "different", "index", "items", "length_at", "lines", "own")

    def __init__(self, headers: Headers, own: list[_Own]) -> None:
        self.items = headers.items
        self.index = headers.index
        self.own = own
        self.different = frozenset(one.key for one in own)
        self.length_at = next((at for at, one in enumerate(own) if one.key == "content-length"), -1)
        self.lines: dict[bytes, _Line | None] = {}
        self.beginning: dict[str, HeaderList] = {}


class _KnownHeaders(Headers):
    """Header fields that were seen before, with some values of their own: put together when they are looked at."""

    __slots__ = ("_known", "_values")

    def __init__(self, known: _Fields, values: tuple[bytes, ...]) -> None:
        self._known = known
        self._values = values

    def __getattr__(self, name: str) -> Any:
        known = self._known
        if name == "index":
            self.index = index = known.index.copy()
            for (_at, _field, key, before), value in zip(known.own, self._values, strict=False):
                index[key] = before + value.decode("ascii")
            return index
        if name == "items":
            self.items = items = known.items.copy()
            for at, field, key, _before in known.own:
                items[at] = field, self.index[key]
            return items
        raise AttributeError(name)

    def get(self, name: str, default: str | None = None) -> str | None:
        """As `Headers.get`; what is the same of all need not be put together."""
        known = self._known
        return self.index.get(name, default) if name in known.different else known.index.get(name, default)

    def beginning(self, prefix: str) -> HeaderList:
        """As `Headers.beginning`; looked for once where no value of a request's own is among them."""
        known = self._known
        found = known.beginning.get(prefix)
        if found is None:
            if any(one.key.startswith(prefix) for one in known.own):
                return super().beginning(prefix)
            found = known.beginning[prefix] = Headers(known.items).beginning(prefix)
        return found

    def have_any(self, names: frozenset[str]) -> bool:
        """As `Headers.have_any`."""
        return not names.isdisjoint(self._known.index)

    def __contains__(self, name: str) -> bool:
        return name in self._known.index


class _Line(msgspec.Struct, frozen=True):
    """A request line, and what requests with it and the same header fields share."""

    method: str
    path: str
    query: str
    kin: Kin | None


class _Shape:
    """One way in which header fields of a length fall into what is the same and what is not."""

    __slots__ = ("known", "own", "same")

    def __init__(self, same: _Pieces, own: _Pieces) -> None:
        self.same = same
        self.own = own
        self.known: dict[tuple[bytes, ...], _Fields] = {}


class Found(msgspec.Struct, frozen=True, gc=False):
    """What a request of a known head is: its line, its header fields and its body."""

    line: _Line
    headers: Headers
    body: bytes


class KnownHeads:
    """The heads, by their header fields' length."""

    def __init__(self, limits: Limits) -> None:
        self._longest_line = min(LONGEST_LINE, limits.request_line)
        self._most_content = limits.buffered_body
        self._shapes: dict[int, dict[tuple[int, ...], _Shape]] = {}
        self._count = 0

    def find(self, data: bytes) -> Found | None:
        """The request that some bytes are, all of it and no more; None where they must be parsed."""
        begin, end = data.find(b"\r\n"), data.find(b"\r\n\r\n")
        fields = data[begin:end]
        shapes = self._shapes.get(len(fields))
        if shapes is None or end < 0:
            return None
        for shape in shapes.values():
            known = shape.known.get(shape.same(fields))
            if known is not None:
                break
        else:
            return None
        values = shape.own(fields)
        if b"".join(values).translate(None, _OWN_MARKS):
            return None
        body = data[end + 4 :]
        if len(body) > self._most_content or begin > self._longest_line:
            return None
        if known.length_at < 0:
            if body:
                return None
        else:
            length = values[known.length_at]
            if not length.isdigit() or int(length) != len(body):
                return None
        line = known.lines.get(data[:begin])
        if line is None or line.kin is None:
            line = _line(known, data[:begin])
            if line is None:
                return None
        return Found(line, _KnownHeaders(known, values), body)

    def learn(self, data: bytes, request: Request) -> bool:
        """Keep what the parser has made of a request that came as `data`, where its like can be told from it."""
        begin, end = data.find(b"\r\n"), data.find(b"\r\n\r\n")
        fields, headers = data[begin:end], request.headers
        if (
            len(fields) > LONGEST_FIELDS
            or begin > self._longest_line
            or not _telling(headers)
            or _LINE.fullmatch(data, 0, begin) is None
        ):
            return False
        found = _places(fields, headers.items)
        if found is None:
            return False
        own, places = found
        if self._count >= MOST:
            self._shapes.clear()
            self._count = 0
        shapes = self._shapes.setdefault(len(fields), {})
        shape = shapes.get(places)
        if shape is None:
            if len(shapes) >= MOST_SHAPES:
                shapes.clear()
            shape = shapes[places] = _Shape(*_pieces(places, len(fields)))
        self._count += 1
        shape.known[shape.same(fields)] = _Fields(headers, own)
        return True


def _telling(headers: Headers) -> bool:
    """Whether a request of these fields can be told by its bytes, and each field by its name."""
    index = headers.index
    return len(index) == len(headers.items) and "host" in index and is_plain(index)


def _line(known: _Fields, line: bytes) -> _Line | None:
    """What a request line says, remembered when it comes again; None where the parser must read it.

    One that comes once has no kin: what was found out for it would not be asked for again.
    """
    found = known.lines.get(line)
    if found is not None:
        if found.kin is None:
            found = known.lines[line] = replace(found, kin=Kin())
        return found
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    method, path, query = match.groups(b"")
    if len(known.lines) >= MOST_LINES:
        known.lines.clear()
    found = known.lines[line] = _Line(method.decode(), path.decode(), query.decode(), None)
    return found


def _places(fields: bytes, items: HeaderList) -> tuple[list[_Own], tuple[int, ...]] | None:
    """The fields whose values are a request's own, and where these begin and end; None where parsers read more."""
    own: list[_Own] = []
    places: list[int] = []
    begin = 0
    for at, (name, value) in enumerate(items):
        text = b"\r\n%b: %b" % (name.encode("latin-1"), value.encode("latin-1"))
        if not fields.startswith(text, begin):
            return None
        end = begin + len(text)
        key = name.lower()
        width = 0
        if key in _OWN:
            width = len(value)
        elif key == "authorization" and value.startswith(_SIGNED) and value.endswith(_SIGNATURE, 0, -_DIGITS):
            width = _DIGITS
        if width:
            own.append(_Own(at, name, key, value[: len(value) - width]))
            places += end - width, end
        begin = end
    return (own, tuple(places)) if begin == len(fields) else None


def _pieces(places: tuple[int, ...], length: int) -> tuple[_Pieces, _Pieces]:
    """What takes from header fields that which is the same in all of a shape, and that which is each one's own."""
    bounds = (0, *places, length)
    same = [slice(*bounds[at : at + 2]) for at in range(0, len(bounds), 2)]
    own = [slice(*places[at : at + 2]) for at in range(0, len(places), 2)]
    nothing = [slice(0, 0)] * 2  # of a single one an itemgetter makes no tuple
    return itemgetter(*same, *nothing), itemgetter(*own, *nothing)
