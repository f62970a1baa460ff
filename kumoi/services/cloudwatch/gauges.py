"""Depths of queues: what no call tells. A queue is looked at when an alarm that watches its depth is evaluated.

So there are data points for the minutes that an alarm looks at, one each, however many alarms watch a queue.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.names import arn
from kumoi.services.cloudwatch.storage import Datum, put
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

NAMESPACE = "AWS/SQS"
DEPTHS: Mapping[str, str] = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
"""Metrics by name, and the attributes of a queue that they are."""

_MOST_KNOWN = 10_000


class Gauges:
    """Measures queues for alarms."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._measured: dict[tuple[str, str, str], int] = {}

    async def measure(self, account: str, region: str, definition: Mapping[str, Any], now: float) -> None:
        """Note the depths of the queues that an alarm watches for the minute that has ended before `now`."""
        minute = int(now) // 60 * 60 - 60
        for queue in dict.fromkeys(watched(definition)):
            key = account, region, queue
            if self._measured.get(key, -1) >= minute:
                continue
            if len(self._measured) >= _MOST_KNOWN:
                self._measured.clear()
            self._measured[key] = minute
            found = await self._depths(account, region, queue)
            data = [
                Datum(name, (("QueueName", queue),), minute, "Count", 60, ((float(found[attribute]), 1.0),))
                for name, attribute in DEPTHS.items()
                if attribute in found
            ]
            if data:
                await put(self._doorway.state.at(account, region), NAMESPACE, data)

    def forget(self, account: str | None) -> None:
        """Forget what was measured of an account, or of all."""
        for key in [key for key in self._measured if account in (None, key[0])]:
            del self._measured[key]

    async def _depths(self, account: str, region: str, queue: str) -> Mapping[str, str]:
        """A queue's attributes; none where there is no such queue."""
        caller = Principal(account, arn("iam", "", account, "root"), account, "cloudwatch")
        params = {
            "QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{queue}",
            "AttributeNames": list(DEPTHS.values()),
        }
        try:
            answer = await self._doorway.ask("sqs", "GetQueueAttributes", params, caller, region)
        except AwsError as error:
            logger.debug("the queue %s cannot be measured: %s", queue, error)
            return {}
        attributes: Mapping[str, str] = answer.get("Attributes") or {}
        return attributes


def watched(definition: Mapping[str, Any]) -> Iterator[str]:
    """The queues whose depth an alarm watches, by itself or in metric math."""
    metrics = [(one.get("MetricStat") or {}).get("Metric") or {} for one in definition.get("Metrics") or ()]
    for metric in (definition, *metrics):
        if metric.get("Namespace") == NAMESPACE and metric.get("MetricName") in DEPTHS:
            dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions") or ()}
            if dimensions.keys() == {"QueueName"}:
                yield dimensions["QueueName"]
