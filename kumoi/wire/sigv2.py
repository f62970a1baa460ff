"""S3's Signature Version 2, verified: in a header, a presigned URL, or a form's policy.

boto3 still signs so by default: URLs of buckets in us-east-1, and forms. In and out as `sigv4.py`. Source: "Signing and
authenticating REST requests" of S3's developer guide.
"""

from __future__ import annotations

import base64
import hmac
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from kumoi.wire.credential import Credential, SignatureProblem, iso_basic
from kumoi.wire.http import Request

MAX_SKEW = 900
"""Seconds that a client's clock may be off."""

_SUBRESOURCES = frozenset(
    (
        *("accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle"),
        *("location", "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication"),
        *("requestPayment", "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId"),
        *("uploads", "versionId", "versioning", "versions", "website"),
        *("response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires"),
    )
)
"""Parameters of a query that are signed."""


def verify(request: Request, credential: Credential, secret: str, now: float) -> None:
    """Raise SignatureProblem unless `request` carries the signature of `secret`.

    Its path has the bucket. `now` (epoch seconds) may differ from the date of a signed header by fifteen minutes; the
    expiry of presigned URLs is `check_expiry`'s matter.
    """
    query = _query(request.query)
    hoisted = {name.lower(): value for name, value in query.items() if name.lower().startswith("x-amz-")}
    stated = {name: value for name, value in request.headers.index.items() if name.startswith("x-amz-")}
    named = {**hoisted, **stated}
    if credential.presigned:
        date = query.get("Expires", "")
    else:
        _check_date(request, now)
        date = "" if "x-amz-date" in named else request.headers.get("date") or ""
    resources = [_resource(path, request.query) for path in _paths(request.path)]
    amazon = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in sorted(named.items()))
    md5, kind = (request.headers.get(name) or "" for name in ("content-md5", "content-type"))
    texts = [f"{request.method}\n{md5}\n{kind}\n{date}\n{amazon}{one}" for one in resources]
    if not any(_signs(credential, secret, text) for text in texts):
        raise _mismatch(credential, texts[0])


def verify_policy(credential: Credential, secret: str, policy: str) -> None:
    """Raise SignatureProblem unless a form upload's base64 `policy`, as sent, carries the signature of `secret`."""
    if not _signs(credential, secret, policy):
        raise _mismatch(credential, policy)


def _query(text: str) -> dict[str, str]:
    """The parameters, decoded; a plus stands for a space in a signature alone, which is none of what is signed."""
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _paths(path: str) -> tuple[str, ...]:
    """The path as sent; a bucket's own is signed with a slash at its end by some, who send none."""
    return (path, f"{path}/") if path.count("/") == 1 else (path,)


def _resource(path: str, query: str) -> str:
    """The path as sent, and the subresources in their order, with values where they were sent with any."""
    pairs = sorted(pair.partition("=") for pair in query.split("&"))
    told = "&".join(f"{name}{equals}{unquote(value)}" for name, equals, value in pairs if name in _SUBRESOURCES)
    return f"{path}?{told}" if told else path


def _signs(credential: Credential, secret: str, text: str) -> bool:
    expected = base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "replace"), "sha1"))
    return hmac.compare_digest(expected, credential.signature.encode("utf-8", "replace"))


def _mismatch(credential: Credential, text: str) -> SignatureProblem:
    return SignatureProblem(
        "mismatch",
        AWSAccessKeyId=credential.access_key,
        StringToSign=text,
        SignatureProvided=credential.signature,
    )


def _check_date(request: Request, now: float) -> None:
    """The Date header, or X-Amz-Date, is of now."""
    stated = request.headers.get("x-amz-date") or request.headers.get("date")
    if stated is None:
        raise SignatureProblem("incomplete", "AWS authentication requires a valid Date or x-amz-date header")
    try:
        signed_at = parsedate_to_datetime(stated).timestamp()
    except (ValueError, OverflowError):
        raise SignatureProblem("incomplete", f"Date is not a date: {stated!r}") from None
    if abs(signed_at - now) > MAX_SKEW:
        raise SignatureProblem(
            "skewed",
            "The difference between the request time and the current time is too large.",
            RequestTime=stated,
            ServerTime=iso_basic(now),
        )
