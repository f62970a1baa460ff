"""Archives of FIFO topics, and what subscriptions get out of them once more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.sns.archive_policy import begins
from kumoi.services.sns.records import Topic

ARCHIVE = "ArchivePolicy"
LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def archiving(client: Any, fifo: str) -> str:
    client.set_topic_attributes(TopicArn=fifo, AttributeName=ARCHIVE, AttributeValue='{"MessageRetentionPeriod": "30"}')
    return fifo


def policy(start: str = LONG_AGO, end: str | None = None) -> str:
    points = {"PointType": "Timestamp", "StartingPoint": start}
    return json.dumps(points if end is None else {**points, "EndingPoint": end})


def replay(client: Any, queue: Any, text: str) -> None:
    client.set_subscription_attributes(
        SubscriptionArn=queue.subscription, AttributeName="ReplayPolicy", AttributeValue=text
    )


def status(client: Any, queue: Any) -> str | None:
    told = client.get_subscription_attributes(SubscriptionArn=queue.subscription)["Attributes"]
    return told.get("ReplayStatus")


def until(client: Any, queue: Any, wanted: str) -> None:
    deadline = time.monotonic() + 60
    while (found := status(client, queue)) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def publish(client: Any, topic: str, *texts: str, group: str = "g", **options: Any) -> None:
    for text in texts:
        client.publish(TopicArn=topic, Message=text, MessageGroupId=group, **options)


def refused(call: Callable[..., Any], **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**given)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def attributes(client: Any, topic: str) -> dict[str, str]:
    return dict(client.get_topic_attributes(TopicArn=topic)["Attributes"])


def test_what_was_published_comes_once_more(client: Any, archiving: str, subscribed: Any) -> None:
    inbox = subscribed(archiving, "inbox.fifo")
    publish(client, archiving, "a", "b", Subject="s")
    first = [inbox.notification(), inbox.notification()]
    replay(client, inbox, policy())
    again = [inbox.notification(), inbox.notification()]
    assert again == [{**one, "Replayed": True} for one in first]
    until(client, inbox, "Completed")
    publish(client, archiving, "c")
    assert "Replayed" not in inbox.notification()


def test_a_new_subscription_gets_all_that_is_archived_in_order(client: Any, archiving: str, subscribed: Any) -> None:
    for at in range(0, 130, 10):
        entries = [{"Id": f"{one}", "Message": f"{one}", "MessageGroupId": "g"} for one in range(at, at + 10)]
        client.publish_batch(TopicArn=archiving, PublishBatchRequestEntries=entries)
    late = subscribed(archiving, "late.fifo", RawMessageDelivery="true", ReplayPolicy=policy())
    publish(client, archiving, "new")
    assert late.bodies(131) == [*map(str, range(130)), "new"]
    until(client, late, "Completed")


def test_filters_hold_for_replays(client: Any, archiving: str, subscribed: Any) -> None:
    for text, kind in (("a", "yes"), ("b", "no"), ("c", "yes")):
        value = {"kind": {"DataType": "String", "StringValue": kind}}
        publish(client, archiving, text, MessageAttributes=value)
    late = subscribed(
        archiving, "late.fifo", RawMessageDelivery="true", FilterPolicy={"kind": ["yes"]}, ReplayPolicy=policy()
    )
    assert late.bodies(2) == ["a", "c"]


@pytest.mark.kumoi_clock
def test_behind_its_end_a_replay_holds_the_subscription(
    kumoi: Any, client: Any, archiving: str, subscribed: Any
) -> None:
    inbox = subscribed(archiving, "inbox.fifo")
    stamps = []
    for text in ("a", "b", "c"):
        publish(client, archiving, text)
        stamps.append(inbox.notification()["Timestamp"])
        kumoi.advance(60)
    replay(client, inbox, policy(stamps[0], stamps[1]))
    assert [inbox.notification()["Message"] for _ in range(2)] == ["a", "b"]
    until(client, inbox, "Completed")
    publish(client, archiving, "d")
    assert inbox.is_empty()
    replay(client, inbox, policy(stamps[2]))
    assert [inbox.notification()["Message"] for _ in range(2)] == ["c", "d"]
    replay(client, inbox, "{}")
    assert status(client, inbox) is None
    publish(client, archiving, "e")
    assert inbox.notification()["Message"] == "e"


@pytest.mark.kumoi_clock
def test_messages_leave_the_archive_when_their_time_is_over(
    kumoi: Any, client: Any, fifo: str, subscribed: Any
) -> None:
    client.set_topic_attributes(TopicArn=fifo, AttributeName=ARCHIVE, AttributeValue='{"MessageRetentionPeriod": 2}')
    publish(client, fifo, "a")
    kumoi.advance("30h")
    publish(client, fifo, "b")
    kumoi.advance("20h")
    late = subscribed(fifo, "late.fifo", RawMessageDelivery="true", ReplayPolicy=policy())
    assert late.bodies(1) == ["b"]


def test_an_archive_begins_with_its_policy_and_ends_with_it(client: Any, fifo: str, subscribed: Any) -> None:
    publish(client, fifo, "before")
    began = datetime.now(UTC)
    client.set_topic_attributes(TopicArn=fifo, AttributeName=ARCHIVE, AttributeValue='{"MessageRetentionPeriod":"1"}')
    told = attributes(client, fifo)
    assert told[ARCHIVE] == '{"MessageRetentionPeriod":"1"}'
    assert abs(datetime.fromisoformat(told["BeginningArchiveTime"]) - began) < timedelta(minutes=5)
    publish(client, fifo, "kept")
    assert refused(client.delete_topic, TopicArn=fifo) == (
        "InvalidState",
        "Invalid state: Cannot delete a topic with an ArchivePolicy",
    )
    client.set_topic_attributes(TopicArn=fifo, AttributeName=ARCHIVE, AttributeValue="{}")
    assert attributes(client, fifo).keys().isdisjoint((ARCHIVE, "BeginningArchiveTime"))
    client.set_topic_attributes(TopicArn=fifo, AttributeName=ARCHIVE, AttributeValue='{"MessageRetentionPeriod":"1"}')
    publish(client, fifo, "later")
    late = subscribed(fifo, "late.fifo", RawMessageDelivery="true", ReplayPolicy=policy())
    assert late.bodies(1) == ["later"]
    client.set_topic_attributes(TopicArn=fifo, AttributeName=ARCHIVE, AttributeValue="{}")
    client.delete_topic(TopicArn=fifo)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", '{"MessageRetentionPeriod": "0"}', '{"MessageRetentionPeriod": 366}'),
        *('{"MessageRetentionPeriod": "1.5"}', '{"MessageRetentionPeriod": true}', '{"Days": 1}'),
    ],
)
def test_archive_policies_that_are_refused(client: Any, fifo: str, text: str) -> None:
    code, message = refused(client.set_topic_attributes, TopicArn=fifo, AttributeName=ARCHIVE, AttributeValue=text)
    assert (code, "ArchivePolicy: " in message) == ("InvalidParameter", True)


def test_only_fifo_topics_archive_and_nobody_sets_since_when(client: Any, topic: str, fifo: str) -> None:
    given = {"AttributeName": ARCHIVE, "AttributeValue": '{"MessageRetentionPeriod": "1"}'}
    assert refused(client.set_topic_attributes, TopicArn=topic, **given)[0] == "InvalidParameter"
    made = {ARCHIVE: '{"MessageRetentionPeriod": "1"}'}
    assert "FIFO topics" in refused(client.create_topic, Name="plain", Attributes=made)[1]
    since = {"AttributeName": "BeginningArchiveTime", "AttributeValue": LONG_AGO}
    assert refused(client.set_topic_attributes, TopicArn=fifo, **since)[0] == "InvalidParameter"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", "failed to parse JSON"),
        ('{"PointType": "Offset", "StartingPoint": "2020-01-01T00:00:00Z"}', "PointType must be Timestamp"),
        ('{"PointType": "Timestamp"}', "must be ISO 8601"),
        ('{"PointType": "Timestamp", "StartingPoint": "yesterday"}', "must be ISO 8601"),
        ('{"PointType": "Timestamp", "StartingPoint": 5}', "must be ISO 8601"),
        ('{"Start": 1}', "Attribute Start is unknown"),
        (policy(LONG_AGO, LONG_AGO), "EndingPoint must be later"),
    ],
)
def test_replay_policies_that_are_refused(client: Any, archiving: str, subscribed: Any, text: str, reason: str) -> None:
    inbox = subscribed(archiving, "inbox.fifo")
    given = {"SubscriptionArn": inbox.subscription, "AttributeName": "ReplayPolicy", "AttributeValue": text}
    code, message = refused(client.set_subscription_attributes, **given)
    assert (code, reason in message) == ("InvalidParameter", True)


def test_without_an_archive_nothing_is_replayed(client: Any, fifo: str, subscribed: Any) -> None:
    inbox = subscribed(fifo, "inbox.fifo")
    given = {"SubscriptionArn": inbox.subscription, "AttributeName": "ReplayPolicy", "AttributeValue": policy()}
    assert "no ArchivePolicy" in refused(client.set_subscription_attributes, **given)[1]


@pytest.mark.parametrize(("since", "began"), [(0.0, 1_000_000.0 - 86_400), (999_000.0, 999_000.0)])
def test_an_archive_begins_when_it_was_set_or_as_long_ago_as_it_keeps(since: float, began: float) -> None:
    kept = {"ArchivePolicy": '{"MessageRetentionPeriod": 1}'}
    topic = Topic(name="t", id="t", account="", region="", created=0.0, attributes=kept, archived_since=since)
    assert begins(topic, 1_000_000.0) == began
