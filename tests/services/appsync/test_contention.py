"""A versioned item that others change between reading and writing it: the change is made again, to what there is."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.requests import answer
from kumoi.services.appsync.resolving.tables.table import Table
from kumoi.services.appsync.resolving.tables.versions import MOST_ATTEMPTS
from kumoi.wire.errors import aws_error

ADD = {
    "operation": "UpdateItem",
    "key": {"id": {"S": "1"}},
    "update": {"expression": "ADD n :one", "expressionValues": {":one": {"N": 1}}},
}


class Contended:
    """An item whose next `times` writes come too late: somebody else has added ten."""

    def __init__(self, times: int) -> None:
        self._left = times
        self.item: dict[str, Any] = {"id": {"S": "1"}, "n": {"N": "0"}, "_version": {"N": "1"}}
        self.writes = 0

    async def ask(self, operation: str, **given: Any) -> dict[str, Any]:
        if operation == "GetItem":
            return {"Item": dict(self.item)}
        assert operation == "TransactWriteItems"
        self.writes += 1
        if self._left:
            self._left -= 1
            self.item |= {
                "n": {"N": str(int(self.item["n"]["N"]) + 10)},
                "_version": {"N": str(int(self.item["_version"]["N"]) + 1)},
            }
            error = FieldError("cancelled", "DynamoDB:TransactionCanceledException")
            reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]
            raise error from aws_error("TransactionCanceledException", "cancelled", CancellationReasons=reasons)
        self.item = given["TransactItems"][0]["Put"]["Item"]
        return {}

    def change(self) -> Any:
        async def nobody(_function: str, _event: Any) -> Any:
            raise AssertionError

        config = {"versioned": True, "deltaSyncConfig": {"deltaSyncTableName": "delta", "deltaSyncTableTTL": 30}}
        field: Any = SimpleNamespace(asked=SimpleNamespace(call=SimpleNamespace(now=1_700_000_000.0)))
        return asyncio.run(answer(Table("base", "Items", config, {}, field, self.ask, nobody), ADD))


def test_a_change_is_made_to_what_others_have_left() -> None:
    contended = Contended(times=2)
    changed = contended.change()
    assert (changed["n"], changed["_version"], contended.writes) == (21, 4, 3)


def test_a_change_is_given_up_where_others_never_rest() -> None:
    contended = Contended(times=MOST_ATTEMPTS)
    with pytest.raises(FieldError) as refused:
        contended.change()
    assert (refused.value.kind, contended.writes) == ("MaxConflicts", MOST_ATTEMPTS)
