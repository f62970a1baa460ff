"""CPU of decoding requests and encoding answers, beside botocore's own serializer and parser in the same run.

    .venv/bin/python bench/wire_codecs.py

botocore works the other way round (it writes requests and reads answers), so its columns stand for what the client
spends on the same call. Microseconds of CPU per call: the median of several repetitions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from kumoi.wire import BufferedBody, Headers, Request, Wire

REPETITIONS = 7
SECONDS = 0.05
"""CPU seconds of one repetition, about."""

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ITEM = {
    "pk": {"S": "customer#0001"},
    "sk": {"S": "order#2026-01-02"},
    "total": {"N": "129.95"},
    "open": {"BOOL": True},
    "labels": {"SS": ["new", "gift", "express"]},
    "picture": {"B": b"\x00\x01\x02" * 30},
    "lines": {"L": [{"M": {"sku": {"S": f"sku-{n}"}, "count": {"N": str(n)}}} for n in range(8)]},
    "note": {"S": "left at the door " * 12},
}
FUNCTION = {
    "FunctionName": "thumbnails",
    "Runtime": "python3.12",
    "Role": "arn:aws:iam::000000000000:role/thumbnails",
    "Handler": "app.handler",
    "Timeout": 30,
    "MemorySize": 512,
    "Environment": {"Variables": {"BUCKET": "pictures", "SIZE": "200"}},
}
CONTENTS = [
    {"Key": f"photos/2026/{n:04d}.jpg", "LastModified": MOMENT, "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}
    | {"Size": 1000 + n, "StorageClass": "STANDARD"}
    for n in range(100)
]
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("dynamodb", "PutItem", {"TableName": "orders", "Item": ITEM}, {"Attributes": ITEM}),
    (
        "sqs",
        "SendMessage",
        {"QueueUrl": "http://localhost:4566/000000000000/jobs", "MessageBody": "hello " * 40},
        {"MD5OfMessageBody": "d41d8cd98f00b204e9800998ecf8427e", "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274"},
    ),
    (
        "lambda",
        "CreateFunction",
        FUNCTION | {"Code": {"ZipFile": b"PK" * 500}, "Tags": {"team": "media"}},
        FUNCTION | {"FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:thumbnails", "CodeSize": 1000},
    ),
    ("lambda", "Invoke", {"FunctionName": "thumbnails", "Payload": b'{"a":1}'}, {"StatusCode": 200, "Payload": b"{}"}),
    (
        "s3",
        "ListObjectsV2",
        {"Bucket": "pictures", "Prefix": "photos/", "MaxKeys": 100},
        {"Name": "pictures", "Prefix": "photos/", "KeyCount": 100, "MaxKeys": 100, "Contents": CONTENTS}
        | {"IsTruncated": False},
    ),
    ("sns", "Publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "hello"}, {"MessageId": "5fea"}),
]


def main() -> None:
    wire = Wire()
    print(f"{'CPU µs per call':<28}{'decode':>9}{'encode':>9}{'botocore writes':>18}{'botocore reads':>17}{'ratio':>8}")
    for service, name, params, result in CASES:
        ours, theirs = kumoi_side(wire, service, name, params, result), botocore_side(service, name, params)
        request, answer = theirs
        decode, encode = (cpu(call) for call in ours)
        writes, reads = cpu(request), cpu(answer(ours[1]()))
        ratio = (writes + reads) / (decode + encode)
        print(f"{service + ' ' + name:<28}{decode:>9.1f}{encode:>9.1f}{writes:>18.1f}{reads:>17.1f}{ratio:>7.0f}x")
    for service in ("lambda", "logs", "iam", "s3", "dynamodb"):
        start = time.process_time()
        Wire().codec(service)
        print(f"model of {service}: {(time.process_time() - start) * 1000:.1f} ms CPU")


def kumoi_side(
    wire: Wire, service: str, name: str, params: dict[str, Any], result: dict[str, Any]
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Our decoding (operation found, decoded, validated) and our encoding of one call."""
    codec = wire.codec(service)
    request, body = sent(service, name, params)
    form = body if codec.needs_form(request) else None
    exchange = codec.match(request, form)
    content: Any = request.body if exchange.streams_input else body

    def decode() -> Any:
        fresh = Request(request.method, request.path, request.query, Headers(request.headers.items), request.body)
        return codec.match(fresh, form).decode(fresh, content)

    decode()
    return decode, lambda: exchange.encode(result, "5fea7756-0ea4-451a-a703-a558b933e274")


def botocore_side(
    service: str, name: str, params: dict[str, Any]
) -> tuple[Callable[[], Any], Callable[[Any], Callable[[], Any]]]:
    """botocore's serializer for a call's params, and its parser for a response of ours."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    operation = model.operation_model(name)
    serializer, parser = create_serializer(model.resolved_protocol), create_parser(model.resolved_protocol)

    def reading(response: Any) -> Callable[[], Any]:
        answer = {
            "status_code": response.status,
            "headers": {key.lower(): value for key, value in response.headers},
            "body": response.body,
        }
        return lambda: parser.parse(answer, operation.output_shape)

    return lambda: serializer.serialize_to_request(params, operation), reading


def sent(service: str, name: str, params: dict[str, Any]) -> tuple[Request, bytes]:
    """A call as boto3 sends it."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    operation = model.operation_model(name)
    raw = create_serializer(model.resolved_protocol).serialize_to_request(params, operation)
    url = "http://127.0.0.1" + raw["url_path"]
    prepared = AWSRequest(raw["method"], url, dict(raw["headers"]), raw["body"], raw["query_string"]).prepare()
    body = prepared.body or b""
    content = body.encode() if isinstance(body, str) else body
    parts = urlsplit(prepared.url)
    headers = [
        (key, value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for key, value in prepared.headers.items()
    ]
    return Request(prepared.method, parts.path, parts.query, Headers(headers), BufferedBody(content)), content


def cpu(call: Callable[[], Any]) -> float:
    """CPU microseconds of one call: the median of several repetitions."""
    call()
    start = time.process_time()
    call()
    count = max(1, int(SECONDS / max(time.process_time() - start, 1e-7)))
    measured = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        for _ in range(count):
            call()
        measured.append((time.process_time() - start) / count * 1e6)
    return statistics.median(measured)


if __name__ == "__main__":
    main()
