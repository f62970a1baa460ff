"""Replays: a subscription gets once more what its topic's archive has, from one moment on, and up to another.

A replay goes through the archive page by page, each page a transaction that puts its messages behind those that are on
their way. Meanwhile what is published comes to the subscription out of the archive, too; once a page is the last, it
gets what is published from then on, or nothing more behind the replay's end. Source: "Amazon SNS message replay for
FIFO topic subscribers" of the developer guide.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import orjson
from msgspec.structs import replace

from kumoi.names import hex_id
from kumoi.services.sns.archive import Archived, behind, moment_of
from kumoi.services.sns.dispatcher import Dispatcher
from kumoi.services.sns.naming import invalid
from kumoi.services.sns.publishing import handover, wants
from kumoi.services.sns.records import Replay, Subscription, Topic, subscriptions, topics
from kumoi.state import Timer, Transaction, transactional

TOPIC = "sns.replay"
PAGE = 50
"""Messages that are replayed in one transaction."""


class _Step(msgspec.Struct, frozen=True):
    """What a timer asks for: the next page of a replay."""

    topic: str
    subscription: str
    replay: str


def check_replay_policy(text: str, topic: Topic, prefix: str) -> None:
    """Refuse a ReplayPolicy that is none, or whose topic has no archive; `prefix` stands before the reason."""
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid(f"{prefix}ReplayPolicy: failed to parse JSON.")
    if not policy:
        return
    if unknown := policy.keys() - {"PointType", "StartingPoint", "EndingPoint"}:
        raise invalid(f"{prefix}ReplayPolicy: invalid JSON. Attribute {min(unknown)} is unknown.")
    if policy.get("PointType") != "Timestamp":
        raise invalid(f"{prefix}ReplayPolicy: PointType must be Timestamp.")
    if "ArchivePolicy" not in topic.attributes:
        raise invalid(f"{prefix}ReplayPolicy: the topic has no ArchivePolicy.")
    try:
        start, end = _points(text)
    except (KeyError, TypeError, ValueError):
        raise invalid(f"{prefix}ReplayPolicy: StartingPoint and EndingPoint must be ISO 8601 timestamps.") from None
    if end is not None and end <= start:
        raise invalid(f"{prefix}ReplayPolicy: EndingPoint must be later than StartingPoint.")


def _points(text: str) -> tuple[int, int | None]:
    """Where a policy's replay starts and ends, in ms."""
    policy = orjson.loads(text)
    end = policy.get("EndingPoint")
    return _moment(policy["StartingPoint"]), _moment(end) if end else None


def _moment(text: str) -> int:
    time = datetime.fromisoformat(text)
    return moment_of((time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp())


def begin(tx: Transaction, subscription: Subscription) -> Subscription:
    """The subscription with the replay that its ReplayPolicy asks for, which begins once this has committed.

    Without a policy its replay, if there is one, ends.
    """
    policy = subscription.attributes.get("ReplayPolicy")
    if policy is None:
        tx.cancel_timer(TOPIC, subscription.arn)
        return replace(subscription, replay=None)
    start, end = _points(policy)
    subscription = replace(subscription, replay=Replay(hex_id(16), (start,), end))
    _go_on(tx, subscription)
    return subscription


def _go_on(tx: Transaction, subscription: Subscription) -> None:
    assert subscription.replay is not None
    step = _Step(subscription.topic, subscription.id, subscription.replay.id)
    tx.timer(tx.now, TOPIC, msgspec.msgpack.encode(step), key=subscription.arn)


@transactional
async def advance(tx: Transaction, dispatcher: Dispatcher, timer: Timer) -> None:
    """Replay the next page, of a replay that is still wanted."""
    step = msgspec.msgpack.decode(timer.payload, type=_Step)
    tx.complete_timer(timer)
    topic, subscription = await topics.get(tx, step.topic), await subscriptions.get(tx, step.topic, step.subscription)
    if topic is None or subscription is None or subscription.replay is None or subscription.replay.id != step.replay:
        return
    replay = subscription.replay
    if "ArchivePolicy" not in topic.attributes:
        await subscriptions.put(tx, replace(subscription, replay=replace(replay, status="Failed")))
        return
    found = await behind(tx, topic, replay.cursor, PAGE)
    wanted = [one for one in found if replay.end is None or one.moment <= replay.end]
    for one in wanted:
        await _send(tx, dispatcher, topic, subscription, one)
    if len(wanted) < PAGE:
        await subscriptions.put(tx, replace(subscription, replay=replace(replay, status="Completed")))
        return
    cursor = wanted[-1].moment, wanted[-1].sequence
    subscription = replace(subscription, replay=replace(replay, status="In progress", cursor=cursor))
    await subscriptions.put(tx, subscription)
    _go_on(tx, subscription)


async def _send(
    tx: Transaction, dispatcher: Dispatcher, topic: Topic, subscription: Subscription, one: Archived
) -> None:
    message = one.message
    if not wants(subscription, message):
        return
    assert subscription.replay is not None
    sent = handover(topic, subscription, message, one.id, one.number, one.time, one.trace)
    # A queue would take what comes again within five minutes for a duplicate.
    deduplication = f"{subscription.replay.id}-{one.number}"
    await dispatcher.send(tx, replace(sent, replayed=True, deduplication=deduplication))
