"""Signatures: AWS's published examples, botocore as the signer, and whatever was changed on the way."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4PostAuth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kumoi.wire.canonical import canonical_headers, double_encoded
from kumoi.wire.http import Headers, Request
from kumoi.wire.sigv4 import SignatureProblem, Verifier, parse_credential, parse_form_credential

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)

# AWS's "Signature Version 4 test suite": one request each, at 20150830T123600Z, us-east-1, service "service".
VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
SUITE: list[tuple[str, str, str, str, list[tuple[str, str]], bytes, str]] = [
    ("get-vanilla", "GET", "/", "", [], b"", VANILLA),
    ("get-relative", "GET", "/example/..", "", [], b"", VANILLA),
    ("get-slashes-dot", "GET", "/./", "", [], b"", VANILLA),
    (
        "get-slash-pointless-dot",
        "GET",
        "/./example",
        "",
        [],
        b"",
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    ),
    (
        "get-unreserved",
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "",
        [],
        b"",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "get-vanilla-query-order-key-case",
        "GET",
        "/",
        "Param2=value2&Param1=value1",
        [],
        b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "get-header-value-trim",
        "GET",
        "/",
        "",
        [("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')],
        b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "get-header-key-duplicate",
        "GET",
        "/",
        "",
        [("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
        b"",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    ("post-vanilla", "POST", "/", "", [], b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    (
        "post-vanilla-query",
        "POST",
        "/",
        "Param1=value1",
        [],
        b"",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    ),
    (
        "post-header-key-sort",
        "POST",
        "/",
        "",
        [("My-Header1", "value1")],
        b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    (
        "post-x-www-form-urlencoded",
        "POST",
        "/",
        "",
        [("Content-Type", "application/x-www-form-urlencoded")],
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
]


def authorization(headers: list[tuple[str, str]], scope: str, signature: str) -> tuple[str, str]:
    names = ";".join(sorted({name.lower() for name, _ in headers}))
    value = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
    return ("Authorization", value)


def verify(
    request: Request, content: bytes | None, *, secret: str = SECRET, now: datetime = NOW, service: str = "any"
) -> None:
    credential = parse_credential(request)
    assert credential is not None
    Verifier().verify(request, credential, secret, now.timestamp(), service, content)


@pytest.mark.parametrize(("method", "path", "query", "extra", "body", "signature"), [row[1:] for row in SUITE],
                         ids=[row[0] for row in SUITE])  # fmt: skip
def test_the_published_suite(
    method: str, path: str, query: str, extra: list[tuple[str, str]], body: bytes, signature: str
) -> None:
    headers = [("Host", "example.amazonaws.com"), *extra, ("X-Amz-Date", "20150830T123600Z")]
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    request = Request(method, path, query, Headers([*headers, authorization(headers, scope, signature)]))
    verify(request, body)


S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
S3_NOW = datetime(2013, 5, 24, tzinfo=UTC)
EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("method", "path", "query", "extra", "payload", "signature"),
    [
        (
            "GET",
            "/test.txt",
            "",
            [("Range", "bytes=0-9")],
            EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            "",
            [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/", "lifecycle", [], EMPTY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "/",
            "max-keys=2&prefix=J",
            [],
            EMPTY,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_of_the_s3_documentation(
    method: str, path: str, query: str, extra: list[tuple[str, str]], payload: str, signature: str
) -> None:
    headers = [
        ("Host", "examplebucket.s3.amazonaws.com"),
        *extra,
        ("x-amz-content-sha256", payload),
        ("x-amz-date", "20130524T000000Z"),
    ]
    scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
    request = Request(method, path, query, Headers([*headers, authorization(headers, scope, signature)]))
    verify(request, None, secret=S3_SECRET, now=S3_NOW, service="s3")


def test_the_presigned_example_of_the_s3_documentation() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    request = Request("GET", "/test.txt", query, Headers([("Host", "examplebucket.s3.amazonaws.com")]))
    verify(request, b"", secret=S3_SECRET, now=S3_NOW + timedelta(hours=23), service="s3")


# -- botocore as the signer -------------------------------------------------------------------------------------------

SEGMENT = st.text("abzAZ09-_.~!$&'()*+,;=:@ %é", min_size=1, max_size=6).filter(lambda text: text not in (".", ".."))
PATHS = st.lists(SEGMENT, max_size=4).map(lambda parts: "/" + "/".join(quote(part, safe="") for part in parts))
WORD = st.text("abzAZ09-_.~ /+&=%é", min_size=1, max_size=6)
QUERIES = st.lists(st.tuples(WORD, st.one_of(st.just(""), WORD)), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
)
VALUE = st.text('abzAZ09-_.~ \t/+&=%;,:"', min_size=1, max_size=12).map(str.strip).filter(bool)
HEADERS = st.dictionaries(st.sampled_from(["X-Custom", "x-amz-meta-a", "Content-Type", "Range", "If-Match"]), VALUE)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]),
        "path": PATHS,
        "query": QUERIES,
        "headers": HEADERS,
        "body": st.binary(max_size=40),
        "host": st.sampled_from(["localhost:4566", "bucket.s3.amazonaws.com", "127.0.0.1:80", "[::1]:4566"]),
        "token": st.sampled_from([None, "FwoGZ+/=token"]),
    }
)


def sign(auth: Any, name: str, parts: dict[str, Any], **options: Any) -> Request:
    """Have a signer of botocore sign a request, and take it as it would arrive."""
    query = f"?{parts['query']}" if parts["query"] else ""
    outgoing = AWSRequest(
        parts["method"], f"http://{parts['host']}{parts['path']}{query}", dict(parts["headers"]), parts["body"]
    )
    credentials = Credentials("AKIDEXAMPLE", SECRET, parts["token"])
    with patch("botocore.auth.get_current_datetime", lambda: NOW):
        auth(credentials, name, "eu-west-1", **options).add_auth(outgoing)
    url = urlsplit(outgoing.url)
    # The Host header, as botocore's HTTP layer adds it: without the scheme's own port.
    headers = [
        ("Host", url.netloc.removesuffix(":80")),
        *((key, str(value)) for key, value in outgoing.headers.items()),
    ]
    return Request(parts["method"], url.path, url.query, Headers(headers))


@settings(deadline=None)
@given(REQUESTS)
def test_what_botocore_signs_is_accepted(parts: dict[str, Any]) -> None:
    verify(sign(SigV4Auth, "service", parts), parts["body"])


@settings(deadline=None)
@given(REQUESTS)
def test_what_botocore_signs_for_s3_is_accepted(parts: dict[str, Any]) -> None:
    request = sign(S3SigV4Auth, "s3", parts)
    verify(request, parts["body"], service="s3")
    verify(request, None, service="s3")


@settings(deadline=None)
@given(REQUESTS)
def test_what_botocore_presigns_is_accepted(parts: dict[str, Any]) -> None:
    parts = parts | {"body": b"", "headers": {}}
    verify(sign(SigV4QueryAuth, "sts", parts, expires=60), b"", service="sts")
    request = sign(S3SigV4QueryAuth, "s3", parts, expires=60)
    verify(request, b"any body", service="s3")
    credential = parse_credential(request)
    assert credential is not None
    assert (credential.presigned, credential.expires, credential.session_token) == (True, 60, parts["token"])
    assert (credential.access_key, credential.region, credential.signing_name) == ("AKIDEXAMPLE", "eu-west-1", "s3")


class OverHttp2(SigV4Auth):
    """Signs the host by its name in HTTP/2, as the SDK for JavaScript does."""

    def headers_to_sign(self, request: Any) -> Any:
        headers = super().headers_to_sign(request)
        headers[":authority"] = headers["host"]
        del headers["host"]
        return headers


@settings(deadline=None)
@given(REQUESTS)
def test_the_host_may_be_signed_as_the_authority(parts: dict[str, Any]) -> None:
    request = sign(OverHttp2, "service", parts)
    verify(request, parts["body"])
    others = [(name, "other" if name == "Host" else value) for name, value in request.headers.items]
    request.headers = Headers(others)
    with pytest.raises(SignatureProblem) as problem:
        verify(request, parts["body"])
    assert problem.value.kind == "mismatch"


def mutated(text: str, position: int, replacement: str) -> str:
    place = position % len(text)
    return text[:place] + replacement + text[place + 1 :]


@settings(deadline=None)
@given(
    REQUESTS,
    st.sampled_from(["method", "path", "query", "header", "body", "secret", "signature"]),
    st.integers(0, 200),
    st.sampled_from("aZ9-"),
)
def test_one_changed_byte_is_rejected(parts: dict[str, Any], what: str, position: int, replacement: str) -> None:
    for auth, service in ((SigV4Auth, "service"), (S3SigV4Auth, "s3")):
        request = sign(auth, service, parts)
        body, secret = parts["body"], SECRET
        before = meaning(request)
        if what == "method":
            request.method = mutated(request.method, position, replacement)
        elif what == "path":
            request.path = "/" + mutated(request.path[1:] or "_", position, replacement)
        elif what == "query":
            request.query = mutated(request.query or "_", position, replacement)
        elif what == "header":
            names = [name for name in request.headers.index if name not in ("authorization", "user-agent")]
            name = names[position % len(names)]
            request.headers = Headers(
                (key, mutated(value, position, replacement) if key.lower() == name else value)
                for key, value in request.headers.items
            )
        elif what == "body":
            body = bytes([*body[1:], (body[0] + 1) % 256]) if body else b"x"
            assume(body != parts["body"])
        elif what == "secret":
            secret = mutated(secret, position, replacement)
            assume(secret != SECRET)
        else:
            items = request.headers.items
            request.headers = Headers(
                (key, mutated(value, -1 - position % 64, replacement) if key == "Authorization" else value)
                for key, value in items
            )
        assume(what in ("body", "secret") or meaning(request) != before)
        with pytest.raises(SignatureProblem):
            verify(request, body, secret=secret, service=service)


def meaning(request: Request) -> tuple[Any, ...]:
    """What two spellings of the same request have in common."""
    headers = sorted((name.lower(), " ".join(value.split())) for name, value in request.headers.items)
    path = double_encoded(request.path)
    return request.method, path, sorted(parse_qsl(request.query, keep_blank_values=True)), headers


def test_a_key_of_another_service_is_refused() -> None:
    parts = {"method": "POST", "path": "/", "query": "", "headers": {}, "body": b"", "host": "h", "token": None}
    with pytest.raises(SignatureProblem, match="scoped to correct service: 'dynamodb'"):
        verify(sign(SigV4Auth, "sqs", parts), b"", service="dynamodb")


@pytest.mark.parametrize(
    ("minutes", "text"), [(16, "Signature expired"), (-16, "Signature not yet current"), (14, None), (-14, None)]
)
def test_clocks_may_differ_by_fifteen_minutes(minutes: int, text: str | None) -> None:
    parts = {"method": "POST", "path": "/", "query": "", "headers": {}, "body": b"", "host": "h", "token": None}
    request = sign(SigV4Auth, "service", parts)
    if text is None:
        verify(request, b"", now=NOW + timedelta(minutes=minutes))
    else:
        with pytest.raises(SignatureProblem, match=text) as problem:
            verify(request, b"", now=NOW + timedelta(minutes=minutes))
        assert problem.value.kind == "skewed"


def test_s3_refuses_amazon_fields_that_were_not_signed() -> None:
    parts = {"method": "GET", "path": "/b/k", "query": "", "headers": {}, "body": b"", "host": "h", "token": None}
    request = sign(S3SigV4QueryAuth, "s3", parts, expires=60)
    request.headers = Headers([*request.headers.items, ("x-amz-acl", "public-read")])
    with pytest.raises(SignatureProblem) as problem:
        verify(request, b"", service="s3")
    assert (problem.value.kind, problem.value.members) == ("unsigned-headers", {"HeadersNotSigned": "x-amz-acl"})


def test_a_declared_hash_must_be_the_bodys() -> None:
    parts = {"method": "PUT", "path": "/b/k", "query": "", "headers": {}, "body": b"one", "host": "h", "token": None}
    with pytest.raises(SignatureProblem) as problem:
        verify(sign(S3SigV4Auth, "s3", parts), b"two", service="s3")
    assert problem.value.kind == "payload"
    assert problem.value.members["S3ComputedContentSHA256"] == hashlib.sha256(b"two").hexdigest()


def test_a_path_that_routing_rewrote_is_verified_as_it_was_sent() -> None:
    parts = {"method": "GET", "path": "/k", "query": "", "headers": {}, "body": b"", "host": "b.h", "token": None}
    request = sign(S3SigV4Auth, "s3", parts)
    request.path = "/b/k"
    credential = parse_credential(request)
    assert credential is not None
    Verifier().verify(request, credential, SECRET, NOW.timestamp(), "s3", b"", path="/k")


def test_an_mqtt_urls_token_is_not_signed() -> None:
    parts = {"method": "GET", "path": "/mqtt", "query": "", "headers": {}, "body": b"", "host": "h", "token": None}
    request = sign(SigV4QueryAuth, "iotdevicegateway", parts)
    request.query += "&X-Amz-Security-Token=later"
    verify(request, b"")


def test_sigv4a() -> None:
    # Signed by awscrt 0.38 with the key pair of its own tests.
    signature = (
        "3045022100a8db991714e8ed31dcfef4a3fbc1167447eaeae15b36ad18c1c5685077017fd8"
        "022049a900ea792dbb6e76e6f9bb42298c08121a50361ca7a6203dce329c6ec43cf0"
    )
    scope = "AKISORANDOMAASORANDOM/20150830/cloudfront-keyvaluestore/aws4_request"
    claim = f"Credential={scope}, SignedHeaders=host;x-amz-date;x-amz-region-set, Signature={signature}"
    headers = [
        ("host", "localhost:4566"),
        ("X-Amz-Date", "20150830T123600Z"),
        ("X-Amz-Region-Set", "*"),
        ("Authorization", f"AWS4-ECDSA-P256-SHA256 {claim}"),
    ]
    request = Request("GET", "/key-value-stores/arn%3Aaws", "a=b%20c", Headers(headers))
    secret = "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom"
    verify(request, b"", secret=secret, service="cloudfront-keyvaluestore")
    for changed in (
        Request("PUT", request.path, request.query, request.headers),
        Request("GET", request.path, "a=b%20d", request.headers),
        Request("GET", request.path, request.query, Headers([*headers[:2], ("X-Amz-Region-Set", "eu"), headers[3]])),
    ):
        with pytest.raises(SignatureProblem):
            verify(changed, b"", secret=secret)
    with pytest.raises(SignatureProblem):
        verify(request, b"", secret=secret + "x")


@pytest.mark.parametrize(
    ("authorization", "kind"),
    [
        ("AWS AKID:c2ln", "unsupported"),
        ("AWS4-HMAC-SHA256 Credential=AKID", "incomplete"),
        ("AWS4-HMAC-SHA256 Credential=AKID/20150830/r/s/aws4_request, SignedHeaders=host", "incomplete"),
        ("AWS4-HMAC-SHA256 Credential=AKID/20150830/r/s/aws4_request, SignedHeaders=a, Signature=0", "incomplete"),
        ("AWS4-HMAC-SHA256 Credential=AKID/20150829/r/s/aws4_request, SignedHeaders=host, Signature=0", "scope"),
        ("AWS4-HMAC-SHA256 Credential=AKID/20150830/r/s/aws4_request, SignedHeaders=host, Signature=é", "mismatch"),
        ("AWS4-ECDSA-P256-SHA256 Credential=AKID/20150830/s/aws4_request, SignedHeaders=host, Signature=é", "mismatch"),
    ],
)
def test_what_cannot_hold_is_named(authorization: str, kind: str) -> None:
    headers = Headers([("Host", "h"), ("X-Amz-Date", "20150830T123600Z"), ("Authorization", authorization)])
    with pytest.raises(SignatureProblem) as problem:
        verify(Request("GET", "/", "", headers), b"")
    assert problem.value.kind == kind


def test_a_form_uploads_policy() -> None:
    signer = S3SigV4PostAuth(Credentials("AKIAIOSFODNN7EXAMPLE", SECRET), "s3", "us-east-1")
    outgoing = AWSRequest("POST", "http://b.s3.localhost/")
    with patch("botocore.auth.get_current_datetime", lambda: datetime(2015, 12, 29, tzinfo=UTC)):
        signer.add_auth(outgoing)
    fields = outgoing.context["s3-presign-post-fields"]
    credential = parse_form_credential(fields)
    assert credential is not None
    assert credential.access_key == "AKIAIOSFODNN7EXAMPLE"
    Verifier().verify_policy(credential, SECRET, fields["policy"])
    with pytest.raises(SignatureProblem):
        Verifier().verify_policy(credential, SECRET, fields["policy"] + "=")


def test_signing_keys_are_remembered_up_to_a_limit() -> None:
    verifier = Verifier(keys=2)
    parts = {"method": "GET", "path": "/", "query": "", "headers": {}, "body": b"", "host": "h", "token": None}
    for name in ("one", "two", "three", "one"):
        request = sign(SigV4Auth, name, parts)
        credential = parse_credential(request)
        assert credential is not None
        verifier.verify(request, credential, SECRET, NOW.timestamp(), name, b"")
    assert len(verifier._keys) == 2


def test_header_values_are_folded() -> None:
    headers = Headers([("A", " x  y "), ("b", "1"), ("B", "2")])
    assert canonical_headers(headers, ["a", "b", "absent"]) == "a:x y\nb:1,2\nabsent:\n"
