"""Query-protocol requests: form fields such as `Tags.member.1.Key` to params.

Fields are folded into a tree first, then read shape by shape. Rules: the awsQuery and ec2Query protocols of the Smithy
specification; in the latter, names on the wire begin with a capital, and no list has a wrapper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from kumoi.wire import scalars
from kumoi.wire.codegen import Generator, indented
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.model import Shape

Node = dict[str, Any]
"""Children by name; a leaf is its text, or lies under the empty name where the node has children too."""

MAX_FIELDS = 10_000
MAX_DEPTH = 64


def malformed(message: str) -> AwsError:
    """MalformedInput."""
    return aws_error("MalformedInput", message)


def fields(text: str) -> list[tuple[str, str]]:
    """The fields of a form or a query string, percent-decoded; ValueError for what is not UTF-8, or too much."""
    if text.count("&") >= MAX_FIELDS:
        raise ValueError(f"more than {MAX_FIELDS} fields")
    found = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text


def fold(form: bytes) -> Node:
    """Form fields as a tree; raises MalformedInput."""
    try:
        pairs = fields(form.decode())
    except ValueError:
        raise malformed("the form cannot be read: it is not UTF-8, or has too many fields") from None
    root: Node = {}
    for name, value in pairs:
        if "." not in name:
            _put(root, name, value)
            continue
        *parents, last = name.split(".")
        if len(parents) >= MAX_DEPTH:
            raise malformed("a field's name is nested too deeply")
        node = root
        for part in parents:
            child = node.get(part or " ")
            if type(child) is not dict:
                child = node[part or " "] = {} if child is None else {"": child}
            node = child
        _put(node, last, value)
    return root


def _put(node: Node, name: str, value: str) -> None:
    child = node.get(name or " ")
    if type(child) is dict:
        child[""] = value
    else:
        node[name or " "] = value


class QueryShapes(Generator):
    """The readers of one service's shapes; `ec2`: in the ec2Query protocol."""

    def __init__(self, service: str, *, ec2: bool = False) -> None:
        self._ec2 = ec2
        helpers = {
            "numbered": _numbered,
            "children": _children,
            "text": _text,
            **scalars.helpers(lambda text, what: malformed(f"{text[:40]!r} is not a value of type {what}")),
        }
        super().__init__(service, helpers)

    def reader(self, shape: Shape, title: str) -> Callable[[Node], Any]:
        """The function that reads a structure from a tree."""
        return self.compiled(self._structure(shape), title)

    def _read(self, shape: Shape, node: str) -> str:
        """The expression that reads a shape from a node."""
        kind = shape.type
        if kind == "structure":
            return f"{self._structure(shape)}(children({node}))"
        if kind == "list":
            return f"{self._list(shape)}(children({node}))"
        if kind == "map":
            return f"{self._map(shape)}(children({node}))"
        return scalars.expression(shape, f"text({node})")

    def _structure(self, shape: Shape) -> str:
        def body() -> list[str]:
            lines = ["out = {}"]
            for member, inner in shape.members.items():
                name = self._name(member, inner)
                lines += [f"x = n.get({name!r})", f"if x is not None: out[{member!r}] = {self._read(inner, 'x')}"]
            return [*lines, "return out"]

        return self.function(shape.name, f"read_{shape.name}", "n", body)

    def _name(self, member: str, shape: Shape) -> str:
        """What a member is called in forms."""
        if self._ec2:
            stated: str = shape.traits.get("queryName") or ""
            located = shape.location_name or member
            return stated or located[:1].upper() + located[1:]
        name = shape.location_name or member
        return shape.item.location_name or name if shape.type == "list" and shape.flattened else name

    def _list(self, shape: Shape) -> str:
        bare = shape.flattened or self._ec2
        entries = "n" if bare else f"children(n.get({shape.item.location_name or 'member'!r}))"
        return self.function(
            (shape.name, bare),
            f"read_{shape.name}",
            "n",
            lambda: [f"return [{self._read(shape.item, 'x')} for x in numbered({entries})]"],
        )

    def _map(self, shape: Shape) -> str:
        entries = "n" if shape.flattened else "children(n.get('entry'))"
        key, value = shape.key.location_name or "key", shape.value.location_name or "value"

        def body() -> list[str]:
            lines = ["out = {}", f"for x in numbered({entries}):"]
            inner = ["x = children(x)", f"y = {self._read(shape.value, f'x.get({value!r})')}"]
            return [*lines, *indented([*inner, f"out[{self._read(shape.key, f'x.get({key!r})')}] = y"]), "return out"]

        return self.function((shape.name, shape.flattened), f"read_{shape.name}", "n", body)


def _children(node: Any) -> Node:
    return node if type(node) is dict else {}


def _numbered(node: Node) -> list[Any]:
    """The children of a node that are numbered, in order."""
    numbers = sorted((int(name), name) for name in node if name.isascii() and name.isdigit() and len(name) < 10)
    return [node[name] for _, name in numbers]


def _text(node: Any) -> str:
    value = node.get("") if type(node) is dict else node
    if type(value) is not str:
        raise malformed("a value is missing")
    return value
