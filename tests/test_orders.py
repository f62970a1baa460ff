"""The example `orders`: each order is placed exactly once, though the platform is killed on the way."""

from __future__ import annotations

import json
import os
import runpy
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/orders/orders.py"
KILLS = 3


@pytest.fixture
def example(killable: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The example's functions, pointed at a platform that can be killed."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    wanted = {"ENDPOINT_URL": killable.url, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in {**wanted, "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return runpy.run_path(str(EXAMPLE))


def advance(url: str, seconds: int) -> None:
    request = urllib.request.Request(
        f"{url}/_kumoi/clock", json.dumps({"action": "advance", "seconds": seconds}).encode()
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def items(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    return [item for page in dynamodb.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_each_order_is_placed_exactly_once_though_the_platform_is_killed(
    example: dict[str, Any], killable: Any
) -> None:
    killable.start()
    outputs = example["deploy"]()
    orders = [{"id": f"o{n}", "customer": f"c{n % 5}", "amount": n + 1, "flaky": n % 7 == 0} for n in range(60)]
    poison = [{"id": f"never{n}", "customer": "c0", "amount": -1} for n in range(2)]
    for number, order in enumerate(orders + poison):
        if number % (len(orders) // KILLS) == 10:
            killable.kill()  # the worker and the projection are at it
            with pytest.raises(OSError):
                example["send"](outputs["ApiId"], order)
            killable.start()
        example["send"](outputs["ApiId"], order)
        if number % 5 == 0:
            example["send"](outputs["ApiId"], order)  # a client that did not get its answer asks again
    dynamodb, sqs = killable.client("dynamodb"), killable.client("sqs")
    dead: set[str] = set()
    notices: Counter[str] = Counter()
    deadline = time.monotonic() + 120
    while dead != {"never0", "never1"} or len(notices) < len(orders):
        assert time.monotonic() < deadline, (dead, len(notices), len(items(dynamodb, outputs["Orders"])))
        advance(killable.url, 11)  # what failed, or was under way when the platform died, becomes visible
        for message in sqs.receive_message(QueueUrl=outputs["DeadLetters"], WaitTimeSeconds=1).get("Messages", ()):
            dead.add(json.loads(message["Body"])["id"])
        while found := sqs.receive_message(QueueUrl=outputs["Notices"], MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                notices[json.loads(message["Body"])["id"]] += 1
                sqs.delete_message(QueueUrl=outputs["Notices"], ReceiptHandle=message["ReceiptHandle"])
    assert set(notices) == {order["id"] for order in orders}
    assert sorted(item["id"]["S"] for item in items(dynamodb, outputs["Orders"])) == sorted(o["id"] for o in orders)
    totals = {item["id"]["S"]: item for item in items(dynamodb, outputs["Totals"]) if "spent" in item}
    for customer in range(5):
        mine = [order["amount"] for order in orders if order["customer"] == f"c{customer}"]
        total = totals[f"customer#c{customer}"]
        assert (int(total["spent"]["N"]), int(total["orders"]["N"])) == (sum(mine), len(mine))
