"""A global table's properties as those of the table in one region; pure.

What a template states for each replica counts over what it states for all. Where auto scaling is asked for, a new table
begins with its seed, or its least capacity. Source: "AWS::DynamoDB::GlobalTable" in the CloudFormation reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Given = Mapping[str, Any]

_REPLICA = (
    *("ContributorInsightsSpecification", "DeletionProtectionEnabled", "KinesisStreamSpecification"),
    *("PointInTimeRecoverySpecification", "ResourcePolicy", "TableClass", "Tags"),
)
_APART = ("Replicas", "GlobalTableWitnesses", "MultiRegionConsistency")
_WRITES = ("WriteProvisionedThroughputSettings", "WriteOnDemandThroughputSettings")


def of_region(properties: Given, region: str) -> dict[str, Any]:
    """The properties of the table in a region; nothing for nothing."""
    if not properties:
        return {}
    own: Given = next((one for one in properties.get("Replicas", ()) if one.get("Region") == region), {})
    provisioned = properties.get("BillingMode", "PROVISIONED") == "PROVISIONED"
    table = {name: value for name, value in properties.items() if name not in (*_APART, *_WRITES)}
    table |= {name: own[name] for name in _REPLICA if name in own}
    table |= _throughput(properties, own, provisioned=provisioned)
    if table.get("SSESpecification") and own.get("SSESpecification"):
        table["SSESpecification"] = {**table["SSESpecification"], **own["SSESpecification"]}
    if table.get("StreamSpecification") and own.get("ReplicaStreamSpecification"):
        table["StreamSpecification"] = {**table["StreamSpecification"], **own["ReplicaStreamSpecification"]}
    if indexes := properties.get("GlobalSecondaryIndexes"):
        replicas = {one["IndexName"]: one for one in own.get("GlobalSecondaryIndexes", ())}
        table["GlobalSecondaryIndexes"] = [
            _index(one, replicas.get(one["IndexName"], {}), provisioned=provisioned) for one in indexes
        ]
    return table


def _index(stated: Given, own: Given, *, provisioned: bool) -> dict[str, Any]:
    index = {name: value for name, value in stated.items() if name not in _WRITES}
    if "ContributorInsightsSpecification" in own:
        index["ContributorInsightsSpecification"] = own["ContributorInsightsSpecification"]
    return index | _throughput(stated, own, provisioned=provisioned)


def _throughput(stated: Given, own: Given, *, provisioned: bool) -> dict[str, Any]:
    """Writes are stated for all replicas, reads for each."""
    if provisioned:
        reads, writes = own.get("ReadProvisionedThroughputSettings"), stated.get("WriteProvisionedThroughputSettings")
        return {
            "ProvisionedThroughput": {
                "ReadCapacityUnits": _units(reads or {}, "Read"),
                "WriteCapacityUnits": _units(writes or {}, "Write"),
            }
        }
    limits = {**(own.get("ReadOnDemandThroughputSettings") or {}), **(stated.get(_WRITES[1]) or {})}
    return {"OnDemandThroughput": limits} if limits else {}


def _units(settings: Given, way: str) -> Any:
    scaled = settings.get(f"{way}CapacityAutoScalingSettings") or {}
    return settings.get(f"{way}CapacityUnits") or scaled.get("SeedCapacity") or scaled.get("MinCapacity", 1)
