"""Who sends a request: what is checked in each mode, and against which clock."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kumoi.clock import Clock
from kumoi.doorway.identity import UnknownKey
from kumoi.gateway.authentication import Authentication
from kumoi.gateway.routing import Router
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Headers, Request

HOUR = 3600.0


class OneKey:
    """An identity guard that knows one key."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    async def secret(self, access_key: str, token: str | None) -> str:
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


def caller(request: Request, mode: str, clock: Clock | None = None) -> Any:
    """The principal that the front would see."""
    target = Router().resolve(request)
    sent_path = request.path
    assert target.path is not None
    request.path = target.path
    codec: Any = SimpleNamespace(model=SimpleNamespace(protocol="rest-xml"))
    identity: Any = OneKey(mode)
    return asyncio.run(Authentication(identity, clock or Clock()).caller(request, target, codec, b"", sent_path))


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


def test_verify_wants_a_signature() -> None:
    with pytest.raises(AwsError, match="AccessDenied: Access Denied"):
        caller(Request("GET", "/k", "", Headers([("Host", "photos.s3.localhost")])), "verify")


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
