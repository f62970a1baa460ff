"""From a request to params and back, in the protocol that the request is written in.

`Wire` keeps one `ServiceCodec` per service, `ServiceCodec.match` finds the operation, and the `Exchange` it answers
decodes, validates and encodes. What each operation needs is compiled from the model at its first use and kept.
"""

from __future__ import annotations

import base64
import os
import re
import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

import orjson

from kumoi.wire import cbor, event_stream, rest_bindings
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Body, HeaderList, Request, Response, ResponseBody
from kumoi.wire.json_shapes import JsonShapes
from kumoi.wire.model import OperationModel, ServiceModel, Shape
from kumoi.wire.query_shapes import QueryShapes, fold
from kumoi.wire.rest_router import RestRouter
from kumoi.wire.validation import Validator, Violation
from kumoi.wire.validation import error as validation_error
from kumoi.wire.xml_shapes import XmlShapes, text_of

_CBOR_PATH = re.compile(r"/service/[^/]+/operation/([^/]+)")
_REST = ("rest-json", "rest-xml")


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
        self.validator = Validator(model.overlay.unchecked_enums)
        self.xml = XmlShapes()
        self.query = QueryShapes()
        self.json = {name: JsonShapes(renamed=name == "rest-json", native=name == _CBOR) for name in _JSON_FORMS}
        self._codecs: dict[tuple[str, str], OperationCodec] = {}

    @cached_property
    def router(self) -> RestRouter:
        """The paths of a REST service."""
        return RestRouter(self.model.operation(name) for name in self.model.operation_names)

    def protocol_of(self, request: Request) -> str:
        """The protocol a request is written in, among those the service speaks."""
        protocols = self.model.protocols
        if "smithy-protocol" in request.headers and _CBOR in protocols:
            return _CBOR
        if "x-amz-target" in request.headers and "json" in protocols:
            return "json"
        if self.model.protocol in (*_REST, "ec2") or len(protocols) == 1:
            return self.model.protocol
        return "query" if "query" in protocols else self.model.protocol

    def needs_form(self, request: Request) -> bool:
        """Whether `match` must see the body: the operation's name stands in a form."""
        return request.method == "POST" and self.protocol_of(request) in ("query", "ec2")

    def match(self, request: Request, form: bytes | None = None) -> Exchange:
        """The operation that a request means; raises the service's error for an unknown one."""
        protocol = self.protocol_of(request)
        labels: dict[str, str] = {}
        query: dict[str, list[str]] = {}
        if protocol in _REST:
            query = parse_qs(request.query, keep_blank_values=True, max_num_fields=None) if request.query else {}
            found = self.router.match(request.method, request.path, query, request.headers.index)
            if found is None:
                raise self._no_path(request)
            operation, labels = found
        else:
            name = self._operation_name(request, protocol, form)
            if name not in self.model.raw["operations"]:
                raise _no_operation(name, protocol)
            operation = self.model.operation(name)
        return Exchange(self.operation_codec(operation, protocol), request, labels, query)

    def operation(self, name: str) -> OperationModel:
        """An operation's model, for callers inside; KeyError when there is none."""
        return self.model.operation(name)

    def validate(self, name: str, params: Mapping[str, Any]) -> None:
        """Raise the service's validation error for params that break the model's constraints."""
        self.operation_codec(self.model.operation(name), self.model.protocol).validate(params)

    def operation_codec(self, operation: OperationModel, protocol: str) -> OperationCodec:
        """What was compiled for an operation in a protocol."""
        key = (operation.name, protocol)
        found = self._codecs.get(key)
        if found is None:
            found = self._codecs[key] = OperationCodec(self, operation, protocol)
        return found

    def error_response(self, request: Request, error: AwsError, request_id: str) -> Response:
        """An error where no operation was found."""
        return render_error(self.model, self.protocol_of(request), request, error, request_id)

    def _operation_name(self, request: Request, protocol: str, form: bytes | None) -> str:
        if protocol == _CBOR:
            match = _CBOR_PATH.fullmatch(request.path)
            return match[1] if match else ""
        if protocol == "json":
            return (request.headers.get("x-amz-target") or "").rpartition(".")[2]
        for content in (form or b"", request.query.encode("latin-1", "replace")):
            if b"Action=" in content:
                return str(fold(content).get("Action", {}).get("", ""))
        return ""

    def _no_path(self, request: Request) -> AwsError:
        methods = self.router.methods(request.path)
        if methods:
            return aws_error(
                "MethodNotAllowed" if self.model.name == "s3" else "MethodNotAllowedException",
                f"{request.method} is not allowed here; {', '.join(sorted(methods))} is.",
                status=405,
            )
        return aws_error("UnknownOperationException", f"There is no operation at {request.path}", status=404)


_CBOR = "smithy-rpc-v2-cbor"
_JSON_FORMS = ("json", "rest-json", _CBOR)


def _no_operation(name: str, protocol: str) -> AwsError:
    if protocol in ("query", "ec2"):
        if not name:
            return aws_error("MissingAction", "The request is missing an Action or a required parameter.")
        return aws_error("InvalidAction", f"Could not find operation {name}")
    return aws_error("UnknownOperationException", f"There is no operation {name!r}", status=404 if name == "" else 400)


class OperationCodec:
    """One operation in one protocol, compiled."""

    def __init__(self, service: ServiceCodec, operation: OperationModel, protocol: str) -> None:
        if protocol == "ec2":
            raise aws_error("NotImplemented", "Kumoi does not speak the ec2 protocol.")
        self.service = service
        self.model = service.model
        self.operation = operation
        self.protocol = protocol
        shape = operation.input
        self._check = service.validator.check(shape) if shape is not None else None

    def validate(self, params: Mapping[str, Any]) -> None:
        """Raise the service's validation error for params that break the model's constraints."""
        code = self.model.overlay.validation_code
        if self._check is None or code is None:
            return
        found: list[Violation] = []
        self._check(params, "", found)
        if found:
            raise validation_error(found, code)

    @cached_property
    def read_rest(self) -> rest_bindings.Read:
        """The reader of a REST request."""
        json = self.service.json["rest-json"]
        return rest_bindings.reader(self.operation, json, self.service.xml, as_xml=self.protocol == "rest-xml")

    @cached_property
    def write_rest(self) -> rest_bindings.Write:
        """The writer of a REST answer."""
        return rest_bindings.writer(
            self.operation,
            self.service.json["rest-json"],
            self.service.xml,
            root=self.model.overlay.roots.get(self.operation.name),
            as_xml=self.protocol == "rest-xml",
        )

    @cached_property
    def event_output(self) -> tuple[str, Any] | None:
        """(the member that is a stream of events, its encoder), if the output has one."""
        shape = self.operation.output
        if shape is None:
            return None
        for name, member in shape.members.items():
            if member.event_stream:
                json = self.service.json["rest-json" if self.protocol in _REST else "json"]
                return name, event_stream.encoder(member, json, self.service.xml, self.protocol)
        return None

    def decode(self, request: Request, body: bytes | Body, labels: Mapping[str, str], query: Any) -> dict[str, Any]:
        """The params of a request, not validated."""
        shape = self.operation.input
        if self.protocol in _REST:
            return self.read_rest(request, labels, query, body)
        if shape is None:
            return {}
        assert isinstance(body, bytes)
        params: dict[str, Any]
        if self.protocol == _CBOR:
            params = self.service.json[_CBOR].decoder(shape)(_load_cbor(body))
        elif self.protocol == "json":
            params = self.service.json["json"].decoder(shape)(rest_bindings.load_json(body))
        else:
            content = body if b"Action=" in body else request.query.encode("latin-1", "replace")
            params = self.service.query.reader(shape)(fold(content))
        return params

    def encode(self, request: Request, result: dict[str, Any], request_id: str) -> Response:
        """The answer that carries a result."""
        if self.protocol in _REST:
            return self._encode_rest(result, request_id)
        shape = self.operation.output
        if self.protocol == _CBOR:
            content = cbor.encode(self.service.json[_CBOR].encoder(shape)(result) if shape else {})
            headers = [("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]
            return Response(200, [*headers, ("x-amzn-RequestId", request_id)], content)
        if self.protocol == "json":
            return self._encode_json(shape, result, request_id)
        return Response(
            200, [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)], self._xml(result, request_id)
        )

    def _encode_rest(self, result: dict[str, Any], request_id: str) -> Response:
        headers: HeaderList = _request_ids(self.model, request_id)
        status: int
        body: ResponseBody
        if self.event_output is not None:
            name, encode = self.event_output
            status, bound, _ = self.write_rest({key: value for key, value in result.items() if key != name})
            headers += [one for one in bound if one[0].lower() != "content-type"]
            headers.append(("Content-Type", event_stream.CONTENT_TYPE))
            body = encode(result[name])
        else:
            status, bound, body = self.write_rest(result)
            headers += bound
        return Response(status, headers, body)

    def _encode_json(self, shape: Shape | None, result: dict[str, Any], request_id: str) -> Response:
        headers = [("Content-Type", _json_type(self.model)), ("x-amzn-RequestId", request_id)]
        if self.event_output is not None:
            name, encode = self.event_output
            headers[0] = ("Content-Type", event_stream.CONTENT_TYPE)
            return Response(200, headers, encode(result[name]))
        body = orjson.dumps(self.service.json["json"].encoder(shape)(result)) if shape is not None else b"{}"
        if self.model.name == "dynamodb":
            headers.append(("x-amz-crc32", str(zlib.crc32(body))))
        return Response(200, headers, body)

    def _xml(self, result: dict[str, Any], request_id: str) -> bytes:
        name = self.operation.name
        namespace = self.model.metadata.get("xmlNamespace", "")
        out = [f'<{name}Response xmlns="{namespace}">']
        shape = self.operation.output
        if shape is not None:
            wrapper = shape.traits.get("resultWrapper", f"{name}Result")
            out.append(f"<{wrapper}>")
            self._write_members(out, result)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
        return "".join(out).encode()

    @cached_property
    def _write_members(self) -> Any:
        assert self.operation.output is not None
        return self.service.xml.members_writer(self.operation.output)


class Exchange:
    """A request with the operation it means."""

    __slots__ = ("_codec", "_labels", "_query", "_request", "name", "operation", "protocol", "streams_input")

    def __init__(
        self, codec: OperationCodec, request: Request, labels: Mapping[str, str], query: Mapping[str, list[str]]
    ) -> None:
        self._codec = codec
        self._request = request
        self._labels = labels
        self._query = query
        self.operation = codec.operation
        self.name = codec.operation.name
        self.protocol = codec.protocol
        self.streams_input = codec.operation.streams_input

    def decode(self, request: Request, body: bytes | Body) -> dict[str, Any]:
        """Params, decoded and validated; raises AwsError. `body` is the Body itself where the input streams."""
        try:
            params = self._codec.decode(request, body, self._labels, self._query)
            self._codec.validate(params)
        except RecursionError:
            raise aws_error("SerializationException", "the request is nested too deeply") from None
        return params

    def encode(self, result: dict[str, Any] | None, request_id: str) -> Response:
        """The answer that carries a handler's result."""
        return self._codec.encode(self._request, result or {}, request_id)

    def encode_error(self, error: AwsError, request_id: str) -> Response:
        """The answer that carries an error."""
        return render_error(self._codec.model, self.protocol, self._request, error, request_id)


def render_error(model: ServiceModel, protocol: str, request: Request, error: AwsError, request_id: str) -> Response:
    """An error in a protocol's form, with the status that the model or the overlay gives it."""
    shape = model.errors.get(error.code)
    status = error.status or _status(model, shape, error)
    members = _error_members(shape, error)
    if protocol == _CBOR:
        headers = [("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]
        headers += _query_error(model, shape, status)
        content = {"__type": model.overlay.error_prefix + error.code, **members}
        return Response(status, [*headers, ("x-amzn-RequestId", request_id)], cbor.encode(_plain(content)))
    if protocol == "json":
        headers = [("Content-Type", _json_type(model)), ("x-amzn-RequestId", request_id)]
        body = orjson.dumps({"__type": model.overlay.error_prefix + _type_name(shape, error), **_plain(members)})
        headers += _query_error(model, shape, status)
        if model.name == "dynamodb":
            headers.append(("x-amz-crc32", str(zlib.crc32(body))))
        return Response(status, headers, body)
    if protocol == "rest-json":
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error.code)]
        return Response(status, [*headers, *_request_ids(model, request_id)], orjson.dumps(_plain(members)))
    return _xml_error(model, protocol, request, error, status, request_id)


def _xml_error(
    model: ServiceModel, protocol: str, request: Request, error: AwsError, status: int, request_id: str
) -> Response:
    headers = [("Content-Type", "application/xml" if model.name == "s3" else "text/xml")]
    headers += _request_ids(model, request_id)
    if request.method == "HEAD" or status == 304:
        return Response(status, headers, b"")
    code, message = text_of(error.code), text_of(error.message)
    extra = "".join(
        f"<{name}>{text_of(value)}</{name}>"
        for name, value in error.members.items()
        if not isinstance(value, dict | list)
    )
    if model.name == "s3":
        host_id = next(value for name, value in headers if name == "x-amz-id-2")
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}<Resource>{text_of(request.path)}</Resource>"
            f"<RequestId>{request_id}</RequestId><HostId>{host_id}</HostId></Error>"
        )
    else:
        namespace = model.metadata.get("xmlNamespace", "")
        uri = namespace.get("uri", "") if isinstance(namespace, dict) else namespace
        kind = "Sender" if status < 500 else "Receiver"
        text = (
            f'<ErrorResponse xmlns="{uri}"><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message>'
            f"{extra}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Response(status, headers, text.encode("utf-8", "replace"))


def _status(model: ServiceModel, shape: Shape | None, error: AwsError) -> int:
    if error.code in model.overlay.statuses:
        return model.overlay.statuses[error.code]
    if shape is not None:
        stated = shape.traits.get("error", {}).get("httpStatusCode")
        if stated:
            return int(stated)
        if shape.traits.get("fault"):
            return 500
    return error.default_status


def _error_members(shape: Shape | None, error: AwsError) -> dict[str, Any]:
    """An error's members; the message under the name its shape has for it."""
    message = "message"
    if shape is not None:
        message = next((name for name in shape.members if name.lower() == "message"), "message")
    members = {message: error.message}
    for name, value in error.members.items():
        member = shape.members.get(name) if shape is not None else None
        if value is not None and (shape is None or member is not None):
            members[(member.location_name if member is not None else None) or name] = value
    return members


def _plain(value: Any) -> Any:
    """Values as JSON can hold them; blobs as base64."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _type_name(shape: Shape | None, error: AwsError) -> str:
    """What `__type` says: the shape's name, where its code of the query protocol is another."""
    return shape.name if shape is not None else error.code


def _query_error(model: ServiceModel, shape: Shape | None, status: int) -> HeaderList:
    if not model.query_compatible or shape is None:
        return []
    code = shape.traits.get("error", {}).get("code", shape.name)
    return [("x-amzn-query-error", f"{code};{'Sender' if status < 500 else 'Receiver'}")]


def _json_type(model: ServiceModel) -> str:
    return f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.0')}"


def _request_ids(model: ServiceModel, request_id: str) -> HeaderList:
    if model.name == "s3":
        return [("x-amz-request-id", request_id), ("x-amz-id-2", base64.b64encode(os.urandom(48)).decode())]
    return [("x-amzn-RequestId", request_id)]


def _load_cbor(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return cbor.decode(body)
    except cbor.CborError as error:
        raise aws_error("SerializationException", f"the body is not CBOR: {error}") from None
