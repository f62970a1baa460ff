"""Tags of IoT's resources: of all kinds that AWS has tags for but things, which have none."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.iot import iot
from kumoi.services.iot.access_records import authorizers, role_aliases
from kumoi.services.iot.naming import invalid, not_found, page
from kumoi.services.iot.records import (
    Tags,
    ca_certificates,
    jobs,
    policies,
    rules,
    tagged,
    templates,
    thing_groups,
    thing_types,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TAGS = 50
KINDS: dict[str, Any] = {
    "authorizer": authorizers,
    "cacert": ca_certificates,
    "job": jobs,
    "policy": policies,
    "provisioningtemplate": templates,
    "rolealias": role_aliases,
    "rule": rules,
    "thinggroup": thing_groups,
    "thingtype": thing_types,
}


@iot.operation
async def tag_resource(call: Call, resourceArn: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    """Set tags of a resource."""
    await _set(call.state, resourceArn, {one["Key"]: one.get("Value", "") for one in tags})
    return {}


@iot.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> dict[str, Any]:
    """Remove tags of a resource."""
    await _remove(call.state, resourceArn, tagKeys)
    return {}


@iot.operation
async def list_tags_for_resource(call: Call, resourceArn: str, nextToken: str | None = None) -> dict[str, Any]:
    """The tags of a resource."""
    listed = sorted((await _of(call.state, resourceArn)).items())
    found, more = page(listed, lambda pair: pair[0], nextToken, None)
    return {"tags": [{"Key": key, "Value": value} for key, value in found], **more}


@transactional
async def _of(tx: Transaction, arn: str) -> dict[str, str]:
    """The tags of a resource that there is."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        raise invalid(f"Invalid resource ARN {arn}") from None
    kind, _, name = parsed.resource.partition("/")
    if parsed.service != "iot" or kind not in KINDS:
        raise invalid(f"Resources of the kind {kind!r} have no tags here: {', '.join(KINDS)} have.")
    here = (parsed.account, parsed.region) == (tx.account, tx.region)
    if not here or await KINDS[kind].get(tx, name) is None:
        raise not_found(f"The resource {arn} does not exist.")
    found = await tagged.get(tx, arn)
    return {} if found is None else found.tags


@transactional
async def _set(tx: Transaction, arn: str, tags: dict[str, str]) -> None:
    merged = {**await _of(tx, arn), **tags}
    if len(merged) > MOST_TAGS:
        raise aws_error("LimitExceededException", f"A resource has at most {MOST_TAGS} tags.", status=410)
    await tagged.put(tx, Tags(arn, merged))


@transactional
async def _remove(tx: Transaction, arn: str, keys: list[str]) -> None:
    left = {key: value for key, value in (await _of(tx, arn)).items() if key not in keys}
    await tagged.put(tx, Tags(arn, left))
