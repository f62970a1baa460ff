"""From a request to params and back, in the protocol that the request is written in.

`Wire` keeps one `ServiceCodec` per service, `ServiceCodec.match` finds the operation, and the `Exchange` it answers
decodes, validates and encodes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from kumoi.wire.error_rendering import AMZ_CBOR, CBOR, render_error
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Body, Request, Response
from kumoi.wire.model import SHORT, OperationModel, ServiceModel
from kumoi.wire.operation_codec import OperationCodec
from kumoi.wire.query_shapes import fields, fold
from kumoi.wire.rest_router import RestRouter
from kumoi.wire.service_shapes import FORMS, REST, ServiceShapes
from kumoi.wire.xml_shapes import malformed

_CBOR_PATH = re.compile(r"/service/[^/]+/operation/([^/]+)")
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
        self._shapes = ServiceShapes(model)
        self._codecs: dict[tuple[str, str], OperationCodec] = {}
        self._targets: dict[str, OperationCodec] = {}
        self._paths: dict[tuple[str, str], tuple[OperationCodec, Mapping[str, str]]] = {}
        self._rest_alone = model.protocol in REST and len(model.protocols) == 1

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
        return request.method == "POST" and self.protocol_of(request) in FORMS

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
        if protocol in REST:
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
            found = self._codecs[key] = OperationCodec(self._shapes, operation, protocol)
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
        if protocol not in FORMS:
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
