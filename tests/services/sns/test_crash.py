"""Nothing acknowledged is lost: a platform killed with -9 while messages are published and delivered."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 3
GROUPS = 3


@pytest.mark.slow
@pytest.mark.parametrize("fifo", [False, True])
def test_what_was_published_is_delivered_in_order(killable: Any, fifo: bool, at_work: Any) -> None:
    rng = random.Random(2010)
    published: list[str] = []
    suffix = ".fifo" if fifo else ""
    for number in range(ROUNDS):
        killable.start()
        sns, sqs = killable.client("sns"), killable.client("sqs")
        topic = sns.create_topic(Name=f"news{suffix}", Attributes={"FifoTopic": "true"} if fifo else {})["TopicArn"]
        url = sqs.create_queue(QueueName=f"inbox{suffix}", Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:us-east-1:000000000000:inbox{suffix}",
            Attributes={"RawMessageDelivery": "true"},
        )
        writer = threading.Thread(target=publish, args=(killable.client("sns"), topic, number, fifo, published))
        writer.start()
        at_work(writer, published)
        time.sleep(rng.uniform(0.2, 0.6))  # the moment of the crash is the point of this test
        killable.kill()
        writer.join()
    killable.start()
    found = list(delivered(killable.client("sqs"), url, set(published)))
    assert len(published) > ROUNDS
    assert set(published) <= set(found)
    if fifo:
        assert len(found) == len(set(found))
        for _, group in groupby(sorted(found, key=lambda body: int(body.split("-")[2])), lambda body: body[-1]):
            places = [[int(part) for part in body.split("-")[:2]] for body in group]
            assert places == sorted(places)


def publish(client: Any, topic: str, number: int, fifo: bool, published: list[str]) -> None:
    """Publish until the platform is gone; note what was answered."""
    try:
        for at in range(10_000):
            body = f"{number}-{at}-{at % GROUPS}"
            fields = {"MessageGroupId": str(at % GROUPS), "MessageDeduplicationId": body} if fifo else {}
            client.publish(TopicArn=topic, Message=body, **fields)
            published.append(body)
    except (BotoCoreError, ClientError):
        pass


def delivered(client: Any, url: str, missing: set[str]) -> Iterator[str]:
    """What is in the queue, until nothing is missing and the queue is empty."""
    deadline = time.monotonic() + 60
    while True:
        messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            missing.discard(message["Body"])
            yield message["Body"]
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        if not messages and not missing:
            return
        assert time.monotonic() < deadline, f"{len(missing)} messages are lost: {sorted(missing)[:5]}"


@pytest.mark.slow
def test_a_group_waits_for_what_fails_and_retries_survive_a_crash(killable: Any) -> None:
    killable.start()
    sns, sqs = killable.client("sns"), killable.client("sqs")
    topic = sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    url = sqs.create_queue(QueueName="inbox.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    inbox = "arn:aws:sqs:us-east-1:000000000000:inbox.fifo"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox, Attributes={"RawMessageDelivery": "true"})
    ask(killable, "faults", {"service": "sqs", "operation": "SendMessage", "action": "fail"})
    for number in range(6):
        fields = {"MessageGroupId": "g", "MessageDeduplicationId": str(number)}
        sns.publish(TopicArn=topic, Message=str(number), **fields)
    wait_for_hops(killable, 5)
    killable.kill()  # the fault is gone with the process, what it held up is not
    killable.start()
    found = list(delivered(killable.client("sqs"), url, {str(number) for number in range(6)}))
    assert found == [str(number) for number in range(6)]


def wait_for_hops(killable: Any, count: int) -> None:
    """Wait until so many deliveries were tried."""
    import urllib.request

    deadline = time.monotonic() + 60
    while True:
        with urllib.request.urlopen(f"{killable.url}/_kumoi/hops?limit=1000") as answer:
            hops = json.load(answer)["hops"]
        if sum(hop["operation"] == "SendMessage" for hop in hops) >= count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask(killable: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    import urllib.request

    request = urllib.request.Request(f"{killable.url}/_kumoi/{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
