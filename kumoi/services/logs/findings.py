"""What data protection has found, told: a metric, and a report for each event where a policy sends findings to.

Told once, as metric filters are: what is refused is lost. What is found in such records is not told: two groups could
tell one another for ever. Source: "Audit findings reports" of the CloudWatch Logs user guide.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from kumoi.doorway import Call, CallDropped, Principal
from kumoi.names import uuid
from kumoi.services.logs.data_protection import Findings, Found
from kumoi.services.logs.rules import group_arn
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

HOST = "logs.amazonaws.com"
DELIVERY = "delivery.logs.amazonaws.com"
"""Who writes to buckets, as their policies say."""
STREAM = "data-protection-findings"
_AT_ONCE = 1_000
_MOST_RECORDS = 500


async def tell(call: Call, group: str, to: Sequence[Findings], found: Sequence[Sequence[Found]], now: int) -> None:
    """Tell what was found in events of a group, also where policies send them, `to`."""
    if call.caller.arn == HOST:
        return

    async def ask(service: str, operation: str, params: dict[str, Any], host: str = HOST) -> bool:
        caller = Principal.of_service(call.account, host, f"logs:{group}")
        try:
            await call.doorway.ask(service, operation, params, caller, call.region)
        except (AwsError, CallDropped) as error:
            if not isinstance(error, AwsError) or error.code != "ResourceAlreadyExistsException":
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
    reports = [report(where, one, now) for one in found]
    events = [{"timestamp": now, "message": one} for one in reports]
    for name in dict.fromkeys(one.group for one in to if one.group is not None):
        place = {"logGroupName": name, "logStreamName": STREAM}
        if name != group and await ask("logs", "CreateLogStream", place):
            for start in range(0, len(events), _AT_ONCE):
                await ask("logs", "PutLogEvents", {**place, "logEvents": events[start : start + _AT_ONCE]})
    records = [{"Data": f"{one}\n".encode()} for one in reports]
    for stream in dict.fromkeys(one.stream for one in to if one.stream is not None):
        for start in range(0, len(records), _MOST_RECORDS):
            put = {"DeliveryStreamName": stream, "Records": records[start : start + _MOST_RECORDS]}
            await ask("firehose", "PutRecordBatch", put)
    buckets = dict.fromkeys(one.bucket for one in to if one.bucket is not None)
    if buckets:
        body = await asyncio.to_thread(gzip.compress, "".join(f"{one}\n" for one in reports).encode())
        key = object_key(call.account, call.region, group, now)
        for bucket in buckets:
            await ask("s3", "PutObject", {"Bucket": bucket, "Key": key, "Body": body}, DELIVERY)


def object_key(account: str, region: str, group: str, now: int) -> str:
    """A new key for reports in a bucket: below what AWS's log deliveries have in common, by the hour."""
    moment = datetime.fromtimestamp(now // 1000, UTC)
    name = f"{group.strip('/').replace('/', '-')}_{uuid()}.json.gz"
    return f"AWSLogs/{account}/DataProtection/{region}/{moment:%Y/%m/%d/%H}/{name}"


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
