"""Tags of channels, pipelines, data stores and data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.naming import MOST_TAGS, invalid, not_found, read_arn, read_tags
from kumoi.services.iotanalytics.records import Named, channels, datasets, datastores, pipelines
from kumoi.state import Transaction, transactional

_SPACES: dict[str, Any] = {
    "channel": channels,
    "pipeline": pipelines,
    "datastore": datastores,
    "dataset": datasets,
}


@iotanalytics.operation
async def tag_resource(call: Call, resourceArn: str, tags: list[dict[str, str]]) -> None:
    """Add tags, or change their values."""
    added = read_tags(tags)
    await _change(call.state, read_arn(call, resourceArn), lambda before: {**before, **added})


@iotanalytics.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str]) -> None:
    """Take tags away; keys that are not there do no harm."""
    await _change(
        call.state,
        read_arn(call, resourceArn),
        lambda before: {key: value for key, value in before.items() if key not in tagKeys},
    )


@iotanalytics.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """The tags of a thing."""
    found = await _find(call.state, read_arn(call, resourceArn))
    return {"tags": [{"key": key, "value": value} for key, value in found.tags.items()]}


@transactional
async def _find(tx: Transaction, what: tuple[str, str]) -> Named:
    kind, name = what
    found: Named | None = await _SPACES[kind].get(tx, name)
    if found is None:
        raise not_found(kind, name)
    return found


@transactional
async def _change(tx: Transaction, what: tuple[str, str], change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    found = await _find(tx, what)
    tags = change(found.tags)
    if len(tags) > MOST_TAGS:
        raise invalid(f"A resource has at most {MOST_TAGS} tags.")
    await _SPACES[what[0]].put(tx, msgspec.structs.replace(found, tags=tags))
