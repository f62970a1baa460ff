"""Queues start functions."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

RUNTIME = f"python3.{sys.version_info.minor}"
Make = Callable[..., dict[str, Any]]


def test_messages_arrive_as_a_function_expects_them_and_are_deleted(
    client: Any, sqs: Any, mailbox: Callable[[str], Any], seen: Any, telling: Make
) -> None:
    telling()
    work = mailbox("work")
    client.create_event_source_mapping(FunctionName="f", EventSourceArn=work.arn)
    sent = sqs.send_message(
        QueueUrl=work.url, MessageBody="hello", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}}
    )
    [record] = seen.next()["Records"]
    assert record["messageId"] == sent["MessageId"]
    assert (record["body"], record["eventSource"], record["eventSourceARN"]) == ("hello", "aws:sqs", work.arn)
    assert record["md5OfBody"] == sent["MD5OfMessageBody"]
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(record["attributes"])
    assert record["messageAttributes"]["k"]["stringValue"] == "v"


@pytest.mark.kumoi_clock
def test_a_failed_batch_comes_again_and_ends_in_the_dead_letter_queue(
    kumoi: Any, client: Any, sqs: Any, mailbox: Callable[[str], Any], seen: Any, telling: Make
) -> None:
    telling("raise ValueError('no')")
    work, dead = mailbox("work"), mailbox("dead")
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
    sqs.set_queue_attributes(QueueUrl=work.url, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "30"})
    client.create_event_source_mapping(FunctionName="f", EventSourceArn=work.arn)
    sqs.send_message(QueueUrl=work.url, MessageBody='"bad"')
    counts = []
    for _ in range(2):
        [record] = seen.next()["Records"]
        counts.append(record["attributes"]["ApproximateReceiveCount"])
        kumoi.advance("31s")
    assert counts == ["1", "2"]
    assert dead.next() == "bad"


@pytest.mark.kumoi_clock
def test_only_the_messages_that_a_function_names_come_again(
    kumoi: Any, client: Any, sqs: Any, mailbox: Callable[[str], Any], seen: Any, telling: Make
) -> None:
    telling(
        "bad = [r['messageId'] for r in event['Records'] if r['body'] == 'bad']\n"
        "return {'batchItemFailures': [{'itemIdentifier': one} for one in bad]}"
    )
    work = mailbox("work")
    made = client.create_event_source_mapping(
        FunctionName="f", EventSourceArn=work.arn, FunctionResponseTypes=["ReportBatchItemFailures"], Enabled=False
    )
    entries = [{"Id": str(at), "MessageBody": body} for at, body in enumerate(("good", "bad", "fine"))]
    sqs.send_message_batch(QueueUrl=work.url, Entries=entries)
    client.update_event_source_mapping(UUID=made["UUID"], Enabled=True)
    first = [record["body"] for record in seen.next()["Records"]]
    assert sorted(first) == ["bad", "fine", "good"]
    work.until_hidden(1)  # the function tells before it ends: what is not deleted yet would come again
    kumoi.advance("31s")
    assert [record["body"] for record in seen.next()["Records"]] == ["bad"]


def test_what_no_filter_matches_is_deleted_without_an_invocation(
    client: Any, sqs: Any, mailbox: Callable[[str], Any], seen: Any, telling: Make
) -> None:
    telling()
    work = mailbox("work")
    pattern = json.dumps({"body": {"kind": ["order"], "total": [{"numeric": [">", 10]}]}})
    client.create_event_source_mapping(
        FunctionName="f", EventSourceArn=work.arn, FilterCriteria={"Filters": [{"Pattern": pattern}]}
    )
    for body in ({"kind": "note"}, {"kind": "order", "total": 3}, {"kind": "order", "total": 30}):
        sqs.send_message(QueueUrl=work.url, MessageBody=json.dumps(body))
    assert [json.loads(record["body"])["total"] for record in seen.next()["Records"]] == [30]
    # One more that matches: whatever else was sent has been seen to pass without one.
    sqs.send_message(QueueUrl=work.url, MessageBody=json.dumps({"kind": "order", "total": 40}))
    assert [json.loads(record["body"])["total"] for record in seen.next()["Records"]] == [40]


def test_a_group_of_a_fifo_queue_is_worked_in_order(
    client: Any, sqs: Any, seen: Any, telling: Make, bodies: Callable[[dict[str, Any]], list[str]]
) -> None:
    telling()
    url = sqs.create_queue(
        QueueName="work.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.create_event_source_mapping(FunctionName="f", EventSourceArn=arn, BatchSize=3)
    wanted: dict[str, list[str]] = {"a": [], "b": []}
    for number in range(12):
        group = "ab"[number % 2]
        wanted[group].append(f"{group}{number}")
        sqs.send_message(QueueUrl=url, MessageBody=f"{group}{number}", MessageGroupId=group)
    got: dict[str, list[str]] = {"a": [], "b": []}
    while sum(map(len, got.values())) < 12:
        for body in bodies(seen.next()):
            got[body[0]].append(body)
    assert {group: sorted(some, key=lambda one: int(one[1:])) for group, some in got.items()} == wanted


def test_a_large_batch_is_gathered_within_its_window(
    kumoi: Any, client: Any, sqs: Any, mailbox: Callable[[str], Any], seen: Any, telling: Make
) -> None:
    telling()
    work = mailbox("work")
    made = client.create_event_source_mapping(
        FunctionName="f", EventSourceArn=work.arn, BatchSize=20, MaximumBatchingWindowInSeconds=60, Enabled=False
    )
    for start in (0, 10):
        entries = [{"Id": str(at), "MessageBody": str(start + at)} for at in range(10)]
        sqs.send_message_batch(QueueUrl=work.url, Entries=entries)
    client.update_event_source_mapping(UUID=made["UUID"], Enabled=True)
    assert sorted(int(record["body"]) for record in seen.next()["Records"]) == list(range(20))


def test_a_paused_mapping_leaves_messages_where_they_are(
    client: Any, sqs: Any, mailbox: Callable[[str], Any], seen: Any, telling: Make
) -> None:
    telling()
    work = mailbox("work")
    made = client.create_event_source_mapping(FunctionName="f", EventSourceArn=work.arn)
    sqs.send_message(QueueUrl=work.url, MessageBody="1")
    seen.next()
    client.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    sqs.send_message(QueueUrl=work.url, MessageBody='"2"')
    assert work.next() == "2"


def test_the_function_runs_no_more_often_at_once_than_the_mapping_allows(
    client: Any, sqs: Any, mailbox: Callable[[str], Any], seen: Any, telling: Make
) -> None:
    telling("import time\ntime.sleep(0.05)\ntell(os.environ['AWS_LAMBDA_LOG_STREAM_NAME'])")
    work = mailbox("work")
    client.create_event_source_mapping(
        FunctionName="f", EventSourceArn=work.arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}
    )
    for number in range(12):
        sqs.send_message(QueueUrl=work.url, MessageBody=str(number))
    told = seen.take(24)
    environments = {one for one in told if isinstance(one, str)}
    assert 1 <= len(environments) <= 2
    assert sorted(int(one["Records"][0]["body"]) for one in told if isinstance(one, dict)) == list(range(12))


def test_what_was_sent_and_mapped_before_a_crash_is_worked_after_it(
    killable: Any, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    killable.start()
    sqs, functions = killable.client("sqs"), killable.client("lambda")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("work", "seen")}
    arn = sqs.get_queue_attributes(QueueUrl=urls["work"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    source = (
        "import boto3, os\n"
        "def handler(event, context):\n"
        "    for record in event['Records']:\n"
        "        boto3.client('sqs').send_message(QueueUrl=os.environ['SEEN'], MessageBody=record['body'])\n"
    )
    functions.create_function(
        FunctionName="f",
        Runtime=RUNTIME,
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Timeout=20,
        Code={"ZipFile": zipped({"app.py": source})},
        Environment={"Variables": {"SEEN": urls["seen"]}},
    )
    made = functions.create_event_source_mapping(FunctionName="f", EventSourceArn=arn, Enabled=False)
    wanted = {f"m{number}" for number in range(10)}
    for body in wanted:
        sqs.send_message(QueueUrl=urls["work"], MessageBody=body)
    functions.update_event_source_mapping(UUID=made["UUID"], Enabled=True)
    killable.kill()
    killable.start()
    sqs = killable.client("sqs")
    # A batch under way at the crash is hidden for 30 s of the platform's clock; then it comes again.
    clock = urllib.request.Request(f"{killable.url}/_kumoi/clock", b'{"action": "advance", "seconds": 31}')
    urllib.request.urlopen(clock).close()
    got: set[str] = set()
    while got != wanted:
        messages = sqs.receive_message(QueueUrl=urls["seen"], MaxNumberOfMessages=10, WaitTimeSeconds=20)
        assert messages.get("Messages"), f"missing: {wanted - got}"
        got |= {message["Body"] for message in messages["Messages"]}
