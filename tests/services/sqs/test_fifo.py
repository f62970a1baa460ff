"""FIFO queues: order within groups, deduplication; and a model of a few lines that random runs are held against."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.services.sqs.attributes import DEFAULTS, FIFO_DEFAULTS
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import Message, Queue, Taken
from kumoi.services.sqs.store import drop, find, hide, put, take
from kumoi.state import Transaction, transactional
from kumoi.state.sqlite import SqliteState


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("sqs")


@pytest.fixture
def url(client: Any) -> str:
    made = client.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "30"})
    return str(made["QueueUrl"])


def send(client: Any, url: str, body: str, group: str = "g", **options: Any) -> dict[str, Any]:
    options.setdefault("MessageDeduplicationId", body)
    return dict(client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **options))


def bodies(client: Any, url: str, **options: Any) -> list[str]:
    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **options).get("Messages", [])
    return [one["Body"] for one in got]


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_what_comes_in_batches_is_received_and_shown_again(client: Any, url: str) -> None:
    def entries(*names: str) -> list[dict[str, str]]:
        options = {"MessageGroupId": "g"}
        return [{"Id": name, "MessageBody": name, "MessageDeduplicationId": name, **options} for name in names]

    client.send_message_batch(QueueUrl=url, Entries=entries("1", "2"))
    held = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [one["Body"] for one in held] == ["1", "2"]
    client.change_message_visibility(QueueUrl=url, ReceiptHandle=held[1]["ReceiptHandle"], VisibilityTimeout=0)
    handles = [{"Id": "a", "ReceiptHandle": held[0]["ReceiptHandle"]}]
    client.delete_message_batch(QueueUrl=url, Entries=handles)
    (shown,) = client.receive_message(QueueUrl=url)["Messages"]
    assert shown["Body"] == "2"
    again = [{"Id": "b", "ReceiptHandle": shown["ReceiptHandle"], "VisibilityTimeout": 0}]
    client.change_message_visibility_batch(QueueUrl=url, Entries=again)
    client.send_message_batch(QueueUrl=url, Entries=entries("3"))
    assert bodies(client, url) == ["2", "3"]


@pytest.mark.kumoi_clock
def test_a_group_waits_for_its_head(client: Any, url: str, kumoi: Any) -> None:
    for body, group in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a")):
        send(client, url, body, group)
    (first,) = client.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    assert first["Body"] == "a1"
    assert bodies(client, url) == ["b1"]
    client.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(client, url) == ["a2", "a3"]
    kumoi.advance(31)
    assert bodies(client, url) in (["b1", "a2", "a3"], ["a2", "a3", "b1"])


@pytest.mark.kumoi_clock
def test_a_head_that_is_hidden_for_longer_holds_up_its_group(client: Any, url: str, kumoi: Any) -> None:
    for body in "abc":
        send(client, url, body)
    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    client.change_message_visibility(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"], VisibilityTimeout=100)
    kumoi.advance(31)
    assert bodies(client, url) == []
    kumoi.advance(70)
    assert bodies(client, url) == ["a", "b", "c"]


def test_a_batch_is_received_like_messages_sent_alone(client: Any, url: str) -> None:
    entries = [
        {"Id": body, "MessageBody": body, "MessageGroupId": "g", "MessageDeduplicationId": body} for body in "abc"
    ]
    client.send_message_batch(QueueUrl=url, Entries=entries)
    send(client, url, "d")
    assert bodies(client, url) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("batch", [False, True])
def test_other_groups_go_on_while_a_message_is_hidden_for_longer(client: Any, url: str, batch: bool) -> None:
    send(client, url, "a", "slow")
    (got,) = client.receive_message(QueueUrl=url)["Messages"]
    longer = {"ReceiptHandle": got["ReceiptHandle"], "VisibilityTimeout": 100}
    if batch:
        client.change_message_visibility_batch(QueueUrl=url, Entries=[{"Id": "a", **longer}])
    else:
        client.change_message_visibility(QueueUrl=url, **longer)
    send(client, url, "b", "other")
    assert bodies(client, url) == ["b"]


@pytest.mark.kumoi_clock
def test_a_duplicate_is_answered_as_the_first_was(client: Any, url: str, kumoi: Any) -> None:
    first = send(client, url, "a", MessageDeduplicationId="same")
    again = send(client, url, "b", MessageDeduplicationId="same")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    (message,) = client.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert message["Attributes"]["SequenceNumber"] == first["SequenceNumber"]
    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    send(client, url, "c", MessageDeduplicationId="same")
    assert bodies(client, url) == []
    kumoi.advance(301)
    later = send(client, url, "d", MessageDeduplicationId="same")
    assert later["MessageId"] != first["MessageId"]
    assert int(later["SequenceNumber"]) > int(first["SequenceNumber"])
    assert bodies(client, url) == ["d"]


def test_content_and_scope_of_deduplication(client: Any) -> None:
    url = client.create_queue(
        QueueName="content.fifo",
        Attributes={
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        },
    )["QueueUrl"]
    for group in ("a", "b", "a"):
        client.send_message(QueueUrl=url, MessageBody="same", MessageGroupId=group)
    assert bodies(client, url) == ["same", "same"]


def test_what_fifo_queues_refuse(client: Any, url: str) -> None:
    assert refused(lambda: client.send_message(QueueUrl=url, MessageBody="x"))[1] == (
        "The request must contain the parameter MessageGroupId."
    )
    assert (
        "ContentBasedDeduplication"
        in refused(lambda: client.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g"))[1]
    )
    assert "not valid for this queue type" in refused(lambda: send(client, url, "x", DelaySeconds=1))[1]
    entries = [
        {"Id": "a", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"},
        {"Id": "b", "MessageBody": "x"},
    ]
    assert refused(lambda: client.send_message_batch(QueueUrl=url, Entries=entries))[0] == "InvalidParameterValue"
    assert bodies(client, url) == []
    plain = client.create_queue(QueueName="plain")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=plain, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    assert (
        "same type"
        in refused(lambda: client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy}))[1]
    )
    with_handle = send(client, url, "late")
    assert with_handle["SequenceNumber"]


@pytest.mark.kumoi_clock
def test_a_handle_expires_with_its_reception(client: Any, url: str, kumoi: Any) -> None:
    send(client, url, "a")
    (message,) = client.receive_message(QueueUrl=url, VisibilityTimeout=5)["Messages"]
    kumoi.advance(6)
    assert refused(lambda: client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]))[1].endswith(
        "Reason: The receipt handle has expired."
    )


def attempt(client: Any, url: str, number: int = 10, **options: Any) -> list[dict[str, Any]]:
    asked = {"QueueUrl": url, "MaxNumberOfMessages": number, "ReceiveRequestAttemptId": "once", **options}
    return list(client.receive_message(**asked, MessageSystemAttributeNames=["All"]).get("Messages", []))


@pytest.mark.kumoi_clock
def test_an_attempt_that_is_repeated_gets_the_same_messages_hidden_anew(client: Any, url: str, kumoi: Any) -> None:
    assert attempt(client, url) == []  # receiving nothing uses no attempt up
    for body in ("a", "b", "c"):
        send(client, url, body)
    first = attempt(client, url, 2)
    assert [one["Body"] for one in first] == ["a", "b"]
    kumoi.advance(20)
    assert attempt(client, url) == first
    kumoi.advance(20)
    assert bodies(client, url) == []  # hidden for 30 s from the second attempt
    client.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    client.delete_message(QueueUrl=url, ReceiptHandle=first[1]["ReceiptHandle"])
    assert bodies(client, url, ReceiveRequestAttemptId="another") == ["c"]


@pytest.mark.kumoi_clock
@pytest.mark.parametrize("change", ["deleted", "shown", "received otherwise"])
def test_an_attempt_is_not_repeated_once_a_message_has_changed(client: Any, url: str, kumoi: Any, change: str) -> None:
    for body in ("a", "b"):
        send(client, url, body)
    first = attempt(client, url)
    handle = first[1]["ReceiptHandle"]
    if change == "deleted":
        client.delete_message(QueueUrl=url, ReceiptHandle=handle)
    elif change == "shown":
        client.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    else:
        kumoi.advance(31)
        assert bodies(client, url) == ["a", "b"]
    assert refused(lambda: attempt(client, url)) == (
        "InvalidParameterValue",
        "Value once for parameter ReceiveRequestAttemptId is invalid. Reason: The receiveRequestAttemptId is not valid "
        "anymore since the receive call is not retryable.",
    )
    kumoi.advance(301)
    assert [one["Body"] for one in attempt(client, url)] == ["a", "b"][: 1 + (change != "deleted")]


def test_attempts_that_are_refused(client: Any, url: str) -> None:
    for bad in ("", "x" * 129, "a b"):
        assert refused(lambda bad=bad: attempt(client, url, ReceiveRequestAttemptId=bad))[0] == "InvalidParameterValue"
    plain = client.create_queue(QueueName="plain")["QueueUrl"]
    assert "not valid for this queue type" in refused(lambda: attempt(client, plain))[1]


@pytest.mark.kumoi_clock
def test_what_moves_away_frees_its_group(client: Any, url: str, kumoi: Any) -> None:
    dead = client.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    send(client, url, "poison")
    send(client, url, "good")
    assert [one["Body"] for one in client.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]] == [
        "poison"
    ]
    kumoi.advance(31)
    assert bodies(client, url) == ["good"]
    assert bodies(client, dead) == ["poison"]


# A reference model: messages in a list; of each group, only the run of visible ones at its head may be taken.

steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from("abc")),
        st.tuples(st.just("take"), st.integers(1, 4)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("hide"), st.integers(0, 9)),
        st.tuples(st.just("show"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
    ),
    max_size=40,
)
HIDDEN = 30


class Model:
    def __init__(self) -> None:
        self.now = 0
        self.messages: list[tuple[int, str]] = []
        self.at: dict[int, int] = {}

    def ready(self) -> dict[str, list[int]]:
        heads: dict[str, list[int]] = {}
        blocked: set[str] = set()
        for number, group in self.messages:
            if group in blocked or self.at[number] > self.now:
                blocked.add(group)
            else:
                heads.setdefault(group, []).append(number)
        return heads


@settings(max_examples=150, deadline=None)
@given(steps)
def test_random_runs_are_what_the_model_says(run: list[tuple[str, Any]]) -> None:
    queue = Queue(
        name="q.fifo",
        id="q",
        account="1",
        region="r",
        created=0,
        attributes={**DEFAULTS, **FIFO_DEFAULTS, "FifoQueue": "true"},
    )

    @transactional
    async def act(tx: Transaction, lines: Lines, kind: str, value: Any) -> Any:
        if kind == "send":
            message = Message(queue="q", sequence=0, id="i", body="b", sent=int(tx.now * 1000), sender="s", group=value)
            return (await put(tx, lines, queue, message, 0)).sequence
        taken = await find(tx, lines, queue, value)
        if isinstance(taken, Taken):
            if kind == "delete":
                await drop(tx, lines, queue, *taken)
            else:
                at = int(tx.now * 1000) + (100_000 if kind == "hide" else 0)
                await hide(tx, lines, queue, taken.message, taken.visibility, at)
        return None

    async def scenario() -> None:
        real = [1_000_000.0]
        clock = Clock(lambda: real[0])
        state, model = await SqliteState.open(None, clock=clock), Model()
        lines = Lines(state)
        try:
            for kind, value in run:
                known = [number for number, _ in model.messages]
                if kind == "send":
                    number = await act(state, lines, "send", value)
                    model.messages.append((number, value))
                    model.at[number] = model.now
                elif kind == "wait":
                    real[0] += value
                    model.now += value
                elif kind == "take":
                    found, _ = await take(state, lines, queue, value, HIDDEN * 1000)
                    got = [one.message.sequence for one in found]
                    ready = model.ready()
                    assert len(got) == min(value, sum(map(len, ready.values())))
                    for group in {one.message.group for one in found}:
                        of_group = [one.message.sequence for one in found if one.message.group == group]
                        assert of_group == ready[str(group)][: len(of_group)]
                    for number in got:
                        model.at[number] = model.now + HIDDEN
                elif known:
                    number = known[value % len(known)]
                    await act(state, lines, kind, number)
                    if kind == "delete":
                        model.messages = [one for one in model.messages if one[0] != number]
                    else:
                        model.at[number] = model.now + (100 if kind == "hide" else 0)
        finally:
            await state.close()

    asyncio.run(scenario())
