"""GetResource and ListResources."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.cloudcontrol import cloudcontrol
from kumoi.services.cloudcontrol.pages import page
from kumoi.services.cloudcontrol.types import asking, error_code, model, not_found, read, type_named
from kumoi.wire.errors import AwsError


@cloudcontrol.operation
async def get_resource(call: Call, TypeName: str, Identifier: str) -> dict[str, Any]:
    """A resource as it is now."""
    declared = type_named(call, TypeName)
    try:
        reading = await read(call, declared, Identifier)
    except AwsError as error:
        if error_code(error) == "NotFound" or error.default_status == 404:
            raise not_found(declared, Identifier) from None
        raise
    properties = model(declared, reading)
    return {"TypeName": TypeName, "ResourceDescription": {"Identifier": Identifier, "Properties": properties}}


@cloudcontrol.operation
async def list_resources(
    call: Call,
    TypeName: str,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    ResourceModel: str | None = None,
) -> dict[str, Any]:
    """The identifiers of all resources of a type."""
    declared = type_named(call, TypeName)
    assert declared.listing is not None
    found = await declared.listing.identifiers(asking(call, TypeName, "", {}))
    shown, more = page(found, str, NextToken, MaxResults)
    described = [{"Identifier": one, "Properties": orjson.dumps({declared.identifier: one}).decode()} for one in shown]
    return {"TypeName": TypeName, "ResourceDescriptions": described, **more}
