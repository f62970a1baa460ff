"""From a request to params and back, in the protocol that the request is written in.

`Wire` keeps one `ServiceCodec` per service, `ServiceCodec.match` finds the operation, and the `Exchange` it answers
decodes, validates and encodes. What each operation needs is generated from the model at its first use and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from kumoi.wire import cbor, event_stream, typed_json
from kumoi.wire.error_rendering import (
    AMZ_CBOR,
    CBOR,
    amz_cbor_headers,
    cbor_headers,
    json_headers,
    render_error,
    request_ids,
)
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Body, HeaderList, Request, Response
from kumoi.wire.json_shapes import JsonShapes
from kumoi.wire.model import SHORT, OperationModel, ServiceModel
from kumoi.wire.query_shapes import QueryShapes, fields, fold
from kumoi.wire.rest_bindings import RestBindings, load_json
from kumoi.wire.rest_router import RestRouter
from kumoi.wire.xml_shapes import XmlShapes, malformed, namespace

_CBOR_PATH = re.compile(r"/service/[^/]+/operation/([^/]+)")
_REST = ("rest-json", "rest-xml")
_TARGETS = 1024
"""Spellings of X-Amz-Target of which a service remembers what they mean."""
_PATHS, _PATH_LIMIT = 1024, 256
"""Paths of which it does, for requests without a query and without headers that tell, and characters of each."""


class Wire:
    """The codecs of one platform, by botocore's service name. `extra_models` are declarations of our own."""

    def __init__(self, extra_models: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._extra = extra_models or {}
        self._codecs: dict[str, ServiceCodec] = {}

    def codec(self, service: str) -> ServiceCodec:
        """A service's codec; UnknownService (a LookupError) when there is no model of it."""
        found = self._codecs.get(service)
        if found is None:
            raw = self._extra.get(service)
            model = ServiceModel.load(service) if raw is None else ServiceModel(service, raw)
            found = self._codecs[service] = ServiceCodec(model)
        return found


class ServiceCodec:
    """One service's operations on the wire."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self._codecs: dict[tuple[str, str], OperationCodec] = {}
        self._targets: dict[str, OperationCodec] = {}
        self._paths: dict[tuple[str, str], tuple[OperationCodec, Mapping[str, str]]] = {}
        self._rest_alone = model.protocol in _REST and len(model.protocols) == 1

    @cached_property
    def xml(self) -> XmlShapes:
        """The service's shapes in XML."""
        return XmlShapes(self.model.name, milliseconds=self.model.overlay.milliseconds)

    @cached_property
    def query(self) -> QueryShapes:
        """The service's shapes in forms."""
        return QueryShapes(self.model.name)

    @cached_property
    def json(self) -> JsonShapes:
        """The service's shapes in JSON."""
        return JsonShapes(self.model.name, renamed=self.model.protocol in _REST)

    @cached_property
    def cbor(self) -> JsonShapes:
        """The service's shapes in CBOR."""
        return JsonShapes(self.model.name, renamed=False, native=True)

    @cached_property
    def amz_cbor(self) -> JsonShapes:
        """The same with times in milliseconds."""
        return JsonShapes(self.model.name, renamed=False, native=True, milliseconds=True)

    def documents(self, protocol: str) -> JsonShapes:
        """The service's shapes in a protocol whose bodies are documents."""
        if protocol == CBOR:
            return self.cbor
        return self.amz_cbor if protocol == AMZ_CBOR else self.json

    @cached_property
    def rest(self) -> RestBindings:
        """The service's bindings to paths, queries and headers."""
        return RestBindings(self.model.name, self.json, self.xml if self.model.protocol == "rest-xml" else None)

    @cached_property
    def router(self) -> RestRouter:
        """The paths of a REST service."""
        return RestRouter(self.model.operation(name) for name in self.model.operation_names)

    def protocol_of(self, request: Request) -> str:
        """The protocol a request is written in, among those the service speaks."""
        protocols = self.model.protocols
        content_type = request.headers.get("content-type") if self.model.overlay.amz_cbor else None
        if content_type is not None and content_type.startswith("application/x-amz-cbor"):
            return AMZ_CBOR
        if len(protocols) == 1:
            return protocols[0]
        if "smithy-protocol" in request.headers and CBOR in protocols:
            return CBOR
        if "x-amz-target" in request.headers and "json" in protocols:
            return "json"
        return "query" if "query" in protocols else self.model.protocol

    def needs_form(self, request: Request) -> bool:
        """Whether `match` must see the body: the operation's name stands in a form."""
        return request.method == "POST" and self.protocol_of(request) in ("query", "ec2")

    def recall(self, request: Request) -> Exchange | None:
        """What `match` answers, where it found an operation by the same X-Amz-Target, or path and method, before."""
        headers = request.headers.index
        if self._rest_alone:
            known = None if request.query else self._paths.get((request.method, request.path))
            if known is None or not self.router.telling.isdisjoint(headers):
                return None
            return Exchange(known[0], request, known[1])
        found = self._targets.get(headers.get("x-amz-target", ""))
        return None if found is None or "smithy-protocol" in headers else Exchange(found, request)

    def match(self, request: Request, form: bytes | None = None) -> Exchange:
        """The operation that a request means; raises the service's error for an unknown one."""
        protocol = self.protocol_of(request)
        if protocol in _REST:
            return self._match_path(request, protocol)
        if protocol == CBOR:
            path = _CBOR_PATH.fullmatch(request.path)
            name = path[1] if path else ""
        elif protocol in ("json", AMZ_CBOR):
            target = request.headers.get("x-amz-target") or ""
            meant = self._named(target.rpartition(".")[2], protocol)
            if protocol == "json" and not self.model.overlay.amz_cbor:
                if len(self._targets) >= _TARGETS:
                    self._targets.clear()
                self._targets[target] = meant
            return Exchange(meant, request)
        else:
            sent = fold(form if form and b"Action=" in form else request.query.encode("utf-8", "replace"))
            name = action if isinstance(action := sent.get("Action", ""), str) else ""
            return Exchange(self._named(name, protocol), request, form=sent)
        return Exchange(self._named(name, protocol), request)

    def operation(self, name: str) -> OperationModel:
        """An operation's model, for callers inside; KeyError when there is none."""
        return self.model.operation(name)

    def operation_codec(self, operation: OperationModel, protocol: str) -> OperationCodec:
        """What was generated for an operation in a protocol."""
        key = (operation.name, protocol)
        found = self._codecs.get(key)
        if found is None:
            found = self._codecs[key] = OperationCodec(self, operation, protocol)
        return found

    def error_response(self, request: Request, error: AwsError, request_id: str) -> Response:
        """An error where no operation was found."""
        return render_error(self.model, self.protocol_of(request), request, error, request_id)

    def _match_path(self, request: Request, protocol: str) -> Exchange:
        query: dict[str, list[str]] = {}
        if request.query:
            try:
                for name, value in fields(request.query):
                    query.setdefault(name, []).append(value)
            except ValueError:
                raise aws_error("InvalidURI", "Couldn't parse the specified URI.") from None
        found = self.router.match(request.method, request.path, query, request.headers.index)
        if found is None:
            raise self._no_path(request)
        operation, labels = found
        codec = self.operation_codec(operation, protocol)
        telling = self.router.telling
        if not query and len(request.path) <= _PATH_LIMIT and telling.isdisjoint(request.headers.index):
            if len(self._paths) >= _PATHS:
                self._paths.clear()
            self._paths[request.method, request.path] = codec, labels
        return Exchange(codec, request, labels, query)

    def _named(self, name: str, protocol: str) -> OperationCodec:
        if name in self.model.raw["operations"]:
            return self.operation_codec(self.model.operation(name), protocol)
        if protocol not in ("query", "ec2"):
            status = 400 if name else 404
            raise aws_error("UnknownOperationException", f"There is no operation {name!r}", status=status)
        if not name:
            raise aws_error("MissingAction", "The request is missing an Action or a required parameter.")
        raise aws_error("InvalidAction", f"Could not find operation {name}")

    def _no_path(self, request: Request) -> AwsError:
        methods = self.router.methods(request.path)
        if methods:
            return aws_error(
                "MethodNotAllowed" if self.model.name == "s3" else "MethodNotAllowedException",
                f"{request.method} is not allowed here; {', '.join(sorted(methods))} is.",
                status=405,
            )
        return aws_error("UnknownOperationException", f"There is no operation at {request.path}", status=404)


Decode = Callable[[Request, Mapping[str, str], Mapping[str, list[str]], Any], dict[str, Any]]
Encode = Callable[[Request, dict[str, Any], str], Response]


class OperationCodec:
    """One operation in one protocol; each side is generated when it is first needed."""

    def __init__(self, service: ServiceCodec, operation: OperationModel, protocol: str) -> None:
        if protocol == "ec2":
            raise aws_error("NotImplemented", "Kumoi does not speak the ec2 protocol.")
        self.service = service
        self.model = service.model
        self.operation = operation
        self.protocol = protocol

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def all_in_body(self) -> bool:
        """Whether all params come in the body, each in no fewer bytes than it has characters."""
        return self.protocol not in (*_REST, "query")

    @cached_property
    def read_document(self) -> Any:
        """The reader of what a body was parsed to; None for an operation without input."""
        shape = self.operation.input
        if shape is None:
            return None
        title = f"{self.operation.name} decode"
        if self.protocol == "query":
            return self.service.query.reader(shape, title)
        return self.service.documents(self.protocol).decoder(shape, title)

    @cached_property
    def parse(self) -> Callable[[bytes], dict[str, Any]] | None:
        """The parser of a JSON body that is as the model has it, where there can be one."""
        shape = self.operation.input
        return typed_json.parser(shape) if self.protocol == "json" and shape is not None else None

    @cached_property
    def read_rest(self) -> Any:
        """The reader of a REST request."""
        return self.service.rest.reader(self.operation)

    @cached_property
    def decode(self) -> Decode:
        """The function that answers the params of (request, labels, query, body or form), not validated."""
        if self.protocol in _REST:
            read_rest: Decode = self.read_rest
            return read_rest
        read = self.read_document
        if read is None:
            return lambda request, labels, query, body: {}
        if self.protocol == "query":
            told = self.model.overlay.path_member
            if self.operation.input is not None and told in self.operation.input.members:
                return lambda request, labels, query, form: read(
                    form if told in form or request.path == "/" else {**form, told: request.path}
                )
            return lambda request, labels, query, form: read(form)
        if self.protocol == "json":
            return _json_decode(self.parse, read)
        milliseconds = self.protocol == AMZ_CBOR
        return lambda request, labels, query, body: read(_load_cbor(body, milliseconds=milliseconds))

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def event_output(self) -> tuple[str, event_stream.Encode] | None:
        """(the member that is a stream of events, its encoder), if the output has one."""
        members = self.operation.output.members if self.operation.output is not None else {}
        for name, member in members.items():
            if member.event_stream:
                xml = self.service.xml if self.protocol == "rest-xml" else None
                return name, event_stream.encoder(member, self.service.json, xml, f"{self.operation.name} events")
        return None

    @cached_property
    def write_rest(self) -> Any:
        """The writer of a REST answer."""
        overlay = self.model.overlay
        name = self.operation.name
        told = name in overlay.told_statuses
        return self.service.rest.writer(self.operation, overlay.roots.get(name), overlay.bare.get(name), told=told)

    @cached_property
    def write_document(self) -> Any:
        """The writer of a JSON or CBOR answer: result to bytes."""
        shapes = self.service.documents(self.protocol)
        shape = self.operation.output
        empty = cbor.encode({}) if self.protocol in (CBOR, AMZ_CBOR) else b"{}"
        return (lambda result: empty) if shape is None else shapes.encoder(shape, f"{self.operation.name} encode")

    @cached_property
    def write_query(self) -> Any:
        """The writer of a query protocol's answer: (result, request id) to bytes."""
        name, shape = self.operation.name, self.operation.output
        start, end = f"<{name}Response{namespace(self.model.xml_namespace)}>", f"</{name}Response>"
        wrapper, write = "", None
        if shape is not None:
            wrapper = shape.traits.get("resultWrapper", f"{name}Result")
            start = f"{start}<{wrapper}>"
            write = self.service.xml.members_writer(shape, f"{name} encode")

        def written(result: dict[str, Any], request_id: str) -> bytes:
            out = [start]
            if write is not None:
                write(out.append, result)
                out.append(f"</{wrapper}>")
            out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>{end}")
            return "".join(out).encode()

        return written

    @cached_property
    def encode(self) -> Encode:
        """The function that answers (request, result, request id) with what carries the result."""
        model = self.model
        if (events := self.event_output) is not None:
            return lambda request, result, request_id: self._encode_events(result, request_id, *events)
        if self.protocol in _REST:
            write_rest = self.write_rest

            def rest(request: Request, result: dict[str, Any], request_id: str) -> Response:
                headers = request_ids(model, request_id)
                status, body = write_rest(result, headers)
                return Response(status, headers, body)

            return rest
        if self.protocol == "query":
            return lambda request, result, request_id: Response(
                200,
                [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)],
                self.write_query(result, request_id),
            )
        write = self.write_document
        if self.protocol != "json":
            its_headers = cbor_headers if self.protocol == CBOR else amz_cbor_headers
            return lambda request, result, request_id: Response(200, its_headers(request_id), write(result))

        def in_json(request: Request, result: dict[str, Any], request_id: str) -> Response:
            content = write(result)
            return Response(200, json_headers(model, request, request_id, content), content)

        return in_json

    def _encode_events(
        self, result: dict[str, Any], request_id: str, member: str, encode: event_stream.Encode
    ) -> Response:
        """The stream of events that a result's member is.

        Where there are no headers to carry the other members (JSON, CBOR), they are the stream's first message.
        """
        headers: HeaderList = request_ids(self.model, request_id)
        status, first = 200, None
        if self.protocol in _REST:
            status, _ = self.write_rest({name: one for name, one in result.items() if name != member}, headers)
            remapped = "X-Amzn-Remapped-Content-Type"  # what the stream carries, beside what it is
            headers = [(remapped, value) if name == "Content-Type" else (name, value) for name, value in headers]
        else:
            first = event_stream.initial_response(self.write_document(result), self.protocol == CBOR)
            if self.protocol == CBOR:
                headers.append(("smithy-protocol", "rpc-v2-cbor"))
        headers.append(("Content-Type", event_stream.CONTENT_TYPE))
        return Response(status, headers, encode(result[member], first))


_NOTHING: Mapping[str, Any] = {}


class Exchange:
    """A request with the operation it means."""

    __slots__ = ("_codec", "_request", "form", "labels", "name", "operation", "protocol", "query", "streams_input")

    def __init__(
        self,
        codec: OperationCodec,
        request: Request,
        labels: Mapping[str, str] | None = None,
        query: Mapping[str, list[str]] | None = None,
        form: dict[str, Any] | None = None,
    ) -> None:
        self._codec = codec
        self._request = request
        self.labels = _NOTHING if labels is None else labels
        self.query = _NOTHING if query is None else query
        self.form = form
        self.operation = codec.operation
        self.name = codec.operation.name
        self.protocol = codec.protocol
        self.streams_input = codec.operation.streams_input

    def of(self, request: Request) -> Exchange:
        """The same for another request that means the same."""
        return Exchange(self._codec, request, self.labels, self.query, self.form)

    def decode(self, request: Request, body: bytes | Body) -> dict[str, Any]:
        """Params, decoded and validated; raises AwsError. `body` is the Body itself where the input streams."""
        try:
            params = self._codec.decode(request, self.labels, self.query, body if self.form is None else self.form)
        except RecursionError:
            raise self._nested() from None
        operation = self.operation
        short = self._codec.all_in_body and type(body) is bytes and len(body) <= SHORT
        check = operation.check_short if short else operation.check
        if check is not None:
            check(params)
        return params

    def decode_unchecked(self, request: Request, body: bytes | Body) -> dict[str, Any]:
        """Params of the right types, their constraints not checked; raises AwsError."""
        try:
            return self._codec.decode(request, self.labels, self.query, body if self.form is None else self.form)
        except RecursionError:
            raise self._nested() from None

    def _nested(self) -> AwsError:
        """The refusal of a request that is nested too deeply."""
        if self.protocol == "rest-xml":
            return malformed()
        return aws_error("SerializationException", "the request is nested too deeply")

    def encode(self, result: dict[str, Any] | None, request_id: str) -> Response:
        """The answer that carries a handler's result."""
        return self._codec.encode(self._request, result or {}, request_id)

    def encode_error(self, error: AwsError, request_id: str) -> Response:
        """The answer that carries an error."""
        return render_error(self._codec.model, self.protocol, self._request, error, request_id)


def _json_decode(parse: Callable[[bytes], dict[str, Any]] | None, read: Callable[[Any], dict[str, Any]]) -> Decode:
    """Bodies in JSON: parsed as the model has them, or, where that refuses one, as they are."""
    if parse is None:
        return lambda request, labels, query, body: read(load_json(body))

    def decode(
        request: Request, labels: Mapping[str, str], query: Mapping[str, list[str]], body: bytes
    ) -> dict[str, Any]:
        try:
            return parse(body)
        except typed_json.REFUSED:
            return read(load_json(body))

    return decode


def _load_cbor(body: bytes, *, milliseconds: bool) -> Any:
    if not body:
        return {}
    try:
        return cbor.decode(body, milliseconds=milliseconds)
    except cbor.CborError as error:
        raise aws_error("SerializationException", f"the body is not CBOR: {error}") from None
