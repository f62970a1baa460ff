"""CORS as a browser meets it: preflight requests, and the headers of answers to pages of other origins."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

PAGE = "https://app.example.com"
RULES = [
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
    {
        "AllowedMethods": ["PUT", "DELETE"],
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedHeaders": ["content-type", "X-Amz-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 300,
    },
]
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def ask(url: str, method: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def preflight(url: str, method: str, asked: str = "", origin: str = PAGE) -> tuple[int, Any, bytes]:
    headers = {"Origin": origin, "Access_Control_Request_Method": method}
    if asked:
        headers["Access_Control_Request_Headers"] = asked
    return ask(url, "OPTIONS", **headers)


@pytest.fixture
def shared(s3: Any, bucket: str) -> str:
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    return bucket


def test_a_preflight_is_answered_by_the_first_rule_that_allows_it(kumoi: Any, shared: str) -> None:
    status, headers, body = preflight(f"{kumoi.url}/{shared}/k", "PUT", "Content-Type, x-amz-date")
    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Allow-Methods"] == "PUT, DELETE"
    assert headers["Access-Control-Allow-Headers"] == "content-type, x-amz-date"
    assert headers["Access-Control-Expose-Headers"] == "ETag"
    assert headers["Access-Control-Max-Age"] == "300"
    assert headers["Vary"] == VARY


def test_every_origin_is_told_by_a_star_and_gets_no_credentials(kumoi: Any, shared: str) -> None:
    status, headers, _ = preflight(f"{kumoi.url}/{shared}/k", "GET", origin="https://elsewhere.org")
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    ("method", "asked", "origin"),
    [
        ("POST", "", PAGE),
        ("PUT", "", "https://example.org"),
        ("PUT", "authorization", PAGE),
        ("GET", "x-amz-date", PAGE),
    ],
)
def test_what_no_rule_allows_is_forbidden(kumoi: Any, shared: str, method: str, asked: str, origin: str) -> None:
    status, headers, body = preflight(f"{kumoi.url}/{shared}/k", method, asked, origin)
    assert status == 403
    assert b"<Code>AccessForbidden</Code><Message>CORSResponse: This CORS request is not allowed." in body
    assert f"<Method>{method}</Method><ResourceType>OBJECT</ResourceType>".encode() in body
    assert "Access-Control-Allow-Origin" not in headers


def test_a_preflight_has_to_say_enough(kumoi: Any, bucket: str) -> None:
    status, _, body = ask(f"{kumoi.url}/{bucket}/k", "OPTIONS")
    assert status == 400
    assert b"<Code>BadRequest</Code><Message>Insufficient information. Origin request header needed." in body
    status, _, body = preflight(f"{kumoi.url}/{bucket}/k", "GET")
    assert status == 403
    assert b"CORSResponse: CORS is not enabled for this bucket." in body
    assert b"<ResourceType>BUCKET</ResourceType>" in body
    status, _, body = preflight(f"{kumoi.url}/no-{bucket}/k", "GET")
    assert status == 403
    assert b"CORSResponse: Bucket not found" in body


def test_answers_and_errors_carry_the_headers_where_a_rule_matches(kumoi: Any, s3: Any, shared: str) -> None:
    url = s3.generate_presigned_url("get_object", Params={"Bucket": shared, "Key": "k"})
    status, headers, body = ask(url, "GET", Origin=PAGE)
    assert (status, body) == (200, b"body")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Vary"] == VARY
    url = s3.generate_presigned_url("put_object", Params={"Bucket": shared, "Key": "new"})
    status, headers, _ = ask(url, "PUT", b"1", Origin=PAGE)
    assert status == 200
    assert headers["Access-Control-Expose-Headers"] == "ETag"
    missing = s3.generate_presigned_url("get_object", Params={"Bucket": shared, "Key": "none"})
    status, headers, _ = ask(missing, "GET", Origin=PAGE)
    assert (status, headers["Access-Control-Allow-Origin"]) == (404, "*")
    status, headers, _ = ask(url, "PUT", b"1", Origin="https://elsewhere.org")
    assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (200, None, None)


def test_a_bucket_in_the_host_has_its_rules_too(kumoi: Any, shared: str) -> None:
    port = kumoi.url.rpartition(":")[2]
    host = f"{shared}.s3.localhost:{port}"
    status, headers, _ = ask(
        f"{kumoi.url}/k", "OPTIONS", Host=host, Origin=PAGE, Access_Control_Request_Method="DELETE"
    )
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    status, headers, _ = ask(f"{kumoi.url}/k", "GET", Host=host, Origin=PAGE)
    assert headers["Access-Control-Allow-Origin"] == "*"
