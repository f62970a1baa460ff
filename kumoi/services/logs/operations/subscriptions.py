"""Subscription filters: send a group's events on to a function, a stream or a destination."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call, CallDropped, Principal
from kumoi.names import Arn
from kumoi.services.logs import logs
from kumoi.services.logs.destination_records import find_destination
from kumoi.services.logs.envelope import control_message
from kumoi.services.logs.events import find_group
from kumoi.services.logs.filter_pattern import parse
from kumoi.services.logs.filter_records import SubscriptionFilter, filters_of, group_filters
from kumoi.services.logs.followers import own_function
from kumoi.services.logs.rules import group_arn, invalid, page
from kumoi.services.logs.subscriber import Subscribers
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_FILTERS = 2
_STREAMS = {"kinesis": "Kinesis", "firehose": "Firehose"}
"""What gets a test message first, as its text calls it."""
NO_FILTER = "The specified subscription filter does not exist."


@logs.operation
async def put_subscription_filter(
    call: Call,
    logGroupName: str,
    filterName: str,
    filterPattern: str,
    destinationArn: str,
    roleArn: str | None = None,
    distribution: str = "ByLogStream",
    applyOnTransformedLogs: bool = False,
) -> None:
    """Send events that match a pattern to a destination, which is tried first."""
    if applyOnTransformedLogs:
        raise aws_error("NotImplemented", "Kumoi does not transform logs: leave applyOnTransformedLogs out.")
    parse(filterPattern)
    await find_group(call.state, logGroupName)
    try:
        destination = Arn.parse(destinationArn)
    except ValueError:
        raise invalid(f"destinationArn is not an ARN: {destinationArn}") from None
    await _check(call, logGroupName, destination, roleArn)
    await _put(
        call.state,
        logGroupName,
        SubscriptionFilter(
            name=filterName,
            pattern=filterPattern,
            destination=destinationArn,
            role=roleArn,
            distribution=distribution,
            created=int(call.now * 1000),
        ),
    )


async def _check(call: Call, group: str, destination: Arn, role: str | None) -> None:
    """Refuse a destination that events cannot be sent to."""
    vendor = destination.service
    if vendor not in ("lambda", "kinesis", "firehose", "logs"):
        raise invalid(f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {vendor}")
    if vendor in _STREAMS and role is None:
        raise invalid(f"destinationArn for vendor {vendor} cannot be used without roleArn")
    if vendor == "lambda" and role is not None:
        raise invalid("destinationArn for vendor lambda cannot be used with roleArn")
    if own_function(group, destination):
        raise invalid("The log group provided is reserved for the function log of the destination function.")
    if vendor == "logs":
        await find_destination(call.doorway.state.at(destination.account, destination.region), destination)
        return
    arn = group_arn(call.account, call.region, group)
    try:
        if vendor in _STREAMS:
            content = control_message(_STREAMS[vendor], int(call.now * 1000))
            await call.part(Subscribers).hand_over(arn, str(destination), role, content, "control", call.account)
        else:
            caller = Principal.of_service(destination.account, "logs.amazonaws.com", f"logs:{group}", f"{arn}:*")
            params = {"FunctionName": str(destination), "InvocationType": "DryRun"}
            await call.doorway.ask("lambda", "Invoke", params, caller, destination.region)
    except (AwsError, CallDropped) as error:
        if vendor in _STREAMS:
            raise invalid(
                f"Could not deliver test message to specified {_STREAMS[vendor]} stream. Check if the given "
                f"{vendor} stream is in ACTIVE state. ({error})"
            ) from None
        raise invalid(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute "
            f"your function. ({error})"
        ) from None


@logs.operation
async def describe_subscription_filters(
    call: Call,
    logGroupName: str,
    filterNamePrefix: str = "",
    nextToken: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """A group's subscription filters by name."""
    await find_group(call.state, logGroupName)
    found = (await _filters(call.state, logGroupName)).values()
    named = {one.name: one for one in found if one.name.startswith(filterNamePrefix)}
    names, token = page(sorted(named), nextToken, limit)
    return {
        "subscriptionFilters": [_described(logGroupName, named[name]) for name in names],
        "nextToken": token,
    }


@logs.operation
async def delete_subscription_filter(call: Call, logGroupName: str, filterName: str) -> None:
    """Stop sending events on; what was stored for delivery still goes."""
    await _delete(call.state, logGroupName, filterName)


def _described(group: str, one: SubscriptionFilter) -> dict[str, Any]:
    return {
        "filterName": one.name,
        "logGroupName": group,
        "filterPattern": one.pattern,
        "destinationArn": one.destination,
        "roleArn": one.role,
        "distribution": one.distribution,
        "applyOnTransformedLogs": False,
        "creationTime": one.created,
    }


@transactional
async def _filters(tx: Transaction, group: str) -> dict[str, SubscriptionFilter]:
    return (await filters_of(tx, group)).subscriptions


@transactional
async def _put(tx: Transaction, group: str, one: SubscriptionFilter) -> None:
    await find_group(tx, group)
    filters = await filters_of(tx, group)
    if one.name not in filters.subscriptions and len(filters.subscriptions) >= MOST_FILTERS:
        raise aws_error("LimitExceededException", "Resource limit exceeded.")
    changed = {**filters.subscriptions, one.name: one}
    await group_filters.put(tx, msgspec.structs.replace(filters, subscriptions=changed))


@transactional
async def _delete(tx: Transaction, group: str, name: str) -> None:
    await find_group(tx, group)
    filters = await filters_of(tx, group)
    if name not in filters.subscriptions:
        raise aws_error("ResourceNotFoundException", NO_FILTER)
    left = {key: one for key, one in filters.subscriptions.items() if key != name}
    await group_filters.put(tx, msgspec.structs.replace(filters, subscriptions=left))
