from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.dynamodb.eventual import EVENTUAL

SELECT, UPDATE = {"Statement": " select * FROM t"}, {"Statement": "UPDATE t SET a = 1 WHERE id = 'a'"}
CONSISTENT = {"ConsistentRead": True}


@pytest.mark.parametrize(
    ("operation", "params", "eventual"),
    [
        ("GetItem", {}, True),
        ("GetItem", CONSISTENT, False),
        ("PutItem", {}, False),
        ("TransactGetItems", {"TransactItems": []}, False),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": []}}}, True),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": []}, "u": CONSISTENT}}, False),
        ("ExecuteStatement", SELECT, True),
        ("ExecuteStatement", SELECT | CONSISTENT, False),
        ("ExecuteStatement", UPDATE, False),
        ("BatchExecuteStatement", {"Statements": [SELECT, SELECT]}, True),
        ("BatchExecuteStatement", {"Statements": [SELECT, UPDATE]}, False),
        ("BatchExecuteStatement", {"Statements": [SELECT, SELECT | CONSISTENT]}, False),
        # What a service calls with is looked at before it is checked.
        ("BatchGetItem", {}, False),
        ("BatchGetItem", {"RequestItems": [CONSISTENT]}, False),
        ("BatchExecuteStatement", {"Statements": None}, False),
        ("BatchExecuteStatement", {"Statements": ["SELECT"]}, False),
        ("ExecuteStatement", {}, False),
    ],
)
def test_reads_that_do_not_ask_for_more_are_eventually_consistent(
    operation: str, params: dict[str, Any], eventual: bool
) -> None:
    assert EVENTUAL.includes(operation, params) is eventual
