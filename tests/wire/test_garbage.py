"""Whatever comes, decoding answers params or an AwsError, and each error can be written."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.wire import AwsError, BufferedBody, Headers, Request, Wire, cbor

SERVICES = [
    "apigateway",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "iam",
    "kinesis",
    "lambda",
    "logs",
    "s3",
    "sns",
    "sqs",
    "sts",
]
HARMLESS = settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))
PIECES = st.sampled_from(
    ["", "/", "b", "..", "%2F", "%", "%ff", "functions", "2015-03-31", "f", "invocations", "\0", "é"]
)
PATHS = st.lists(PIECES, max_size=6).map(lambda pieces: "/" + "/".join(pieces))
FIELDS = st.sampled_from(
    [
        "&&",
        "=",
        "Action",
        "Action=ListRoles",
        "MaxItems=1e3",
        "Tags.member.1.Key=a",
        "Tags.member.9999999999=1",
        "a..b=",
        "acl",
        "list-type=2",
        "max-keys=x",
        "partNumber=99999999999999999999",
        "tagKeys=%c3",
        "uploadId=%",
        "x=%ff",
    ]
)
QUERIES = st.lists(FIELDS, max_size=4).map("&".join) | st.text(max_size=20)
HEADERS = st.lists(
    st.sampled_from(
        [
            ("X-Amz-Target", "A.PutItem"),
            ("X-Amz-Target", "ListQueues"),
            ("smithy-protocol", "rpc-v2-cbor"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("x-amz-copy-source", "\xff"),
            ("x-amz-meta-", ""),
            ("Content-Length", "many"),
            ("If-Modified-Since", "yesterday"),
            ("X-Amz-Client-Context", "?"),
        ]
    ),
    max_size=3,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = (
    st.binary(max_size=60)
    | JSON.map(orjson.dumps)
    | JSON.map(lambda value: cbor.encode(value))
    | QUERIES.map(lambda text: text.encode("utf-8", "replace"))
    | st.sampled_from([b"<a", b"<a/>", b"<a><b>1</b></a>", b"[" * 2000, b'{"a":' * 2000, b"\x9f" * 2000, b"<a>" * 2000])
)


def handled(wire: Wire, service: str, sent: Request, body: bytes) -> None:
    codec = wire.codec(service)
    try:
        exchange = codec.match(sent, body if codec.needs_form(sent) else None)
    except AwsError as error:
        assert codec.error_response(sent, error, "id").status >= 400
        return
    try:
        params = exchange.decode(sent, sent.body if exchange.streams_input else body)
    except AwsError as error:
        assert 400 <= exchange.encode_error(error, "id").status < 500
    else:
        assert type(params) is dict


@pytest.mark.parametrize("service", SERVICES)
def test_any_request(wire: Wire, service: str) -> None:
    @HARMLESS
    @given(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "B?"]), PATHS, QUERIES, HEADERS, BODIES)
    def run(method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes) -> None:
        handled(wire, service, Request(method, path, query, Headers(headers), BufferedBody(body)), body)

    run()


def bent(params: Any, wrong: Any) -> Any:
    """Documents of roughly the right form: each of an operation's members holds something of any type."""
    return st.dictionaries(st.sampled_from(params), wrong, max_size=4)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("dynamodb", "PutItem"),
        ("dynamodb", "Query"),
        ("logs", "PutLogEvents"),
        ("logs", "FilterLogEvents"),
        ("sqs", "SendMessageBatch"),
        ("kinesis", "PutRecords"),
        ("cloudwatch", "PutMetricData"),
    ],
)
def test_the_right_members_with_the_wrong_values(wire: Wire, service: str, name: str) -> None:
    codec = wire.codec(service)
    members = list(codec.operation(name).input.members)
    near = JSON | st.dictionaries(
        st.sampled_from(["S", "N", "B", "M", "L", "Key", "Data", "Timestamp"]), JSON, max_size=3
    )

    @HARMLESS
    @given(bent(members, near | st.lists(near, max_size=2)))
    def run(document: Any) -> None:
        body = orjson.dumps(document)
        sent = Request("POST", "/", "", Headers([("X-Amz-Target", f"T.{name}")]), BufferedBody(body))
        handled(wire, service, sent, body)

    run()


@HARMLESS
@given(
    st.dictionaries(st.sampled_from(["Namespace", "MetricData", "Timestamp", "Value"]), JSON | st.binary(), max_size=4)
)
def test_the_right_members_with_the_wrong_values_in_cbor(document: Any) -> None:
    wire = Wire()
    headers = Headers([("smithy-protocol", "rpc-v2-cbor")])
    sent = Request("POST", "/service/G/operation/PutMetricData", "", headers)
    handled(wire, "cloudwatch", sent, cbor.encode(document))


XML_VALUES = ["", "x", "-1", "99999999999999999999", "true", "2026-13-01T00:00:00Z", "1e9", "\u0661"]


@pytest.mark.parametrize("name", ["DeleteObjects", "PutBucketLifecycleConfiguration", "CompleteMultipartUpload"])
def test_the_right_elements_with_the_wrong_text(wire: Wire, name: str) -> None:
    targets = {
        "DeleteObjects": ("POST", "/b", "delete"),
        "PutBucketLifecycleConfiguration": ("PUT", "/b", "lifecycle"),
        "CompleteMultipartUpload": ("POST", "/b/k", "uploadId=u"),
    }
    tags = st.sampled_from(
        ["Object", "Key", "Quiet", "Rule", "Expiration", "Days", "Date", "Part", "PartNumber", "Filter"]
    )
    leaf = st.tuples(tags, st.sampled_from(XML_VALUES)).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>")
    trees = st.recursive(
        leaf,
        lambda inner: st.tuples(tags, st.lists(inner, max_size=3)).map(
            lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0]}>"
        ),
        max_leaves=8,
    )

    @HARMLESS
    @given(trees)
    def run(tree: str) -> None:
        method, path, query = targets[name]
        handled(wire, "s3", Request(method, path, query), f"<Root>{tree}</Root>".encode())

    run()
