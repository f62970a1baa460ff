"""What a notification says: S3's event record, EventBridge's event, and the test event; pure.

Rules: "Event message structure" and "EventBridge event message structure" in the S3 user guide, and recorded messages.
"""

from __future__ import annotations

import base64
import os
from typing import Any
from urllib.parse import quote_plus

import msgspec

from kumoi.doorway import Call
from kumoi.services.s3.lookup import canonical_id
from kumoi.services.s3.records import Bucket, ObjectVersion
from kumoi.services.s3.versions import told_version
from kumoi.wire.timestamps import iso8601, milliseconds

EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
_ABOUT_A_VERSION = ("ObjectTagging:", "ObjectAcl:", "ObjectRetention:")
"""Events of what surrounds an object: they tell neither its size nor a place in the order of writes."""

_DETAILS = {
    "ObjectCreated:Put": ("Object Created", "PutObject"),
    "ObjectCreated:Post": ("Object Created", "POST Object"),
    "ObjectCreated:Copy": ("Object Created", "CopyObject"),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", "CompleteMultipartUpload"),
    "ObjectRemoved:Delete": ("Object Deleted", "DeleteObject"),
    "ObjectRemoved:DeleteMarkerCreated": ("Object Deleted", "DeleteObject"),
    "LifecycleExpiration:Delete": ("Object Deleted", "Lifecycle Expiration"),
    "LifecycleExpiration:DeleteMarkerCreated": ("Object Deleted", "Lifecycle Expiration"),
    "LifecycleTransition": ("Object Storage Class Changed", ""),
    "ObjectRestore:Post": ("Object Restore Initiated", ""),
    "ObjectRestore:Completed": ("Object Restore Completed", ""),
    "ObjectRestore:Delete": ("Object Restore Expired", ""),
    "ObjectTagging:Put": ("Object Tags Added", ""),
    "ObjectTagging:Delete": ("Object Tags Deleted", ""),
    "ObjectAcl:Put": ("Object ACL Updated", ""),
}
"""By event: EventBridge's detail-type, and the reason."""


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """By what, and for whom, something happened: a request, or S3 itself. `trace` is empty where none was sent."""

    time: float
    principal: str
    account: str
    address: str
    request_id: str
    host_id: str
    trace: str = ""

    @classmethod
    def of(cls, call: Call) -> Occasion:
        """That of a call."""
        http, trace = call.http, call.trace
        traced = bool(trace.lineage) or (http is not None and "x-amzn-trace-id" in http.headers)
        return cls(
            time=call.now,
            principal=f"AWS:{call.caller.id}",
            account=call.caller.account,
            address=http.client[0] if http is not None else "127.0.0.1",
            request_id=call.request_id,
            host_id=_host_id(),
            trace=trace.chained(call.span) if traced else "",
        )

    @classmethod
    def of_lifecycle(cls, now: float, request_id: str) -> Occasion:
        """That of a lifecycle rule."""
        service = "s3.amazonaws.com"
        return cls(
            time=now, principal=service, account=service, address=service, request_id=request_id, host_id=_host_id()
        )


def _host_id() -> str:
    return base64.b64encode(os.urandom(48)).decode()


def record(
    occasion: Occasion, bucket: Bucket, version: ObjectVersion, event: str, configuration: str, sequencer: str
) -> dict[str, Any]:
    """The one record of a message."""
    surrounding = event.startswith(_ABOUT_A_VERSION)
    told: dict[str, Any] = {"key": quote_plus(version.key, safe="/", errors="replace")}
    if not surrounding and not _removes(event) and not version.marker:
        told["size"] = version.size
    if version.marker:
        told["eTag"] = EMPTY_ETAG
    elif not _removes(event):
        told["eTag"] = version.etag
    if (version_id := told_version(bucket, version)) is not None and (
        bucket.versioning == "Enabled" or not version.null
    ):
        told["versionId"] = version_id
    if not surrounding:
        told["sequencer"] = sequencer
    restored = {} if event != "ObjectRestore:Completed" else {"glacierEventData": {"restoreEventData": _back(version)}}
    return restored | {
        "eventVersion": _schema(event),
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": milliseconds(occasion.time),
        "eventName": event,
        "userIdentity": {"principalId": occasion.principal},
        "requestParameters": {"sourceIPAddress": occasion.address},
        "responseElements": {"x-amz-request-id": occasion.request_id, "x-amz-id-2": occasion.host_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": canonical_id(bucket.account)[:14].upper()},
                "arn": bucket.arn,
            },
            "object": told,
        },
    }


def _schema(event: str) -> str:
    """The version of the record's schema: the minor one says which kind of event it is."""
    if event.startswith("Replication:"):
        return "2.2"
    return "2.3" if event.startswith((*_ABOUT_A_VERSION, "Lifecycle")) else "2.1"


def _back(version: ObjectVersion) -> dict[str, str]:
    """Until when a restored object may be read, and from which class it came."""
    assert version.restored is not None
    return {
        "lifecycleRestorationExpiryTime": milliseconds(version.restored.expires),
        "lifecycleRestoreStorageClass": version.storage_class,
    }


def _removes(event: str) -> bool:
    return event in ("ObjectRemoved:Delete", "LifecycleExpiration:Delete")


def bridged(
    occasion: Occasion, bucket: Bucket, version: ObjectVersion, event: str, sequencer: str
) -> tuple[str, dict[str, Any]] | None:
    """(detail-type, detail) of EventBridge's event; None for what it is not told."""
    known = _DETAILS.get(event)
    if known is None:
        return None
    detail_type, reason = known
    told: dict[str, Any] = {"key": version.key}
    surrounding = event.startswith(_ABOUT_A_VERSION)
    if detail_type in ("Object Created", "Object Storage Class Changed") or event.startswith("ObjectRestore:"):
        told["size"] = version.size
    if not _removes(event):
        told["etag"] = EMPTY_ETAG if version.marker else version.etag
    if bucket.versioning:
        told["version-id"] = told_version(bucket, version)
    if not surrounding:
        told["sequencer"] = sequencer
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": told,
        "request-id": occasion.request_id,
        "requester": occasion.account,
        "source-ip-address": occasion.address,
    }
    if reason:
        detail["reason"] = reason
    if detail_type == "Object Deleted":
        detail["deletion-type"] = "Permanently Deleted" if _removes(event) else "Delete Marker Created"
    if event.startswith("ObjectRestore:"):
        detail["source-storage-class"] = version.storage_class
        if event == "ObjectRestore:Completed" and version.restored is not None:
            detail["restore-expiry-time"] = iso8601(version.restored.expires)
    if event == "LifecycleTransition":
        detail["destination-storage-class"] = version.storage_class
    return detail_type, detail


def trial(occasion: Occasion, bucket: str) -> dict[str, str]:
    """The event that a destination gets when it is configured."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": milliseconds(occasion.time),
        "Bucket": bucket,
        "RequestId": occasion.request_id,
        "HostId": occasion.host_id,
    }
