"""The OpenAPI document of an API in a CloudFormation template: in place, or in a bucket."""

from __future__ import annotations

import orjson

from kumoi.doorway.resource_types import ResourceCall


async def body_of(call: ResourceCall) -> str | None:
    """`Body` or `BodyS3Location` of a resource as text; None where it has neither."""
    body = call.properties.get("Body")
    if body is not None:
        return body if isinstance(body, str) else orjson.dumps(body).decode()
    place = call.properties.get("BodyS3Location")
    if place is None:
        return None
    version = {"VersionId": place["Version"]} if place.get("Version") else {}
    answer = await call.ask("s3", "GetObject", Bucket=place["Bucket"], Key=place["Key"], **version)
    content = answer["Body"]
    if isinstance(content, bytes):
        return content.decode()
    if hasattr(content, "read"):
        return str((await content.read()).decode())
    return b"".join([piece async for piece in content]).decode()
