"""The claim a request makes about who signed it: access key, scope, signed headers and signature.

In: a request. Out: a `Credential`, or None for an unsigned request; nothing is verified here. Sources: "Signature
Version 4 signing process" (Authorization header, query parameters), "Browser-based uploads using POST" (form fields),
and S3's "Signing and authenticating REST requests" for Signature Version 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from kumoi.wire.http import HeaderList, Request

SIGV4 = "AWS4-HMAC-SHA256"
SIGV4A = "AWS4-ECDSA-P256-SHA256"
SIGV2 = "AWS"
SIGNATURE_DIGITS = 64

MAX_EXPIRES = 604_800
"""The longest life of a presigned URL, in seconds: seven days."""


class Credential(NamedTuple):
    """What a signed request says of itself; a part it does not state is the empty string.

    `signed_headers` is the list as sent (`host;x-amz-date`). The last five fields belong to presigned URLs:
    `timestamp` is X-Amz-Date; `expires` is seconds after it, or, for SigV2, the epoch second (-1: not a number);
    `payload_hash` is X-Amz-Content-Sha256.
    """

    access_key: str
    date: str
    region: str
    signing_name: str
    signed_headers: str
    signature: str
    algorithm: str = SIGV4
    presigned: bool = False
    timestamp: str = ""
    expires: int | None = None
    session_token: str | None = None
    payload_hash: str | None = None

    @property
    def scope(self) -> str:
        """The credential scope as it is signed."""
        if self.algorithm == SIGV4A:
            return f"{self.date}/{self.signing_name}/aws4_request"
        return f"{self.date}/{self.region}/{self.signing_name}/aws4_request"


_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]*)/([^/]+)/aws4_request,"
    r" ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$"
)
"""The usual form, on the path of every request; whatever differs takes `_irregular`."""

_ISO_BASIC = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_PARAMETER = re.compile(r"([A-Za-z]+)=([^,\s]*)")


def parse_credential(request: Request) -> Credential | None:
    """The claim of a request, from its Authorization header or else its query; None when it makes none.

    A claim that is broken is answered too, with what could be read of it: it fails when verified.
    """
    authorization = request.headers.get("authorization")
    if authorization is not None:
        match = _AUTHORIZATION.match(authorization)
        if match is not None:
            return Credential(*match.groups())  # type: ignore[arg-type]  # the groups are the first six fields
        return _irregular(authorization)
    query = request.query
    return _presigned(query) if query and is_presigned(query) else None


def is_presigned(query: str) -> bool:
    """Whether a query may make a claim."""
    return "X-Amz-" in query or "AWSAccessKeyId=" in query


def parse_form_credential(fields: Mapping[str, str]) -> Credential | None:
    """The claim of a browser's form upload; `fields` by lower-case name. None when the form makes none.

    What is signed is the field `policy`; `expires` stays None, the policy names its own end.
    """
    if "x-amz-credential" in fields:
        algorithm = fields.get("x-amz-algorithm", SIGV4)
        return _scoped(fields["x-amz-credential"], algorithm)._replace(
            signature=fields.get("x-amz-signature", ""),
            timestamp=fields.get("x-amz-date", ""),
            session_token=fields.get("x-amz-security-token"),
        )
    if "awsaccesskeyid" in fields:
        return Credential(fields["awsaccesskeyid"], "", "", "s3", "", fields.get("signature", ""), SIGV2)
    return None


def _irregular(authorization: str) -> Credential | None:
    """An Authorization header that is not SigV4 in its usual order: SigV4a, another order, SigV2, or broken."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme in (SIGV4, SIGV4A):
        parameters = dict(_PARAMETER.findall(rest))
        return _scoped(parameters.get("Credential", ""), scheme)._replace(
            signed_headers=parameters.get("SignedHeaders", ""), signature=parameters.get("Signature", "")
        )
    if scheme == SIGV2:
        access_key, _, signature = rest.strip().partition(":")
        return Credential(access_key, "", "", "s3", "", signature, SIGV2)
    return None


def _presigned(query: str) -> Credential | None:
    parameters: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name.startswith("X-Amz-"):
            parameters.setdefault(name, unquote(value))
        elif name in ("AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token"):
            parameters.setdefault(name, unquote_plus(value))
    if "X-Amz-Credential" in parameters:
        return _scoped(parameters["X-Amz-Credential"], parameters.get("X-Amz-Algorithm", ""))._replace(
            signed_headers=parameters.get("X-Amz-SignedHeaders", ""),
            signature=parameters.get("X-Amz-Signature", ""),
            presigned=True,
            timestamp=parameters.get("X-Amz-Date", ""),
            expires=_number(parameters.get("X-Amz-Expires")),
            session_token=parameters.get("X-Amz-Security-Token"),
            payload_hash=parameters.get("X-Amz-Content-Sha256"),
        )
    if "AWSAccessKeyId" in parameters and "Signature" in parameters:
        return Credential(
            parameters["AWSAccessKeyId"],
            "",
            "",
            "s3",
            "",
            parameters["Signature"],
            SIGV2,
            presigned=True,
            expires=_number(parameters.get("Expires")),
            session_token=parameters.get("x-amz-security-token"),
        )
    return None


def _scoped(text: str, algorithm: str) -> Credential:
    """Read `key/date/region/name/aws4_request` (SigV4a: without a region) as far as it goes."""
    parts = text.split("/")
    if algorithm == SIGV4A:
        parts.insert(2, "")
    if len(parts) != 5 or parts[4] != "aws4_request":
        return Credential(parts[0], "", "", "", "", "", algorithm)
    return Credential(parts[0], parts[1], parts[2], parts[3], "", "", algorithm)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1


class SignatureProblem(Exception):
    """Why a signature is not accepted.

    `kind` is one of the rows of `signature_errors`; the text says what was wrong; `members` are further members of
    S3's error.
    """

    def __init__(self, kind: str, message: str = "", **members: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.members = members


def epoch(timestamp: str) -> float | None:
    """Epoch seconds of `20150830T123600Z`; None when it is not a time of that form."""
    match = _ISO_BASIC.fullmatch(timestamp)
    if match is None:
        return None
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
    except ValueError:
        return None


def iso_basic(now: float) -> str:
    """`now` (epoch seconds) as `20150830T123600Z`."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")


_QUERY_AUTHENTICATION = frozenset(
    f"x-amz-{name}"
    for name in (
        "algorithm",
        "credential",
        "date",
        "expires",
        "signature",
        "signedheaders",
        "security-token",
        "user-agent",
    )
)


_UNHOISTED = ("x-amz-checksum-", "x-amz-sdk-checksum-algorithm")


def hoisted_headers(query: str) -> HeaderList:
    """The x-amz-… fields of a presigned query that stand for headers of the same name (S3).

    Checksums are none of them ("Download and upload objects with presigned URLs": no checksums of uploads by URL). The
    SDK for JavaScript signs one of no bytes into each URL of an upload, as it does not know the body yet.
    """
    found: HeaderList = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        name = name.lower()
        if name.startswith("x-amz-") and name not in _QUERY_AUTHENTICATION and not name.startswith(_UNHOISTED):
            found.append((name, unquote_plus(value, "latin-1")))
    return found


def check_expiry(credential: Credential, now: float) -> None:
    """Refuse a presigned URL whose time is over at `now` (epoch seconds), or that was made for over seven days.

    Raises SignatureProblem of kind `expired`, `bad-expires` or `incomplete`. Holds whether signatures are verified
    or not. A URL without X-Amz-Expires (AWS IoT's) does not expire here.
    """
    if not credential.presigned:
        return
    if credential.algorithm == SIGV2:
        _check_expiry_v2(credential, now)
        return
    if credential.expires is None:
        if credential.signing_name == "s3":
            raise SignatureProblem("bad-expires", "Query-string authentication version 4 requires X-Amz-Expires.")
        return
    if credential.expires < 0:
        raise SignatureProblem("bad-expires", "X-Amz-Expires should be a number")
    if credential.expires > MAX_EXPIRES:
        raise SignatureProblem(
            "bad-expires",
            "X-Amz-Expires must be less than a week (in seconds); "
            f"that is, the given X-Amz-Expires must be less than {MAX_EXPIRES} seconds",
        )
    signed_at = epoch(credential.timestamp)
    if signed_at is None:
        raise SignatureProblem("incomplete", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if now > signed_at + credential.expires:
        raise _expired(signed_at + credential.expires, now, **{"X-Amz-Expires": str(credential.expires)})


def _check_expiry_v2(credential: Credential, now: float) -> None:
    if credential.expires is None or credential.expires < 0:
        raise SignatureProblem(
            "incomplete", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        )
    if now > credential.expires:
        raise _expired(credential.expires, now)


def _expired(end: float, now: float, **members: str) -> SignatureProblem:
    text = f"Signature expired: {iso_basic(min(end, 253402300799))} is now earlier than {iso_basic(now)}"
    form = "%Y-%m-%dT%H:%M:%SZ"
    return SignatureProblem(
        "expired",
        text,
        Expires=datetime.fromtimestamp(min(end, 253402300799), UTC).strftime(form),
        ServerTime=datetime.fromtimestamp(now, UTC).strftime(form),
        **members,
    )
