"""Signature Version 4, verified: does this request carry the signature that its secret makes?

In: a request, the credential it claims, the secret of that key. Out: nothing, or a `SignatureProblem`, which
`signature_error` words for the protocol in use. S3's older signatures are `sigv2.py`'s. Sources: "Create a signed AWS
API request" (AWS General Reference) and S3's "Authenticating requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from kumoi.wire import sigv2
from kumoi.wire.canonical import AUTHORITY, ENCODING, canonical_requests
from kumoi.wire.catalog import BY_NAME
from kumoi.wire.credential import (
    SIGV2,
    SIGV4,
    SIGV4A,
    Credential,
    SignatureProblem,
    check_expiry,
    epoch,
    iso_basic,
    parse_credential,
    parse_form_credential,
)
from kumoi.wire.http import Request
from kumoi.wire.signature_errors import signature_error

__all__ = [
    "ChunkSigner",
    "Credential",
    "SignatureProblem",
    "Verifier",
    "check_expiry",
    "parse_credential",
    "parse_form_credential",
    "signature_error",
]

MAX_SKEW = 900
"""Seconds that a client's clock may be off."""

EMPTY_HASH = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

S3_NAMES = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})
"""Signing names that follow S3's rules for the path and the payload."""

_SIGNATURE_ONLY = frozenset({"X-Amz-Signature"})
_ALSO_SIGNED_AS = {"iot-data": "iotdevicegateway"}
"""Further names that requests are signed for: devices sign the URLs of their WebSockets for the gateway."""
_SIGNATURE_AND_TOKEN = frozenset({"X-Amz-Signature", "X-Amz-Security-Token"})


class ChunkSigner(NamedTuple):
    """What chunks of one aws-chunked upload are signed with; `seed` is the request's own signature."""

    key: bytes
    timestamp: str
    scope: str
    seed: str

    def chunk(self, previous: str, content_hash: str) -> str:
        """The signature of a chunk with the SHA-256 `content_hash`, following the signature `previous`."""
        head = f"AWS4-HMAC-SHA256-PAYLOAD\n{self.timestamp}\n{self.scope}\n{previous}\n{EMPTY_HASH}\n"
        return _mac(self.key, head + content_hash).hex()

    def trailer(self, previous: str, content_hash: str) -> str:
        """The signature of the trailer whose lines hash to `content_hash`, after the last chunk's `previous`."""
        head = f"AWS4-HMAC-SHA256-TRAILER\n{self.timestamp}\n{self.scope}\n{previous}\n"
        return _mac(self.key, head + content_hash).hex()


class Verifier:
    """Verifies signatures; remembers the signing keys of up to `keys` scopes."""

    def __init__(self, keys: int = 1024) -> None:
        self._limit = keys
        self._keys: dict[tuple[str, str, str, str], bytes] = {}

    def verify(
        self,
        request: Request,
        credential: Credential,
        secret: str,
        now: float,
        service: str,
        content: bytes | None,
        *,
        path: str | None = None,
    ) -> None:
        """Raise SignatureProblem unless `request` carries the signature of `secret`.

        `now` (epoch seconds) may differ from the signing time by fifteen minutes; the expiry of presigned URLs is
        `check_expiry`'s matter. `service` is the botocore name of the service called. `content` is the body, None
        when it is streamed: then the hash that the request declares counts, and whoever reads the body checks it.
        `path` is the path as sent where routing has rewritten the request's.
        """
        if credential.algorithm == SIGV2 and service == "s3":
            sigv2.verify(request, credential, secret, now)
            return
        _check_form(credential)
        names = credential.signed_headers.split(";")
        timestamp = _timestamp(request, credential)
        _check_scope(credential, timestamp, service)
        _check_skew(timestamp, credential.presigned, now)
        s3 = credential.signing_name in S3_NAMES
        _check_signed_headers(request, names, s3=s3)
        payload_hash = _payload_hash(request, credential, names, content)
        head = f"{credential.algorithm}\n{timestamp}\n{credential.scope}\n"
        # The token of an MQTT connection's URL is added after signing ("Device communication protocols", AWS IoT).
        mqtt = credential.presigned and credential.signing_name == "iotdevicegateway"
        candidates = canonical_requests(
            request,
            request.path if path is None else path,
            names,
            payload_hash,
            as_sent=s3,
            without=_SIGNATURE_AND_TOKEN if mqtt else _SIGNATURE_ONLY,
        )
        first: tuple[str, str] | None = None
        for canonical in candidates:
            to_sign = head + hashlib.sha256(canonical.encode(ENCODING, "replace")).hexdigest()
            if self._signs(credential, secret, to_sign):
                return
            first = first or (canonical, to_sign)
        assert first is not None
        raise SignatureProblem(
            "mismatch",
            AWSAccessKeyId=credential.access_key,
            StringToSign=first[1],
            SignatureProvided=credential.signature,
            CanonicalRequest=first[0],
        )

    def _signs(self, credential: Credential, secret: str, to_sign: str) -> bool:
        """Whether the credential's signature is the one that `secret` makes of `to_sign`."""
        if credential.algorithm == SIGV4A:
            from kumoi.wire import sigv4a  # cryptography is slow to import, and few clients sign so

            key = sigv4a.public_key(credential.access_key, secret)
            return sigv4a.holds(key, to_sign, credential.signature)
        expected = _mac(self.signing_key(credential, secret), to_sign).hex()
        return hmac.compare_digest(expected.encode(), credential.signature.encode())

    def signing_key(self, credential: Credential, secret: str) -> bytes:
        """The key that `secret` gives in the credential's scope; made once."""
        identity = (secret, credential.date, credential.region, credential.signing_name)
        key = self._keys.get(identity)
        if key is None:
            key = _mac(f"AWS4{secret}".encode(), credential.date)
            for part in (credential.region, credential.signing_name, "aws4_request"):
                key = _mac(key, part)
            if len(self._keys) >= self._limit:
                del self._keys[next(iter(self._keys))]
            self._keys[identity] = key
        return key

    def chunk_signer(self, request: Request, credential: Credential, secret: str) -> ChunkSigner:
        """What the chunks of a request with a signed aws-chunked body are verified with."""
        return ChunkSigner(
            self.signing_key(credential, secret),
            _timestamp(request, credential),
            credential.scope,
            credential.signature,
        )

    def verify_policy(self, credential: Credential, secret: str, policy: str) -> None:
        """Raise SignatureProblem unless a form upload's base64 `policy`, as sent, carries the signature of `secret`."""
        if credential.algorithm == SIGV2:
            sigv2.verify_policy(credential, secret, policy)
            return
        _check_form(credential._replace(signed_headers="policy"))
        if not self._signs(credential, secret, policy):
            raise SignatureProblem(
                "mismatch",
                AWSAccessKeyId=credential.access_key,
                StringToSign=policy,
                SignatureProvided=credential.signature,
            )


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(ENCODING, "replace"), "sha256")


def _check_form(credential: Credential) -> None:
    """The credential is SigV4 or SigV4a, and whole."""
    if credential.algorithm not in (SIGV4, SIGV4A):
        raise SignatureProblem("unsupported", f"Kumoi does not verify signatures of the kind {credential.algorithm!r}.")
    if not credential.date or not credential.signing_name:
        raise SignatureProblem(
            "incomplete",
            "Credential must have exactly 5 slash-delimited elements: key/date/region/service/aws4_request",
        )
    missing = [
        name
        for name, value in (("Signature", credential.signature), ("SignedHeaders", credential.signed_headers))
        if not value
    ]
    if missing:
        raise SignatureProblem("incomplete", f"Authorization requires {' and '.join(missing)}.")


def _timestamp(request: Request, credential: Credential) -> str:
    """When the request says it was signed, as ISO 8601 basic text: X-Amz-Date, or else Date."""
    if credential.presigned:
        return credential.timestamp
    stated = request.headers.get("x-amz-date")
    if stated is not None:
        return stated
    date = request.headers.get("date")
    if date is None:
        raise SignatureProblem("incomplete", "Authorization header requires existence of either X-Amz-Date or Date.")
    if epoch(date) is not None:
        return date
    try:
        return iso_basic(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        raise SignatureProblem("incomplete", f"Date is not a date: {date!r}") from None


def _check_scope(credential: Credential, timestamp: str, service: str) -> None:
    if not timestamp.startswith(credential.date):
        raise SignatureProblem(
            "scope",
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{credential.date}' != '{timestamp[:8]}', from '{timestamp}'.",
        )
    entry = BY_NAME.get(service)
    if entry is not None and credential.signing_name not in (entry.signing, _ALSO_SIGNED_AS.get(service)):
        raise SignatureProblem("scope", f"Credential should be scoped to correct service: '{entry.signing}'.")


def _check_skew(timestamp: str, presigned: bool, now: float) -> None:
    signed_at = epoch(timestamp)
    if signed_at is None:
        raise SignatureProblem("incomplete", f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'.")
    if signed_at > now + MAX_SKEW:
        raise SignatureProblem(
            "skewed",
            f"Signature not yet current: {timestamp} is still later than {iso_basic(now + MAX_SKEW)} "
            f"({iso_basic(now)} + 15 min.)",
            RequestTime=timestamp,
            ServerTime=iso_basic(now),
        )
    if not presigned and signed_at < now - MAX_SKEW:
        raise SignatureProblem(
            "skewed",
            f"Signature expired: {timestamp} is now earlier than {iso_basic(now - MAX_SKEW)} "
            f"({iso_basic(now)} - 15 min.)",
            RequestTime=timestamp,
            ServerTime=iso_basic(now),
        )


def _check_signed_headers(request: Request, names: list[str], *, s3: bool) -> None:
    """Host is signed, by either of its names; S3 wants every x-amz-… field signed too, lest someone adds one."""
    if "host" not in names and AUTHORITY not in names:
        raise SignatureProblem(
            "incomplete", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    if s3:
        unsigned = [name for name in request.headers.index if name.startswith("x-amz-") and name not in names]
        if unsigned:
            raise SignatureProblem("unsigned-headers", HeadersNotSigned=", ".join(unsigned))


def _payload_hash(request: Request, credential: Credential, names: list[str], content: bytes | None) -> str:
    """The last line of the canonical request; a hash that the request declares must be that of its body."""
    declared = credential.payload_hash
    if declared is None and (not credential.presigned or "x-amz-content-sha256" in names):
        declared = request.headers.get("x-amz-content-sha256")
    if declared is None:
        if content is None or (credential.presigned and credential.signing_name in S3_NAMES):
            return UNSIGNED_PAYLOAD
        return hashlib.sha256(content).hexdigest() if content else EMPTY_HASH
    if content is not None and declared != UNSIGNED_PAYLOAD and not declared.startswith("STREAMING-"):
        computed = hashlib.sha256(content).hexdigest()
        if not hmac.compare_digest(computed.encode(), declared.encode()):
            raise SignatureProblem("payload", ClientComputedContentSHA256=declared, S3ComputedContentSHA256=computed)
    return declared
