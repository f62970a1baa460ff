from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ssm(kumoi: Any) -> Any:
    return kumoi.client("ssm")


@pytest.fixture
def put(ssm: Any) -> Callable[..., int]:
    """Put a String parameter; answers its version."""

    def make(name: str, value: str = "v", **options: Any) -> int:
        given = {"Type": "String", **options}
        return int(ssm.put_parameter(Name=name, Value=value, **given)["Version"])

    return make


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text


@pytest.fixture
def events_of(kumoi: Any) -> Callable[..., Callable[[int], list[dict[str, Any]]]]:
    """Have the events of a source gathered in a queue; what is answered waits for as many as said."""

    def gather(source: str) -> Callable[[int], list[dict[str, Any]]]:
        sqs, bus = kumoi.client("sqs"), kumoi.client("events")
        url = sqs.create_queue(QueueName="seen")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus.put_rule(Name="all", EventPattern=json.dumps({"source": [source]}))
        bus.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])
        seen: list[dict[str, Any]] = []

        def wait(count: int) -> list[dict[str, Any]]:
            deadline = time.monotonic() + 60
            while len(seen) < count:
                assert time.monotonic() < deadline, f"{len(seen)} of {count} events"
                answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10)
                for message in answer.get("Messages", []):
                    seen.append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return seen

        return wait

    return gather
