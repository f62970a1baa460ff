"""botocore's own serializer and parser against ours, for every operation of every service that Kumoi serves.

What botocore puts on the wire for generated params must decode to those params; what we encode of a generated result
must parse to that result.
"""

from __future__ import annotations

import io
import os
import struct
import unicodedata
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import cache
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import Phase, given, note, seed, settings
from hypothesis import example as example_of
from hypothesis.strategies import binary

from kumoi.services.ec2 import ec2
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
    "ec2",
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
    "route53",
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

IN_PART = {"ec2": frozenset(ec2.operations)}
"""Services whose models have hundreds of operations that Kumoi does not: those that it has."""

T = TypeVar("T")

TOKEN = ascii_letters + digits + "-_."
LABEL = ascii_lowercase + digits
"""What also becomes part of a host name."""
MARKUP = "<>&'\"]]>;%+= /\\{}?#\u00a0\u2028"
TAPES = binary(min_size=256, max_size=256)
"""One choice of Hypothesis for a whole value: a choice for each number in it would take ten times as long."""
EVERYTHING = b"C" * 256
"""Chooses all members of a structure, one element of a list, and a value that says something of each scalar."""
EXAMPLES = settings(max_examples=4, phases=[Phase.explicit, Phase.generate, Phase.shrink])
"""Of each operation: those of a protocol share nearly all of their code, and there are thousands."""


class Tape:
    """Bytes that choose. Lesser bytes choose simpler things, and where it ends it is zeros: so what fails shrinks."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def number(self, below: int) -> int:
        """From 0 on, below `below`."""
        size = (below.bit_length() + 7) // 8
        read = self._content[self._at : self._at + size]
        self._at += size
        return int.from_bytes(read, "big") % below

    def one_of(self, choices: Sequence[T]) -> T:
        """One of these, the simplest of which is the first."""
        return choices[self.number(len(choices))]

    def between(self, least: int, most: int) -> int:
        """From `least`, the simplest, to `most`."""
        return least + self.number(most - least + 1)

    def some_of(self, choices: list[T]) -> list[T]:
        """Any of these, in their order."""
        chosen = self.number(1 << len(choices))
        return [one for at, one in enumerate(choices) if chosen >> at & 1]


class Values:
    """Values of shapes, as boto3's users would give them; odd and extreme ones as often as plain ones."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._scalars: dict[str, Callable[[], Any]] = {
            "integer": lambda: self._whole(31),
            "short": lambda: self._whole(31),
            "long": lambda: self._whole(53),
            "float": self._float,
            "double": self._float,
            "boolean": lambda: tape.one_of([False, True]),
            "timestamp": lambda: datetime.fromtimestamp(self._size(4_000_000_000), UTC),
            "blob": lambda: bytes(tape.number(256) for _ in range(self._size(40))),
        }

    def of(self, shape: Shape, where: str = "body", depth: int = 0) -> Any:
        """A value of a shape that can travel in `where`."""
        kind = shape.type_name
        if kind in ("string", "character"):
            enum = getattr(shape, "enum", None)
            if enum:
                return self._tape.one_of(enum)
            return self._text() if where not in ("header", "headers", "uri") else self._token(TOKEN)
        if kind in ("list", "map") and depth > 3:
            return [] if kind == "list" else {}
        if kind == "list":
            least = 1 if shape.metadata.get("min") or where != "body" else 0
            return [self.of(shape.member, where, depth + 1) for _ in range(self._tape.between(least, 2))]
        if kind == "map":
            named = where if where == "headers" else "uri"
            return {
                self.of(shape.key, named, depth): self.of(shape.value, where, depth + 1)
                for _ in range(self._tape.between(1, 2))
            }
        return self._scalars[kind]() if kind in self._scalars else self._structure(shape, depth)

    def _structure(self, shape: Shape, depth: int) -> dict[str, Any]:
        if getattr(shape, "is_document_type", False):
            return {"a": [1, "b"]}
        if depth > 8:
            return {}  # a shape that requires itself has no end otherwise
        union = getattr(shape, "is_tagged_union", False)
        required, optional = [], []
        for name, member in shape.members.items():
            if getattr(member, "is_eventstream", False) or member.serialization.get("eventstream"):
                continue
            if name in shape.required_members:
                required.append(name)
            elif depth < 4 or (union and member.type_name != "structure"):
                optional.append(name)
        if union and optional:
            chosen = [self._tape.one_of(optional)]
        else:
            pick = self._tape.one_of([lambda _: [], self._tape.some_of, self._tape.some_of, list])
            chosen = required + pick(optional)
            first = self._tape.number(len(chosen)) if chosen else 0
            chosen = chosen[first:] + chosen[:first]
        return {name: self._member(shape.members[name], depth) for name in chosen}

    def _member(self, member: Shape, depth: int) -> Any:
        if member.serialization.get("hostLabel"):
            return self._token(LABEL)
        return self.of(member, member.serialization.get("location", "body"), depth + 1)

    def _size(self, most: int) -> int:
        """The extremes 0 and 1 as often as all between."""
        kind = self._tape.number(3)
        return kind if kind < 2 else self._tape.between(2, most)

    def _whole(self, bits: int) -> int:
        least, most = -(1 << bits), (1 << bits) - (bits < 53)
        kind = self._tape.number(7)
        if kind < 5:
            return [0, 1, -1, most, least][kind]
        return self._tape.between(-300, 300) if kind == 5 else self._tape.between(least, most)

    def _float(self) -> float:
        simple = [0.0, 1.0, -0.0, 0.5, 1e9, -1e9, 2.0**-126]
        kind = self._tape.number(len(simple) + 2)
        if kind < len(simple):
            return simple[kind]
        bound = 10 if kind == len(simple) else 1e9
        return float(struct.unpack("f", struct.pack("f", bound * (self._tape.number(1 << 32) / (1 << 31) - 1)))[0])

    def _token(self, of: str) -> str:
        return "".join(self._tape.one_of(of) for _ in range(self._tape.between(1, 10)))

    def _text(self) -> str:
        return "".join(self._character() for _ in range(self._size(12)))

    def _character(self) -> str:
        """Of any plane, but for what no XML can say: control characters, surrogates, the two that are none."""
        while True:
            kind = self._tape.number(5)
            if kind < 2:
                return self._tape.one_of((TOKEN, MARKUP)[kind])
            found = chr(self._tape.between(*[(0x20, 0x2FF), (0x300, 0xFFFF), (0x10000, 0x10FFFF)][kind - 2]))
            if unicodedata.category(found) not in ("Cc", "Cs") and found not in "\ufffe\uffff":
                return found


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
    "GetBucketLocation",  # boto3 reads its answer in a hook; test_answers has an example
    "GetBucketNotification",  # deprecated; two of its members have one name on the wire
}


def operations(services: list[str], left_out: set[str]) -> list[Any]:
    return [
        pytest.param(service, name, protocol, id=f"{service}-{name}-{protocol}")
        for service in services
        for protocol in models(service).metadata.get("protocols", [models(service).metadata["protocol"]])
        for name in models(service).operation_names
        if name not in left_out and (service not in IN_PART or name in IN_PART[service])
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


def try_examples(check: Callable[[Any], None], shape: Shape | None, named: str) -> None:
    """Check values of a shape: others for each operation, the same at every run but with `KUMOI_EXPLORE=1`."""
    if shape is None:
        check({})
        return

    def check_one(tape: bytes) -> None:
        value = Values(Tape(tape)).of(shape)
        note(f"of {named}: {value!r}")
        check(value)

    tried = EXAMPLES(example_of(EVERYTHING)(given(TAPES)(check_one)))
    (tried if "KUMOI_EXPLORE" in os.environ else seed(named)(tried))()


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
        if protocol in ("query", "ec2", "rest-xml"):
            assert without_empty(clean(decoded)) == without_empty(clean(params))
        else:
            assert clean(decoded) == clean(params)

    try_examples(run, shape, f"{service} {name} {protocol}")


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

    try_examples(run, shape, f"{service} {name} {protocol}")


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
