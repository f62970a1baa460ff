"""What the gateway answers itself: a case of AWS's list, as the API has customised it or as AWS words it.

Source: "Gateway responses in API Gateway" and its table of types, and the names in the field `x-amzn-ErrorType`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

_TEMPLATE = {"application/json": '{"message":$context.error.messageString}'}


class Default(NamedTuple):
    """A case: its status (0: that of what happened), the name of the error, and the usual message."""

    status: int
    error: str
    message: str | None

    @property
    def status_text(self) -> str:
        """The status code as the API tells it; "" where it depends on what happened."""
        return str(self.status) if self.status else ""


DEFAULTS: dict[str, Default] = {
    "ACCESS_DENIED": Default(403, "AccessDeniedException", "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": Default(500, "ApiConfigurationException", "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": Default(500, "AuthorizerConfigurationException", None),
    "AUTHORIZER_FAILURE": Default(500, "AuthorizerFailureException", None),
    "BAD_REQUEST_BODY": Default(400, "BadRequestException", "Invalid request body"),
    "BAD_REQUEST_PARAMETERS": Default(400, "BadRequestException", "Missing required request parameters"),
    "DEFAULT_4XX": Default(0, "BadRequestException", "Bad request"),
    "DEFAULT_5XX": Default(0, "InternalServerErrorException", "Internal server error"),
    "EXPIRED_TOKEN": Default(403, "ExpiredTokenException", "The security token included in the request is expired"),
    "INTEGRATION_FAILURE": Default(504, "InternalServerErrorException", "Internal server error"),
    "INTEGRATION_TIMEOUT": Default(504, "InternalServerErrorException", "Endpoint request timed out"),
    "INVALID_API_KEY": Default(403, "ForbiddenException", "Forbidden"),
    "INVALID_SIGNATURE": Default(403, "InvalidSignatureException", "The request signature does not match"),
    "MISSING_AUTHENTICATION_TOKEN": Default(403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    "QUOTA_EXCEEDED": Default(429, "LimitExceededException", "Limit Exceeded"),
    "REQUEST_TOO_LARGE": Default(413, "RequestTooLargeException", "Request Too Long"),
    "RESOURCE_NOT_FOUND": Default(404, "NotFoundException", "Not Found"),
    "THROTTLED": Default(429, "TooManyRequestsException", "Too Many Requests"),
    "UNAUTHORIZED": Default(401, "UnauthorizedException", "Unauthorized"),
    "UNSUPPORTED_MEDIA_TYPE": Default(415, "UnsupportedMediaTypeException", "Unsupported Media Type"),
    "WAF_FILTERED": Default(403, "ForbiddenException", "Forbidden"),
}


class Refused(Exception):
    """The gateway answers the request itself; the text says why, for the log.

    `message` is what clients read (None: JSON's null, "": the case's usual one) under the name `member`, `status`
    stands where the case leaves it open.
    """

    def __init__(
        self, case: str, reason: str = "", *, message: str | None = "", status: int = 0, member: str = "message"
    ) -> None:
        usual = DEFAULTS[case]
        self.case = case
        self.member = member
        self.message = usual.message if message == "" else message
        self.status = status or usual.status or (400 if case == "DEFAULT_4XX" else 500)
        self.error = usual.error
        self.validation: str = ""
        self.fields: list[tuple[str, str]] = []
        super().__init__(reason or self.message or case)


def default_response(name: str, own: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A gateway response that was not customised: DEFAULT_4XX or DEFAULT_5XX where that was, else AWS's."""
    default = DEFAULTS[name]
    said: dict[str, Any] = {"responseType": name, "defaultResponse": True}
    general = own.get(general_case(name)) if not name.startswith("DEFAULT") else None
    status = (general or {}).get("statusCode") or default.status_text
    if status:
        said["statusCode"] = status
    said["responseParameters"] = dict((general or {}).get("responseParameters") or {})
    said["responseTemplates"] = dict((general or {}).get("responseTemplates") or _TEMPLATE)
    return said


def general_case(name: str) -> str:
    """The case that stands for this one where only that is customised."""
    status = DEFAULTS[name].status
    return "DEFAULT_5XX" if status >= 500 or name == "DEFAULT_5XX" else "DEFAULT_4XX"


def customised(name: str, own: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The API's own gateway response for a case, or that for the general one; None for AWS's."""
    return own.get(name) or own.get(general_case(name))
