"""PynamoDB, unmodified, against Kumoi: models, indexes, conditions, transactions, paging."""

from __future__ import annotations

from typing import Any

import pytest
from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite


class ByCustomer(GlobalSecondaryIndex["Order"]):
    class Meta:
        index_name = "by-customer"
        projection = AllProjection()

    customer = UnicodeAttribute(hash_key=True)
    total = NumberAttribute(range_key=True)


class Order(Model):
    class Meta:
        table_name = "orders"
        region = "us-east-1"
        billing_mode = "PAY_PER_REQUEST"

    shop = UnicodeAttribute(hash_key=True)
    number = NumberAttribute(range_key=True)
    customer = UnicodeAttribute()
    total = NumberAttribute(default=0)
    lines: Any = ListAttribute(default=list)
    placed = UTCDateTimeAttribute(null=True)
    by_customer = ByCustomer()


@pytest.fixture
def orders(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> type[Order]:
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Order.Meta, "host", kumoi.url, raising=False)
    monkeypatch.setattr(Order, "_connection", None)
    Order.create_table(wait=True)
    return Order


def test_models_are_saved_found_and_changed(kumoi: Any, orders: type[Order]) -> None:
    with orders.batch_write() as batch:
        for number in range(60):
            batch.save(
                orders("shop", number, customer=f"c{number % 3}", total=number, lines=[{"sku": "a", "n": number}])
            )
    assert orders.count("shop") == 60
    assert [one.number for one in orders.query("shop", Order.number.between(10, 12))] == [10, 11, 12]
    assert [one.number for one in orders.query("shop", limit=3, scan_index_forward=False)] == [59, 58, 57]
    assert sum(1 for _ in orders.scan(Order.customer == "c1", page_size=7)) == 20
    rich = list(orders.by_customer.query("c2", Order.total >= 50))
    assert [int(one.total) for one in rich] == [50, 53, 56, 59]
    one = orders.get("shop", 7)
    one.update(actions=[Order.total.add(100), Order.lines.set(Order.lines.append([{"sku": "b"}]))])
    one.refresh()
    assert (one.total, [line["sku"] for line in one.lines]) == (107, ["a", "b"])
    with pytest.raises(PutError):
        orders("shop", 7, customer="x").save(condition=Order.shop.does_not_exist())
    with TransactWrite(connection=Connection(region="us-east-1", host=kumoi.url)) as transaction:
        transaction.delete(one)
        transaction.save(orders("shop", 1000, customer="new"))
    with pytest.raises(DoesNotExist):
        orders.get("shop", 7)
    assert orders.get("shop", 1000).customer == "new"
    one.delete_table()
