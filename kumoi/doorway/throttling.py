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
    "sqs": ("RequestThrottled", 400),
}


QUERY = frozenset(
    {"autoscaling", "cloudformation", "cloudfront", "cloudwatch", "ec2", "elbv2", "iam", "rds", "sns", "sts"}
)
"""Services whose common errors lack the ending `Exception`."""


def throttle_of(service: str) -> tuple[str, int]:
    """The error code and HTTP status of a service."""
    return THROTTLES.get(service, ("Throttling", 400) if service in QUERY else USUAL)
