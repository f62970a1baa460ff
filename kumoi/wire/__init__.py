"""AWS's protocols, compiled from service models: requests to plain params, plain results to responses."""

from kumoi.wire.codec import Exchange, ServiceCodec, Wire
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Body, BodyTooLarge, BufferedBody, FileBody, Headers, Request, Response
from kumoi.wire.model import OperationModel, ServiceModel, UnknownService

__all__ = [
    "AwsError",
    "Body",
    "BodyTooLarge",
    "BufferedBody",
    "Exchange",
    "FileBody",
    "Headers",
    "OperationModel",
    "Request",
    "Response",
    "ServiceCodec",
    "ServiceModel",
    "UnknownService",
    "Wire",
    "aws_error",
]
