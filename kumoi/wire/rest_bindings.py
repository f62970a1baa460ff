"""REST bindings: what of an operation's members travels in the path, the query, headers, the status, or as the body.

`RestBindings` writes one function per operation and direction; the body itself is the business of the JSON or XML
shapes. Rules: the HTTP binding traits of the Smithy specification, as botocore's models spell them (`location`,
`payload`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import orjson

from kumoi.wire import scalars, timestamps
from kumoi.wire.codegen import Generator, indented
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Body, FileBody, HeaderList, Request, ResponseBody
from kumoi.wire.json_shapes import JsonShapes, wrong_type
from kumoi.wire.model import OperationModel, Shape
from kumoi.wire.xml_shapes import DECLARATION, XmlShapes, namespace, parse, text_of

Read = Callable[[Request, Mapping[str, str], Mapping[str, list[str]], bytes | Body], dict[str, Any]]
Write = Callable[[dict[str, Any], HeaderList], tuple[int, ResponseBody]]
"""(result, headers to append to) to (status, body)."""


REMAPPED_CONTENT_TYPE = "X-Amzn-Remapped-Content-Type"
"""Where an answer's own media type stands when the body is an event stream, whose type Content-Type names."""

_MANY = 9
"""Header fields to look for that take longer than to look at all that are there."""


class RestBindings(Generator):
    """The readers and writers of one REST service's operations; with `xml`, bodies are XML."""

    def __init__(self, service: str, json: JsonShapes, xml: XmlShapes | None) -> None:
        helpers = {
            "prefixed": _prefixed,
            "whole_query": _whole_query,
            **scalars.helpers(wrong_type if xml is None else _invalid_argument),
            "json_value": _json_value,
            "header_text": _header_text,
            "whole_argument": _whole_argument,
            "date_or_none": _date_or_none,
            "elements": _elements,
            "latin": _latin,
            "blob_text": scalars.blob_text,
            "json_base64": _json_base64,
            "number_text": scalars.number_text,
            "timestamp": timestamps.text,
        }
        super().__init__(service, helpers)
        self._json = json
        self._xml = xml

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def reader(self, operation: OperationModel) -> Read:
        """The function that reads an operation's params from (request, labels, query, body)."""
        shape = operation.input
        if shape is None:
            return lambda request, labels, query, body: {}
        title = f"{operation.name} decode"
        if "payload" not in shape.traits and all("location" in member.traits for member in shape.members.values()):
            lines = ["params = {}"]
        else:
            lines = [f"params = {self.constant(f'body_{operation.name}', self._body_reader(shape, title))}(body)"]
        in_headers: dict[str, list[str]] = {}
        for name, member in shape.members.items():
            where = member.traits.get("location")
            if where == "header":
                field = (member.location_name or name).lower()
                in_headers.setdefault(field, []).extend(self._from_header(name, member))
            elif where is not None:
                lines += self._bound(name, member, operation)
        if in_headers:
            names = self.constant(f"headers_{operation.name}", frozenset(in_headers))
            look = self._each_there(operation, in_headers) if len(in_headers) >= _MANY else _each_wanted(in_headers)
            lines += ["headers = request.headers", f"if headers.have_any({names}):", *indented(look)]
        key = ("read", operation.name)
        parameters = "request, labels, query, body"
        return self.compiled(
            self.function(key, f"read_{operation.name}", parameters, lambda: [*lines, "return params"]), title
        )

    def _each_there(self, operation: OperationModel, in_headers: Mapping[str, list[str]]) -> list[str]:
        """Lines that have each header field that is there read by a function of its own: a few of very many."""
        readers = self._one_each(operation, "field", "params, x", in_headers)
        return [
            "for field, x in headers.index.items():",
            f"    read = {readers}.get(field)",
            "    if read is not None: read(params, x)",
        ]

    def _one_each(self, operation: OperationModel, kind: str, parameters: str, bodies: Mapping[str, list[str]]) -> str:
        """The name of a table of functions, one for each name in `bodies`."""
        names = {
            name: self.function((kind, operation.name, name), f"{kind}_{name}", parameters, partial(list, lines))
            for name, lines in bodies.items()
        }
        title = f"{operation.name} {kind}s"
        table = {name: self.compiled(function, title) for name, function in names.items()}
        return self.constant(f"{kind}s_{operation.name}", table)

    def _bound(self, name: str, shape: Shape, operation: OperationModel) -> list[str]:
        """Lines that read one member that is not in the body."""
        where = shape.traits["location"]
        key = shape.location_name or name
        if self._xml is not None and where == "querystring" and (value := _lenient(key, shape)):
            return [f"x = query.get({key!r}, ('',))[-1]", f"if x: params[{name!r}] = {value}"]
        if where == "headers":
            prefix = (shape.location_name or "").lower()
            return [f"x = prefixed(request, {prefix!r})", f"if x: params[{name!r}] = x"]
        if where == "uri":
            value = self._from_text(shape, f"labels[{key!r}]", where)
            return [f"if {key!r} in labels: params[{name!r}] = {value}"]
        if where == "querystring":
            if shape.type == "map":
                taken = _named_in_query(operation)
                return [f"x = whole_query(query, {shape.value.type == 'list'}, {taken})", f"if x: params[{name!r}] = x"]
            value = (
                f"[{self._from_text(shape.item, 'y', where)} for y in x]"
                if shape.type == "list"
                else self._from_text(shape, "x[-1]", where)
            )
            return [f"x = query.get({key!r})", f"if x is not None: params[{name!r}] = {value}"]
        raise ValueError(f"{operation.name}: nothing is read from {where!r}")

    def _from_header(self, name: str, shape: Shape) -> list[str]:
        """Lines that read one member from the header field `x`."""
        if self._xml is not None and (value := _lenient(shape.location_name or name, shape)):
            return [f"if x: params[{name!r}] = {value}"]
        value = self._from_text(shape, "x", "header")
        if shape.type == "list":
            is_date = shape.item.type == "timestamp"
            value = f"[{self._from_text(shape.item, 'y', 'header')} for y in elements(x, {is_date})]"
        return [f"params[{name!r}] = {value}"]

    def _from_text(self, shape: Shape, x: str, where: str) -> str:
        """The expression that reads a scalar from the text `x` of a path, a query or a header."""
        if shape.traits.get("jsonvalue") and where == "header":
            return f"json_value({x})"
        plain = scalars.expression(shape, x)
        return f"header_text({x})" if plain == x and where == "header" else plain

    def _body_reader(self, shape: Shape, title: str) -> Callable[[bytes | Body], dict[str, Any]]:
        name = shape.traits.get("payload")
        if name is not None:
            payload = shape.members[name]
            if payload.type in ("blob", "string"):
                return _raw_reader(name, payload)
            read = self._document_reader(payload, title)
            return lambda body: {name: read(body)} if isinstance(body, bytes) and body.strip() else {}
        read_members = self._document_reader(shape, title)
        return lambda body: read_members(body) if isinstance(body, bytes) and body.strip() else {}

    def _document_reader(self, shape: Shape, title: str) -> Callable[[bytes], Any]:
        if self._xml is not None:
            read = self._xml.reader(shape, title)
            return lambda body: read(parse(body))
        decode = self._json.decoder(shape, title)
        return lambda body: decode(load_json(body))

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def writer(
        self, operation: OperationModel, root: str | None = None, bare: str | None = None, *, told: bool = False
    ) -> Write:
        """The function that turns a result into (status, body), its headers appended to those given.

        `root` names an XML answer's root element where it is not named for its shape; `bare` the member whose text
        the root holds. With `told`, the handler says the status.
        """
        shape = operation.output
        status = operation.status
        if shape is None:
            return lambda result, headers: (status, b"")
        title = f"{operation.name} encode"
        lines = [f"status = result.get('StatusCode', {status})" if told else f"status = {status}"]
        typed = ""
        streamed = any(member.event_stream for member in shape.members.values())
        in_headers: dict[str, list[str]] = {}
        for name, member in shape.members.items():
            if "location" in member.traits:
                written = self._to_headers(name, member, streamed=streamed)
                if written[0].startswith("status ="):
                    lines += [f"x = result.get({name!r})", "if x is not None:", *indented(written)]
                else:
                    in_headers[name] = written
                if (member.location_name or name).lower() == "content-type":
                    typed = name
        if len(in_headers) >= _MANY:
            lines += self._each_given(operation, in_headers)
        else:
            for name, written in in_headers.items():
                lines += [f"x = result.get({name!r})", "if x is not None:", *indented(written)]
        lines.append(f"kind, body = {self._body_written(operation.name, shape, root, bare, title)}")
        given = f" and result.get({typed!r}) is None" if typed else ""
        lines.append(f"if kind is not None{given}: headers.append(('Content-Type', kind))")
        key = ("write", operation.name)
        return self.compiled(
            self.function(key, f"write_{operation.name}", "result, headers", lambda: [*lines, "return status, body"]),
            title,
        )

    def _each_given(self, operation: OperationModel, in_headers: Mapping[str, list[str]]) -> list[str]:
        """Lines that have each member that is given written by a function of its own: a few of very many."""
        writers = self._one_each(operation, "member", "headers, x", in_headers)
        return [
            "for name, x in result.items():",
            "    if x is not None:",
            f"        write = {writers}.get(name)",
            "        if write is not None: write(headers, x)",
        ]

    def _to_headers(self, name: str, shape: Shape, *, streamed: bool) -> list[str]:
        """Lines that write the member `x` as header or status; `streamed`: the body is an event stream."""
        where = shape.traits["location"]
        key = shape.location_name or name
        if streamed and key.lower() == "content-type":
            key = REMAPPED_CONTENT_TYPE
        if where == "statusCode":
            return ["status = int(x)"]
        if key.lower() == "content-range":  # an answer with it is a 206 (RFC 9110 §15.3.7)
            return ["status = 206", f"headers.append(({key!r}, latin(str(x))))"]
        if where == "headers":
            return [f"headers += [({shape.location_name or ''!r} + k, latin(str(y))) for k, y in x.items()]"]
        if shape.type == "list":
            return [f"headers.append(({key!r}, ', '.join([{self._to_text(shape.item, 'y')} for y in x])))"]
        return [f"headers.append(({key!r}, {self._to_text(shape, 'x')}))"]

    def _to_text(self, shape: Shape, x: str) -> str:
        """The expression for a scalar's text in a header."""
        if shape.type == "timestamp":
            return f"timestamp({x}, {shape.traits.get('timestampFormat', 'rfc822')!r})"
        if shape.type == "boolean":
            return f"'true' if {x} else 'false'"
        if shape.traits.get("jsonvalue"):
            return f"json_base64({x})"
        if shape.type in ("float", "double"):
            return f"number_text({x})"
        return f"blob_text({x})" if shape.type == "blob" else f"latin(str({x}))"

    def _body_written(self, name: str, shape: Shape, root: str | None, bare: str | None, title: str) -> str:
        """The expression for (content type, body) of `result`."""
        members = shape.members.values()
        if (
            self._xml is None
            and bare is None
            and "payload" not in shape.traits
            and not any(member.event_stream for member in members)
            and not (members and all("location" in member.traits for member in members))
        ):
            return f"'application/json', {self.constant(f'body_{name}', self._json.encoder(shape, title))}(result)"
        return f"{self.constant(f'body_{name}', self._body_writer(shape, root, bare, title))}(result)"

    def _body_writer(
        self, shape: Shape, root: str | None, bare: str | None, title: str
    ) -> Callable[[dict[str, Any]], tuple[str | None, ResponseBody]]:
        """The function that turns a result into (content type, body)."""
        if any(member.event_stream for member in shape.members.values()):
            return lambda result: (None, b"")  # the events are the body
        name = shape.traits.get("payload")
        if name is not None:
            payload = shape.members[name]
            if payload.type in ("blob", "string"):
                return _raw_writer(name, payload)
            return self._payload_writer(name, payload, root, title)
        if bare is not None:
            start = f"{DECLARATION}<{bare}{namespace(shape.model.xml_namespace)}>"
            return lambda result: ("application/xml", f"{start}{text_of(result.get(bare) or '')}</{bare}>".encode())
        return (lambda result: (None, b"")) if self._xml is None else self._xml_writer(shape, root, title)

    def _payload_writer(
        self, name: str, payload: Shape, root: str | None, title: str
    ) -> Callable[[dict[str, Any]], tuple[str | None, ResponseBody]]:
        if self._xml is None:
            encode = self._json.encoder(payload, title)
            return lambda result: ("application/json", encode({} if (x := result.get(name)) is None else x))
        write = self._xml.writer(payload, root or payload.location_name or payload.name, title)

        def write_payload(result: dict[str, Any]) -> tuple[str | None, ResponseBody]:
            if result.get(name) is None:
                return None, b""
            out = [DECLARATION]
            write(out.append, result[name])
            return "application/xml", "".join(out).encode()

        return write_payload

    def _xml_writer(
        self, shape: Shape, root: str | None, title: str
    ) -> Callable[[dict[str, Any]], tuple[str | None, ResponseBody]]:
        if all("location" in member.traits for member in shape.members.values()):
            return lambda result: (None, b"")
        assert self._xml is not None
        write = self._xml.members_writer(shape, title)
        tag = root or shape.location_name or shape.name
        start = f"{DECLARATION}<{tag}{namespace(shape.model.xml_namespace)}>"

        def write_members(result: dict[str, Any]) -> tuple[str | None, ResponseBody]:
            out = [start]
            write(out.append, result)
            out.append(f"</{tag}>")
            return "application/xml", "".join(out).encode()

        return write_members


def _each_wanted(in_headers: Mapping[str, list[str]]) -> list[str]:
    """Lines that look for each of some header fields: of those known before, no index need be made."""
    found = ["header = headers.get"]
    for field, lines in in_headers.items():
        found += [f"x = header({field!r})", "if x is not None:", *indented(lines)]
    return found


def _lenient(key: str, shape: Shape) -> str:
    """The expression that reads a number or a date as REST-XML services do: a bad date is none. Empty for others."""
    if shape.type in scalars.BITS:
        return f"whole_argument(x, {scalars.BITS[shape.type]}, {key!r})"
    if shape.type == "timestamp" and key.lower().endswith("-since"):
        return "date_or_none(x)"
    return ""


def _whole_argument(text: str, bits: int, name: str) -> int:
    try:
        return scalars.integer(text.strip(), bits)
    except ValueError:
        raise aws_error(
            "InvalidArgument",
            f"Provided {name} not an integer or within integer range",
            ArgumentName=name,
            ArgumentValue=text,
        ) from None


def _invalid_argument(text: str, what: str) -> AwsError:
    return aws_error("InvalidArgument", f"Argument value is not a valid {what}", ArgumentValue=text)


def _date_or_none(text: str) -> Any:
    try:
        return timestamps.decode(text)
    except ValueError:
        return None


def load_json(body: bytes) -> Any:
    """A JSON document; SerializationException when it is none. An empty body is an empty structure."""
    try:
        return orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise aws_error("SerializationException", f"Could not parse the request body as JSON: {error.msg}") from None


def _raw_reader(name: str, shape: Shape) -> Callable[[bytes | Body], dict[str, Any]]:
    """The reader of a payload that is no document: bytes, text, or a stream."""
    if shape.streaming:
        return lambda body: {name: body}
    if shape.type == "blob":
        return lambda body: {name: body} if body else {}

    def read(body: bytes | Body) -> dict[str, Any]:
        try:
            return {name: body.decode()} if isinstance(body, bytes) and body else {}
        except UnicodeDecodeError:
            raise aws_error("SerializationException", "the body is not UTF-8") from None

    return read


def _raw_writer(name: str, shape: Shape) -> Callable[[dict[str, Any]], tuple[str | None, ResponseBody]]:
    if shape.type == "string":
        return lambda result: ("text/plain", str(result.get(name) or "").encode())
    kind = None if shape.streaming else "application/json"

    def write(result: dict[str, Any]) -> tuple[str | None, ResponseBody]:
        value = result.get(name)
        if value is None:
            return None, b""
        return kind, value if isinstance(value, bytes | FileBody | AsyncIterator) else bytes(value)

    return write


def _prefixed(request: Request, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for header, value in request.headers.beginning(prefix):
        found.setdefault(header[len(prefix) :], _header_text(value))
    return found


def _whole_query(query: Mapping[str, list[str]], lists: bool, taken: tuple[str, ...]) -> dict[str, Any]:
    return {name: values if lists else values[-1] for name, values in query.items() if name not in taken}


def _named_in_query(operation: OperationModel) -> tuple[str, ...]:
    """The query parameters that mean something else than a map's entry: other members', and the operation's own."""
    shape = operation.input
    members = shape.members.items() if shape is not None else ()
    bound = [
        member.location_name or name
        for name, member in members
        if member.traits.get("location") == "querystring" and member.type != "map"
    ]
    own = operation.uri.partition("?")[2]
    return (*bound, *(pair.partition("=")[0] for pair in own.split("&") if pair))


def _elements(value: str, dates: bool) -> list[str]:
    """The elements of a header's list; a quoted one may hold commas, an RFC 7231 date has one."""
    if dates:
        return [one.strip() for one in re.findall(r"[^,]*,[^,]*|[^,]+", value)]
    if '"' not in value:
        return [one.strip() for one in value.split(",")]
    found = re.findall(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))(?:,|$)', value)
    return [re.sub(r"\\(.)", r"\1", quoted) if quoted else plain.strip() for quoted, plain in found if quoted or plain]


def _header_text(value: str) -> str:
    """A header's text: UTF-8 where it is that, else as it came."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _json_value(value: str) -> Any:
    try:
        return orjson.loads(scalars.blob(value))
    except ValueError:
        raise wrong_type(value, "JSON") from None


def _latin(value: str) -> str:
    """A text as a header holds it: UTF-8 where it is more than ASCII."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("latin-1")


def _json_base64(value: Any) -> str:
    return scalars.blob_text(orjson.dumps(value))
