"""Archived objects: which may be read, and what is told of their restoration; pure.

Rules: "Restoring an archived object" in the S3 user guide, and RestoreObject in the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.s3.lifecycle_rules import midnight_after
from kumoi.services.s3.records import ListedVersion, ObjectVersion, Restoration
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.timestamps import rfc822
from kumoi.wire.xml_shapes import malformed

CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
TIERS = frozenset({"Standard", "Bulk", "Expedited"})
DELAY = 1.0
"""Seconds that restoring takes, where AWS takes minutes to hours."""


def check_readable(version: ObjectVersion, now: float) -> None:
    """Raise InvalidObjectState for an archived object that is not restored."""
    if version.storage_class in CLASSES:
        restored = version.restored
        if restored is None or not restored.ready <= now < restored.expires:
            raise _wrong_state("The operation is not valid for the object's storage class", version)


def _wrong_state(text: str, version: ObjectVersion) -> AwsError:
    return aws_error("InvalidObjectState", text, StorageClass=version.storage_class)


def asked_days(request: Mapping[str, Any] | None, storage_class: str) -> int:
    """The days that a RestoreRequest asks for; raises MalformedXML, NotImplemented, InvalidArgument, …"""
    if not request:
        raise malformed()
    if request.get("Type") is not None or request.get("SelectParameters") is not None:
        raise aws_error(
            "NotImplemented", "Kumoi restores objects, but runs no queries over archives: leave Type out.", status=501
        )
    tier = (request.get("GlacierJobParameters") or {}).get("Tier") or request.get("Tier") or "Standard"
    if tier not in TIERS or request.get("Days") is None:
        raise malformed()
    if tier == "Expedited" and storage_class == "DEEP_ARCHIVE":
        raise aws_error("InvalidRequest", "Retrieval option is not supported by this storage class")
    days = int(request["Days"])
    if days < 1:
        raise aws_error("InvalidArgument", "restoration days should be at least 1", ArgumentName="Days")
    return days


def restoration(version: ObjectVersion, days: int, now: float) -> Restoration:
    """What a request makes of an object: restored in a while, or for longer if it is already.

    Raises InvalidObjectState, or RestoreAlreadyInProgress.
    """
    if version.storage_class not in CLASSES:
        raise _wrong_state("Restore is not allowed for the object's current storage class", version)
    present = version.restored
    if present is None or present.expires <= now:
        return Restoration(now + DELAY, midnight_after(now + DELAY, days))
    if now < present.ready:
        raise aws_error("RestoreAlreadyInProgress", "Object restore is already in progress")
    return Restoration(present.ready, midnight_after(now, days))


def told(version: ObjectVersion, now: float) -> str | None:
    """The x-amz-restore of an object; None where it was not restored."""
    restored = version.restored
    if restored is None or restored.expires <= now:
        return None
    if now < restored.ready:
        return 'ongoing-request="true"'
    return f'ongoing-request="false", expiry-date="{rfc822(restored.expires)}"'


def listed(version: ListedVersion, now: float) -> dict[str, Any] | None:
    """The RestoreStatus of a listing's entry; None where it was not restored."""
    restored = version.restored
    if restored is None or restored.expires <= now:
        return None
    if now < restored.ready:
        return {"IsRestoreInProgress": True}
    return {"IsRestoreInProgress": False, "RestoreExpiryDate": restored.expires}
