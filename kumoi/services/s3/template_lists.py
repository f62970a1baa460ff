"""Configurations of which a bucket has many, as CloudFormation templates word them; pure.

Source: "AWS::S3::Bucket" in the CloudFormation reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from kumoi.services.s3.template_sections import Given, flag


class Listed(NamedTuple):
    """A property that lists configurations, and what the API calls them: `kind` in the names of its operations."""

    name: str
    kind: str
    content: Callable[[Any], dict[str, Any]]

    @property
    def member(self) -> str:
        """The member that operations take one by."""
        return f"{self.kind}Configuration"


def _filter(given: Given) -> dict[str, Any]:
    """The conditions as one Filter: one alone, several within And; nothing for everything."""
    tags = [{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in given.get("TagFilters") or ()]
    parts = {name: given[name] for name in ("Prefix", "AccessPointArn") if given.get(name) is not None}
    if len(parts) + len(tags) > 1:
        return {"Filter": {"And": parts | ({"Tags": tags} if tags else {})}}
    return {"Filter": {"Tag": tags[0]} if tags else parts} if parts or tags else {}


def _destination(given: Given, account: str) -> dict[str, Any]:
    told = {"Bucket": given["BucketArn"], "Format": given["Format"]}
    if given.get("Prefix") is not None:
        told["Prefix"] = given["Prefix"]
    if given.get("BucketAccountId") is not None:
        told[account] = str(given["BucketAccountId"])
    return {"S3BucketDestination": told}


def _metrics(given: Given) -> dict[str, Any]:
    return {"Id": given["Id"]} | _filter(given)


def _tiering(given: Given) -> dict[str, Any]:
    tierings = [{"AccessTier": one["AccessTier"], "Days": int(one["Days"])} for one in given["Tierings"]]
    return {"Id": given["Id"], "Status": given["Status"], "Tierings": tierings} | _filter(given)


def _inventory(given: Given) -> dict[str, Any]:
    told = {
        "Id": given["Id"],
        "IsEnabled": flag(given["Enabled"]),
        "IncludedObjectVersions": given["IncludedObjectVersions"],
        "Schedule": {"Frequency": given["ScheduleFrequency"]},
        "Destination": _destination(given["Destination"], "AccountId"),
    }
    if given.get("OptionalFields"):
        told["OptionalFields"] = given["OptionalFields"]
    return told | _filter({"Prefix": given.get("Prefix")})


def _analytics(given: Given) -> dict[str, Any]:
    analysis: dict[str, Any] = {}
    if (export := given["StorageClassAnalysis"].get("DataExport")) is not None:
        analysis["DataExport"] = {
            "OutputSchemaVersion": export["OutputSchemaVersion"],
            "Destination": _destination(export["Destination"], "BucketAccountId"),
        }
    return {"Id": given["Id"], "StorageClassAnalysis": analysis} | _filter(given)


LISTS = (
    Listed("AnalyticsConfigurations", "Analytics", _analytics),
    Listed("IntelligentTieringConfigurations", "IntelligentTiering", _tiering),
    Listed("InventoryConfigurations", "Inventory", _inventory),
    Listed("MetricsConfigurations", "Metrics", _metrics),
)
