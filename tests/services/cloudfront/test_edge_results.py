"""What CloudFront takes of a Lambda@Edge function's answer, as a table."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.lambda_edge.association import refusal, trusts
from kumoi.services.cloudfront.lambda_edge.event import event_of, request_of
from kumoi.services.cloudfront.lambda_edge.fields import Invalid
from kumoi.services.cloudfront.lambda_edge.result import read_request, read_response

ORIGIN = Origin("one", "example.org", "", (("X-Key", "secret"),))


def request(**members: Any) -> EdgeRequest:
    fields = [
        ("Host", "d1.cloudfront.net"),
        ("X-A", "1"),
        ("X-A", "2"),
        ("X-Forwarded-Proto", "https"),
        ("Via", "1.1 x"),
    ]
    given = {"method": "GET", "uri": "/a", "query": "q=1", "headers": fields, "ip": "1.2.3.4", "origin": ORIGIN}
    return EdgeRequest(**{**given, **members})


def told(event: str = "viewer-request", **members: Any) -> dict[str, Any]:
    return {**request_of(request(), event, include_body=False), **members}


def test_an_event() -> None:
    event = event_of(
        "origin-response", "E1", "d1.cloudfront.net", "id==", request(), EdgeResponse(404, [("ETag", "x")])
    )
    cf = event["Records"][0]["cf"]
    assert cf["config"] == {
        "distributionDomainName": "d1.cloudfront.net",
        "distributionId": "E1",
        "eventType": "origin-response",
        "requestId": "id==",
    }
    assert cf["request"]["headers"]["x-a"] == [{"key": "X-A", "value": "1"}, {"key": "X-A", "value": "2"}]
    assert "x-forwarded-proto" not in cf["request"]["headers"]
    assert cf["request"]["origin"]["custom"] == {
        "customHeaders": {"x-key": [{"key": "X-Key", "value": "secret"}]},
        "domainName": "example.org",
        "keepaliveTimeout": 5,
        "path": "",
        "port": 443,
        "protocol": "https",
        "readTimeout": 30,
        "sslProtocols": ["TLSv1", "TLSv1.1", "TLSv1.2"],
    }
    assert cf["response"] == {
        "status": "404",
        "statusDescription": "Not Found",
        "headers": {"etag": [{"key": "ETag", "value": "x"}]},
    }


def test_a_body_is_truncated() -> None:
    body = request_of(request(body=b"x" * 50_000), "viewer-request", include_body=True)["body"]
    assert (len(base64.b64decode(body["data"])), body["inputTruncated"]) == (40_960, True)


def test_an_unchanged_request_stays_what_it_is() -> None:
    before = request()
    after = read_request(json.dumps(told("origin-request")).encode(), before, "origin-request")
    assert isinstance(after, EdgeRequest)
    assert sorted(after.headers) == sorted(before.headers)
    assert (after.uri, after.query) == ("/a", "q=1")
    assert after.origin is not None
    assert (after.origin.domain, after.origin.headers) == (ORIGIN.domain, ORIGIN.headers)


def test_changing_a_request() -> None:
    given = told(uri="/日", querystring="a=b")
    given["headers"]["x-new"] = [{"value": "v"}]
    after = read_request(json.dumps(given).encode(), request(), "viewer-request")
    assert isinstance(after, EdgeRequest)
    assert (after.uri, after.query) == ("/%E6%97%A5", "a=b")
    assert ("X-New", "v") in after.headers


def test_choosing_a_bucket() -> None:
    origin = {"s3": {"domainName": "b.s3.eu-west-1.amazonaws.com", "path": "/p", "authMethod": "none", "region": ""}}
    after = read_request(json.dumps(told("origin-request", origin=origin)).encode(), request(), "origin-request")
    assert isinstance(after, EdgeRequest)
    assert after.origin is not None
    assert (after.origin.bucket, after.origin.path, after.origin.s3) == ("b", "/p", True)


def with_headers(**changed: Any) -> dict[str, Any]:
    given = told()
    for name, value in changed.items():
        key = name.replace("_", "-")
        if value is None:
            del given["headers"][key]
        else:
            given["headers"][key] = value
    return given


REFUSED_REQUESTS: list[tuple[Any, str]] = [
    (None, "null or no object"),
    ([], "null or no object"),
    ({"statusCode": 200}, "statusCode"),
    ({"Records": []}, "whole event"),
    ({"uri": "/"}, "without method"),
    (told(method="POST"), "method"),
    (told(clientIp="9.9.9.9"), "clientIp"),
    (told(uri="a"), "uri"),
    (told(querystring="a b"), "querystring"),
    (told(uri="/" + "a" * 9000), "too long"),
    (with_headers(host=[{"value": "other"}]), "change read-only header, headerName : Host."),
    (with_headers(host=None), "delete read-only header, headerName : Host."),
    (with_headers(transfer_encoding=[{"value": "chunked"}]), "add read-only header"),
    (with_headers(x_cache=[{"value": "x"}]), "disallowed header"),
    (with_headers(x_edge_thing=[{"value": "x"}]), "disallowed header"),
    (with_headers(x_new="text"), "list of objects"),
    (with_headers(x_new=[{}]), "without a value"),
    (with_headers(x_new=[{"key": "Other", "value": "v"}]), "not its name"),
    (with_headers(location=[{"value": "a\r\nb"}]), "'%0D' in header value, headerName : Location."),
    ({"status": "99"}, "three digits"),
    ({"status": "199"}, "from 200 to 599"),
    ({"status": "204", "body": "x"}, "204"),
    ({"status": "200", "body": "x" * 41_000}, "exceeds the limit"),
    ({"status": "200", "body": "?", "bodyEncoding": "base64"}, "not base64"),
    ({"status": "200", "headers": {"transfer-encoding": [{"value": "chunked"}]}}, "add read-only header"),
]


@pytest.mark.parametrize(("answer", "rule"), REFUSED_REQUESTS)
def test_refused_answers_to_viewer_requests(answer: Any, rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_request(json.dumps(answer).encode(), request(), "viewer-request")
    assert rule in str(caught.value)
    assert caught.value.page.startswith("The Lambda function re")


def test_an_answer_that_is_no_json() -> None:
    with pytest.raises(Invalid) as caught:
        read_request(b"{", request(), "viewer-request")
    assert caught.value.page == "The Lambda function returned invalid JSON: The JSON output is not parsable."


REFUSED_ORIGINS: list[tuple[Any, str]] = [
    ({}, "exactly one"),
    ({"s3": {"domainName": "b.s3.amazonaws.com"}, "custom": {"domainName": "x"}}, "exactly one"),
    ({"custom": {"domainName": "a:80"}}, "domainName"),
    ({"custom": {"domainName": "10.0.0.1"}}, "IP address"),
    ({"custom": {"domainName": "x.org", "path": "/a/"}}, "path"),
    ({"custom": {"domainName": "x.org", "port": 22}}, "port"),
    ({"custom": {"domainName": "x.org", "protocol": "ftp"}}, "protocol"),
    ({"custom": {"domainName": "x.org", "readTimeout": 3}}, "readTimeout"),
    ({"custom": {"domainName": "x.org", "sslProtocols": ["SSLv2"]}}, "sslProtocols"),
    ({"custom": {"domainName": "x.org", "customHeaders": {"x-a": [{"value": "1"}]}}}, "customHeaders"),
    ({"s3": {"domainName": "b.s3.amazonaws.com", "authMethod": "origin-access-identity"}}, "region"),
]


@pytest.mark.parametrize(("origin", "rule"), REFUSED_ORIGINS)
def test_refused_origins(origin: Any, rule: str) -> None:
    given = json.dumps(told("origin-request", origin=origin)).encode()
    with pytest.raises(Invalid, match=rule):
        read_request(given, request(), "origin-request")


def test_responses() -> None:
    before = EdgeResponse(404, [("Via", "1.1 x"), ("ETag", "e")], b"lost")
    given: dict[str, Any] = {"status": 200, "headers": {"via": [{"value": "1.1 x"}]}, "body": "found"}
    after = read_response(json.dumps(given).encode(), before, "origin-response")
    assert (after.status, after.body, after.headers) == (200, b"found", [("Via", "1.1 x")])
    for broken, rule in (
        ({**given, "headers": {}}, "delete read-only header, headerName : Via."),
        ({"headers": given["headers"]}, "without status"),
        ({**given, "body": "x" * 1_100_000}, "exceeds"),
    ):
        with pytest.raises(Invalid, match=rule):
            read_response(json.dumps(broken).encode(), before, "origin-response")
    with pytest.raises(Invalid, match="status at viewer-response"):
        read_response(json.dumps(given).encode(), before, "viewer-response")


SETTINGS: dict[str, Any] = {"Runtime": "python3.12", "MemorySize": 128, "Timeout": 3, "CodeSize": 100}
REFUSED_FUNCTIONS = [
    ({}, None),
    ({"Runtime": "java21"}, "runtime"),
    ({"Environment": {"Variables": {"A": "1"}}}, "The function cannot have environment variables"),
    ({"Layers": [{"Arn": "x"}]}, "layers"),
    ({"Architectures": ["arm64"]}, "x86_64"),
    ({"MemorySize": 256}, "256 Max allowed: 128"),
    ({"Timeout": 6}, "6 Max allowed: 5"),
    ({"PackageType": "Image"}, "container"),
    ({"DeadLetterConfig": {"TargetArn": "x"}}, "dead letter"),
]


@pytest.mark.parametrize(("changed", "rule"), REFUSED_FUNCTIONS)
def test_functions_that_cannot_run_at_the_edge(changed: dict[str, Any], rule: str | None) -> None:
    found = refusal({**SETTINGS, **changed}, "viewer-request")
    assert found is None if rule is None else rule in str(found)


def test_origin_events_allow_more() -> None:
    assert refusal({**SETTINGS, "MemorySize": 3008, "Timeout": 30}, "origin-response") is None


def test_trust() -> None:
    def policy(*services: str) -> dict[str, Any]:
        return {
            "Statement": [{"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}]
        }

    assert trusts(policy("lambda.amazonaws.com", "edgelambda.amazonaws.com"))
    assert not trusts(policy("lambda.amazonaws.com"))
