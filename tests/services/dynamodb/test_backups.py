"""Backups and point-in-time recovery: new tables hold what the old one held at that moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]


def put(client: Any, number: int, value: str, table: str = "table") -> None:
    item = {"pk": {"S": f"k{number:03}"}, "g": {"S": value}}
    client.put_item(TableName=table, Item=item)


def values(client: Any, table: str, **options: Any) -> dict[str, str]:
    return {item["pk"]["S"]: item["g"]["S"] for item in client.scan(TableName=table, **options)["Items"]}


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline, "it did not come about within 60 s"


def wait_for_table(client: Any, name: str) -> dict[str, Any]:
    wait(lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
    table: dict[str, Any] = client.describe_table(TableName=name)["Table"]
    return table


def test_a_backup_holds_the_table_as_it_was_and_makes_a_new_one(client: Any, make: Make) -> None:
    make(gsi={"by-g": ("g:S",)})
    for number in range(130):
        put(client, number, "old")
    details = client.create_backup(TableName="table", BackupName="first")["BackupDetails"]
    assert details["BackupStatus"] == "CREATING"
    for number in range(0, 200, 3):
        put(client, number, "new")
    client.delete_item(TableName="table", Key={"pk": {"S": "k001"}})
    arn = details["BackupArn"]
    wait(
        lambda: (
            client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE"
        )
    )
    source = client.describe_backup(BackupArn=arn)["BackupDescription"]["SourceTableDetails"]
    assert (source["TableName"], source["ItemCount"]) == ("table", 130)
    listed = client.list_backups(TableName="table")["BackupSummaries"]
    assert [(one["BackupName"], one["BackupArn"]) for one in listed] == [("first", arn)]
    restored = client.restore_table_from_backup(TargetTableName="restored", BackupArn=arn)["TableDescription"]
    assert restored["TableStatus"] == "CREATING"
    assert restored["RestoreSummary"]["RestoreInProgress"] is True
    table = wait_for_table(client, "restored")
    expected = {f"k{number:03}": "old" for number in range(130)}
    assert values(client, "restored") == expected
    assert values(client, "restored", IndexName="by-g") == expected
    assert table["ItemCount"] == 130
    assert table["RestoreSummary"]["RestoreInProgress"] is False
    client.delete_table(TableName="table")
    assert values(client, "restored") == expected
    client.delete_backup(BackupArn=arn)
    with pytest.raises(client.exceptions.BackupNotFoundException):
        client.describe_backup(BackupArn=arn)


@pytest.mark.kumoi_clock
def test_a_table_is_restored_to_a_point_in_time(client: Any, make: Make, kumoi: Any) -> None:
    make()
    put(client, 0, "before recovery")
    with pytest.raises(client.exceptions.PointInTimeRecoveryUnavailableException):
        client.restore_table_to_point_in_time(
            SourceTableName="table", TargetTableName="restored", UseLatestRestorableTime=True
        )
    client.update_continuous_backups(
        TableName="table", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    moments = []
    held = []
    for step in range(4):
        for number in range(step, 8):
            put(client, number, f"step {step}")
        client.delete_item(TableName="table", Key={"pk": {"S": f"k{step:03}"}})
        kumoi.advance(60)
        described = client.describe_continuous_backups(TableName="table")["ContinuousBackupsDescription"]
        moments.append(described["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"])
        held.append(values(client, "table"))
        kumoi.advance(60)
    for step, (moment, expected) in enumerate(zip(moments, held, strict=True)):
        client.restore_table_to_point_in_time(
            SourceTableName="table", TargetTableName=f"restored-{step}", RestoreDateTime=moment
        )
        wait_for_table(client, f"restored-{step}")
        assert values(client, f"restored-{step}") == expected
    client.restore_table_to_point_in_time(
        SourceTableName="table", TargetTableName="latest", UseLatestRestorableTime=True
    )
    wait_for_table(client, "latest")
    assert values(client, "latest") == values(client, "table")
    with pytest.raises(client.exceptions.InvalidRestoreTimeException):
        client.restore_table_to_point_in_time(
            SourceTableName="table", TargetTableName="too-early", RestoreDateTime=moments[0] - timedelta(days=40)
        )
    with pytest.raises(client.exceptions.TableAlreadyExistsException):
        client.restore_table_to_point_in_time(
            SourceTableName="table", TargetTableName="latest", UseLatestRestorableTime=True
        )


def test_encryption_is_told_and_may_be_another_in_a_restored_table(client: Any, make: Make) -> None:
    make()
    client.update_table(TableName="table", SSESpecification={"Enabled": True})
    arn = client.create_backup(TableName="table", BackupName="first")["BackupDetails"]["BackupArn"]
    told = client.describe_backup(BackupArn=arn)["BackupDescription"]
    assert told["SourceTableFeatureDetails"]["SSEDescription"]["SSEType"] == "KMS"
    wait(
        lambda: (
            client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE"
        )
    )
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    client.restore_table_from_backup(
        TargetTableName="plain", BackupArn=arn, SSESpecificationOverride={"Enabled": False}
    )
    recovery = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName="table", PointInTimeRecoverySpecification=recovery)
    client.restore_table_to_point_in_time(
        SourceTableName="table",
        TargetTableName="another",
        UseLatestRestorableTime=True,
        SSESpecificationOverride={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    assert "SSEDescription" not in wait_for_table(client, "plain")
    assert wait_for_table(client, "another")["SSEDescription"]["KMSMasterKeyArn"] == key


def test_backups_that_are_refused(client: Any, make: Make) -> None:
    with pytest.raises(client.exceptions.TableNotFoundException):
        client.create_backup(TableName="missing", BackupName="first")
    with pytest.raises(ClientError, match="Invalid BackupArn"):
        client.describe_backup(BackupArn="arn:aws:dynamodb:us-east-1:000000000000:table/no-backup-of-it")
