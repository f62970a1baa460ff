"""XML bodies: what REST-XML services read, and what query and REST-XML services write.

Documents are read with the standard library's parser; a document type declaration is refused, so that no entity is
ever expanded. Rules: the restXml and query protocols of the Smithy specification.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from kumoi.wire import timestamps
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.model import Shape

Element = ElementTree.Element
Reader = Callable[[Element], Any]
Writer = Callable[[list[str], str, Any], None]

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_FORBIDDEN = {code: "" for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: "", 0xFFFF: ""}


def malformed() -> AwsError:
    """MalformedXML."""
    return aws_error(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )


def parse(body: bytes) -> Element:
    """The root element of a document; MalformedXML when it is none."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise malformed()
    try:
        return ElementTree.fromstring(body)  # noqa: S314  (no DTD gets this far, so no entity is expanded)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise malformed() from None


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def text_of(value: Any) -> str:
    """A text as XML may hold it: escaped, without characters that XML forbids."""
    return escape(str(value).translate(_FORBIDDEN)).replace("\r", "&#13;")


class XmlShapes:
    """Compiles readers and writers of one service's shapes; each shape once."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}
        self._writers: dict[tuple[str, bool], Writer] = {}

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def reader(self, shape: Shape) -> Reader:
        """The function that reads a shape from an element (of a list or map: from its wrapper)."""
        if shape.type not in ("structure", "list", "map"):
            return _scalar_reader(shape)
        name = shape.name
        found = self._readers.get(name)
        if found is None:
            self._readers[name] = lambda element: self._readers[name](element)
            found = self._readers[name] = self._compound_reader(shape)
        return found

    def _compound_reader(self, shape: Shape) -> Reader:
        if shape.type == "list":
            item = self.reader(shape.item)
            return lambda element: [item(child) for child in element]
        if shape.type == "map":
            entry = self._entry_reader(shape)
            return lambda element: dict(entry(child) for child in element)
        fields: dict[str, tuple[str, Shape, Reader]] = {}
        attributes: dict[str, str] = {}
        for member, inner in shape.members.items():
            if "location" in inner.traits:
                continue
            name = inner.location_name or member
            if inner.traits.get("xmlAttribute"):
                attributes[name.partition(":")[2] or name] = member
                continue
            if inner.flattened and inner.type == "list":
                name = inner.location_name or inner.item.location_name or member
                fields[name] = (member, inner, self.reader(inner.item))
            elif inner.flattened and inner.type == "map":
                fields[name] = (member, inner, self._entry_reader(inner))
            else:
                fields[name] = (member, inner, self.reader(inner))

        def read_structure(element: Element) -> Any:
            read: dict[str, Any] = {}
            for child in element:
                found = fields.get(local(child.tag))
                if found is None:
                    continue
                member, inner, reader = found
                if inner.flattened and inner.type == "list":
                    read.setdefault(member, []).append(reader(child))
                elif inner.flattened and inner.type == "map":
                    read.setdefault(member, {}).update([reader(child)])
                else:
                    read[member] = reader(child)
            for name, value in element.attrib.items():
                if (attribute := attributes.get(local(name))) is not None:
                    read[attribute] = value
            return read

        return read_structure

    def _entry_reader(self, shape: Shape) -> Reader:
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        key, value = self.reader(shape.key), self.reader(shape.value)

        def read_entry(element: Element) -> Any:
            found = {local(child.tag): child for child in element}
            if key_name not in found or value_name not in found:
                raise malformed()
            return key(found[key_name]), value(found[value_name])

        return read_entry

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def writer(self, shape: Shape) -> Writer:
        """The function that appends `<name>value</name>` to a list of texts."""
        if shape.type not in ("structure", "list", "map"):
            return _scalar_writer(shape)
        key = (shape.name, shape.flattened)
        found = self._writers.get(key)
        if found is None:
            self._writers[key] = lambda out, name, value: self._writers[key](out, name, value)
            found = self._writers[key] = self._compound_writer(shape)
        return found

    def _compound_writer(self, shape: Shape) -> Writer:
        if shape.type == "list":
            return self._list_writer(shape)
        if shape.type == "map":
            return self._map_writer(shape)
        write_members = self.members_writer(shape)
        namespace = shape.traits.get("xmlNamespace")
        attributes = {
            member: inner.location_name or member
            for member, inner in shape.members.items()
            if inner.traits.get("xmlAttribute")
        }

        def write_structure(out: list[str], name: str, value: Any) -> None:
            extra = _namespace(namespace)
            for member, attribute in attributes.items():
                if value.get(member) is not None:
                    extra += f" {attribute}={quoteattr(str(value[member]))}"
            out.append(f"<{name}{extra}>")
            write_members(out, value)
            out.append(f"</{name}>")

        return write_structure

    def members_writer(self, shape: Shape) -> Callable[[list[str], Any], None]:
        """The function that appends a structure's members, without an element of its own."""
        fields: dict[str, tuple[str, Writer]] = {}
        for member, inner in shape.members.items():
            if "location" in inner.traits or inner.traits.get("xmlAttribute"):
                continue
            name = inner.location_name or member
            if inner.type == "list" and inner.flattened:
                name = inner.location_name or inner.item.location_name or member
            fields[member] = (name, self.writer(inner))

        def write(out: list[str], value: Any) -> None:
            for member, (name, writer) in fields.items():
                one = value.get(member)
                if one is not None:
                    writer(out, name, one)

        return write

    def _list_writer(self, shape: Shape) -> Writer:
        item = self.writer(shape.item)
        item_name = shape.item.location_name or "member"
        if shape.flattened:

            def write_flat(out: list[str], name: str, value: Any) -> None:
                for one in value:
                    item(out, name, one)

            return write_flat

        def write_list(out: list[str], name: str, value: Any) -> None:
            out.append(f"<{name}>")
            for one in value:
                item(out, item_name, one)
            out.append(f"</{name}>")

        return write_list

    def _map_writer(self, shape: Shape) -> Writer:
        key, value = self.writer(shape.key), self.writer(shape.value)
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        flattened = shape.flattened

        def write_map(out: list[str], name: str, given: Any) -> None:
            if not flattened:
                out.append(f"<{name}>")
            entry = name if flattened else "entry"
            for one, content in given.items():
                out.append(f"<{entry}>")
                key(out, key_name, one)
                value(out, value_name, content)
                out.append(f"</{entry}>")
            if not flattened:
                out.append(f"</{name}>")

        return write_map


def _namespace(namespace: Any) -> str:
    if not namespace:
        return ""
    uri = namespace["uri"] if isinstance(namespace, dict) else namespace
    prefix = f":{namespace['prefix']}" if isinstance(namespace, dict) and namespace.get("prefix") else ""
    return f" xmlns{prefix}={quoteattr(uri)}"


def _scalar_reader(shape: Shape) -> Reader:
    kind = shape.type
    converters: dict[str, Callable[[str], Any]] = {
        "boolean": _boolean,
        "timestamp": timestamps.decode,
        "blob": base64.b64decode,
        **dict.fromkeys(("integer", "long", "short", "byte"), _integer),
        **dict.fromkeys(("float", "double"), float),
    }
    convert = converters.get(kind)

    def read(element: Element) -> Any:
        content = element.text or ""
        if convert is None:
            return content
        try:
            return convert(content.strip())
        except (ValueError, binascii.Error):
            raise malformed() from None

    return read


def _integer(content: str) -> int:
    if len(content) > 20:
        raise ValueError("too long")
    return int(content)


def _boolean(content: str) -> bool:
    if content.lower() not in ("true", "false"):
        raise ValueError("not a boolean")
    return content.lower() == "true"


def _scalar_writer(shape: Shape) -> Writer:
    if shape.type == "timestamp":
        form = shape.traits.get("timestampFormat", "iso8601")

        def write_timestamp(out: list[str], name: str, value: Any) -> None:
            out.append(f"<{name}>{value if isinstance(value, str) else timestamps.text(value, form)}</{name}>")

        return write_timestamp
    if shape.type == "blob":
        return lambda out, name, value: out.append(f"<{name}>{base64.b64encode(value).decode()}</{name}>")
    if shape.type == "boolean":
        return lambda out, name, value: out.append(f"<{name}>{'true' if value else 'false'}</{name}>")
    return lambda out, name, value: out.append(f"<{name}>{text_of(value)}</{name}>")
