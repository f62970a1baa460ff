"""S3's older signatures: AWS's published examples, botocore as the signer, and whatever was changed on the way."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from kumoi.wire.credential import Credential
from kumoi.wire.http import Headers, Request
from kumoi.wire.sigv4 import SignatureProblem, Verifier, parse_credential

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JPEG = ("Content-Type", "image/jpeg")

# The examples of "Signing and authenticating REST requests", with the bucket of its older and of its newer edition.
EXAMPLES = [
    ("GET", "/johnsmith/photos/puppy.jpg", "", [], "19:36:42", "bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
    ("PUT", "/johnsmith/photos/puppy.jpg", "", [JPEG], "21:15:45", "MyyxeRY7whkBe+bq8fHCL/2kKUg="),
    ("GET", "/johnsmith/", "prefix=photos&max-keys=50&marker=puppy", [], "19:42:41", "htDYFYduRNen8P9ZfE/s9SuKy0U="),
    ("GET", "/johnsmith/", "acl", [], "19:44:46", "c2WLPFtWHVgbEmeEG93a4cG37dM="),
    ("GET", "/awsexamplebucket1/photos/puppy.jpg", "", [], "19:36:42", "qgk2+6Sv9/oM7G3qLEjTH1a1l1g="),
    ("PUT", "/awsexamplebucket1/photos/puppy.jpg", "", [JPEG], "21:15:45", "iqRzw+ileNPu1fhspnRs8nOjjIA="),
    ("GET", "/awsexamplebucket1/", "acl", [], "19:44:46", "82ZHiFIjc+WbcwFKGUVEQspPn+0="),
]


def verify(request: Request, now: float, secret: str = SECRET) -> None:
    credential = parse_credential(request)
    assert credential is not None
    Verifier().verify(request, credential, secret, now, "s3", None)


def problem(request: Request, now: float, secret: str = SECRET) -> str:
    with pytest.raises(SignatureProblem) as found:
        verify(request, now, secret)
    return found.value.kind


@pytest.mark.parametrize(("method", "path", "query", "headers", "time", "signature"), EXAMPLES)
def test_published_examples(
    method: str, path: str, query: str, headers: list[tuple[str, str]], time: str, signature: str
) -> None:
    date = f"Tue, 27 Mar 2007 {time} +0000"
    now = parsedate_to_datetime(date).timestamp()
    sent = [*headers, ("Date", date), ("Authorization", f"AWS {KEY}:{signature}")]
    request = Request(method, path, query, Headers(sent))
    verify(request, now)
    verify(request, now + 899)
    assert problem(request, now + 901) == "skewed"
    assert problem(request, now - 901) == "skewed"
    assert problem(request, now, "another") == "mismatch"
    for changed in (
        Request("HEAD", path, query, Headers(sent)),
        Request(method, f"{path}2", query, Headers(sent)),
        Request(method, path, f"{query}&versionId=1", Headers(sent)),
        Request(method, path, query, Headers([*sent, ("x-amz-acl", "public-read")])),
    ):
        assert problem(changed, now) == "mismatch"


def test_the_published_example_of_a_url() -> None:
    query = f"AWSAccessKeyId={KEY}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"
    verify(Request("GET", "/johnsmith/photos/puppy.jpg", query), 0)
    assert problem(Request("GET", "/johnsmith/photos/puppy.jpg", query.replace("620", "621")), 0) == "mismatch"


@pytest.mark.parametrize(("date", "kind"), [(None, "incomplete"), ("yesterday", "incomplete")])
def test_a_header_needs_a_date(date: str | None, kind: str) -> None:
    headers = [("Authorization", f"AWS {KEY}:x"), *([] if date is None else [("Date", date)])]
    assert problem(Request("GET", "/b/k", "", Headers(headers)), 0) == kind


def test_other_services_take_none() -> None:
    request = Request("GET", "/", "", Headers([("Authorization", f"AWS {KEY}:x")]))
    credential = parse_credential(request)
    assert credential is not None
    with pytest.raises(SignatureProblem) as found:
        Verifier().verify(request, credential, SECRET, 0, "sqs", b"")
    assert found.value.kind == "unsupported"


def sent(signed: Any) -> Request:
    at = urlsplit(signed.url)
    return Request(
        signed.method, at.path, at.query, Headers([(name, str(value)) for name, value in signed.headers.items()])
    )


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
METHODS = st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "POST"])
SIGNED_HEADERS = st.dictionaries(
    st.sampled_from(["x-amz-acl", "x-amz-meta-Name", "Content-Type", "Content-MD5"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12),
)
PARAMETERS = st.dictionaries(
    st.sampled_from(["versionId", "partNumber", "uploadId", "acl", "response-content-type", "prefix", "x"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x7F), max_size=8),
)


@given(METHODS, NAMES, SIGNED_HEADERS, PARAMETERS, st.booleans(), st.none() | st.just("session/token+="))
def test_what_botocore_signs_is_verified(
    method: str, key: str, headers: dict[str, str], query: dict[str, str], presigned: bool, token: str | None
) -> None:
    told = "&".join(name if value == " " else f"{name}={quote(value, safe='')}" for name, value in query.items())
    url = f"http://s3.localhost:4566/bucket/{quote(key)}" + (f"?{told}" if told else "")
    signed = AWSRequest(method, url, headers=dict(headers))
    credentials = Credentials(KEY, SECRET, token)
    signer = HmacV1QueryAuth(credentials, 600) if presigned else HmacV1Auth(credentials)
    signer.add_auth(signed)
    request = sent(signed)
    credential = parse_credential(request)
    assert credential is not None
    assert (credential.access_key, credential.presigned) == (KEY, presigned)
    if presigned:
        assert credential.session_token == token
    date = request.headers.get("date")
    now = 0.0 if presigned or date is None else parsedate_to_datetime(date).timestamp()
    verify(request, now)
    assert problem(request, now, SECRET + "x") == "mismatch"


@pytest.mark.parametrize("garbage", ["", "a", "%", "é", "====", "A" * 10_000])
def test_garbage_is_no_signature(garbage: str) -> None:
    request = Request("GET", "/b/k", "", Headers([("Date", "Tue, 27 Mar 2007 19:36:42 +0000")]))
    credential = Credential(KEY, "", "", "s3", "", garbage, "AWS")
    with pytest.raises(SignatureProblem) as found:
        Verifier().verify(request, credential, SECRET, 1175024202.0, "s3", None)
    assert found.value.kind == "mismatch"


def test_a_buckets_own_path_may_be_signed_with_a_slash_that_is_not_sent() -> None:
    date = "Tue, 27 Mar 2007 19:44:46 +0000"
    headers = Headers([("Date", date), ("Authorization", f"AWS {KEY}:c2WLPFtWHVgbEmeEG93a4cG37dM=")])
    now = parsedate_to_datetime(date).timestamp()
    verify(Request("GET", "/johnsmith", "acl", headers), now)
    assert problem(Request("GET", "/johnsmith/k", "acl", headers), now) == "mismatch"
