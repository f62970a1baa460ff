"""Time to live: items go when the platform's clock has passed their time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]


def now(client: Any) -> int:
    """The platform's time: another test may have advanced the clock."""
    client.create_table(
        TableName="the-time",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    created = client.describe_table(TableName="the-time")["Table"]["CreationDateTime"]
    client.delete_table(TableName="the-time")
    return int(created.timestamp())


def put(client: Any, name: str, expires: int | str) -> None:
    client.put_item(TableName="table", Item={"pk": {"S": name}, "ttl": {"N": str(expires)}})


def names(client: Any) -> set[str]:
    return {item["pk"]["S"] for item in client.scan(TableName="table")["Items"]}


def set_expiry(client: Any, attribute: str = "ttl", enabled: bool = True) -> Any:
    specification = {"AttributeName": attribute, "Enabled": enabled}
    return client.update_time_to_live(TableName="table", TimeToLiveSpecification=specification)


@pytest.mark.kumoi_clock
def test_items_go_when_their_time_has_come(client: Any, make: Make, kumoi: Any) -> None:
    make(
        "table", gsi={"by-ttl": ("ttl:N",)}, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )
    start = now(client)
    put(client, "before", start + 50)
    set_expiry(client)
    for name, expires in (
        ("soon", start + 100),
        ("later", start + 1000),
        ("sooner", start + 60),
        ("ancient", start - 6 * 365 * 86_400),
    ):
        put(client, name, expires)
    put(client, "put-off", start + 70)
    put(client, "put-off", start + 5000)
    client.put_item(TableName="table", Item={"pk": {"S": "kept"}})
    kumoi.advance(300)
    assert names(client) == {"later", "ancient", "put-off", "kept"}
    assert client.scan(TableName="table", IndexName="by-ttl")["Count"] == 3
    kumoi.advance(1000)
    assert names(client) == {"ancient", "put-off", "kept"}


@pytest.mark.kumoi_clock
def test_expiry_can_be_turned_off_and_moved(client: Any, make: Make, kumoi: Any) -> None:
    make("table")
    set_expiry(client)
    assert client.describe_time_to_live(TableName="table")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "ttl",
    }
    put(client, "a", now(client) + 10)
    with pytest.raises(ClientError, match="TimeToLive is already enabled"):
        set_expiry(client)
    with pytest.raises(ClientError, match="current AttributeName is ttl"):
        set_expiry(client, "other", enabled=False)
    set_expiry(client, enabled=False)
    kumoi.advance(60)
    assert names(client) == {"a"}
    assert client.describe_time_to_live(TableName="table")["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    with pytest.raises(ClientError, match="TimeToLive is already disabled"):
        set_expiry(client, enabled=False)
    set_expiry(client, "other")
    kumoi.advance(60)
    assert names(client) == {"a"}
    client.put_item(TableName="table", Item={"pk": {"S": "b"}, "other": {"N": str(now(client) + 10)}})
    kumoi.advance(60)
    assert names(client) == {"a"}
