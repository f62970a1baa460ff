from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("dynamodb")


@pytest.fixture
def streams(kumoi: Any) -> Any:
    return kumoi.client("dynamodbstreams")


@pytest.fixture
def resource(kumoi: Any) -> Any:
    """boto3's resource, which speaks in Python's values."""
    resource = boto3.resource(
        "dynamodb",
        endpoint_url=kumoi.url,
        region_name=kumoi.region,
        aws_access_key_id=kumoi.account,
        aws_secret_access_key="test",
    )
    yield resource
    resource.meta.client.close()


@pytest.fixture
def make(client: Any) -> Callable[..., dict[str, Any]]:
    """Create an on-demand table from `hash`, `range` and indexes written as "name": ("hash", "range")."""

    def create(
        name: str = "table",
        hash: str = "pk:S",
        range: str | None = None,
        gsi: dict[str, tuple[str, ...]] | None = None,
        lsi: dict[str, tuple[str, ...]] | None = None,
        projection: dict[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        types: dict[str, str] = {}

        def schema(*keys: str | None) -> list[dict[str, str]]:
            elements = []
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False):
                if key is not None:
                    attribute, _, attribute_type = key.partition(":")
                    types.setdefault(attribute, attribute_type or "S")
                    elements.append({"AttributeName": attribute, "KeyType": kind})
            return elements

        parameters: dict[str, Any] = {"TableName": name, "KeySchema": schema(hash, range)}
        for member, indexes in (("GlobalSecondaryIndexes", gsi), ("LocalSecondaryIndexes", lsi)):
            if indexes:
                parameters[member] = [
                    {
                        "IndexName": index,
                        "KeySchema": schema(*keys),
                        "Projection": projection or {"ProjectionType": "ALL"},
                    }
                    for index, keys in indexes.items()
                ]
        parameters["AttributeDefinitions"] = [
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in types.items()
        ]
        if "ProvisionedThroughput" not in options:
            parameters["BillingMode"] = "PAY_PER_REQUEST"
        return client.create_table(**{**parameters, **options})["TableDescription"]

    return create
