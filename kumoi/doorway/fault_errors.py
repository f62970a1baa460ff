"""The errors with which each service says the same thing: that it is throttling, failing, or does not know the caller.

SDKs decide by the code and the status whether to try again, so that an injected error must be the service's own.
Rules: "Common errors" of each service's API reference, and the services' models.
"""

from __future__ import annotations

from typing import NamedTuple

from kumoi.doorway.throttling import QUERY, throttle_of


class NamedError(NamedTuple):
    """An error as a service words it."""

    code: str
    status: int
    message: str


_INTERNAL = {
    "dynamodb": ("InternalServerError", 500),
    "dynamodbstreams": ("InternalServerError", 500),
    "ec2": ("InternalError", 500),
    "kms": ("KMSInternalException", 500),
    "lambda": ("ServiceException", 500),
    "s3": ("InternalError", 500),
    "sns": ("InternalError", 500),
}
_UNAVAILABLE = {
    "ec2": ("Unavailable", 503),
    "logs": ("ServiceUnavailableException", 503),
}
_CAPACITY = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "dynamodbstreams": ("ProvisionedThroughputExceededException", 400),
}

_TOO_LARGE = {
    "dynamodb": ("ValidationException", 400, "Item size has exceeded the maximum allowed size"),
    "events": ("ValidationException", 400, "Total size of the entries in the request is over the limit."),
    "kinesis": ("InvalidArgumentException", 400, "A record is larger than the stream takes."),
    "lambda": (
        "RequestTooLargeException",
        413,
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    ),
    "logs": ("InvalidParameterException", 400, "Upload too large: it exceeds the limit of 1048576 bytes."),
    "s3": ("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size"),
    "sns": ("InvalidParameter", 400, "Invalid parameter: Message too long"),
    "sqs": (
        "InvalidParameterValue",
        400,
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    ),
    "stepfunctions": (
        "ValidationException",
        400,
        "Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144",
    ),
}

KINDS = ("throttle", "capacity", "internal", "unavailable", "timeout", "expired", "skew", "denied", "too-large")
"""What `error` of a fault may be beside a code: which error it is then depends on the service."""


def named_error(kind: str, service: str) -> NamedError:
    """The error with which a service says one of KINDS; KeyError for another kind."""
    query = service in QUERY
    if kind == "capacity" and service in _CAPACITY:
        code, status = _CAPACITY[service]
        return NamedError(code, status, "The level of configured provisioned throughput was exceeded.")
    if kind in ("throttle", "capacity"):
        code, status = throttle_of(service)
        return NamedError(code, status, "Rate exceeded")
    if kind == "internal":
        code, status = _INTERNAL.get(service, ("InternalFailure", 500))
        return NamedError(code, status, "An internal error occurred.")
    if kind == "unavailable":
        code, status = _UNAVAILABLE.get(service, ("ServiceUnavailable", 503))
        return NamedError(code, status, "The service is unavailable. Please try again.")
    if kind == "timeout":
        return NamedError("RequestTimeout", 408 if service != "s3" else 400, "The request was not answered in time.")
    if kind == "expired":
        plain = query or service == "s3"
        code, status = ("ExpiredToken", 400 if service == "s3" else 403) if plain else ("ExpiredTokenException", 400)
        return NamedError(code, status, "The security token included in the request is expired")
    if kind == "skew":
        if service == "s3":
            code = "RequestTimeTooSkewed"
            return NamedError(code, 403, "The difference between the request time and the current time is too large.")
        code = "SignatureDoesNotMatch" if query else "InvalidSignatureException"
        return NamedError(code, 403, "Signature expired: it is now earlier than the time that is allowed")
    if kind == "too-large":
        usual = ("RequestEntityTooLargeException", 413, "The request is larger than the service takes.")
        return NamedError(*_TOO_LARGE.get(service, usual))
    if kind == "denied":
        code = "AccessDenied" if query or service == "s3" else "AccessDeniedException"
        return NamedError(code, 403 if query or service in ("s3", "lambda") else 400, "Access denied")
    raise KeyError(kind)
