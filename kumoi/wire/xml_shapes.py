"""XML bodies: what REST-XML services read, and what query and REST-XML services write.

Documents are read with the standard library's parser; a document type declaration is refused, so that no entity is
ever expanded. Rules: the restXml and awsQuery protocols of the Smithy specification.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from kumoi.wire import scalars, timestamps
from kumoi.wire.codegen import Generator, indented
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.model import Shape

Element = ElementTree.Element
Put = Callable[[str], None]
"""Takes the next piece of a document."""

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_FORBIDDEN = {code: "" for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: "", 0xFFFF: ""}
_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]").search


def malformed() -> AwsError:
    """MalformedXML."""
    return aws_error(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )


def parse(body: bytes) -> Element:
    """The root element of a document; MalformedXML when it is none, or has a document type."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\x00" in body:  # in UTF-16, each of these has a NUL
        raise malformed()
    try:
        return ElementTree.fromstring(body)  # noqa: S314  (no document type gets this far, so no entity is expanded)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise malformed() from None


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def text_of(value: Any) -> str:
    """A text as XML may hold it: escaped, without characters that XML forbids."""
    text = value if type(value) is str else str(value)
    if _SPECIAL(text) is None:
        return text
    return escape(text.translate(_FORBIDDEN)).replace("\r", "&#13;").encode("utf-8", "replace").decode()


def attribute(name: str, value: Any) -> str:
    """` name="value"`."""
    quoted = text_of(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return f' {name}="{quoted}"'


def namespace(declared: Any) -> str:
    """The attribute that declares a model's xmlNamespace; nothing where there is none."""
    if not declared:
        return ""
    if isinstance(declared, str):
        return attribute("xmlns", declared)
    prefix = declared.get("prefix")
    return attribute(f"xmlns:{prefix}" if prefix else "xmlns", declared["uri"])


class XmlShapes(Generator):
    """The readers and writers of one service's shapes; `milliseconds` has timestamps always tell them (S3)."""

    def __init__(self, service: str, *, milliseconds: bool = False) -> None:
        helpers = {
            "malformed": malformed,
            "content": _content,
            **scalars.helpers(lambda _text, _what: malformed()),
            "entry": _entry,
            "text_of": text_of,
            "special": _SPECIAL,
            "attribute": attribute,
            "blob_text": scalars.blob_text,
            "number_text": scalars.number_text,
            "instant": timestamps.milliseconds if milliseconds else timestamps.iso8601,
            "timestamp": timestamps.text,
        }
        super().__init__(service, helpers)

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def reader(self, shape: Shape, title: str) -> Callable[[Element], Any]:
        """The function that reads a structure from an element."""
        return self.compiled(self._reader(shape), title)

    def _read(self, shape: Shape, element: str) -> str:
        """The expression that reads a shape from an element (of a list or map: from its wrapper)."""
        kind = shape.type
        if kind in ("structure", "list", "map"):
            return f"{self._reader(shape)}({element})"
        plain = scalars.expression(shape, f"content({element})")
        return plain if plain.startswith("content") else scalars.expression(shape, f"content({element}).strip()")

    def _reader(self, shape: Shape) -> str:
        def body() -> list[str]:
            if shape.type == "list":
                return [f"return [{self._read(shape.item, 'c')} for c in e]"]
            if shape.type == "map":
                return [f"return dict({self._entry(shape, 'c')} for c in e)"]
            return self._read_structure(shape)

        return self.function(("read", shape.name), f"read_{shape.name}", "e", body)

    def _entry(self, shape: Shape, element: str) -> str:
        """The expression for a map entry's (key, value)."""
        key, value = shape.key.location_name or "key", shape.value.location_name or "value"
        return (
            f"({self._read(shape.key, f'entry({element}, {key!r})')}, "
            f"{self._read(shape.value, f'entry({element}, {value!r})')})"
        )

    def _read_structure(self, shape: Shape) -> list[str]:
        cases: list[tuple[str, str]] = []
        attributes: list[tuple[str, str]] = []
        for member, inner in shape.members.items():
            name = inner.location_name or member
            if "location" in inner.traits:
                continue
            if inner.traits.get("xmlAttribute"):
                attributes.append((name.rpartition(":")[2], member))
            elif inner.flattened and inner.type == "list":
                name = inner.location_name or inner.item.location_name or member
                cases.append((name, f"out.setdefault({member!r}, []).append({self._read(inner.item, 'c')})"))
            elif inner.flattened and inner.type == "map":
                cases.append((name, f"out.setdefault({member!r}, {{}}).update([{self._entry(inner, 'c')}])"))
            else:
                cases.append((name, f"out[{member!r}] = {self._read(inner, 'c')}"))
        lines = ["out = {}"]
        if cases:
            lines += ["for c in e:", "    t = c.tag.rpartition('}')[2]"]
        for number, (name, statement) in enumerate(cases):
            lines += [f"    {'elif' if number else 'if'} t == {name!r}: {statement}"]
        if attributes:
            lines += ["for t, x in e.attrib.items():", "    t = t.rpartition('}')[2]"]
            lines += [f"    if t == {name!r}: out[{member!r}] = x" for name, member in attributes]
        return [*lines, "return out"]

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def writer(self, shape: Shape, name: str, title: str) -> Callable[[Put, Any], None]:
        """The function (put, value) that writes a value as the element `name`."""
        key = ("element", shape.name, name)
        return self.compiled(self.function(key, f"element_{name}", "put, x", lambda: self._element(shape, name)), title)

    def members_writer(self, shape: Shape, title: str) -> Callable[[Put, Any], None]:
        """The function (put, value) that writes a structure's members, without an element of its own."""
        return self.compiled(self._members(shape), title)

    def _members(self, shape: Shape) -> str:
        def body() -> list[str]:
            lines = []
            for member, inner in shape.members.items():
                if "location" in inner.traits or inner.traits.get("xmlAttribute"):
                    continue
                name = inner.location_name or member
                if inner.type == "list" and inner.flattened:
                    name = inner.location_name or inner.item.location_name or member
                lines += [f"x = v.get({member!r})", "if x is not None:", *indented(self._element(inner, name))]
            return lines or ["pass"]

        return self.function(("write", shape.name), f"write_{shape.name}", "put, v", body)

    def _element(self, shape: Shape, name: str, x: str = "x") -> list[str]:
        """Lines that write the value `x` as the element `name`."""
        if shape.type == "structure":
            attributes = "".join(
                f"{{attribute({inner.location_name or member!r}, {x}[{member!r}])"
                f" if {x}.get({member!r}) is not None else ''}}"
                for member, inner in shape.members.items()
                if inner.traits.get("xmlAttribute")
            )
            start = f"<{name}{namespace(shape.traits.get('xmlNamespace'))}"
            opening = f'put({start!r} f"{attributes}>")' if attributes else f"put({start + '>'!r})"
            return [opening, f"{self._members(shape)}(put, {x})", f"put('</{name}>')"]
        if shape.type == "list":
            one = f"{x}x"
            if shape.flattened:
                return [f"for {one} in {x}:", *indented(self._element(shape.item, name, one))]
            inner = self._element(shape.item, shape.item.location_name or "member", one)
            return [f"put('<{name}>')", f"for {one} in {x}:", *indented(inner), f"put('</{name}>')"]
        if shape.type == "map":
            return self._map(shape, name, x)
        return [f'put(f"<{name}>{{{self._text(shape, x)}}}</{name}>")']

    def _map(self, shape: Shape, name: str, x: str) -> list[str]:
        entry = name if shape.flattened else "entry"
        key, value = f"{x}k", f"{x}x"
        lines = [
            f"for {key}, {value} in {x}.items():",
            f"    put('<{entry}>')",
            *indented(self._element(shape.key, shape.key.location_name or "key", key)),
            *indented(self._element(shape.value, shape.value.location_name or "value", value)),
            f"    put('</{entry}>')",
        ]
        return lines if shape.flattened else [f"put('<{name}>')", *lines, f"put('</{name}>')"]

    def _text(self, shape: Shape, x: str) -> str:
        """The expression for a scalar's text."""
        kind = shape.type
        if kind == "timestamp":
            form = shape.traits.get("timestampFormat", "iso8601")
            written = f"instant({x})" if form == "iso8601" else f"timestamp({x}, '{form}')"
            return f"{x} if type({x}) is str else {written}"
        if kind == "boolean":
            return f"'true' if {x} else 'false'"
        if kind in scalars.BITS:
            return x
        if kind in ("float", "double"):
            return f"number_text({x})"
        if kind == "blob":
            return f"blob_text({x})"
        known = frozenset(value for value in shape.traits.get("enum", ()) if _SPECIAL(value) is None)
        if known:  # the usual words need no look at their letters
            return f"{x} if {x} in {self.constant(shape.name, known)} else text_of({x})"
        return f"{x} if type({x}) is str and special({x}) is None else text_of({x})"


def _content(element: Element) -> str:
    return element.text or ""


def _entry(element: Element, name: str) -> Element:
    for child in element:
        if local(child.tag) == name:
            return child
    raise malformed()
