"""The capacity of a resource, read from its service and set there, by calls like any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from kumoi.doorway import Doorway, Principal
from kumoi.names import arn
from kumoi.services.application_autoscaling.dimensions import Dimension, named
from kumoi.services.application_autoscaling.errors import invalid
from kumoi.wire.errors import AwsError


class Ask(Protocol):
    """Calls an operation of a service in the account and region of a target."""

    def __call__(self, service: str, operation: str, /, **params: Any) -> Awaitable[dict[str, Any]]:
        """The answer."""


def asking(doorway: Doorway, account: str, region: str, resource: str) -> Ask:
    """How a target's resource is reached: as the service-linked role may, which has all it needs."""
    caller = Principal(account, arn("iam", "", account, "root"), account, f"application-autoscaling:{resource}")

    async def ask(service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        return await doorway.ask(service, operation, params, caller, region) or {}

    return ask


async def read(ask: Ask, dimension: Dimension, resource: str) -> int | None:
    """The capacity now; None where the resource has none of this kind (a table on demand). ValidationException where
    there is no such resource."""
    return await _WAYS[dimension.namespace][0](ask, dimension, resource)


async def write(ask: Ask, dimension: Dimension, resource: str, capacity: int) -> None:
    """Set the capacity; raises the service's own error."""
    await _WAYS[dimension.namespace][1](ask, dimension, resource, capacity)


def _way(dimension: Dimension) -> str:
    """`ReadCapacityUnits` or `WriteCapacityUnits`."""
    return dimension.name.rpartition(":")[2]


async def _throughput(ask: Ask, dimension: Dimension, resource: str) -> dict[str, Any] | None:
    names = named(dimension, resource)
    try:
        table = (await ask("dynamodb", "DescribeTable", TableName=names["table"]))["Table"]
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            raise invalid(f"DynamoDB table does not exist: {resource}") from None
        raise
    if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return None
    if "index" not in names:
        throughput: dict[str, Any] = table["ProvisionedThroughput"]
        return throughput
    for index in table.get("GlobalSecondaryIndexes") or ():
        if index["IndexName"] == names["index"]:
            found: dict[str, Any] = index["ProvisionedThroughput"]
            return found
    raise invalid(f"DynamoDB global secondary index does not exist: {resource}")


async def _read_throughput(ask: Ask, dimension: Dimension, resource: str) -> int | None:
    throughput = await _throughput(ask, dimension, resource)
    return None if throughput is None else int(throughput[_way(dimension)])


async def _write_throughput(ask: Ask, dimension: Dimension, resource: str, capacity: int) -> None:
    known = await _throughput(ask, dimension, resource) or {}
    wanted = {way: known.get(way, 1) for way in ("ReadCapacityUnits", "WriteCapacityUnits")}
    wanted[_way(dimension)] = capacity
    names = named(dimension, resource)
    given: dict[str, Any] = {"ProvisionedThroughput": wanted}
    if "index" in names:
        given = {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": names["index"], **given}}]}
    await ask("dynamodb", "UpdateTable", TableName=names["table"], **given)


def _version(dimension: Dimension, resource: str) -> dict[str, str]:
    names = named(dimension, resource)
    return {"FunctionName": names["function"], "Qualifier": names["qualifier"]}


async def _read_concurrency(ask: Ask, dimension: Dimension, resource: str) -> int:
    try:
        told = await ask("lambda", "GetProvisionedConcurrencyConfig", **_version(dimension, resource))
    except AwsError as error:
        if error.code == "ProvisionedConcurrencyConfigNotFoundException":
            return 0
        if error.code == "ResourceNotFoundException":
            raise invalid(f"No Lambda function version or alias found for resource ID: {resource}") from None
        raise
    return int(told["RequestedProvisionedConcurrentExecutions"])


async def _write_concurrency(ask: Ask, dimension: Dimension, resource: str, capacity: int) -> None:
    version = _version(dimension, resource)
    if capacity:
        await ask("lambda", "PutProvisionedConcurrencyConfig", **version, ProvisionedConcurrentExecutions=capacity)
    else:
        await ask("lambda", "DeleteProvisionedConcurrencyConfig", **version)


_WAYS: dict[
    str,
    tuple[
        Callable[[Ask, Dimension, str], Awaitable[int | None]], Callable[[Ask, Dimension, str, int], Awaitable[None]]
    ],
] = {
    "dynamodb": (_read_throughput, _write_throughput),
    "lambda": (_read_concurrency, _write_concurrency),
}
