"""Who sends a request, and whether the signature holds.

The credential scope is always read. With `--auth off` and `audit` everybody is taken at their word, but a presigned URL
that has expired is refused all the same: tests depend on it. With `verify` and `enforce` the signature must be right;
what is not signed at all is nobody's. S3 answers nobody where a bucket's policy or ACL says so; a few operations need
no signature. What a page of another origin sends unsigned is answered for those and for S3 alone, in every mode: any
page that somebody visits could ask. A signature in the query that nobody verifies is none then: any page could make
one up, where it needs a browser's leave to send it in a header.
"""

from __future__ import annotations

import logging
import time

from kumoi.clock import Clock
from kumoi.doorway import Identity, Principal
from kumoi.doorway.identity import InvalidToken, UnknownKey
from kumoi.gateway.target import UNSIGNED, Target
from kumoi.names import DEFAULT_ACCOUNT
from kumoi.wire import Body, Request, ServiceCodec
from kumoi.wire.http import BufferedBody
from kumoi.wire.payload import payload
from kumoi.wire.sigv4 import Credential, SignatureProblem, Verifier, check_expiry, signature_error

logger = logging.getLogger(__name__)

DEVICE_SERVICES = ("iot-data", "iot-jobs-data")
"""Services that take a device's certificate, or what an authorizer says of it, for a signature."""
_AT_THEIR_WORD = ("off", "audit")
"""Modes in which whoever names a key is who it says."""
SIGNED_BODY = 10_485_760
"""Bytes that a signed request to a data plane may have: API Gateway's limit, the largest of any."""
_ELSEWHERE = ("cross-site", "same-site")
"""What browsers say in Sec-Fetch-Site of requests that come from other origins, those of GET without an Origin too."""


class Authentication:
    """Reads credentials of requests and checks them as the platform's mode asks."""

    def __init__(self, identity: Identity, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock
        self._verifier = Verifier()

    async def caller(
        self,
        request: Request,
        target: Target,
        codec: ServiceCodec,
        body: bytes | Body,
        sent_path: str,
        *,
        unsigned: bool = False,
    ) -> Principal:
        """The principal behind a request; raises the AwsError of the service's protocol family.

        `sent_path` is the path before a bucket in the host name was moved into it: that one was signed. `unsigned`:
        the operation is called without a signature, as the one that gives credentials for a token.
        """
        credential = target.credential
        if credential is None and target.service in DEVICE_SERVICES and (device := await self._device(request)):
            return device
        if credential is None and (unsigned or target.service == "s3") and self._identity.verifies:
            return Principal.anonymous(DEFAULT_ACCOUNT)
        token = _token(request, credential)
        try:
            proved = credential is not None and (self._identity.verifies or not credential.presigned)
            if not proved and not unsigned and target.service != "s3" and _is_foreign(request, target):
                raise SignatureProblem("missing")
            if credential is not None and credential.presigned:
                check_expiry(credential, self._clock.now())
            if self._identity.verifies:
                await self._verify(request, target, credential, token, body, sent_path)
        except SignatureProblem as problem:
            family = "s3" if target.service in ("s3", "s3control") else codec.model.protocol
            raise signature_error(problem, family) from None
        return await self._identity.principal(target.access_key, token)

    async def _device(self, request: Request) -> Principal | None:
        devices = self._identity.devices
        return None if devices is None else await devices(request)

    def plainly(self, request: Request, target: Target) -> Principal | None:
        """What `caller` answers, where nothing is verified and the key says who it is; None elsewhere."""
        credential = target.credential
        if credential is None or credential.presigned or self._identity.mode not in _AT_THEIR_WORD:
            return None
        return self._identity.plainly(target.access_key, request.headers.index.get("x-amz-security-token"))

    async def payload(self, request: Request, target: Target) -> Body:
        """The streamed body of a request whose caller is known: decoded, and checked while it is read.

        The signatures of chunks, and the hash that a signature covers, are verified where those of requests are.
        """
        credential = target.credential
        if credential is None or not self._identity.verifies:
            return payload(request, signed_hash=False)
        secret = await self._identity.secret(credential.access_key, _token(request, credential), local=request.local)
        return payload(request, self._verifier.chunk_signer(request, credential, secret))

    async def claimed(self, request: Request, target: Target, service: str, sent_path: str) -> Principal:
        """Whoever a request to a data plane of `service` says it is; data planes check what they require themselves.

        Where signatures are verified and this one does not hold, the caller is nobody (`access_key` is None): a plane
        that wants signed requests refuses, one that is open to everybody serves. Raises BodyTooLarge.
        """
        credential = target.credential
        if credential is None or not credential.access_key:
            return self.nobody()
        token = _token(request, credential)
        try:
            if credential.presigned:
                check_expiry(credential, self._clock.now())
            if self._identity.verifies:
                body = await request.body.read(SIGNED_BODY)
                request.body = BufferedBody(body, request.body.trailers)
                await self._verify(
                    request, Target("data-plane", service, target.region), credential, token, body, sent_path
                )
        except SignatureProblem as problem:
            logger.warning("a signed request to %s is taken as unsigned: %s %s", target.service, problem.kind, problem)
            return self.nobody()
        return await self._identity.principal(credential.access_key, token)

    def nobody(self) -> Principal:
        """Who sends what nobody signed: the default account's root, where everybody is taken at their word."""
        if self._identity.verifies:
            return Principal.anonymous(DEFAULT_ACCOUNT)
        return Principal.root(DEFAULT_ACCOUNT)

    async def _verify(
        self,
        request: Request,
        target: Target,
        credential: Credential | None,
        token: str | None,
        body: bytes | Body,
        sent_path: str,
    ) -> None:
        if UNSIGNED in target.attributes:
            return
        if credential is None:
            raise SignatureProblem("missing")
        try:
            secret = await self._identity.secret(credential.access_key, token, local=request.local)
        except UnknownKey:
            raise SignatureProblem("unknown-key") from None
        except InvalidToken:
            raise SignatureProblem("invalid-token") from None
        if token is not None and credential.access_key.startswith("ASIA"):
            claims = self._identity.claims(token, credential.access_key)
            if claims.expires < self._clock.now():
                raise SignatureProblem("expired-token")
        content = body if isinstance(body, bytes) else None
        # Clients sign with the machine's time, wherever the platform's clock has been moved to.
        self._verifier.verify(request, credential, secret, time.time(), target.service, content, path=sent_path)


def _is_foreign(request: Request, target: Target) -> bool:
    """Whether a page of another origin may have had a browser send this: an image or a form of it, even.

    Links that are there to be visited are followed from anywhere.
    """
    headers = request.headers.index
    if "origin" in headers:
        return True
    return headers.get("sec-fetch-site") in _ELSEWHERE and UNSIGNED not in target.attributes


def _token(request: Request, credential: Credential | None) -> str | None:
    """The session token, from the header or from a presigned query."""
    header = request.headers.get("x-amz-security-token")
    if header is not None or credential is None or not credential.presigned:
        return header
    return credential.session_token
