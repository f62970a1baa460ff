"""What a global table's template says of auto scaling: scalable targets and their policies, in each replica's region.

Reads are scaled as the replica says, writes as the table does. Source: "AWS::DynamoDB::GlobalTable" in the
CloudFormation reference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from kumoi.doorway.resource_types import ResourceCall
from kumoi.services.dynamodb.template_settings import numbers
from kumoi.wire.errors import AwsError

Given = Mapping[str, Any]
_SERVICE = "application-autoscaling"


class Scaled(NamedTuple):
    """One target: the `Read` or `Write` capacity of a table in a region, or of an index of it."""

    region: str
    of_index: str
    way: str

    def named(self, table: str) -> dict[str, str]:
        """The target as calls name it."""
        resource = f"table/{table}/index/{self.of_index}" if self.of_index else f"table/{table}"
        kind = "index" if self.of_index else "table"
        return {
            "ServiceNamespace": "dynamodb",
            "ResourceId": resource,
            "ScalableDimension": f"dynamodb:{kind}:{self.way}CapacityUnits",
        }


def scaled(properties: Given) -> dict[Scaled, Given]:
    """The auto scaling settings that a template states; none for a table on demand."""
    if properties.get("BillingMode", "PROVISIONED") != "PROVISIONED":
        return {}
    return {one: settings for one, settings in _stated(properties) if settings}


def _stated(properties: Given) -> Iterator[tuple[Scaled, Given | None]]:
    for replica in properties.get("Replicas") or ():
        region = str(replica.get("Region"))
        yield Scaled(region, "", "Write"), _settings(properties, "Write")
        yield Scaled(region, "", "Read"), _settings(replica, "Read")
        for index in properties.get("GlobalSecondaryIndexes") or ():
            yield Scaled(region, str(index.get("IndexName")), "Write"), _settings(index, "Write")
        for index in replica.get("GlobalSecondaryIndexes") or ():
            yield Scaled(region, str(index.get("IndexName")), "Read"), _settings(index, "Read")


def _settings(stated: Given, way: str) -> Given | None:
    throughput = stated.get(f"{way}ProvisionedThroughputSettings") or {}
    found: Given | None = throughput.get(f"{way}CapacityAutoScalingSettings")
    return found


def with_capacity(properties: Given, kept: Collection[Scaled], table: Given) -> dict[str, Any]:
    """The properties of a table, in one region, with the capacity that it has now wherever that is scaled."""
    changed = dict(properties)
    for one in kept:
        if not one.of_index:
            changed |= _with_units(changed, one.way, table)
            continue
        described = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes") or ()}
        changed["GlobalSecondaryIndexes"] = [
            {**index, **_with_units(index, one.way, described.get(one.of_index, {}))}
            if index["IndexName"] == one.of_index
            else index
            for index in changed.get("GlobalSecondaryIndexes") or ()
        ]
    return changed


def _with_units(stated: Given, way: str, described: Given) -> dict[str, Any]:
    member = f"{way}CapacityUnits"
    units = (described.get("ProvisionedThroughput") or {}).get(member)
    known = stated.get("ProvisionedThroughput")
    return {"ProvisionedThroughput": {**known, member: units}} if known and units else {}


async def bring_scaling(call: ResourceCall, table: str) -> None:
    """Register what the template has scaled, and forget what it no longer has."""
    wanted = scaled(call.properties)
    for one in scaled(call.before).keys() - wanted.keys():
        await _forget(call, one, table)
    for one, settings in wanted.items():
        named = one.named(table)
        bounds = {name: int(settings[name]) for name in ("MinCapacity", "MaxCapacity") if name in settings}
        await _ask(call, one.region, "RegisterScalableTarget", {**named, **bounds})
        tracking = settings.get("TargetTrackingScalingPolicyConfiguration") or {}
        metric = f"DynamoDB{one.way}CapacityUtilization"
        configuration: dict[str, Any] = {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}}
        for name, value in numbers(tracking).items():
            configuration[name] = float(value) if name == "TargetValue" else value
            if name.endswith("Cooldown"):
                configuration[name] = int(value)
        given = {
            **named,
            "PolicyName": f"{metric}:{named['ResourceId']}",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        }
        await _ask(call, one.region, "PutScalingPolicy", given)


async def drop_scaling(call: ResourceCall, table: str) -> None:
    """Forget all that the template has scaled."""
    for one in scaled(call.properties):
        await _forget(call, one, table)


async def _forget(call: ResourceCall, one: Scaled, table: str) -> None:
    try:
        await _ask(call, one.region, "DeregisterScalableTarget", one.named(table))
    except AwsError as error:
        if error.code != "ObjectNotFoundException":
            raise


async def _ask(call: ResourceCall, region: str, operation: str, params: dict[str, Any]) -> None:
    await call.doorway.ask(_SERVICE, operation, params, call.caller, region, call.trace)
