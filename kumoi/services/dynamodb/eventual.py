"""Which reads of DynamoDB are eventually consistent: those that do not ask for more. Transactions never are.

Source: "DynamoDB read consistency" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kumoi.doorway import EventualReads

_ROWS = "dynamodb.item"  # storage.ITEMS, which is imported with the operations


def _plain(params: Mapping[str, Any]) -> bool:
    return not params.get("ConsistentRead")


def _none_asks(several: Iterable[Any]) -> bool:
    return not any(isinstance(one, Mapping) and one.get("ConsistentRead") for one in several)


def _selects(statement: Any) -> bool:
    return str(statement).lstrip().upper().startswith("SELECT")


def _batch(params: Mapping[str, Any]) -> bool:
    asked = params.get("RequestItems")
    return isinstance(asked, Mapping) and _none_asks(asked.values())


def _statement(params: Mapping[str, Any]) -> bool:
    return _plain(params) and _selects(params.get("Statement"))


def _statements(params: Mapping[str, Any]) -> bool:
    several = params.get("Statements")
    if not isinstance(several, list) or not all(isinstance(one, Mapping) for one in several):
        return False
    return _none_asks(several) and all(_selects(one.get("Statement")) for one in several)


EVENTUAL = EventualReads(
    rows=frozenset((_ROWS,)),
    operations={
        "GetItem": _plain,
        "Query": _plain,
        "Scan": _plain,
        "BatchGetItem": _batch,
        "ExecuteStatement": _statement,
        "BatchExecuteStatement": _statements,
    },
)
