"""Tags of APIs, of GraphQL and of events."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request
from kumoi.services.appsync.event_apis.records import EventApi, event_apis
from kumoi.services.appsync.lookup import find_api
from kumoi.services.appsync.records import Api, apis
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50


@appsync.operation
async def tag_resource(call: Call, resourceArn: str, tags: dict[str, str]) -> None:
    """Add tags, replacing those of the same key."""
    await _change(call.state, _api(resourceArn), tags, ())


@appsync.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Remove tags."""
    await _change(call.state, _api(resourceArn), {}, tuple(tagKeys))


@appsync.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """An API's tags."""
    return {"tags": await _tags(call.state, _api(resourceArn))}


def _api(resource: str) -> str:
    try:
        parsed = Arn.parse(resource)
    except ValueError:
        raise bad_request(f"{resource} is not an ARN.") from None
    if not parsed.resource.startswith("apis/"):
        raise bad_request(f"{resource} is not the ARN of an API.")
    return parsed.resource.removeprefix("apis/")


@transactional
async def _tags(tx: Transaction, api_id: str) -> dict[str, str]:
    return (await _find(tx, api_id)).tags


@transactional
async def _change(tx: Transaction, api_id: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    found = await _find(tx, api_id)
    tags = {key: value for key, value in {**found.tags, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise aws_error("LimitExceededException", f"An API can have up to {MAX_TAGS} tags.")
    changed = msgspec.structs.replace(found, tags=tags)
    if isinstance(changed, Api):
        await apis.put(tx, changed)
    else:
        await event_apis.put(tx, changed)


async def _find(tx: Transaction, api_id: str) -> Api | EventApi:
    return await event_apis.get(tx, api_id) or await find_api(tx, api_id)
