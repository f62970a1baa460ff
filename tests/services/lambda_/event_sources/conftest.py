from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest


class Mailbox:
    """A queue into which functions put what they get, and from which a test takes it."""

    def __init__(self, sqs: Any, name: str) -> None:
        self._sqs = sqs
        self.url = sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def next(self) -> Any:
        """The next message's body; waits for it."""
        for message in self._sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=20).get("Messages", ()):
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return json.loads(message["Body"])
        raise AssertionError("nothing came within 60 s")

    def until_hidden(self, number: int) -> None:
        """Wait until so many messages have been received and are neither deleted nor visible again."""
        hidden = "ApproximateNumberOfMessagesNotVisible"
        asked = {"QueueUrl": self.url, "AttributeNames": [hidden]}
        deadline = time.monotonic() + 60
        while (found := self._sqs.get_queue_attributes(**asked)["Attributes"][hidden]) != str(number):
            assert time.monotonic() < deadline, f"{found} are hidden, 60 s long"
            time.sleep(0.02)

    def take(self, number: int) -> list[Any]:
        """The next few messages' bodies."""
        return [self.next() for _ in range(number)]


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], Any]:
    """Wait until a function answers something, and answer that."""

    def wait(found: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 60
        while not (answer := found()):
            assert time.monotonic() < deadline, "nothing came of it within 60 s"
            time.sleep(0.02)
        return answer

    return wait


@pytest.fixture
def sqs(kumoi: Any) -> Any:
    return kumoi.client("sqs")


@pytest.fixture
def mailbox(sqs: Any) -> Callable[[str], Mailbox]:
    """Make a queue with a name."""
    return lambda name: Mailbox(sqs, name)


@pytest.fixture
def seen(mailbox: Callable[[str], Mailbox]) -> Mailbox:
    """Where the functions of `telling` put what they get."""
    return mailbox("seen")


TELLING = """
import json, os, boto3
sqs = boto3.client("sqs")
state = {{"calls": 0}}

def tell(what):
    sqs.send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(what))

def keys(event):
    return [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]

def handler(event, context):
    state["calls"] += 1
    calls = state["calls"]
    tell(event)
{body}
"""


@pytest.fixture
def telling(create: Callable[..., dict[str, Any]], seen: Mailbox) -> Callable[..., dict[str, Any]]:
    """Create a function that puts each event into `seen` and then runs `body`; `calls` counts in its environment."""

    def make(body: str = "return None", **options: Any) -> dict[str, Any]:
        source = TELLING.format(body="\n".join("    " + line for line in body.splitlines()))
        return create(source, Environment={"Variables": {"SEEN": seen.url}}, Timeout=20, **options)

    return make


@pytest.fixture
def bodies() -> Callable[[dict[str, Any]], list[str]]:
    """The bodies of a queue's event, in order."""
    return lambda event: [record["body"] for record in event["Records"]]
