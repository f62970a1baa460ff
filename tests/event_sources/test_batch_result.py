"""What a function's answer says of its batch, as a table."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kumoi.event_sources import ALL
from kumoi.event_sources.batch_result import failed_items


@pytest.mark.parametrize(
    "answer",
    [
        "",
        [],
        None,
        {},
        {"batchItemFailures": []},
        {"batchItemFailures": None},
        {"statusCode": 200},
        {"state": {"n": 1}},
    ],
)
def test_an_answer_that_says_nothing_of_failures_is_a_success(answer: Any) -> None:
    assert failed_items(orjson.dumps(answer), ["a", "b"]) == frozenset()


def test_no_answer_is_a_success() -> None:
    assert failed_items(b"", ["a", "b"]) == frozenset()


@pytest.mark.parametrize(
    "answer",
    [
        "done",
        ["a"],
        {"batchItemFailures": "a"},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemidentifier": "a"}]},
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}]},
    ],
)
def test_an_answer_that_cannot_be_understood_fails_all(answer: Any) -> None:
    assert failed_items(orjson.dumps(answer), ["a", "b"]) is ALL


def test_the_named_ones_have_failed() -> None:
    assert failed_items(b'{"batchItemFailures": [{"itemIdentifier": "b"}], "more": 1}', ["a", "b"]) == {"b"}
