"""Types that Cloud Control has, how their functions are called, and what their services' errors mean to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.doorway.resource_types import Reading, ResourceCall, ResourceType
from kumoi.wire.errors import AwsError, aws_error

_ERRORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("NotFound", ("NotFound", "NonExistent", "NoSuch", "DoesNotExist")),
    ("AlreadyExists", ("Exist", "InUse", "BucketAlready", "ResourceConflict")),
    ("AccessDenied", ("AccessDenied", "Unauthorized", "NotAuthorized")),
    ("Throttling", ("Throttl", "TooManyRequests")),
    ("ServiceLimitExceeded", ("LimitExceeded", "QuotaExceeded")),
)
_SERVER_ERROR = 500


def type_named(call: Call, name: str) -> ResourceType:
    """A type; TypeNotFoundException, UnsupportedActionException where it can only be made by templates."""
    found = call.doorway.registry.resource_types.get(name)
    if found is None:
        raise aws_error("TypeNotFoundException", f"The type {name} cannot be found.")
    if found.read is None or found.listing is None:
        raise aws_error(
            "UnsupportedActionException",
            f"Kumoi's {name} is for templates: it can not be read. See docs/cloudcontrol.md for the types that can.",
        )
    return found


def asking(
    call: Call,
    kind: str,
    token: str,
    properties: Mapping[str, Any],
    *,
    identifier: str = "",
    before: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> ResourceCall:
    """What a type's function is asked with, on behalf of a call and of no stack."""
    return ResourceCall(
        call.doorway,
        call.caller,
        call.region,
        call.trace,
        stack_name="cloudcontrol",
        stack_id="",
        logical_id=kind.rpartition("::")[2],
        properties=properties,
        token=token[:12],
        before=before or {},
        physical_id=identifier,
        attributes=attributes or {},
        kind=kind,
    )


async def read(call: Call, declared: ResourceType, identifier: str) -> Reading:
    """A resource as it is now; raises the error of its service."""
    assert declared.read is not None
    return await declared.read(
        asking(call, declared.name, "", {declared.identifier: identifier}, identifier=identifier)
    )


def stated(reading: Reading) -> dict[str, Any]:
    """The properties that a resource has, without those that can only be read."""
    return {name: value for name, value in reading.properties.items() if value is not None}


def model(declared: ResourceType, reading: Reading) -> str:
    """A resource's model as JSON: its properties, its attributes, its identifier."""
    found = {**reading.resource.attributes, **stated(reading), declared.identifier: reading.resource.physical_id}
    return orjson.dumps(found, default=str).decode()


def error_code(error: AwsError) -> str:
    """What the error of a service is called here."""
    for code, parts in _ERRORS:
        if any(part in error.code for part in parts):
            return code
    return "ServiceInternalError" if error.default_status >= _SERVER_ERROR else "InvalidRequest"


def not_found(declared: ResourceType, identifier: str) -> AwsError:
    """There is no such resource."""
    text = f"Resource of type '{declared.name}' with identifier '{identifier}' was not found."
    return aws_error("ResourceNotFoundException", text)
