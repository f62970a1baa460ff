"""Data protection policies: kept and answered. Messages are not looked through for what they describe."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.sns import sns
from kumoi.services.sns.lookup import find_topic, get_topic, home
from kumoi.services.sns.naming import invalid
from kumoi.services.sns.records import topics
from kumoi.state import Transaction, transactional

MOST_BYTES = 30_720


def check_policy(text: str) -> None:
    """Refuse a policy that is no JSON object, or too long; an empty text takes it away."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise invalid("DataProtectionPolicy Reason: The policy is longer than 30 KB")
    try:
        policy = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid("DataProtectionPolicy Reason: The policy is not a JSON object")


@sns.operation
async def get_data_protection_policy(call: Call, ResourceArn: str) -> dict[str, Any]:
    """A topic's data protection policy; an empty text without one."""
    topic = await find_topic(call, ResourceArn, "ResourceArn")
    return {"DataProtectionPolicy": topic.data_protection or ""}


@sns.operation
async def put_data_protection_policy(call: Call, ResourceArn: str, DataProtectionPolicy: str) -> None:
    """Give a topic a data protection policy, or another one."""
    topic = await find_topic(call, ResourceArn, "ResourceArn")
    check_policy(DataProtectionPolicy)
    await _put(home(call, topic), topic.name, DataProtectionPolicy or None)


@transactional
async def _put(tx: Transaction, name: str, policy: str | None) -> None:
    await topics.put(tx, msgspec.structs.replace(await get_topic(tx, name), data_protection=policy))
