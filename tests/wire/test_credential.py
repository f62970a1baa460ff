"""What a request claims about its signer, and when a presigned URL is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.wire.credential import (
    SIGV2,
    SIGV4A,
    Credential,
    SignatureProblem,
    check_expiry,
    epoch,
    hoisted_headers,
    iso_basic,
    parse_credential,
    parse_form_credential,
)
from kumoi.wire.http import Headers, Request

SIGNATURE = "0" * 64
SCOPE = "AKID/20150830/us-east-1/sqs/aws4_request"
START = 1440938160.0
"""20150830T123600Z"""


def signed(authorization: str) -> Credential | None:
    return parse_credential(Request("POST", "/", "", Headers([("Authorization", authorization)])))


def presigned(query: str) -> Credential | None:
    return parse_credential(Request("GET", "/", query))


@pytest.mark.parametrize(
    "authorization",
    [
        f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, Signature={SIGNATURE}",
        f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=host;x-amz-date,Signature={SIGNATURE}",
        f"AWS4-HMAC-SHA256 SignedHeaders=host;x-amz-date,  Signature={SIGNATURE}, Credential={SCOPE}",
    ],
)
def test_an_authorization_header(authorization: str) -> None:
    expected = Credential("AKID", "20150830", "us-east-1", "sqs", "host;x-amz-date", SIGNATURE)
    assert signed(authorization) == expected
    assert expected.scope == "20150830/us-east-1/sqs/aws4_request"


def test_sigv4a_has_no_region_in_its_scope() -> None:
    found = signed(f"{SIGV4A} Credential=AKID/20150830/s3/aws4_request, SignedHeaders=host, Signature=30450221")
    assert found == Credential("AKID", "20150830", "", "s3", "host", "30450221", SIGV4A)
    assert found.scope == "20150830/s3/aws4_request"


def test_signature_version_2() -> None:
    assert signed("AWS AKID:frJIUN8DYpKDtOLCwo//yllqDzg=") == Credential(
        "AKID", "", "", "s3", "", "frJIUN8DYpKDtOLCwo//yllqDzg=", SIGV2
    )
    assert presigned("AWSAccessKeyId=AKID&Signature=a%2Bb%3D&Expires=1141889120") == Credential(
        "AKID", "", "", "s3", "", "a+b=", SIGV2, presigned=True, expires=1141889120
    )


def test_a_presigned_url() -> None:
    query = (
        "list-type=2&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-amz-acl"
        f"&X-Amz-Security-Token=a%2Fb&X-Amz-Signature={SIGNATURE}"
    )
    assert presigned(query) == Credential(
        "AKID", "20150830", "us-east-1", "s3", "host;x-amz-acl", SIGNATURE,
        presigned=True, timestamp="20150830T123600Z", expires=60, session_token="a/b",
    )  # fmt: skip


def test_a_form_upload() -> None:
    fields = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": SCOPE,
        "x-amz-date": "20150830T123600Z",
        "x-amz-signature": SIGNATURE,
    }
    assert parse_form_credential(fields) == Credential(
        "AKID", "20150830", "us-east-1", "sqs", "", SIGNATURE, timestamp="20150830T123600Z"
    )
    assert parse_form_credential({"awsaccesskeyid": "AKID", "signature": "s"}) == Credential(
        "AKID", "", "", "s3", "", "s", SIGV2
    )
    assert parse_form_credential({"key": "a"}) is None


@pytest.mark.parametrize("authorization", ["Bearer abc", "Basic dTpw", "", "AWS4"])
def test_other_authorization_is_no_claim(authorization: str) -> None:
    assert signed(authorization) is None


@pytest.mark.parametrize("authorization", ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=AKID/x, Signature=1"])
def test_a_broken_claim_is_a_claim_without_a_scope(authorization: str) -> None:
    found = signed(authorization)
    assert found is not None
    assert found.date == found.signing_name == ""


@given(st.text(max_size=80), st.text(max_size=80))
def test_garbage_never_raises(authorization: str, query: str) -> None:
    signed(authorization)
    signed(f"AWS4-HMAC-SHA256 {authorization}")
    presigned(f"X-Amz-Credential={query}&X-Amz-Expires={authorization}")
    presigned(f"AWSAccessKeyId={query}&Signature&Expires={authorization}")


def url(expires: str, name: str = "s3") -> Credential:
    found = presigned(
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID/20150830/us-east-1/{name}/aws4_request"
        f"&X-Amz-Date=20150830T123600Z{expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("credential", "seconds", "kind"),
    [
        (url("&X-Amz-Expires=60"), 60, None),
        (url("&X-Amz-Expires=60"), 60.1, "expired"),
        (url("&X-Amz-Expires=604800"), 604_800, None),
        (url("&X-Amz-Expires=604801"), 0, "bad-expires"),
        (url("&X-Amz-Expires=-1"), 0, "bad-expires"),
        (url("&X-Amz-Expires=soon"), 0, "bad-expires"),
        (url(""), 0, "bad-expires"),
        (url("", "iotdevicegateway"), 10**6, None),
        (url("&X-Amz-Expires=60")._replace(timestamp="yesterday"), 0, "incomplete"),
        (url("&X-Amz-Expires=60")._replace(presigned=False), 10**6, None),
        (Credential("A", "", "", "s3", "", "s", SIGV2, presigned=True, expires=int(START) + 5), 5, None),
        (Credential("A", "", "", "s3", "", "s", SIGV2, presigned=True, expires=int(START) + 5), 6, "expired"),
        (Credential("A", "", "", "s3", "", "s", SIGV2, presigned=True), 6, "incomplete"),
    ],
)
def test_expiry(credential: Credential, seconds: float, kind: str | None) -> None:
    if kind is None:
        check_expiry(credential, START + seconds)
    else:
        with pytest.raises(SignatureProblem) as problem:
            check_expiry(credential, START + seconds)
        assert problem.value.kind == kind


def test_times() -> None:
    assert epoch("20150830T123600Z") == START
    assert epoch("2015-08-30") is None
    assert iso_basic(START) == "20150830T123600Z"


def test_fields_of_a_presigned_query_stand_for_headers() -> None:
    query = "x-id=PutObject&X-Amz-Date=20150830T123600Z&X-Amz-Signature=0&x-amz-meta-a=b%20c&X-Amz-Acl=private"
    assert hoisted_headers(query) == [("x-amz-meta-a", "b c"), ("x-amz-acl", "private")]
    assert hoisted_headers("x-amz-checksum-crc32=AAAAAA%3D%3D&X-Amz-Sdk-Checksum-Algorithm=CRC32") == []
