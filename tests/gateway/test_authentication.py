"""Who sends a request: what is checked in each mode, and against which clock."""

from __future__ import annotations

import asyncio
import hashlib
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kumoi.clock import Clock
from kumoi.doorway import Principal
from kumoi.doorway.identity import UnknownKey
from kumoi.gateway.authentication import Authentication
from kumoi.gateway.routing import Router
from kumoi.wire.errors import AwsError
from kumoi.wire.http import BufferedBody, Headers, Request
from kumoi.wire.sigv4 import Verifier, parse_credential

HOUR = 3600.0


class OneKey:
    """An identity guard that knows one key."""

    devices = None

    def __init__(self, mode: str) -> None:
        self.verifies = mode in ("verify", "enforce")

    async def secret(self, access_key: str, token: str | None, *, local: bool) -> str:
        if access_key != "AKID":
            raise UnknownKey
        return "the secret"

    async def principal(self, access_key: str | None, token: str | None) -> str | None:
        return access_key


def signed(auth: Any, *, key: str = "AKID", secret: str = "the secret", **options: Any) -> Request:
    """A request for an object in a virtual-host bucket, as it arrives now."""
    outgoing = AWSRequest("GET", "http://photos.s3.localhost:4566/k")
    auth(Credentials(key, secret), "s3", "us-east-1", **options).add_auth(outgoing)
    url = urlsplit(outgoing.url)
    return Request("GET", url.path, url.query, Headers([("Host", url.netloc), *outgoing.headers.items()]))


def caller(request: Request, mode: str, clock: Clock | None = None, *, unsigned: bool = False) -> Any:
    """The principal that the front would see."""
    target = Router().resolve(request)
    sent_path = request.path
    request.path = target.path or sent_path
    codec: Any = SimpleNamespace(model=SimpleNamespace(protocol="rest-xml"))
    identity: Any = OneKey(mode)
    return asyncio.run(
        Authentication(identity, clock or Clock()).caller(request, target, codec, b"", sent_path, unsigned=unsigned)
    )


@pytest.mark.parametrize("auth", [S3SigV4Auth, S3SigV4QueryAuth])
def test_verify_takes_what_is_signed_right(auth: Any) -> None:
    assert caller(signed(auth), "verify") == "AKID"


@pytest.mark.parametrize(
    ("auth", "options", "code"),
    [
        (S3SigV4Auth, {"secret": "another"}, "SignatureDoesNotMatch"),
        (S3SigV4QueryAuth, {"secret": "another"}, "SignatureDoesNotMatch"),
        (S3SigV4Auth, {"key": "AKOTHER"}, "InvalidAccessKeyId"),
    ],
)
def test_verify_refuses_the_rest_and_off_takes_everybody_at_their_word(
    auth: Any, options: dict[str, str], code: str
) -> None:
    with pytest.raises(AwsError) as refused:
        caller(signed(auth, **options), "verify")
    assert refused.value.code == code
    assert caller(signed(auth, **options), "off") == options.get("key", "AKID")


def plane_caller(mode: str, *, secret: str = "the secret", sent: bytes = b"body", arrived: bytes = b"body") -> Any:
    """The access key that a function URL would see of a signed POST; None when the request counts as unsigned."""
    outgoing = AWSRequest("POST", "http://id.lambda-url.us-east-1.localhost:4566/a", data=sent)
    SigV4Auth(Credentials("AKID", secret), "lambda", "us-east-1").add_auth(outgoing)
    headers = Headers([("Host", "id.lambda-url.us-east-1.localhost:4566"), *outgoing.headers.items()])
    request = Request("POST", "/a", "", headers, BufferedBody(arrived))
    target = Router().resolve(request)
    assert (target.kind, target.service) == ("data-plane", "lambda-url")
    identity: Any = OneKey(mode)
    found = asyncio.run(Authentication(identity, Clock()).claimed(request, target, "lambda", "/a"))
    assert asyncio.run(request.body.read()) == arrived
    return None if isinstance(found, Principal) else found


@pytest.mark.parametrize("mode", ["verify", "enforce"])
def test_a_data_plane_sees_a_caller_only_where_the_signature_holds(mode: str) -> None:
    assert plane_caller(mode) == "AKID"
    assert plane_caller(mode, secret="another") is None
    assert plane_caller(mode, arrived=b"forged") is None
    assert plane_caller("off", secret="another", arrived=b"forged") == "AKID"


def test_verify_wants_a_signature_and_what_has_none_is_nobodys_at_s3() -> None:
    with pytest.raises(AwsError):
        headers = [("Host", "localhost"), ("X-Amz-Target", "DynamoDB_20120810.ListTables")]
        caller(Request("POST", "/", "", Headers(headers)), "verify")
    nobody = caller(Request("GET", "/k", "", Headers([("Host", "photos.s3.localhost")])), "verify")
    assert nobody.is_anonymous


@pytest.mark.parametrize("mode", ["off", "verify"])
def test_what_a_page_sends_unsigned_is_answered_where_no_signature_is_needed(mode: str) -> None:
    target = [("Host", "localhost"), ("X-Amz-Target", "DynamoDB_20120810.DeleteTable")]
    page = Headers([*target, ("Origin", "https://elsewhere.example")])
    with pytest.raises(AwsError) as refused:
        caller(Request("POST", "/", "", page), mode)
    assert refused.value.code.startswith("MissingAuthenticationToken")
    caller(Request("POST", "/", "", page), mode, unsigned=True)
    caller(Request("GET", "/k", "", Headers([("Host", "photos.s3.localhost"), ("Origin", "https://a.example")])), mode)


ACTION = "Action=DeleteQueue&Version=2012-11-05"
MADE_UP = f"{ACTION}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fsqs%2Faws4_request"


@pytest.mark.parametrize(
    ("query", "header"),
    [
        (ACTION, ("Sec-Fetch-Site", "cross-site")),
        (ACTION, ("Sec-Fetch-Site", "same-site")),
        (MADE_UP, ("Sec-Fetch-Site", "cross-site")),
        (MADE_UP, ("Origin", "https://elsewhere.example")),
    ],
)
def test_an_image_of_a_page_acts_for_nobody(query: str, header: tuple[str, str]) -> None:
    with pytest.raises(AwsError) as refused:
        caller(Request("GET", "/", query, Headers([("Host", "localhost"), header])), "off")
    assert refused.value.code.startswith("MissingAuthenticationToken")


def test_a_page_may_be_given_a_url_whose_signature_holds() -> None:
    outgoing = AWSRequest("GET", f"http://localhost:4566/?{ACTION}")
    SigV4QueryAuth(Credentials("AKID", "the secret"), "sqs", "us-east-1").add_auth(outgoing)
    sent = Headers([("Host", "localhost:4566"), ("Origin", "https://elsewhere.example")])
    assert caller(Request("GET", "/", urlsplit(outgoing.url).query, sent), "verify") == "AKID"


def test_a_link_is_followed_from_anywhere_and_what_no_page_sent_is_served() -> None:
    link = "Action=ConfirmSubscription&Token=x&TopicArn=arn:aws:sns:us-east-1:000000000000:t"
    caller(Request("GET", "/", link, Headers([("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")])), "off")
    caller(Request("GET", "/", ACTION, Headers([("Host", "localhost"), ("Sec-Fetch-Site", "none")])), "off")
    caller(Request("GET", "/", ACTION, Headers([("Host", "localhost")])), "off")


def test_a_platform_clock_that_was_moved_locks_nobody_out() -> None:
    clock = Clock()
    clock.advance(HOUR)
    assert caller(signed(S3SigV4Auth), "verify", clock) == "AKID"


@pytest.mark.parametrize("mode", ["off", "verify"])
def test_a_presigned_url_expires_by_the_platforms_clock(mode: str) -> None:
    clock = Clock()
    request = signed(S3SigV4QueryAuth, expires=60)
    path = request.path
    assert caller(request, mode, clock) == "AKID"
    clock.advance(61)
    request.path = path
    with pytest.raises(AwsError, match="AccessDenied: Request has expired"):
        caller(request, mode, clock)


def upload(content: bytes, *, corrupt: bool = False) -> Request:
    """A signed upload in one signed chunk, as it arrives now."""
    outgoing = AWSRequest("PUT", "http://localhost:4566/b/k")
    outgoing.headers["x-amz-decoded-content-length"] = str(len(content))

    class Streaming(S3SigV4Auth):
        def payload(self, request: Any) -> str:
            return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

    Streaming(Credentials("AKID", "the secret"), "s3", "us-east-1").add_auth(outgoing)
    headers = [("Host", "localhost:4566"), *((name, str(value)) for name, value in outgoing.headers.items())]
    request = Request("PUT", "/b/k", "", Headers(headers))
    credential = parse_credential(request)
    assert credential is not None
    signer = Verifier().chunk_signer(request, credential, "the secret")
    first = signer.chunk(signer.seed, hashlib.sha256(content).hexdigest())
    last = signer.chunk(first, hashlib.sha256(b"").hexdigest())
    sent = bytes([*content[1:], 0]) if corrupt else content
    chunks = [b"%x;chunk-signature=%s\r\n%s\r\n" % (len(sent), first.encode(), sent)]
    chunks.append(b"0;chunk-signature=%s\r\n\r\n" % last.encode())
    request.body = BufferedBody(b"".join(chunks))
    return request


@pytest.mark.parametrize(
    ("mode", "corrupt", "code"),
    [("off", False, None), ("off", True, None), ("verify", False, None), ("verify", True, "SignatureDoesNotMatch")],
)
def test_chunks_are_verified_where_requests_are(mode: str, corrupt: bool, code: str | None) -> None:
    request = upload(b"content", corrupt=corrupt)
    identity: Any = OneKey(mode)

    async def read() -> bytes:
        codec: Any = SimpleNamespace(model=SimpleNamespace(protocol="rest-xml"))
        authentication = Authentication(identity, Clock())
        target = Router().resolve(request)
        await authentication.caller(request, target, codec, request.body, request.path)
        return await (await authentication.payload(request, target)).read()

    if code is None:
        assert len(asyncio.run(read())) == 7
    else:
        with pytest.raises(AwsError) as refused:
            asyncio.run(read())
        assert refused.value.code == code


def test_the_signed_hash_is_verified_where_requests_are() -> None:
    outgoing = AWSRequest("PUT", "http://localhost:4566/b/k", data=b"content")
    S3SigV4Auth(Credentials("AKID", "the secret"), "s3", "us-east-1").add_auth(outgoing)
    headers = Headers([("Host", "localhost:4566"), *outgoing.headers.items()])
    request = Request("PUT", "/b/k", "", headers, BufferedBody(b"changed"))

    async def read(mode: str) -> bytes:
        identity: Any = OneKey(mode)
        return await (await Authentication(identity, Clock()).payload(request, Router().resolve(request))).read()

    assert asyncio.run(read("off")) == b"changed"
    with pytest.raises(AwsError, match="XAmzContentSHA256Mismatch"):
        asyncio.run(read("verify"))
