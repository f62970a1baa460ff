"""Settings of networks, storage, backups and monitoring: kept and told, without effect. Pure.

Who describes what it made (Terraform, drift detection) finds what it asked for. Most members are told under the name
they are given by. Source: the RDS API reference's CreateDBCluster, CreateDBInstance, DBCluster
and DBInstance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMMON = (
    *("AutoMinorVersionUpgrade", "BackupRetentionPeriod", "CopyTagsToSnapshot", "DatabaseInsightsMode"),
    *("EngineLifecycleSupport", "MonitoringInterval", "MonitoringRoleArn", "NetworkType"),
    *("PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod", "PreferredBackupWindow"),
    *("PreferredMaintenanceWindow", "PubliclyAccessible"),
)
_OTHERWISE_TOLD = ("EnableCloudwatchLogsExports", "EnableIAMDatabaseAuthentication", "VpcSecurityGroupIds")
CLUSTER = frozenset(
    (
        *_COMMON,
        *_OTHERWISE_TOLD,
        *("AllocatedStorage", "AvailabilityZones", "BacktrackWindow", "CharacterSetName", "DBClusterInstanceClass"),
        *("DBClusterParameterGroupName", "DBSubnetGroupName", "EnablePerformanceInsights", "Iops", "KmsKeyId"),
        *("StorageEncrypted", "StorageType"),
    )
)
"""The members of a cluster that are kept."""
INSTANCE = frozenset(
    (
        *_COMMON,
        *_OTHERWISE_TOLD,
        *("AvailabilityZone", "CACertificateIdentifier", "DBParameterGroupName", "DBSubnetGroupName"),
        *("EnablePerformanceInsights", "EngineVersion", "PromotionTier"),
    )
)
"""The members of an instance that are kept."""

_DEFAULTS = {"BackupRetentionPeriod": 1, "StorageEncrypted": False, "CopyTagsToSnapshot": False}


def kept(given: Mapping[str, Any], members: frozenset[str], had: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings among what a request gives, over those that were kept before."""
    settings = {**(had or {}), **{name: value for name, value in given.items() if name in members}}
    if (change := given.get("CloudwatchLogsExportConfiguration")) is not None:
        enabled = {*settings.get("EnableCloudwatchLogsExports", ()), *change.get("EnableLogTypes", ())}
        settings["EnableCloudwatchLogsExports"] = sorted(enabled - {*change.get("DisableLogTypes", ())})
    return settings


def told(settings: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The settings as a description tells them; `kind` is `Cluster` or `Instance`."""
    found: dict[str, Any] = {
        name: value for name, value in _DEFAULTS.items() if kind == "Cluster" or name != "StorageEncrypted"
    }
    for name, value in settings.items():
        match name:
            case "EnableCloudwatchLogsExports":
                found["EnabledCloudwatchLogsExports"] = value
            case "EnableIAMDatabaseAuthentication":
                found["IAMDatabaseAuthenticationEnabled"] = value
            case "EnablePerformanceInsights":
                found["PerformanceInsightsEnabled"] = value
            case "VpcSecurityGroupIds":
                found["VpcSecurityGroups"] = [{"VpcSecurityGroupId": one, "Status": "active"} for one in value]
            case "DBSubnetGroupName":
                found["DBSubnetGroup"] = value if kind == "Cluster" else {"DBSubnetGroupName": value}
            case "DBClusterParameterGroupName":
                found["DBClusterParameterGroup"] = value
            case "DBParameterGroupName":
                group = {"DBParameterGroupName": value, "ParameterApplyStatus": "in-sync"}
                found["DBParameterGroups"] = [group]
            case _:
                found[name] = value
    return found
