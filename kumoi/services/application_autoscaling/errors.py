"""Application Auto Scaling's errors, in its words."""

from __future__ import annotations

from kumoi.services.application_autoscaling.records import Dimensioned
from kumoi.wire.errors import AwsError, aws_error


def invalid(text: str) -> AwsError:
    """ValidationException: a parameter is not what it may be."""
    return aws_error("ValidationException", text)


def no_object(what: str, of: Dimensioned, name: str = "") -> AwsError:
    """ObjectNotFoundException: there is no such target, or it has none of this name."""
    named = f": {name}" if name else ""
    return aws_error("ObjectNotFoundException", f"No {what} found for {told(of)}{named}")


def not_registered(of: Dimensioned) -> AwsError:
    """ObjectNotFoundException: the target has to be registered first."""
    return aws_error("ObjectNotFoundException", f"No scalable target registered for {told(of)}")


def told(of: Dimensioned) -> str:
    """A target as messages name it."""
    return f"service namespace: {of.namespace}, resource ID: {of.resource}, scalable dimension: {of.dimension}"


def too_many(text: str) -> AwsError:
    """LimitExceededException: a quota is used up."""
    return aws_error("LimitExceededException", text)


def no_resource(arn: str) -> AwsError:
    """ResourceNotFoundException: tags of nothing."""
    return aws_error("ResourceNotFoundException", f"Resource not found: {arn}", ResourceName=arn)
