"""What data protection has found, told: a metric, and a record in the group that a policy sends findings to.

Told once, as metric filters are: what is refused is lost. What is found in such records is not told: two groups could
tell one another for ever. Source: "Audit findings reports" of the CloudWatch Logs user guide.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from kumoi.doorway import Call, Principal
from kumoi.services.logs.data_protection import Found
from kumoi.services.logs.rules import group_arn
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

HOST = "logs.amazonaws.com"
STREAM = "data-protection-findings"
_AT_ONCE = 1_000


async def tell(call: Call, group: str, to: Sequence[str], found: Sequence[Sequence[Found]], now: int) -> None:
    """Tell what was found in events of a group, also in the groups `to`."""
    if call.caller.arn == HOST:
        return
    caller = Principal.of_service(call.account, HOST, f"logs:{group}")

    async def ask(service: str, operation: str, params: dict[str, Any]) -> bool:
        try:
            await call.doorway.ask(service, operation, params, caller, call.region)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                logger.warning("findings in the log group %s were refused: %s", group, error)
                return False
        return True

    datum = {
        "MetricName": "LogEventsWithFindings",
        "Dimensions": [{"Name": "LogGroupName", "Value": group}],
        "Timestamp": now / 1000,
        "Value": float(len(found)),
    }
    await ask("cloudwatch", "PutMetricData", {"Namespace": "AWS/Logs", "MetricData": [datum]})
    where = group_arn(call.account, call.region, group)
    events = [{"timestamp": now, "message": report(where, one, now)} for one in found]
    for name in to:
        place = {"logGroupName": name, "logStreamName": STREAM}
        if name != group and await ask("logs", "CreateLogStream", place):
            for start in range(0, len(events), _AT_ONCE):
                await ask("logs", "PutLogEvents", {**place, "logEvents": events[start : start + _AT_ONCE]})


def report(where: str, found: Sequence[Found], now: int) -> str:
    """The findings in one event, as JSON; places are characters of it, from 1 on, both included."""
    return orjson.dumps(
        {
            "auditTimestamp": f"{datetime.fromtimestamp(now // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "resourceArn": f"{where}:*",
            "dataIdentifiers": [
                {
                    "name": one.name,
                    "count": len(one.spans),
                    "detections": [{"start": span.start + 1, "end": span.end} for span in one.spans],
                }
                for one in found
            ],
        }
    ).decode()
