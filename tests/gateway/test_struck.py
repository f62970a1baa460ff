"""What is told of struck calls: whether they failed, and whether somebody tried again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from kumoi.doorway import Hop
from kumoi.gateway.struck import hits, told


def hop(outcome: str = "ok", fault: str = "", **given: Any) -> Hop:
    plain = Hop(0, "1", "r", "t", "s", "p", "lambda:f", "sqs:q", "sqs", "Send", outcome, 9, 0, 0, "id", fault, {})
    return replace(plain, **given)


@pytest.mark.parametrize(
    ("hops", "then"),
    [
        ([hop("ok", "f")], "went on"),
        ([hop("SlowDown", "f")], "failed"),
        ([hop("SlowDown", "f"), hop("SlowDown")], "tried again"),
        ([hop("SlowDown", "f"), hop("SlowDown"), hop()], "got through"),
        ([hop("SlowDown", "f"), hop(parent="the queue's next delivery")], "got through"),
        ([hop("SlowDown", "f"), hop(trace="other")], "failed"),
        ([hop("SlowDown", "f"), hop(operation="Receive")], "failed"),
        ([hop(), hop("SlowDown", "f")], "failed"),
    ],
)
def test_what_came_of_a_struck_call(hops: list[Hop], then: str) -> None:
    assert [hit.then for hit in asyncio.run(hits(hops, "1"))] == [then]


def test_sums_by_fault_of_one_account() -> None:
    hops = [hop("SlowDown", "f"), hop("SlowDown", "f"), hop(), hop("ok", "g"), hop("ok", "f", account="2")]
    found = told(asyncio.run(hits(hops, "1")))
    assert found["faults"] == {
        "f": {"struck": 2, "failed": 2, "again": 2, "through": 2},
        "g": {"struck": 1, "failed": 0, "again": 0, "through": 0},
    }
    assert [hit["fault"] for hit in found["hits"]] == ["g", "f", "f"]
    assert len(asyncio.run(hits([hop("ok", "f")] * 9, "1", limit=4))) == 4
