"""Nothing acknowledged is lost: a platform killed with -9 while clients send, receive and delete."""

from __future__ import annotations

import random
import threading
import time
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 3


@pytest.mark.slow
@pytest.mark.parametrize("fifo", [False, True])
def test_what_was_sent_is_there_and_what_was_deleted_is_not(killable: Any, fifo: bool, at_work: Any) -> None:
    rng = random.Random(4566)
    sent: list[str] = []
    deleted: list[str] = []
    tried: list[str] = []
    attributes = {"VisibilityTimeout": "30", **({"FifoQueue": "true"} if fifo else {})}
    name = "jobs.fifo" if fifo else "jobs"
    for number in range(ROUNDS):
        killable.start()
        url = killable.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        writer = threading.Thread(target=work, args=(killable.client("sqs"), url, number, fifo, sent, tried, deleted))
        writer.start()
        at_work(writer, sent)
        time.sleep(rng.uniform(0.1, 0.5))  # the moment of the crash is the point of this test
        killable.kill()
        writer.join()
    killable.start()
    client = killable.client("sqs")
    clock = urllib.request.Request(f"{killable.url}/_kumoi/clock", b'{"action": "advance", "seconds": 31}')
    urllib.request.urlopen(clock).close()  # what was in flight is visible again
    left: list[str] = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        left += [one["Body"] for one in messages]
        entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
        assert len(client.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(entries)
    assert len(sent) > ROUNDS
    assert len(left) == len(set(left))
    assert set(sent) - set(tried) <= set(left)
    assert not set(deleted) & set(left)


def work(client: Any, url: str, number: int, fifo: bool, sent: list[str], tried: list[str], deleted: list[str]) -> None:
    """Send, receive and delete until the platform is gone; note what was answered."""
    try:
        for at in range(10_000):
            body = f"{number}-{at}"
            fields = {"MessageGroupId": "g", "MessageDeduplicationId": body} if fifo else {}
            client.send_message(QueueUrl=url, MessageBody=body, **fields)
            sent.append(body)
            if at % 3 == 0:
                for message in client.receive_message(QueueUrl=url).get("Messages", []):
                    tried.append(message["Body"])
                    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    deleted.append(message["Body"])
    except (BotoCoreError, ClientError):
        return


@pytest.mark.slow
def test_what_was_received_is_known_after_an_orderly_end_and_of_a_redrive_policy_after_a_crash(killable: Any) -> None:
    killable.start()
    client = killable.client("sqs")
    dead = client.create_queue(QueueName="dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"RedrivePolicy": f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 1}}'}
    plain = client.create_queue(QueueName="plain")["QueueUrl"]
    redriven = client.create_queue(QueueName="redriven", Attributes=policy)["QueueUrl"]
    for url in (plain, redriven):
        client.send_message(QueueUrl=url, MessageBody="a")
    assert client.receive_message(QueueUrl=redriven)["Messages"]
    killable.kill()
    killable.start()
    assert counted(client, redriven) == ("0", "1")
    assert client.receive_message(QueueUrl=plain)["Messages"]
    killable.close()
    killable.start()
    assert (counted(client, redriven), counted(client, plain)) == (("0", "1"), ("0", "1"))
    clock = urllib.request.Request(f"{killable.url}/_kumoi/clock", b'{"action": "advance", "seconds": 31}')
    urllib.request.urlopen(clock).close()
    assert "Messages" not in client.receive_message(QueueUrl=redriven)
    for url, times in ((dead, "2"), (plain, "2")):
        (message,) = client.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
        assert message["Attributes"] == {"ApproximateReceiveCount": times}


def counted(client: Any, url: str) -> tuple[str, str]:
    """How many messages are visible, and in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return found[names[0]], found[names[1]]
