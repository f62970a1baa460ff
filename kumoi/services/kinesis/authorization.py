"""Which permissions Kinesis's calls need: on a stream or a consumer, which may have policies of their own.

Source: "Actions, resources, and condition keys for Amazon Kinesis Data Streams" of the service authorization reference.
"""

from __future__ import annotations

from contextlib import suppress

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything
from kumoi.names import Arn, arn
from kumoi.policy import Policy, PolicyError, compile_policy
from kumoi.services.kinesis.iterators import read_iterator
from kumoi.services.kinesis.records import policies
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


def stream(call: Call) -> str:
    """The stream or consumer that a call names, or the stream of its iterator."""
    params = call.params
    for member in ("ConsumerARN", "ResourceARN", "StreamARN"):
        value = params.get(member)
        if isinstance(value, str):
            return value
    if "StreamName" in params:
        return call.arn("kinesis", f"stream/{params['StreamName']}")
    with suppress(AwsError):
        found = read_iterator(str(params.get("ShardIterator", "")))
        return arn("kinesis", found.region, found.account, f"stream/{found.stream}")
    return EVERYTHING


async def owned(call: Call, ask: Ask) -> Owned:
    """The account and policy of a stream or consumer."""
    try:
        place = Arn.parse(ask.resource)
    except ValueError:
        return Owned(call.account)
    found = await _policy(call.doorway.state.at(place.account, place.region), ask.resource)
    return Owned(place.account, () if found is None else (found,))


@transactional
async def _policy(tx: Transaction, resource: str) -> Policy | None:
    found = await policies.get(tx, resource)
    if found is None:
        return None
    try:
        return compile_policy(found.document, "resource", "stream policy")
    except PolicyError:
        return None


AUTHORIZATION = Authorization(
    "kinesis",
    resource=stream,
    resources={"ListStreams": everything, "DescribeLimits": everything},
    actions={"AwaitRecords": "GetRecords"},
    policy=owned,
)
