"""Flow logs: kept as they are declared. No packet passes through a network here, so nothing is ever logged."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import INTERFACE, SUBNET, VPC, Item, items
from kumoi.services.ec2.describing import answer, described
from kumoi.services.ec2.errors import missing
from kumoi.services.ec2.kinds import FLOW_LOG
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, drop, every, find, new_item, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_KINDS = {"VPC": VPC, "Subnet": SUBNET, "NetworkInterface": INTERFACE}
_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)


@operation
async def create_flow_logs(
    call: Call,
    ResourceIds: list[str],
    ResourceType: str,
    TrafficType: str | None = None,
    LogDestinationType: str = "cloud-watch-logs",
    LogDestination: str | None = None,
    LogGroupName: str | None = None,
    LogFormat: str = _FORMAT,
    DeliverLogsPermissionArn: str | None = None,
    MaxAggregationInterval: int = 600,
    DestinationOptions: dict[str, Any] | None = None,
    ClientToken: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Declare that the traffic of VPCs, subnets or interfaces is to be logged."""
    if ResourceType not in _KINDS:
        raise aws_error(
            "NotImplemented", f"Kumoi has no {ResourceType}: its flow logs are of VPCs, subnets, interfaces"
        )
    if LogDestination is None and LogGroupName is None:
        raise missing("logDestination")
    members = {
        "CreationTime": call.now,
        "DeliverLogsPermissionArn": DeliverLogsPermissionArn,
        "DeliverLogsStatus": "SUCCESS",
        "DestinationOptions": DestinationOptions,
        "FlowLogStatus": "ACTIVE",
        "LogDestination": LogDestination,
        "LogDestinationType": LogDestinationType,
        "LogFormat": LogFormat,
        "LogGroupName": LogGroupName,
        "MaxAggregationInterval": MaxAggregationInterval,
        "TrafficType": TrafficType or "ALL",
    }
    tags = tags_of(FLOW_LOG, TagSpecifications)
    made = await _create(call.state, _KINDS[ResourceType], tuple(ResourceIds), members, tags, ClientToken)
    return {"FlowLogIds": made, "Unsuccessful": [], "ClientToken": ClientToken}


@transactional
async def _create(
    tx: Transaction,
    kind: str,
    ids: tuple[str, ...],
    members: dict[str, Any],
    tags: dict[str, str],
    token: str | None,
) -> list[str]:
    known = await items.list(tx, FLOW_LOG)
    if token and (before := [one.id for one in known if one.token == token]):
        return before
    made: list[Item] = []
    for one in ids:
        await find(tx, kind, one)
        fresh = new_item(FLOW_LOG, {**members, "ResourceId": one}, tags, token=token)
        if any(_alike(fresh, other) for other in known):
            raise aws_error("FlowLogAlreadyExists", "There is an existing Flow Log with the same configuration.")
        made.append(fresh)
    await put(tx, *made)
    return [one.id for one in made]


def _alike(one: Item, other: Item) -> bool:
    return all(
        one.get(name) == other.get(name)
        for name in ("ResourceId", "TrafficType", "LogDestination", "LogDestinationType", "LogGroupName")
    )


@operation
async def describe_flow_logs(
    call: Call,
    FlowLogIds: list[str] | None = None,
    Filter: list[dict[str, Any]] | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Flow logs."""
    found = map(described, await every(call.state, FLOW_LOG))
    return answer(FLOW_LOG, "FlowLogs", found, FlowLogIds, Filter, MaxResults, NextToken)


@operation
async def delete_flow_logs(call: Call, FlowLogIds: list[str]) -> dict[str, Any]:
    """Delete flow logs."""
    await _delete(call.state, tuple(FlowLogIds))
    return {"Unsuccessful": []}


@transactional
async def _delete(tx: Transaction, ids: tuple[str, ...]) -> None:
    for one in ids:
        await drop(tx, await find(tx, FLOW_LOG, one))
