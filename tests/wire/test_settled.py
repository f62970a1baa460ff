"""Params that are settled before a request has come."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.gateway.known_heads import OWN_FIELDS
from kumoi.wire import Wire
from kumoi.wire.http import BufferedBody, HeaderList, Headers, Request
from kumoi.wire.settled import Settled, settle

FUNCTIONS = "/2015-03-31/functions"


def settled(service: str, method: str, path: str, headers: HeaderList, query: str = "") -> Settled | None:
    codec = Wire().codec(service)
    request = Request(method, path, query, Headers(headers), BufferedBody(b"x"))
    return settle(codec.match(request, None), request, OWN_FIELDS)


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "query", "params", "payload"),
    [
        ("lambda", "POST", f"{FUNCTIONS}/f/invocations", [], "", {"FunctionName": "f"}, "Payload"),
        (
            "lambda",
            "POST",
            f"{FUNCTIONS}/f/invocations",
            [("X-Amz-Log-Type", "Tail"), ("X-Amz-Date", "20260101T000000Z")],
            "Qualifier=live",
            {"FunctionName": "f", "LogType": "Tail", "Qualifier": "live"},
            "Payload",
        ),
        ("lambda", "GET", f"{FUNCTIONS}/f/configuration", [], "", {"FunctionName": "f"}, None),
        ("lambda", "GET", "/2015-03-31/functions/", [], "MaxItems=3", {"MaxItems": 3}, None),
        ("s3", "GET", "/bucket/key", [("Range", "bytes=1-2")], "", {"Bucket": "bucket", "Key": "key"}, None),
    ],
)
def test_what_the_head_says_is_settled_and_a_payload_is_each_ones_own(
    service: str, method: str, path: str, headers: HeaderList, query: str, params: dict[str, Any], payload: str | None
) -> None:
    found = settled(service, method, path, headers, query)
    assert found is not None and params.items() <= found.params.items() and found.payload == payload
    assert found.with_body(b"") == found.params and found.with_body(b"") is not found.params
    more = {payload: b"1"} if payload else {}
    assert found.with_body(b"1") == {**found.params, **more}


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "query"),
    [
        ("lambda", "PUT", f"{FUNCTIONS}/f/code", [], ""),  # a document
        ("lambda", "POST", f"{FUNCTIONS}/f%20g/invocations", [], ""),  # no valid name
        ("s3", "PUT", "/bucket/key", [], ""),  # a stream
        ("s3", "PUT", "/bucket", [], "policy"),  # Content-MD5 is each request's own
        ("s3", "GET", "/bucket/key", [("x-amz-object-attributes", "ETag")], "attributes"),  # a list, to be changed
        ("s3", "GET", "/bucket/key", [("If-Modified-Since", "Mon, 30 Nov 2026 00:00:00 GMT")], ""),
        ("dynamodb", "POST", "/", [("X-Amz-Target", "DynamoDB_20120810.ListTables")], ""),
    ],
)
def test_what_else_decides_is_read_of_each_request(
    service: str, method: str, path: str, headers: HeaderList, query: str
) -> None:
    assert settled(service, method, path, headers, query) is None


@pytest.mark.parametrize(
    ("member", "is_settled"),
    [
        ({"shape": "Text", "location": "header", "locationName": "X-Colour"}, True),
        ({"shape": "Text", "location": "header", "locationName": "Content-MD5"}, False),
        ({"shape": "Texts", "location": "headers", "locationName": "x-mine-"}, False),  # a map, to be changed
        ({"shape": "Texts", "location": "headers", "locationName": "x-amz-"}, False),
        ({"shape": "Blob"}, True),
        ({"shape": "Short"}, False),  # a limit on the payload
        ({"shape": "Stream"}, False),
        ({"shape": "Text"}, False),  # text has to be decoded
    ],
)
@pytest.mark.parametrize("sent", [True, False])
def test_a_member_is_settled_where_nothing_of_a_requests_own_decides_it(
    member: dict[str, Any], is_settled: bool, sent: bool
) -> None:
    shape = {"type": "structure", "members": {"Member": member}} | (
        {} if "location" in member else {"payload": "Member"}
    )
    raw = {
        "metadata": {"protocol": "rest-json"},
        "operations": {"Do": {"name": "Do", "http": {"method": "POST", "requestUri": "/do"}, "input": {"shape": "In"}}},
        "shapes": {
            "In": shape,
            "Text": {"type": "string"},
            "Texts": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
            "Blob": {"type": "blob"},
            "Short": {"type": "blob", "max": 4},
            "Stream": {"type": "blob", "streaming": True},
        },
    }
    fields = ["X-Colour", "Content-MD5", "x-mine-a", "x-amz-date"] if sent else []
    request = Request("POST", "/do", headers=Headers([(name, "x") for name in fields]))
    found = settle(Wire({"own": raw}).codec("own").match(request, None), request, OWN_FIELDS)
    map_is_empty = member.get("locationName") == "x-mine-" and not sent
    assert (found is not None) == (is_settled or map_is_empty)
