"""Which permissions the calls on streams need: DynamoDB's actions, on a stream's ARN."""

from __future__ import annotations

from contextlib import suppress

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything
from kumoi.services.dynamodb.authorization import owned
from kumoi.services.dynamodb.streams.iterators import ShardIterator
from kumoi.wire.errors import AwsError


def stream(call: Call) -> str:
    """The stream of a call, or of its iterator."""
    named = call.params.get("StreamArn")
    if isinstance(named, str):
        return named
    with suppress(AwsError):
        return ShardIterator.parse(str(call.params.get("ShardIterator", ""))).stream
    return EVERYTHING


AUTHORIZATION = Authorization(
    "dynamodb",
    resource=stream,
    resources={"ListStreams": everything},
    actions={"AwaitRecords": "GetRecords"},
    policy=owned,
)
