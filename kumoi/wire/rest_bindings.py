"""REST bindings: what of an operation's members travels in the path, the query, headers, the status, or as the body.

Rules: the HTTP binding traits of the Smithy specification, as botocore's models spell them (`location`, `payload`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson

from kumoi.wire import timestamps
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Body, FileBody, HeaderList, Request, ResponseBody
from kumoi.wire.json_shapes import JsonShapes, wrong_type
from kumoi.wire.model import OperationModel, Shape
from kumoi.wire.xml_shapes import XmlShapes, parse

Read = Callable[[Request, Mapping[str, str], Mapping[str, list[str]], bytes | Body], dict[str, Any]]
Write = Callable[[dict[str, Any]], tuple[int, HeaderList, ResponseBody]]


def reader(operation: OperationModel, json: JsonShapes, xml: XmlShapes, *, as_xml: bool) -> Read:
    """The function that reads an operation's params from (request, labels, query, body)."""
    shape = operation.input
    if shape is None:
        return lambda request, labels, query, body: {}
    bound = [(name, member) for name, member in shape.members.items() if "location" in member.traits]
    bindings = [_binding(name, member) for name, member in bound]
    read_body = _xml_body(shape, xml) if as_xml else _json_body(shape, json)

    def read(
        request: Request, labels: Mapping[str, str], query: Mapping[str, list[str]], body: bytes | Body
    ) -> dict[str, Any]:
        params = read_body(body)
        for binding in bindings:
            binding(params, request, labels, query)
        return params

    return read


def _binding(
    name: str, shape: Shape
) -> Callable[[dict[str, Any], Request, Mapping[str, str], Mapping[str, list[str]]], None]:
    where = shape.traits["location"]
    key = shape.location_name or name
    if where == "headers":
        prefix = (shape.location_name or "").lower()

        def from_headers(params: dict[str, Any], request: Request, _labels: Any, _query: Any) -> None:
            found = {
                header[len(prefix) :]: value
                for header, value in request.headers.items
                if header.lower().startswith(prefix)
            }
            if found:
                params[name] = found

        return from_headers
    convert = text_reader(shape.item if shape.type == "list" else shape, where)
    if where == "uri":

        def from_path(params: dict[str, Any], _request: Any, labels: Mapping[str, str], _query: Any) -> None:
            if key in labels:
                params[name] = convert(labels[key])

        return from_path
    if where == "querystring":
        return _from_query(name, key, shape, convert)
    header_name = key.lower()

    def from_header(params: dict[str, Any], request: Request, _labels: Any, _query: Any) -> None:
        value = request.headers.get(header_name)
        if value is None:
            return
        if shape.type == "list":
            params[name] = [convert(one.strip()) for one in value.split(",")]
        else:
            params[name] = convert(value)

    return from_header


def _from_query(
    name: str, key: str, shape: Shape, convert: Callable[[str], Any]
) -> Callable[[dict[str, Any], Request, Mapping[str, str], Mapping[str, list[str]]], None]:
    def from_query(params: dict[str, Any], _request: Any, _labels: Any, query: Mapping[str, list[str]]) -> None:
        if shape.type == "map":
            params[name] = {one: values if shape.value.type == "list" else values[-1] for one, values in query.items()}
        elif key in query:
            values = query[key]
            params[name] = [convert(one) for one in values] if shape.type == "list" else convert(values[-1])

    return from_query


def text_reader(shape: Shape, where: str) -> Callable[[str], Any]:
    """The function that reads a scalar from text in the path, the query or a header."""
    kind = shape.type
    if kind in ("integer", "long", "short"):
        return _integer
    if kind in ("float", "double"):
        return lambda value: _converted(float, value, "Double")
    if kind == "boolean":
        return _boolean
    if kind == "timestamp":
        return lambda value: _converted(timestamps.decode, value, "Timestamp")
    if shape.traits.get("jsonvalue") and where == "header":
        return lambda value: _converted(lambda text: orjson.loads(base64.b64decode(text)), value, "JSON")
    if kind == "blob":
        return lambda value: _converted(base64.b64decode, value, "Blob")
    if where == "header":
        return lambda value: value.encode("latin-1", "replace").decode("utf-8", "replace")
    return lambda value: value


def _integer(value: str) -> int:
    if len(value) > 20:
        raise wrong_type(value, "Integer")
    return int(_converted(int, value, "Integer"))


def _boolean(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise wrong_type(value, "Boolean")
    return value.lower() == "true"


def _converted(convert: Callable[[str], Any], value: str, what: str) -> Any:
    try:
        return convert(value)
    except (ValueError, binascii.Error):
        raise wrong_type(value, what) from None


def _payload_reader(name: str, shape: Shape) -> Callable[[bytes | Body], dict[str, Any]] | None:
    """The reader of a payload that is no document: bytes, text, or a stream."""
    if shape.type == "blob":
        if shape.streaming:
            return lambda body: {name: body}
        return lambda body: {name: body} if body else {}
    if shape.type == "string":
        return lambda body: {name: _utf8(body)} if body else {}
    return None


def _utf8(body: bytes | Body) -> str:
    assert isinstance(body, bytes)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise aws_error("SerializationException", "the body is not UTF-8") from None


def load_json(body: bytes | Body) -> Any:
    """A JSON document; SerializationException when it is none. An empty body is an empty structure."""
    assert isinstance(body, bytes)
    if not body.strip():
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise aws_error("SerializationException", f"Could not parse the request body as JSON: {error.msg}") from None


def _json_body(shape: Shape, json: JsonShapes) -> Callable[[bytes | Body], dict[str, Any]]:
    name = shape.traits.get("payload")
    if name is not None:
        payload = shape.members[name]
        special = _payload_reader(name, payload)
        if special is not None:
            return special
        decode_payload = json.decoder(payload)
        return lambda body: {name: decode_payload(load_json(body))} if body else {}
    if all("location" in member.traits for member in shape.members.values()):
        return lambda body: {}
    decode = json.decoder(shape)

    def read(body: bytes | Body) -> dict[str, Any]:
        params: dict[str, Any] = decode(load_json(body))
        return params

    return read


def _xml_body(shape: Shape, xml: XmlShapes) -> Callable[[bytes | Body], dict[str, Any]]:
    name = shape.traits.get("payload")
    if name is not None:
        payload = shape.members[name]
        special = _payload_reader(name, payload)
        if special is not None:
            return special
        read_payload = xml.reader(payload)
        return lambda body: {name: read_payload(parse(body))} if isinstance(body, bytes) and body.strip() else {}
    if all("location" in member.traits for member in shape.members.values()):
        return lambda body: {}
    read_members = xml.reader(shape)

    def read(body: bytes | Body) -> dict[str, Any]:
        params: dict[str, Any] = read_members(parse(body)) if isinstance(body, bytes) and body.strip() else {}
        return params

    return read


# ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def writer(operation: OperationModel, json: JsonShapes, xml: XmlShapes, *, root: str | None, as_xml: bool) -> Write:
    """The function that turns a result into (status, headers, body). `root` names an XML answer's root element."""
    shape = operation.output
    status = operation.status
    if shape is None:
        return lambda result: (status, [], b"")
    bound = [(name, member) for name, member in shape.members.items() if "location" in member.traits]
    write_body = _xml_writer(shape, xml, root) if as_xml else _json_writer(shape, json)

    def write(result: dict[str, Any]) -> tuple[int, HeaderList, ResponseBody]:
        code, headers = status, []
        for name, member in bound:
            value = result.get(name)
            if value is None:
                continue
            where = member.traits["location"]
            if where == "statusCode":
                code = int(value)
            elif where == "headers":
                headers += [(f"{member.location_name or ''}{key}", str(one)) for key, one in value.items()]
            else:
                headers.append((member.location_name or name, header_text(member, value)))
        content_type, body = write_body(result)
        if content_type is not None and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", content_type))
        return code, headers, body

    return write


def header_text(shape: Shape, value: Any) -> str:
    """A value as a header has it; texts beyond latin-1 as UTF-8 bytes."""
    if shape.type == "timestamp":
        return timestamps.text(value, shape.traits.get("timestampFormat", "rfc822"))
    if shape.type == "boolean":
        return "true" if value else "false"
    if shape.traits.get("jsonvalue"):
        return base64.b64encode(orjson.dumps(value)).decode()
    if shape.type == "blob":
        return base64.b64encode(value).decode()
    if shape.type == "list":
        return ", ".join(header_text(shape.item, one) for one in value)
    return str(value).encode().decode("latin-1")


def _plain_payload(name: str, shape: Shape) -> Callable[[dict[str, Any]], tuple[str | None, ResponseBody]] | None:
    if shape.type == "blob":

        def write_blob(result: dict[str, Any]) -> tuple[str | None, ResponseBody]:
            value = result.get(name)
            if value is None:
                return None, b""
            if isinstance(value, bytes | FileBody | AsyncIterator):
                return None if shape.streaming else "application/json", value
            return None, bytes(value)

        return write_blob
    if shape.type == "string":
        return lambda result: ("text/plain", str(result.get(name) or "").encode())
    return None


def _json_writer(shape: Shape, json: JsonShapes) -> Callable[[dict[str, Any]], tuple[str | None, ResponseBody]]:
    name = shape.traits.get("payload")
    if name is not None:
        plain = _plain_payload(name, shape.members[name])
        if plain is not None:
            return plain
        encode_payload = json.encoder(shape.members[name])
        return lambda result: ("application/json", orjson.dumps(encode_payload(result.get(name) or {})))
    if shape.members and all("location" in member.traits for member in shape.members.values()):
        return lambda result: (None, b"")
    encode = json.encoder(shape)
    return lambda result: ("application/json", orjson.dumps(encode(result)))


def _xml_writer(
    shape: Shape, xml: XmlShapes, root: str | None
) -> Callable[[dict[str, Any]], tuple[str | None, ResponseBody]]:
    name = shape.traits.get("payload")
    if name is not None:
        payload = shape.members[name]
        plain = _plain_payload(name, payload)
        if plain is not None:
            return plain
        write_payload = xml.writer(payload)
        tag = root or payload.location_name or payload.name

        def write_document(result: dict[str, Any]) -> tuple[str | None, ResponseBody]:
            if result.get(name) is None:
                return None, b""
            out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
            write_payload(out, tag, result[name])
            return "application/xml", "".join(out).encode()

        return write_document
    members = {inner: member for inner, member in shape.members.items() if "location" not in member.traits}
    if not members:
        return lambda result: (None, b"")
    write_members = xml.members_writer(shape)
    tag = root or shape.location_name or shape.name
    namespace = shape.model.metadata.get("xmlNamespace") or "http://s3.amazonaws.com/doc/2006-03-01/"
    uri = namespace["uri"] if isinstance(namespace, dict) else namespace

    def write_structure(result: dict[str, Any]) -> tuple[str | None, ResponseBody]:
        out = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{tag} xmlns="{uri}">']
        write_members(out, result)
        out.append(f"</{tag}>")
        return "application/xml", "".join(out).encode()

    return write_structure
