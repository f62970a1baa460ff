"""What went wrong with a delivery, written where its stream logs errors.

Source: "Monitor Amazon Data Firehose using CloudWatch Logs" of the developer guide.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway
from kumoi.services.firehose.flow import Failed
from kumoi.services.firehose.records import DeliveryStream
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)


async def report(
    doorway: Doorway, stream: DeliveryStream, place: Mapping[str, Any], destination: str, failed: Failed
) -> None:
    """Write an error to the log stream of a place's settings, if it logs; a log that takes none is warned of."""
    settings = place["CloudWatchLoggingOptions"]
    if not settings.get("Enabled"):
        return
    told = {
        "deliveryStreamARN": stream.arn,
        "destination": destination or place.get("BucketARN") or place["EndpointConfiguration"]["Url"],
        "deliveryStreamVersionId": stream.version,
        "message": failed.message,
        "errorCode": failed.code,
    }
    where = {"logGroupName": settings["LogGroupName"], "logStreamName": settings["LogStreamName"]}
    events = [{"timestamp": int(doorway.clock.now() * 1000), "message": orjson.dumps(told).decode()}]
    caller = stream.acting(place.get("RoleARN"))
    try:
        await doorway.ask("logs", "CreateLogStream", where, caller, stream.region)
    except (AwsError, CallDropped) as error:
        if not isinstance(error, AwsError) or error.code != "ResourceAlreadyExistsException":
            logger.warning("firehose:%s logs no errors: %r", stream.name, error)
            return
    try:
        await doorway.ask("logs", "PutLogEvents", {**where, "logEvents": events}, caller, stream.region)
    except (AwsError, CallDropped) as error:
        logger.warning("firehose:%s logs no errors: %r", stream.name, error)
