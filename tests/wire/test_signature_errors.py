"""One problem, worded for each protocol family."""

from __future__ import annotations

import pytest

from kumoi.wire.credential import SignatureProblem, check_expiry, parse_credential
from kumoi.wire.http import Request
from kumoi.wire.signature_errors import signature_error

FAMILIES = ["json", "rest-json", "query", "s3"]


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("missing", ["MissingAuthenticationTokenException 400", "MissingAuthenticationTokenException 403",
                     "MissingAuthenticationToken 403", "AccessDenied 403"]),
        ("incomplete", ["IncompleteSignatureException 400", "IncompleteSignatureException 403",
                        "IncompleteSignature 400", "AuthorizationHeaderMalformed 400"]),
        ("unknown-key", ["UnrecognizedClientException 400", "UnrecognizedClientException 403",
                         "InvalidClientTokenId 403", "InvalidAccessKeyId 403"]),
        ("invalid-token", ["UnrecognizedClientException 400", "UnrecognizedClientException 403",
                           "InvalidClientTokenId 403", "InvalidToken 400"]),
        ("expired-token", ["ExpiredTokenException 400", "ExpiredTokenException 403", "ExpiredToken 403",
                           "ExpiredToken 400"]),
        ("mismatch", ["InvalidSignatureException 400", "InvalidSignatureException 403", "SignatureDoesNotMatch 403",
                      "SignatureDoesNotMatch 403"]),
        ("payload", ["InvalidSignatureException 400", "InvalidSignatureException 403", "SignatureDoesNotMatch 403",
                     "XAmzContentSHA256Mismatch 400"]),
        ("skewed", ["InvalidSignatureException 400", "InvalidSignatureException 403", "SignatureDoesNotMatch 403",
                    "RequestTimeTooSkewed 403"]),
        ("expired", ["InvalidSignatureException 400", "InvalidSignatureException 403", "SignatureDoesNotMatch 403",
                     "AccessDenied 403"]),
        ("bad-expires", ["IncompleteSignatureException 400", "IncompleteSignatureException 403",
                         "IncompleteSignature 400", "AuthorizationQueryParametersError 400"]),
    ],
)  # fmt: skip
def test_codes(kind: str, codes: list[str]) -> None:
    errors = [signature_error(SignatureProblem(kind, "why"), family) for family in FAMILIES]
    assert [f"{error.code} {error.default_status}" for error in errors] == codes
    assert all(error.message for error in errors)


def test_an_expired_link_says_when() -> None:
    credential = parse_credential(Request("GET", "/", "AWSAccessKeyId=AKID&Signature=s&Expires=1440938160"))
    assert credential is not None
    with pytest.raises(SignatureProblem) as problem:
        check_expiry(credential, 1440938161.0)
    error = signature_error(problem.value, "s3")
    assert (error.code, error.message) == ("AccessDenied", "Request has expired")
    assert error.members == {"Expires": "2015-08-30T12:36:00Z", "ServerTime": "2015-08-30T12:36:01Z"}
    assert signature_error(problem.value, "query").message == (
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z"
    )
