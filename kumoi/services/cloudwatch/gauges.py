"""What no call tells: depths of queues, capacities of tables. They are measured when an alarm that watches them is due.

So there are data points for the minutes that an alarm looks at, one each, however many alarms watch a queue or a table.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from kumoi.doorway import Doorway, Principal
from kumoi.names import arn
from kumoi.services.cloudwatch.queries import dimensions_of
from kumoi.services.cloudwatch.records import Dimensions
from kumoi.services.cloudwatch.storage import Datum, put
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_MOST_KNOWN = 10_000

Ask = Callable[[str, str, dict[str, Any]], Awaitable[Any]]
"""Calls an operation of a service, in the account and region of an alarm."""


class Watched(NamedTuple):
    """What an alarm watches: all of the gauges of a namespace with these dimensions."""

    namespace: str
    dimensions: Dimensions


class Gauges:
    """Measures queues and tables for alarms."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._measured: dict[tuple[str, str, Watched], int] = {}

    async def measure(self, account: str, region: str, definition: Mapping[str, Any], now: float) -> None:
        """Note what an alarm watches, for the minute that has ended before `now`."""
        minute = int(now) // 60 * 60 - 60
        for one in dict.fromkeys(watched(definition)):
            key = account, region, one
            if self._measured.get(key, -1) >= minute:
                continue
            if len(self._measured) >= _MOST_KNOWN:
                self._measured.clear()
            self._measured[key] = minute
            found = await self._values(account, region, one)
            data = [
                Datum(name, one.dimensions, minute, "Count", 60, ((float(value), 1.0),))
                for name, value in found.items()
            ]
            if data:
                await put(self._doorway.state.at(account, region), one.namespace, data)

    def forget(self, account: str | None) -> None:
        """Forget what was measured of an account, or of all."""
        for key in [key for key in self._measured if account in (None, key[0])]:
            del self._measured[key]

    async def _values(self, account: str, region: str, one: Watched) -> Mapping[str, float]:
        """The gauges' values by metric; none where there is no such queue or table."""
        caller = Principal(account, arn("iam", "", account, "root"), account, "cloudwatch")

        async def ask(service: str, operation: str, params: dict[str, Any]) -> Any:
            return await self._doorway.ask(service, operation, params, caller, region)

        names = dict(one.dimensions)
        try:
            if one.namespace == _QUEUES:
                return await _depths(ask, f"https://sqs.{region}.amazonaws.com/{account}/{names['QueueName']}")
            return await _capacities(ask, names["TableName"], names.get("GlobalSecondaryIndexName"))
        except AwsError as error:
            logger.debug("%s cannot be measured: %s", names, error)
            return {}


_QUEUES, _TABLES = "AWS/SQS", "AWS/DynamoDB"
_DEPTHS: Mapping[str, str] = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
"""Metrics by name, and the attributes of a queue that they are."""
_CAPACITIES: Mapping[str, str] = {
    "ProvisionedReadCapacityUnits": "ReadCapacityUnits",
    "ProvisionedWriteCapacityUnits": "WriteCapacityUnits",
}
"""Metrics by name, and the members of a table's ProvisionedThroughput that they are."""
_GAUGES: Mapping[str, tuple[Mapping[str, str], tuple[frozenset[str], ...]]] = {
    _QUEUES: (_DEPTHS, (frozenset(("QueueName",)),)),
    _TABLES: (_CAPACITIES, (frozenset(("TableName",)), frozenset(("GlobalSecondaryIndexName", "TableName")))),
}
"""The metrics of a namespace, and the dimensions that they have."""


async def _depths(ask: Ask, url: str) -> Mapping[str, float]:
    params = {"QueueUrl": url, "AttributeNames": list(_DEPTHS.values())}
    attributes = (await ask("sqs", "GetQueueAttributes", params)).get("Attributes") or {}
    return {name: float(attributes[one]) for name, one in _DEPTHS.items() if one in attributes}


async def _capacities(ask: Ask, name: str, index: str | None) -> Mapping[str, float]:
    """What a table, or an index of it, has provisioned; nothing where it is on demand."""
    table = (await ask("dynamodb", "DescribeTable", {"TableName": name}))["Table"]
    parts = table.get("GlobalSecondaryIndexes") or () if index is not None else (table,)
    for part in parts:
        units = part.get("ProvisionedThroughput") or {}
        if index in (None, part.get("IndexName")) and units.get("ReadCapacityUnits"):
            return {metric: float(units[member]) for metric, member in _CAPACITIES.items()}
    return {}


def watched(definition: Mapping[str, Any]) -> Iterator[Watched]:
    """What an alarm watches that has to be measured, by itself or in metric math."""
    for metric in metrics_of(definition):
        names, known = _GAUGES.get(str(metric.get("Namespace")), ({}, ()))
        if metric.get("MetricName") in names:
            dimensions = dimensions_of(metric.get("Dimensions"))
            if dict(dimensions).keys() in known:
                yield Watched(metric["Namespace"], dimensions)


def metrics_of(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The metrics that an alarm watches: its own, and those of its metric math."""
    yield definition
    for one in definition.get("Metrics") or ():
        yield (one.get("MetricStat") or {}).get("Metric") or {}
