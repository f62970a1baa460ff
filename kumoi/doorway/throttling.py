"""How each service says that it is asked too often: the code and status that the SDKs' retries go by."""

from __future__ import annotations

USUAL = ("ThrottlingException", 400)
THROTTLES = {
    "apigateway": ("TooManyRequestsException", 429),
    "apigatewayv2": ("TooManyRequestsException", 429),
    "cognito-idp": ("TooManyRequestsException", 400),
    "dynamodb": ("ThrottlingException", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "iot-data": ("ThrottlingException", 429),
    "kinesis": ("ProvisionedThroughputExceededException", 400),
    "lambda": ("TooManyRequestsException", 429),
    "s3": ("SlowDown", 503),
    "sns": ("Throttled", 429),
    "sqs": ("RequestThrottled", 400),
}


def throttle_of(service: str) -> tuple[str, int]:
    """The error code and HTTP status of a service."""
    return THROTTLES.get(service, USUAL)
