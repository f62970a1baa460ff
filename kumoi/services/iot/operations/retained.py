"""Messages that topics retain."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.iot import iot_data
from kumoi.services.iot.naming import not_found, page
from kumoi.services.iot.records import Retained, retained
from kumoi.state import Transaction, transactional


@iot_data.operation
async def get_retained_message(call: Call, topic: str) -> dict[str, Any]:
    """The message of a topic."""
    found = await _get(call.state, topic)
    if found is None:
        raise not_found(f"No retained message for topic {topic}.")
    properties = orjson.dumps([{key: value} for key, value in found.user_properties])
    return {
        "topic": found.topic,
        "payload": found.payload,
        "qos": found.qos,
        "lastModifiedTime": int(found.updated * 1000),
        **({"userProperties": properties} if found.user_properties else {}),
    }


@iot_data.operation
async def list_retained_messages(
    call: Call, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The topics that have one."""
    found, more = page(await _list(call.state), lambda one: one.topic, nextToken, maxResults)
    return {
        "retainedTopics": [
            {
                "topic": one.topic,
                "payloadSize": len(one.payload),
                "qos": one.qos,
                "lastModifiedTime": int(one.updated * 1000),
            }
            for one in found
        ],
        **more,
    }


@transactional
async def _get(tx: Transaction, topic: str) -> Retained | None:
    return await retained.get(tx, topic)


@transactional
async def _list(tx: Transaction) -> list[Retained]:
    return await retained.list(tx)
