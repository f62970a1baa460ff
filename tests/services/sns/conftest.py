from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("sns")


@pytest.fixture
def topic(client: Any) -> str:
    return str(client.create_topic(Name="news")["TopicArn"])


@pytest.fixture
def fifo(client: Any) -> str:
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    return str(client.create_topic(Name="news.fifo", Attributes=attributes)["TopicArn"])


class Queue:
    """A queue that is subscribed."""

    def __init__(self, sqs: Any, name: str) -> None:
        attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        self._sqs = sqs
        self.url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def messages(self, count: int) -> list[dict[str, Any]]:
        """The next `count` messages, whole, deleted."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 60
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages came: {found}"
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(count - len(found), 10),
                WaitTimeSeconds=20,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                found.append(message)
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def bodies(self, count: int) -> list[str]:
        return [message["Body"] for message in self.messages(count)]

    def notification(self) -> dict[str, Any]:
        """The next message's body, as JSON."""
        found: dict[str, Any] = json.loads(self.bodies(1)[0])
        return found

    def is_empty(self) -> bool:
        return not self._sqs.receive_message(QueueUrl=self.url).get("Messages")


@pytest.fixture
def queue(kumoi: Any) -> Callable[..., Queue]:
    sqs = kumoi.client("sqs")
    return lambda name="inbox": Queue(sqs, name)


@pytest.fixture
def subscribed(client: Any, queue: Callable[..., Queue]) -> Callable[..., Queue]:
    """Make a queue and subscribe it to a topic."""

    def make(topic: str, name: str = "inbox", **attributes: Any) -> Queue:
        made = queue(name)
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
        made.subscription = client.subscribe(  # type: ignore[attr-defined]
            TopicArn=topic, Protocol="sqs", Endpoint=made.arn, Attributes=texts
        )["SubscriptionArn"]
        return made

    return make


class Receiver:
    """An HTTP endpoint that keeps what it gets, and answers the statuses it is told to (then 200)."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[dict[str, str], str]] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with receiver._arrived:
                    receiver.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                    receiver._arrived.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def request(self, number: int) -> tuple[dict[str, str], str]:
        """The request of that number (from 1): its headers by lower-case name, and its body."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= number, 60), f"{len(self.requests)} came"
        return self.requests[number - 1]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
