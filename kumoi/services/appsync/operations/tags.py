"""Tags of APIs."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request
from kumoi.services.appsync.lookup import find_api
from kumoi.services.appsync.records import apis
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50


@appsync.operation
async def tag_resource(call: Call, resourceArn: str, tags: dict[str, str]) -> None:
    """Add tags to an API, replacing those of the same key."""
    await _change(call.state, _api(resourceArn), tags, ())


@appsync.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Remove tags from an API."""
    await _change(call.state, _api(resourceArn), {}, tuple(tagKeys))


@appsync.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """An API's tags."""
    return {"tags": (await find_api(call.state, _api(resourceArn))).tags}


def _api(resource: str) -> str:
    try:
        parsed = Arn.parse(resource)
    except ValueError:
        raise bad_request(f"{resource} is not an ARN.") from None
    if not parsed.resource.startswith("apis/"):
        raise bad_request(f"{resource} is not the ARN of an API.")
    return parsed.resource.removeprefix("apis/")


@transactional
async def _change(tx: Transaction, api_id: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    api = await find_api(tx, api_id)
    tags = {key: value for key, value in {**api.tags, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise aws_error("LimitExceededException", f"An API can have up to {MAX_TAGS} tags.")
    await apis.put(tx, msgspec.structs.replace(api, tags=tags))
