"""botocore's own serializer and parser against ours, for every operation of every service that Kumoi serves.

What botocore puts on the wire for generated params must decode to those params; what we encode of a generated result
must parse to that result.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from kumoi.wire import AwsError, BufferedBody, Headers, Request, Wire
from kumoi.wire.declarations import declaration
from kumoi.wire.error_rendering import render_error
from kumoi.wire.http import FileBody

SERVED = [
    "apigateway",
    "apigatewaymanagementapi",
    "apigatewayv2",
    "appsync",
    "athena",
    "cloudformation",
    "codedeploy",
    "cloudfront",
    "cloudfront-keyvaluestore",
    "cloudwatch",
    "cognito-identity",
    "cognito-idp",
    "dynamodb",
    "ecr",
    "elbv2",
    "events",
    "fis",
    "glue",
    "iam",
    "iot",
    "iot-data",
    "iot-jobs-data",
    "iotanalytics",
    "kinesis",
    "lambda",
    "logs",
    "pipes",
    "rds-data",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
    "xray",
]

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=12
)
TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", min_size=1, max_size=10)
LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=10)
"""What also becomes part of a host name."""
INTEGER = st.integers(-(2**31), 2**31 - 1)
FLOAT = st.floats(-1e9, 1e9, width=32).map(float)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "integer": INTEGER,
    "short": INTEGER,
    "long": st.integers(-(2**53), 2**53),
    "float": FLOAT,
    "double": FLOAT,
    "boolean": st.booleans(),
    "timestamp": st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    "blob": st.binary(max_size=40),
}


class Values:
    """Strategies for values of one service's shapes: what several operations share is built once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], st.SearchStrategy[Any]] = {}

    def of(self, shape: Shape, where: str = "body", depth: int = 0) -> st.SearchStrategy[Any]:
        """Values of a shape, as boto3's users would give them, that can travel in `where`."""
        key = (shape.name, where, depth)
        if key not in self._known:
            self._known[key] = self._of(shape, where, depth)
        return self._known[key]

    def _of(self, shape: Shape, where: str, depth: int) -> st.SearchStrategy[Any]:
        kind = shape.type_name
        if kind in ("string", "character"):
            enum = getattr(shape, "enum", None)
            if enum:
                return st.sampled_from(enum)
            return TOKEN if where in ("header", "headers", "uri") else TEXT
        if kind in ("list", "map") and depth > 3:
            return st.just([] if kind == "list" else {})
        if kind == "list":
            least = 1 if shape.metadata.get("min") or where != "body" else 0
            return st.lists(self.of(shape.member, where, depth + 1), min_size=least, max_size=2)
        if kind == "map":
            keys = self.of(shape.key, where if where == "headers" else "uri", depth)
            return st.dictionaries(keys, self.of(shape.value, where, depth + 1), min_size=1, max_size=2)
        return SCALARS[kind] if kind in SCALARS else self._structures(shape, depth)

    def _structures(self, shape: Shape, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        if getattr(shape, "is_document_type", False):
            return st.just({"a": [1, "b"]})
        if depth > 8:
            return st.just({})  # a shape that requires itself has no end otherwise
        required, optional = {}, {}
        for name, member in shape.members.items():
            if getattr(member, "is_eventstream", False) or member.serialization.get("eventstream"):
                continue
            where = member.serialization.get("location", "body")
            strategy = LABEL if member.serialization.get("hostLabel") else self.of(member, where, depth + 1)
            if name in shape.required_members:
                required[name] = strategy
            elif depth < 4 or (getattr(shape, "is_tagged_union", False) and member.type_name != "structure"):
                optional[name] = strategy
        if getattr(shape, "is_tagged_union", False) and optional:
            return st.one_of([st.fixed_dictionaries({name: one}) for name, one in optional.items()])
        return st.fixed_dictionaries(required, optional=optional)


@cache
def values(service: str) -> Values:
    return Values()


@cache
def models(service: str) -> ServiceModel:
    own = declaration(service)
    return ServiceModel(own.model if own else Loader().load_service_model(service, "service-2"), service)


SAME_ON_THE_WIRE = {
    "GetBucketLifecycle",  # deprecated forms of operations with longer names
    "GetBucketNotification",
    "PutBucketLifecycle",
    "PutBucketNotification",
    "ListDirectoryBuckets",  # told from ListBuckets by its host name alone
}
NOT_FOR_THE_PARSER = {
    "GetBucketLocation",  # boto3 reads its answer in a hook; test_codec has an example
    "GetBucketNotification",  # deprecated; two of its members have one name on the wire
}


def operations(services: list[str], left_out: set[str]) -> list[Any]:
    return [
        pytest.param(service, name, protocol, id=f"{service}-{name}-{protocol}")
        for service in services
        for protocol in models(service).metadata.get("protocols", [models(service).metadata["protocol"]])
        for name in models(service).operation_names
        if name not in left_out
    ]


def requests(services: list[str]) -> list[Any]:
    return operations(services, SAME_ON_THE_WIRE)


def answers(services: list[str]) -> list[Any]:
    streams = {
        name
        for service in services
        for name in models(service).operation_names
        if models(service).operation_model(name).has_event_stream_output  # test_event_stream has examples
    }
    return operations(services, NOT_FOR_THE_PARSER | streams)


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


def as_request(serialized: dict[str, Any]) -> Request:
    """The request as it arrives: through botocore's own URL and body preparation."""
    url = "http://127.0.0.1" + serialized["url_path"]
    prepared = AWSRequest(
        serialized["method"], url, dict(serialized["headers"]), serialized["body"], serialized["query_string"]
    ).prepare()
    body = prepared.body
    if hasattr(body, "read"):
        body = body.read()
    content = body.encode() if isinstance(body, str) else body or b""
    parts = urlsplit(prepared.url)
    headers = [
        (key, value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for key, value in prepared.headers.items()
    ]
    return Request(prepared.method, parts.path, parts.query, Headers(headers), BufferedBody(content))


def clean(value: Any) -> Any:
    """What both sides agree to call equal: no empty members that a protocol cannot carry, no float noise."""
    if isinstance(value, dict):
        return {key: clean(one) for key, one in value.items()}
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, float):
        return 0.0 if value == 0 else float(f"{value:.6g}")
    if isinstance(value, io.IOBase):
        return value.read()
    return value


def without_empty(value: Any) -> Any:
    """A value without empty lists, maps and structures: the query protocol and XML cannot tell them from absent."""
    if isinstance(value, dict):
        kept = {key: without_empty(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one not in ({}, [], None)}
    if isinstance(value, list):
        return [one for one in map(without_empty, value) if one not in ({}, [], None)]
    return value


def at_once(reading: Coroutine[Any, Any, bytes]) -> bytes:
    """What a coroutine returns that waits for nothing."""
    try:
        reading.send(None)
    except StopIteration as done:
        return bytes(done.value)
    raise AssertionError("the body has arrived in full")


def try_examples(check: Callable[[Any], None], service: str, shape: Shape | None, named: str) -> None:
    """Check a few values of a shape: operations of a protocol share nearly all of their code, and there are many.

    Each has a seed of its own, so that together they see more; short source, as Hypothesis reads it for each of them.
    """
    found = values(service).of(shape) if shape is not None else st.just({})

    @seed(f"{service} {named}")
    @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(found)
    def example(value: Any) -> None:
        check(value)

    example()


def check_request(wire: Wire, service: str, name: str, protocol: str) -> None:
    model = models(service)
    operation: OperationModel = model.operation_model(name)
    shape = operation.input_shape
    serializer = create_serializer(protocol, include_validation=False)
    codec = wire.codec(service)

    def run(params: dict[str, Any]) -> None:
        request = as_request(serializer.serialize_to_request(params, operation))
        body = at_once(request.body.read())
        exchange = codec.match(request, body)
        if name in SAME_ON_THE_WIRE:
            return
        assert exchange.name == name
        decoded = exchange.decode_unchecked(request, request.body if exchange.streams_input else body)
        if exchange.streams_input:
            stream = decoded.pop(exchange.streams_input)
            given_body = params.pop(exchange.streams_input, b"")
            assert at_once(stream.read()) == given_body
        decoded = {key: one for key, one in decoded.items() if key in params or key not in ("ContentLength", "Expires")}
        if "Expires" in params:  # S3's model has it as text: clients send what they like
            params["Expires"] = decoded["Expires"]
        payload = shape.serialization.get("payload") if shape is not None else None
        for side in (decoded, params):
            if side.get(payload, 0) in (b"", "", {}):  # an empty body says nothing of which of them it is
                del side[payload]
        if protocol in ("query", "rest-xml"):
            assert without_empty(clean(decoded)) == without_empty(clean(params))
        else:
            assert clean(decoded) == clean(params)

    try_examples(run, service, shape, f"{name} {protocol}")


def check_response(wire: Wire, service: str, name: str, protocol: str) -> None:
    model = models(service)
    operation = model.operation_model(name)
    shape = operation.output_shape
    parser = create_parser(protocol)
    codec = wire.codec(service)
    compiled = codec.operation_codec(codec.model.operation(name), protocol)

    def run(result: dict[str, Any]) -> None:
        for member in shape.members if shape is not None else ():
            if shape.members[member].serialization.get("location") == "statusCode" and member in result:
                result[member] = 200
        response = compiled.encode(Request("GET", "/"), result, "the-request-id")
        assert isinstance(response.body, bytes)
        assert not isinstance(response.body, FileBody)
        streaming = operation.has_streaming_output
        parsed = parser.parse(
            {
                "status_code": response.status,
                "headers": HeadersDict(dict(response.headers)),
                "body": io.BytesIO(response.body) if streaming else response.body,
            },
            shape,
        )
        meta = parsed.pop("ResponseMetadata")
        assert meta["HTTPStatusCode"] == response.status
        for member in shape.members if shape is not None else ():
            if shape.members[member].serialization.get("location") == "statusCode":
                parsed.pop(member, None)
                result.pop(member, None)
            elif shape.members[member].serialization.get("name") == "Content-Type" and member not in result:
                parsed.pop(member, None)  # an answer with a body always says of which type it is
        payload = shape.serialization.get("payload") if shape is not None else None
        if payload is not None and shape.members[payload].type_name in ("blob", "string"):
            empty = b"" if shape.members[payload].type_name == "blob" else ""
            result.setdefault(payload, empty)
            parsed.setdefault(payload, empty)
        assert without_empty(clean(parsed)) == without_empty(clean(result))

    try_examples(run, service, shape, f"{name} {protocol}")


@pytest.mark.parametrize(("service", "name", "protocol"), requests(SERVED))
def test_a_request_of_botocore_decodes_to_its_params(wire: Wire, service: str, name: str, protocol: str) -> None:
    check_request(wire, service, name, protocol)


@pytest.mark.parametrize(("service", "name", "protocol"), answers(SERVED))
def test_a_result_encodes_to_what_botocore_parses(wire: Wire, service: str, name: str, protocol: str) -> None:
    check_response(wire, service, name, protocol)


@pytest.mark.parametrize("service", SERVED)
def test_an_error_keeps_its_code_and_message(wire: Wire, service: str) -> None:
    model = wire.codec(service).model
    for protocol in model.protocols:
        parser = create_parser(protocol)
        for code, shape in model.errors.items():
            error = AwsError(code, "what & why <é>", status=400)  # a 304 has no body to tell it in
            response = render_error(model, protocol, Request("GET", "/"), error, "id")
            answer = {
                "status_code": response.status,
                "headers": HeadersDict(dict(response.headers)),
                "body": response.body,
            }
            told = parser.parse(answer, None)["Error"]
            # Where errors also carry the query protocol's code, boto3 shows that one, and the shape's name beside it.
            query_code = model.overlay.query_codes.get(shape.name) or shape.traits.get("error", {}).get("code")
            assert told["Code"] in (shape.name, query_code)
            assert told.get("QueryErrorCode", shape.name) == shape.name
            assert told["Message"] == "what & why <é>"
