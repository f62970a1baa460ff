"""RestoreObject: archived objects come back for some days of the platform's clock."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.kumoi_clock


def refused(function: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        function(**arguments)
    return str(raised.value.response["Error"]["Code"])


def restore(s3: Any, bucket: str, days: int, key: str = "k", **more: Any) -> int:
    answer = s3.restore_object(Bucket=bucket, Key=key, RestoreRequest={"Days": days, **more})
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def expiry(now: datetime, days: int) -> str:
    midnight = (now + timedelta(days=days + 1)).replace(hour=0, minute=0, second=0)
    return f'ongoing-request="false", expiry-date="{midnight:%a, %d %b %Y} 00:00:00 GMT"'


def test_an_archived_object_is_restored_for_some_days(kumoi: Any, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"archived", StorageClass="GLACIER")
    assert refused(s3.get_object, Bucket=bucket, Key="k") == "InvalidObjectState"
    assert "Restore" not in s3.head_object(Bucket=bucket, Key="k")
    assert restore(s3, bucket, 2, GlacierJobParameters={"Tier": "Expedited"}) == 202
    assert s3.head_object(Bucket=bucket, Key="k")["Restore"] == 'ongoing-request="true"'
    assert refused(s3.get_object, Bucket=bucket, Key="k") == "InvalidObjectState"
    assert refused(restore, s3=s3, bucket=bucket, days=1) == "RestoreAlreadyInProgress"
    kumoi.advance(2)
    found = s3.get_object(Bucket=bucket, Key="k")
    assert (found["Body"].read(), found["StorageClass"]) == (b"archived", "GLACIER")
    assert found["Restore"] == expiry(kumoi.now(), 2)
    assert restore(s3, bucket, 5) == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Restore"] == expiry(kumoi.now(), 5)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"archived"
    kumoi.advance("6d")
    assert refused(s3.get_object, Bucket=bucket, Key="k") == "InvalidObjectState"
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k") == "InvalidObjectState"
    assert "Restore" not in s3.head_object(Bucket=bucket, Key="k")
    assert restore(s3, bucket, 1) == 202


def test_listings_tell_of_restorations(kumoi: Any, s3: Any, bucket: str) -> None:
    for key in ("archived", "back"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"", StorageClass="DEEP_ARCHIVE")
    restore(s3, bucket, 1, key="back", GlacierJobParameters={"Tier": "Bulk"})
    asked = {"Bucket": bucket, "OptionalObjectAttributes": ["RestoreStatus"]}
    archived, back = s3.list_objects_v2(**asked)["Contents"]
    assert ("RestoreStatus" in archived, back["RestoreStatus"]) == (False, {"IsRestoreInProgress": True})
    kumoi.advance(2)
    back = s3.list_object_versions(**asked)["Versions"][1]
    assert back["RestoreStatus"]["IsRestoreInProgress"] is False
    assert back["RestoreStatus"]["RestoreExpiryDate"].hour == 0
    assert "RestoreStatus" not in s3.list_objects_v2(Bucket=bucket)["Contents"][1]


def test_restorations_are_told(kumoi: Any, s3: Any, bucket: str) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{kumoi.account}:q"
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectRestore:*"]}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    s3.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass="GLACIER")
    restore(s3, bucket, 1)
    kumoi.advance("3d")
    told: dict[str, Any] = {}
    while len(told) < 3:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            for record in json.loads(message["Body"]).get("Records", ()):
                told[record["eventName"]] = record
    assert set(told) == {"ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete"}
    data = told["ObjectRestore:Completed"]["glacierEventData"]["restoreEventData"]
    assert data["lifecycleRestoreStorageClass"] == "GLACIER"


@pytest.mark.parametrize(
    ("storage_class", "request_", "code"),
    [
        ("STANDARD", {"Days": 1}, "InvalidObjectState"),
        ("GLACIER", {}, "MalformedXML"),
        ("GLACIER", {"Days": 0}, "InvalidArgument"),
        ("GLACIER", {"Days": 1, "GlacierJobParameters": {"Tier": "Now"}}, "MalformedXML"),
        ("GLACIER", {"Days": 1, "Type": "SELECT"}, "NotImplemented"),
        ("DEEP_ARCHIVE", {"Days": 1, "Tier": "Expedited"}, "InvalidRequest"),
    ],
)
def test_what_is_not_restored(s3: Any, bucket: str, storage_class: str, request_: Any, code: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass=storage_class)
    assert refused(s3.restore_object, Bucket=bucket, Key="k", RestoreRequest=request_) == code
    assert refused(s3.restore_object, Bucket=bucket, Key="none", RestoreRequest={"Days": 1}) == "NoSuchKey"
