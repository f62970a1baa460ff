"""One operation in one protocol: params out of a request, and an answer out of a result.

What an operation needs is generated from the model at its first use and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from kumoi.wire import cbor, event_stream, typed_json
from kumoi.wire.error_rendering import AMZ_CBOR, CBOR, amz_cbor_headers, cbor_headers, json_headers, request_ids
from kumoi.wire.errors import aws_error
from kumoi.wire.http import HeaderList, Request, Response
from kumoi.wire.model import OperationModel, Shape
from kumoi.wire.rest_bindings import load_json
from kumoi.wire.service_shapes import FORMS, REST, ServiceShapes
from kumoi.wire.xml_shapes import namespace

Decode = Callable[[Request, Mapping[str, str], Mapping[str, list[str]], Any], dict[str, Any]]
Encode = Callable[[Request, dict[str, Any], str], Response]


class OperationCodec:
    """One operation in one protocol; each side is generated when it is first needed."""

    def __init__(self, shapes: ServiceShapes, operation: OperationModel, protocol: str) -> None:
        self.shapes = shapes
        self.model = shapes.model
        self.operation = operation
        self.protocol = protocol

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def all_in_body(self) -> bool:
        """Whether all params come in the body, each in no fewer bytes than it has characters."""
        return self.protocol not in (*REST, *FORMS)

    @cached_property
    def read_document(self) -> Any:
        """The reader of what a body was parsed to; None for an operation without input."""
        shape = self.operation.input
        if shape is None:
            return None
        title = f"{self.operation.name} decode"
        if self.protocol in FORMS:
            return self.shapes.query.reader(shape, title)
        return self.shapes.documents(self.protocol).decoder(shape, title)

    @cached_property
    def parse(self) -> Callable[[bytes], dict[str, Any]] | None:
        """The parser of a JSON body that is as the model has it, where there can be one."""
        shape = self.operation.input
        return typed_json.parser(shape) if self.protocol == "json" and shape is not None else None

    @cached_property
    def read_rest(self) -> Any:
        """The reader of a REST request."""
        return self.shapes.rest.reader(self.operation)

    @cached_property
    def decode(self) -> Decode:
        """The function that answers the params of (request, labels, query, body or form), not validated."""
        if self.protocol in REST:
            read_rest: Decode = self.read_rest
            return read_rest
        read = self.read_document
        if read is None:
            return lambda request, labels, query, body: {}
        if self.protocol in FORMS:
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
                xml = self.shapes.xml if self.protocol == "rest-xml" else None
                return name, event_stream.encoder(member, self.shapes.json, xml, f"{self.operation.name} events")
        return None

    @cached_property
    def write_rest(self) -> Any:
        """The writer of a REST answer."""
        overlay = self.model.overlay
        name = self.operation.name
        told = name in overlay.told_statuses
        return self.shapes.rest.writer(self.operation, overlay.roots.get(name), overlay.bare.get(name), told=told)

    @cached_property
    def write_document(self) -> Any:
        """The writer of a JSON or CBOR answer: result to bytes."""
        shape = self.operation.output
        if shape is None:
            empty = cbor.encode({}) if self.protocol in (CBOR, AMZ_CBOR) else b"{}"
            return lambda result: empty
        return self.shapes.documents(self.protocol).encoder(shape, f"{self.operation.name} encode")

    @cached_property
    def write_query(self) -> Any:
        """The writer of a query protocol's answer: (result, request id) to bytes."""
        name, shape = self.operation.name, self.operation.output
        if self.protocol == "ec2":
            return self._write_ec2(name, shape)
        start, end = f"<{name}Response{namespace(self.model.xml_namespace)}>", f"</{name}Response>"
        wrapper, write = "", None
        if shape is not None:
            wrapper = shape.traits.get("resultWrapper", f"{name}Result")
            start = f"{start}<{wrapper}>"
            write = self.shapes.xml.members_writer(shape, f"{name} encode")

        def written(result: dict[str, Any], request_id: str) -> bytes:
            out = [start]
            if write is not None:
                write(out.append, result)
                out.append(f"</{wrapper}>")
            out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>{end}")
            return "".join(out).encode()

        return written

    def _write_ec2(self, name: str, shape: Shape | None) -> Callable[[dict[str, Any], str], bytes]:
        """The same in the ec2Query protocol, where members stand directly in the answer."""
        write = None if shape is None else self.shapes.xml.members_writer(shape, f"{name} encode")
        start, end = f"<{name}Response{namespace(self.model.xml_namespace)}>", f"</{name}Response>"

        def written(result: dict[str, Any], request_id: str) -> bytes:
            out = [start, f"<requestId>{request_id}</requestId>"]
            if write is not None:
                write(out.append, result)
            out.append(end)
            return "".join(out).encode()

        return written

    @cached_property
    def encode(self) -> Encode:
        """The function that answers (request, result, request id) with what carries the result."""
        model = self.model
        if (events := self.event_output) is not None:
            return lambda request, result, request_id: self._encode_events(result, request_id, *events)
        if self.protocol in REST:
            write_rest = self.write_rest

            def rest(request: Request, result: dict[str, Any], request_id: str) -> Response:
                headers = request_ids(model, request_id)
                status, body = write_rest(result, headers)
                return Response(status, headers, body)

            return rest
        if self.protocol in FORMS:
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
        if self.protocol in REST:
            status, _ = self.write_rest({name: one for name, one in result.items() if name != member}, headers)
            remapped = "X-Amzn-Remapped-Content-Type"  # what the stream carries, beside what it is
            headers = [(remapped, value) if name == "Content-Type" else (name, value) for name, value in headers]
        else:
            first = event_stream.initial_response(self.write_document(result), self.protocol == CBOR)
            if self.protocol == CBOR:
                headers.append(("smithy-protocol", "rpc-v2-cbor"))
        headers.append(("Content-Type", event_stream.CONTENT_TYPE))
        return Response(status, headers, encode(result[member], first))


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
