"""AWS errors, raised by name anywhere and rendered by the wire for the protocol in use.

The status of an error comes from the operation's model; `_STATUS` holds the common errors that models do not list
(AWS's "Common errors" page of each API reference).
"""

from __future__ import annotations

from typing import Any

_STATUS = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "ExpiredToken": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 403,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidClientTokenId": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationToken": 403,
    "MissingAuthenticationTokenException": 403,
    "NotImplemented": 501,
    "RequestEntityTooLargeException": 413,
    "RequestExpired": 403,
    "RequestTimeTooSkewed": 403,
    "ServiceException": 500,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
    "UnrecognizedClientException": 403,
    "UnknownOperationException": 404,
}


def is_common(code: str) -> bool:
    """Whether it is one of the errors that services have beside those of their models."""
    return code in _STATUS


class AwsError(Exception):
    """An error that AWS's clients know by `code`.

    `members` are further members of the error's shape. `status` overrides the HTTP status of the model (None: the
    model's, else `_STATUS`, else 400). `headers` go into the answer beside those of the protocol.
    """

    def __init__(
        self, code: str, message: str, members: dict[str, Any] | None = None, status: int | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.members = members or {}
        self.status = status
        self.headers: list[tuple[str, str]] = []

    def with_headers(self, *headers: tuple[str, str]) -> AwsError:
        """This error, answered with further headers."""
        self.headers += headers
        return self

    @property
    def default_status(self) -> int:
        """The HTTP status where the model names none."""
        return self.status or _STATUS.get(self.code, 400)


def aws_error(code: str, message: str, /, *, status: int | None = None, **members: Any) -> AwsError:
    """An AWS error to raise: `raise aws_error("ResourceNotFoundException", "Function not found: …")`."""
    return AwsError(code, message, members, status)
