"""Metrics of AWS's namespaces out of hops."""

from __future__ import annotations

import time
from typing import Any


def test_queues_and_log_groups_are_counted(kumoi: Any) -> None:
    sqs, logs, cloudwatch = kumoi.client("sqs"), kumoi.client("logs"), kumoi.client("cloudwatch")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.receive_message(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": name, "MessageBody": name} for name in "bc"])
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": int(kumoi.now().timestamp() * 1000), "message": "x" * 74}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])

    def total(namespace: str, name: str, **dimension: str) -> float:
        now = kumoi.now().timestamp()
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            StartTime=now - 600,
            EndTime=now + 600,
            Period=3600,
            Statistics=["Sum"],
            Dimensions=[{"Name": key, "Value": value} for key, value in dimension.items()],
        )["Datapoints"]
        return float(sum(one["Sum"] for one in points))

    expected = {
        "NumberOfMessagesSent": 3,
        "NumberOfMessagesReceived": 3,
        "NumberOfMessagesDeleted": 3,
        "NumberOfEmptyReceives": 1,
    }
    deadline = time.monotonic() + 30
    while {name: total("AWS/SQS", name, QueueName="q") for name in expected} != expected:
        assert time.monotonic() < deadline, {name: total("AWS/SQS", name, QueueName="q") for name in expected}
        time.sleep(0.2)
    assert total("AWS/Logs", "IncomingBytes", LogGroupName="g") == 100
