"""Query-protocol requests: form fields such as `Tags.member.1.Key` to params.

Fields are folded into a tree first, then read shape by shape. Rules: the query protocol of the Smithy specification.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from kumoi.wire import timestamps
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.model import Shape

Node = dict[str, Any]
Reader = Callable[[Node], Any]

MAX_FIELDS = 10_000
MAX_DEPTH = 64


def malformed(message: str) -> AwsError:
    """MalformedInput."""
    return aws_error("MalformedInput", message)


def fold(form: bytes) -> Node:
    """Form fields as a tree; a field's value lies under the empty key of its node."""
    try:
        fields = parse_qsl(form.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise malformed(f"the form cannot be read: {error}") from None
    root: Node = {}
    for name, value in fields:
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise malformed("a field's name is nested too deeply")
        node = root
        for part in parts:
            node = node.setdefault(part or " ", {})
        node[""] = value
    return root


class QueryShapes:
    """Compiles readers of one service's shapes; each shape once."""

    def __init__(self) -> None:
        self._readers: dict[tuple[str, bool], Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        """The function that reads a shape from a node of the tree."""
        if shape.type not in ("structure", "list", "map"):
            return _scalar(shape)
        key = (shape.name, shape.flattened)
        found = self._readers.get(key)
        if found is None:
            self._readers[key] = lambda node: self._readers[key](node)
            found = self._readers[key] = self._compound(shape)
        return found

    def _compound(self, shape: Shape) -> Reader:
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list":
            item = self.reader(shape.item)
            wrapper = None if shape.flattened else shape.item.location_name or "member"

            def read_list(node: Node) -> Any:
                entries = node if wrapper is None else node.get(wrapper, {})
                return [item(one) for one in _numbered(entries)]

            return read_list
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        key, value = self.reader(shape.key), self.reader(shape.value)
        flattened = shape.flattened

        def read_map(node: Node) -> Any:
            entries = _numbered(node if flattened else node.get("entry", {}))
            return {key(one.get(key_name, {})): value(one.get(value_name, {})) for one in entries}

        return read_map

    def _structure(self, shape: Shape) -> Reader:
        fields = {}
        for member, inner in shape.members.items():
            name = inner.location_name or member
            if inner.type == "list" and inner.flattened:
                name = inner.item.location_name or inner.location_name or member
            fields[name] = (member, self.reader(inner))

        def read_structure(node: Node) -> Any:
            read = {}
            for name, one in node.items():
                if name and (found := fields.get(name)) is not None:
                    read[found[0]] = found[1](one)
            return read

        return read_structure


def _numbered(node: Node) -> list[Node]:
    """The children of a node that are numbered, in order."""
    numbers = sorted((int(name), name) for name in node if name.isascii() and name.isdigit() and len(name) < 10)
    return [node[name] for _, name in numbers]


def _scalar(shape: Shape) -> Reader:
    kind = shape.type

    def text(node: Node) -> str:
        value = node.get("")
        if not isinstance(value, str):
            raise malformed(f"a value is missing where {kind} is expected")
        return value

    if kind in ("integer", "long", "short", "byte"):

        def read_integer(node: Node) -> int:
            value = text(node)
            if len(value) > 20 or not value.lstrip("-").isascii() or not value.lstrip("-").isdigit():
                raise malformed(f"{value[:40]!r} is not an integer")
            return int(value)

        return read_integer
    if kind == "boolean":

        def read_boolean(node: Node) -> bool:
            value = text(node).lower()
            if value not in ("true", "false"):
                raise malformed(f"{value[:40]!r} is not a boolean")
            return value == "true"

        return read_boolean
    if kind in ("float", "double"):
        return _converted(text, float, "number")
    if kind == "timestamp":
        return _converted(text, timestamps.decode, "timestamp")
    if kind == "blob":
        return _converted(text, _base64, "base64")
    return text


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _converted(text: Callable[[Node], str], convert: Callable[[str], Any], what: str) -> Reader:
    def read(node: Node) -> Any:
        value = text(node)
        try:
            return convert(value)
        except ValueError:
            raise malformed(f"{value[:40]!r} is not a {what}") from None

    return read
