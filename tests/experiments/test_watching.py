"""What invariants look at, in an application that only has tables."""

from __future__ import annotations

from typing import Any, cast

from kumoi.experiments.application import Application, BudgetUsedUp
from kumoi.experiments.model import Invariant, Place, Source
from kumoi.experiments.users import Users
from kumoi.experiments.watching import Watch


class Tables:
    """Items by table, and how often each table was read."""

    def __init__(self, **tables: list[str]) -> None:
        self.tables = tables
        self.read: list[str] = []

    def items(self, table: str) -> list[dict[str, Any]]:
        self.read.append(table)
        return [{"id": one} for one in self.tables[table]]


def test_what_a_used_up_budget_lets_nobody_see_does_not_hold() -> None:
    class Refusing(Tables):
        def items(self, table: str) -> list[dict[str, Any]]:
            raise BudgetUsedUp(f"the table {table}: stopped")

    watch = Watch(cast(Application, Refusing()), cast(Users, None))
    (check,) = watch.invariants([Invariant(title="all", arrives=Place(table="t", attribute="id"))], {}, [])
    assert (check.title, check.held, check.seen) == ("all", False, "the table t: stopped")


def test_ids_of_one_place_arrive_in_another_and_each_place_is_read_once_a_look() -> None:
    tables = Tables(orders=["a", "b"], shipments=["a"])
    watch = Watch(cast(Any, tables), cast(Any, None))
    shipped = Invariant(arrives=Place(table="shipments", source=Source(table="orders")))
    [one, other] = watch.invariants([shipped, shipped], {}, [])
    assert one == other and (one.held, one.lost) == (False, ["b"])
    assert sorted(tables.read) == ["orders", "shipments"]
    tables.tables["shipments"].append("b")
    assert [check.held for check in watch.invariants([shipped], {}, [])] == [True], "it is looked at anew"
