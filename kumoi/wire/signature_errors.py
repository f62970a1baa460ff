"""How each protocol family words a signature that is not accepted.

In: a `SignatureProblem` and the family. Out: the AwsError that AWS's own services answer. Sources: "Common errors" of
the query and JSON services' API references, and S3's "Error responses".
"""

from __future__ import annotations

from typing import NamedTuple

from kumoi.wire.credential import SignatureProblem
from kumoi.wire.errors import AwsError


class _Answer(NamedTuple):
    """A code, its status, and a text; an empty text stands for the problem's own."""

    code: str
    status: int
    text: str = ""


_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)

_QUERY = {
    "missing": _Answer("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
    "incomplete": _Answer("IncompleteSignature", 400),
    "unsupported": _Answer("IncompleteSignature", 400),
    "unknown-key": _Answer("InvalidClientTokenId", 403, _INVALID),
    "invalid-token": _Answer("InvalidClientTokenId", 403, _INVALID),
    "expired-token": _Answer("ExpiredToken", 403, _EXPIRED),
    "mismatch": _Answer("SignatureDoesNotMatch", 403, _MISMATCH),
    "payload": _Answer("SignatureDoesNotMatch", 403, _MISMATCH),
    "scope": _Answer("SignatureDoesNotMatch", 403),
    "skewed": _Answer("SignatureDoesNotMatch", 403),
    "expired": _Answer("SignatureDoesNotMatch", 403),
    "bad-expires": _Answer("IncompleteSignature", 400),
}

_REST_JSON = {
    "missing": _Answer("MissingAuthenticationTokenException", 403, "Missing Authentication Token"),
    "incomplete": _Answer("IncompleteSignatureException", 403),
    "unsupported": _Answer("IncompleteSignatureException", 403),
    "unknown-key": _Answer("UnrecognizedClientException", 403, _INVALID),
    "invalid-token": _Answer("UnrecognizedClientException", 403, _INVALID),
    "expired-token": _Answer("ExpiredTokenException", 403, _EXPIRED),
    "mismatch": _Answer("InvalidSignatureException", 403, _MISMATCH),
    "payload": _Answer("InvalidSignatureException", 403, _MISMATCH),
    "scope": _Answer("InvalidSignatureException", 403),
    "skewed": _Answer("InvalidSignatureException", 403),
    "expired": _Answer("InvalidSignatureException", 403),
    "bad-expires": _Answer("IncompleteSignatureException", 403),
}

_JSON = {kind: answer._replace(status=400) for kind, answer in _REST_JSON.items()} | {
    "missing": _Answer("MissingAuthenticationTokenException", 400, "Request is missing Authentication Token"),
}

_S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_S3 = {
    "missing": _Answer("AccessDenied", 403, "Access Denied"),
    "incomplete": _Answer("AuthorizationHeaderMalformed", 400),
    "unsupported": _Answer(
        "InvalidRequest",
        400,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    ),
    "unknown-key": _Answer(
        "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."
    ),
    "invalid-token": _Answer("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
    "expired-token": _Answer("ExpiredToken", 400, "The provided token has expired."),
    "mismatch": _Answer("SignatureDoesNotMatch", 403, _S3_MISMATCH),
    "payload": _Answer(
        "XAmzContentSHA256Mismatch",
        400,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
    "unsigned-headers": _Answer("AccessDenied", 403, "There were headers present in the request which were not signed"),
    "scope": _Answer("AuthorizationHeaderMalformed", 400),
    "skewed": _Answer(
        "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."
    ),
    "expired": _Answer("AccessDenied", 403, "Request has expired"),
    "bad-expires": _Answer("AuthorizationQueryParametersError", 400),
}

_FAMILIES = {
    "json": _JSON,
    "smithy-rpc-v2-cbor": _JSON,
    "rest-json": _REST_JSON,
    "query": _QUERY,
    "ec2": _QUERY,
    "rest-xml": _QUERY,
    "s3": _S3,
}


def signature_error(problem: SignatureProblem, family: str) -> AwsError:
    """The error for `problem` in a protocol family: a model's `protocol`, or `s3` for S3 and S3 Control."""
    answer = _FAMILIES[family][problem.kind]
    return AwsError(
        answer.code,
        answer.text or str(problem),
        dict(problem.members) if family == "s3" else {},
        answer.status,
    )
