"""Topics: create, find, configure, list, delete."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.sns import sns
from kumoi.services.sns.archive import drop
from kumoi.services.sns.archive_policy import ends_archive
from kumoi.services.sns.lookup import find_topic, get_topic, home, subscriptions_of
from kumoi.services.sns.naming import check_name, invalid, page, topic_arn
from kumoi.services.sns.operations.data_protection import check_policy
from kumoi.services.sns.operations.tags import tags_of
from kumoi.services.sns.records import RECENT, Topic, sent, subscriptions, tokens, topics
from kumoi.services.sns.topic_attributes import check_attributes, told
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@sns.operation
async def create_topic(
    call: Call,
    Name: str,
    Attributes: dict[str, str] | None = None,
    Tags: list[dict[str, str]] | None = None,
    DataProtectionPolicy: str | None = None,
) -> dict[str, Any]:
    """Create a topic, or answer the one that is the same in every attribute and tag given."""
    given = Attributes or {}
    fifo = given.get("FifoTopic") == "true"
    check_name(Name, fifo=fifo)
    check_attributes(given, fifo=fifo, created=True)
    if DataProtectionPolicy is not None:
        check_policy(DataProtectionPolicy)
    fresh = Topic(
        name=Name,
        id=hex_id(16),
        account=call.account,
        region=call.region,
        created=call.now,
        attributes={name: value for name, value in given.items() if (name, value) != ("FifoTopic", "false")},
        tags=tags_of(Tags or []),
        data_protection=DataProtectionPolicy,
    )
    fresh = _archiving(fresh, call.now)
    await _create(call.state, fresh, tagged=Tags is not None)
    return {"TopicArn": fresh.arn}


def _archiving(topic: Topic, now: float) -> Topic:
    """A topic whose ArchivePolicy may be another: it archives from now on, goes on to, or archives nothing."""
    policy = topic.attributes.get("ArchivePolicy")
    if policy is None or ends_archive(policy):
        attributes = {name: value for name, value in topic.attributes.items() if name != "ArchivePolicy"}
        return msgspec.structs.replace(topic, attributes=attributes, archived_since=0.0)
    return msgspec.structs.replace(topic, archived_since=topic.archived_since or now)


@transactional
async def _create(tx: Transaction, fresh: Topic, *, tagged: bool) -> None:
    found = await topics.get(tx, fresh.name)
    if found is None:
        await topics.put(tx, fresh)
        return
    known = told(found, 0, 0, tx.now)
    if any(known.get(name, "") != value for name, value in fresh.attributes.items()):
        raise invalid("Attributes Reason: Topic already exists with different attributes")
    if tagged and found.tags != fresh.tags:
        raise invalid("Tags Reason: Topic already exists with different tags")


@sns.operation
async def delete_topic(call: Call, TopicArn: str) -> None:
    """Delete a topic with its subscriptions; nothing happens when there is none."""
    arn = topic_arn(TopicArn, call.region)
    await _delete(call.doorway.state.at(arn.account, arn.region), arn.resource)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    topic = await topics.get(tx, name)
    if topic is None:
        return
    if topic.archived_since:
        raise aws_error("InvalidStateException", "Invalid state: Cannot delete a topic with an ArchivePolicy")
    await topics.delete(tx, name)
    for one in await subscriptions.list(tx, name):
        if one.token:
            await tokens.delete(tx, one.token)
    await subscriptions.delete_all(tx, name)
    await sent.delete_all(tx, topic.id)
    await tx.delete_range((RECENT, topic.id))


@sns.operation
async def get_topic_attributes(call: Call, TopicArn: str) -> dict[str, Any]:
    """The attributes of a topic."""
    topic = await find_topic(call, TopicArn)
    found = await subscriptions_of(home(call, topic), topic.name)
    pending = sum(one.pending for one in found)
    return {"Attributes": told(topic, len(found) - pending, pending, call.now)}


@sns.operation
async def set_topic_attributes(call: Call, TopicArn: str, AttributeName: str, AttributeValue: str = "") -> None:
    """Change one attribute; an empty text takes it back."""
    topic = await find_topic(call, TopicArn)
    check_attributes({AttributeName: AttributeValue}, fifo=topic.fifo, created=False)
    await _change(home(call, topic), topic.name, AttributeName, AttributeValue)


@transactional
async def _change(tx: Transaction, name: str, attribute: str, value: str) -> None:
    topic = await get_topic(tx, name)
    attributes = {**topic.attributes, attribute: value}
    if value == "":
        del attributes[attribute]
    changed = _archiving(msgspec.structs.replace(topic, attributes=attributes), tx.now)
    if topic.archived_since and not changed.archived_since:
        await drop(tx, topic)
    await topics.put(tx, changed)


@sns.operation
async def list_topics(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """Topics by name, a hundred at a time."""
    found, more = page("NextToken", await _all(call.state), lambda topic: topic.name, NextToken)
    return {"Topics": [{"TopicArn": topic.arn} for topic in found], **more}


@transactional
async def _all(tx: Transaction) -> list[Topic]:
    return await topics.list(tx)
