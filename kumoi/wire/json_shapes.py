"""JSON and CBOR bodies: what a parsed document must be to be params, and how a result becomes a document.

Decoders work in place on the parsed value, which nobody else holds: they check every type (SerializationException),
drop what is null or unknown to the model, and turn base64 into bytes and epoch seconds into datetimes. Encoders visit
only what can need converting (timestamps, members with another name on the wire); orjson and CBOR write the rest. What
a service holds as JSON it may answer as `Written`, to a client alone: it goes into the document as it is.
Rules: the awsJson, restJson and rpc-v2-cbor protocols of the Smithy specification.
"""

from __future__ import annotations

import math
from binascii import a2b_base64
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from kumoi.wire import cbor, timestamps
from kumoi.wire.codegen import Generator, indented
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.model import Shape
from kumoi.wire.scalars import BITS, blob_text, non_finite

Written = orjson.Fragment
"""A value of an answer that is JSON already, as bytes."""

_AS_THEY_ARE = ("bigdecimal", "biginteger")
_COMPOUND = ("structure", "list", "map")
_AS_IT_IS = orjson.OPT_PASSTHROUGH_DATETIME


def wrong_type(value: Any, wanted: str) -> AwsError:
    """SerializationException for a value of another type than the model's."""
    kind = {
        dict: "START_OBJECT",
        list: "START_ARRAY",
        str: "STRING_VALUE",
        bool: "TRUE_VALUE" if value else "FALSE_VALUE",
        int: "NUMBER_VALUE",
        float: "DECIMAL_VALUE",
    }.get(type(value), type(value).__name__)
    return aws_error("SerializationException", f"{kind} cannot be converted to {wanted}")


class JsonShapes(Generator):
    """The decoders and encoders of one service's shapes.

    `renamed` says whether members stand under their locationName (REST), and `native` whether blobs and timestamps
    are native values (CBOR), the latter in `milliseconds` or in seconds.
    """

    def __init__(self, service: str, *, renamed: bool, native: bool = False, milliseconds: bool = False) -> None:
        helpers = {
            "wrong_type": wrong_type,
            "keep": _keep,
            "blob": _native_blob if native else _blob,
            "moment": _timestamp,
            "number": _float,
            "epoch": timestamps.epoch,
            "text": timestamps.text,
            "native_moment": _native_moment,
        }
        super().__init__(service, helpers)
        self._renamed = renamed
        self._native = native
        self._milliseconds = milliseconds
        self._visited: dict[str, bool] = {}

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def decoder(self, shape: Shape, title: str) -> Callable[[Any], Any]:
        """The function that turns a parsed document into params; `shape` is a structure, a list or a map."""
        if shape.document:
            return lambda value: value
        return self.compiled(self._reader(shape), title)

    def _reader(self, shape: Shape) -> str:
        body = {"structure": self._read_structure, "list": self._read_list, "map": self._read_map}[shape.type]
        return self.function(("read", shape.name), f"read_{shape.name}", "v", lambda: body(shape))

    def _read(self, shape: Shape) -> tuple[list[str], str]:
        """(lines that check `x`, the expression for what becomes of it)."""
        kind = shape.type
        if shape.document or kind in _AS_THEY_ARE:
            return [], "x"
        if kind in _COMPOUND:
            return [], f"{self._reader(shape)}(x)"
        if kind in BITS:
            limit = 1 << (BITS[kind] - 1)
            wanted = "Long" if kind == "long" else "Integer"
            return [f"if type(x) is not int or not {-limit} <= x < {limit}: raise wrong_type(x, {wanted!r})"], "x"
        if kind in ("string", "character", "boolean"):
            python, wanted = ("bool", "Boolean") if kind == "boolean" else ("str", "String")
            return [f"if type(x) is not {python}: raise wrong_type(x, {wanted!r})"], "x"
        return [], {"timestamp": "moment(x)", "blob": "blob(x)"}.get(kind, "number(x)")

    def _read_structure(self, shape: Shape) -> list[str]:
        members = self._body_members(shape)
        names = self.constant(f"members_{shape.name}", frozenset(wire for wire, _, _ in members))
        start = ["if type(v) is not dict: raise wrong_type(v, 'a structure')"]
        if any(wire != member for wire, member, _ in members):
            lines = [*start, "out = {}"]
            for wire, member, inner in members:
                checks, result = self._read(inner)
                lines += [f"x = v.get({wire!r})", "if x is not None:"]
                lines += indented([*checks, f"out[{member!r}] = {result}"])
            return [*lines, "return out"]
        if shape.one_of_many:
            return [*start, *self._read_one_of_many(members, names), "return v"]
        lines = [*start, "n = 0"]
        for wire, _, inner in members:
            checks, result = self._read(inner)
            lines += [f"x = v.get({wire!r})", "if x is not None:"]
            lines += indented(["n += 1", *checks, *([f"v[{wire!r}] = {result}"] if result != "x" else [])])
        return [*lines, f"if n != len(v): keep(v, {names})", "return v"]

    def _read_one_of_many(self, members: list[tuple[str, str, Shape]], names: str) -> list[str]:
        """Structures of which one member is usual (DynamoDB's AttributeValue): what is there decides, in turn."""
        lines = ["known = 0", "for k, x in v.items():", "    if x is None: continue"]
        word = "if"
        for wire, _, inner in members:
            checks, result = self._read(inner)
            lines.append(f"    {word} k == {wire!r}:")
            lines += indented(indented(["known += 1", *checks, *([f"v[k] = {result}"] if result != "x" else [])]))
            word = "elif"
        return [*lines, f"if known != len(v): keep(v, {names})"]

    def _read_list(self, shape: Shape) -> list[str]:
        checks, result = self._read(shape.item)
        lines = [
            "if type(v) is not list: raise wrong_type(v, 'a list')",
            "if None in v: v = [x for x in v if x is not None]",
        ]
        if result != "x":
            return [*lines, f"return [{result} for x in v]"]
        return [*lines, *(["for x in v:", *indented(checks)] if checks else []), "return v"]

    def _read_map(self, shape: Shape) -> list[str]:
        checks, result = self._read(shape.value)
        lines = [
            "if type(v) is not dict: raise wrong_type(v, 'a map')",
            "if None in v.values(): v = {k: x for k, x in v.items() if x is not None}",
        ]
        inner = [*checks]
        if self._native:
            inner.append("if type(k) is not str: raise wrong_type(k, 'String')")
        if result != "x":
            inner.append(f"v[k] = {result}")
        return [*lines, *(["for k, x in v.items():", *indented(inner)] if inner else []), "return v"]

    def _body_members(self, shape: Shape) -> list[tuple[str, str, Shape]]:
        """(name on the wire, member, shape) of what stands in the body."""
        return [
            (inner.location_name or member if self._renamed else member, member, inner)
            for member, inner in shape.members.items()
            if "location" not in inner.traits and not inner.event_stream
        ]

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def encoder(self, shape: Shape, title: str) -> Callable[[Any], bytes]:
        """The function that turns a handler's value into a document's bytes.

        Of a structure's own members those that are None, or that the model does not know, are left out.
        """
        write: Callable[[Any], bytes] = dumps
        if self._native:
            write = partial(cbor.encode, milliseconds=self._milliseconds)
        without_none, null = (_without_none, b"\xf6") if self._native else (_json_without_none, b"null")
        if shape.document:
            return write
        convert = self.compiled(self._writer(shape), title)
        if shape.holds_document:
            return lambda value: write(convert(value))

        def encode(value: Any) -> bytes:
            document = convert(value)
            content = orjson.dumps(document, _default, _AS_IT_IS) if write is dumps else write(document)
            # A null may be a None deep in a part that was not visited (or a NaN, to orjson): then look everywhere.
            return content if null not in content else write(without_none(document))

        return encode

    def _writer(self, shape: Shape) -> str:
        body = {"structure": self._write_structure, "list": self._write_list, "map": self._write_map}[shape.type]
        return self.function(("write", shape.name), f"write_{shape.name}", "v", lambda: body(shape))

    def _write(self, shape: Shape) -> str:
        """The expression for what `x` becomes."""
        if not self._needs_visit(shape):
            return "x"
        if shape.type != "timestamp":
            return f"{self._writer(shape)}(x)"
        if self._native:
            return "native_moment(x)"
        form = shape.traits.get("timestampFormat", "unixTimestamp")
        return "epoch(x)" if form == "unixTimestamp" else f"text(x, {form!r})"

    def _write_structure(self, shape: Shape) -> list[str]:
        members = self._body_members(shape)
        if not self._needs_visit(shape) and not shape.holds_document:
            # Members that are None are seen in the document, as those further in are.
            known = self.constant(f"names_{shape.name}", frozenset(member for _, member, _ in members))
            unknown = f"{{k: x for k, x in v.items() if k in {known}}}"
            return [f"return v if {known}.issuperset(v) else {unknown}"]
        names = self.constant(f"names_{shape.name}", {member: wire for wire, member, _ in members})
        lines = [f"out = {{{names}[k]: x for k, x in v.items() if x is not None and k in {names}}}"]
        for wire, _, inner in members:
            result = self._write(inner)
            if result != "x":
                lines += [f"x = out.get({wire!r})", f"if x is not None: out[{wire!r}] = {result}"]
        return [*lines, "return out"]

    def _write_list(self, shape: Shape) -> list[str]:
        return [f"return [{self._write(shape.item)} for x in v]"]

    def _write_map(self, shape: Shape) -> list[str]:
        return [f"return {{k: {self._write(shape.value)} for k, x in v.items() if x is not None}}"]

    def _needs_visit(self, shape: Shape) -> bool:
        """Whether a value of this shape can hold what its document has otherwise."""
        if shape.document or shape.type not in _COMPOUND:
            return shape.type == "timestamp"
        if shape.name not in self._visited:
            self._visited[shape.name] = any(map(self._differs, (shape, *shape.within())))
        return self._visited[shape.name]

    def _differs(self, shape: Shape) -> bool:
        if shape.type == "structure":
            return any(wire != member for wire, member, _ in self._body_members(shape))
        return shape.type == "timestamp"


def _keep(value: dict[Any, Any], members: Collection[str]) -> None:
    for key in [key for key, one in value.items() if one is None or key not in members]:
        del value[key]


def _float(value: Any) -> float:
    if type(value) is float or type(value) is int or value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise wrong_type(value, "Double")


def _timestamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return timestamps.decode(value)
    except ValueError:
        raise wrong_type(value, "Timestamp") from None


def _blob(value: Any) -> bytes:
    if type(value) is not str:
        raise wrong_type(value, "Blob")
    try:
        return a2b_base64(value, strict_mode=True)
    except ValueError:
        raise aws_error("SerializationException", "a blob is not valid base64") from None


def _native_blob(value: Any) -> bytes:
    if type(value) is not bytes:
        raise wrong_type(value, "Blob")
    return value


def _native_moment(value: datetime | float) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


def dumps(value: Any) -> bytes:
    """JSON; blobs as base64, datetimes as epoch seconds."""
    return orjson.dumps(value, _default, _AS_IT_IS)


def _default(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return blob_text(bytes(value))
    if isinstance(value, datetime):
        return timestamps.epoch(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    return [_without_none(one) for one in value] if isinstance(value, list | tuple) else value


def _json_without_none(value: Any) -> Any:
    """The same for JSON, which has NaN and the infinities as texts."""
    if isinstance(value, dict):
        return {key: _json_without_none(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_json_without_none(one) for one in value]
    return value if not isinstance(value, float) or math.isfinite(value) else non_finite(value)
