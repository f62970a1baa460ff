"""The event on the default bus when a target has been scaled. Best effort, as on AWS.

Source: "Monitor Application Auto Scaling events using Amazon EventBridge".
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.services.application_autoscaling.records import Target
from kumoi.state import State
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

SERVICE = "application-autoscaling.amazonaws.com"


async def announce(
    doorway: Doorway, place: State, target: Target, before: int, after: int, start: float, status: str
) -> None:
    """Put the event on the bus; a bus that takes none is warned of."""
    now = doorway.clock.now()
    detail = {
        "startTime": _moment(start),
        "endTime": _moment(now),
        "newDesiredCapacity": after,
        "oldDesiredCapacity": before,
        "minCapacity": target.least,
        "maxCapacity": target.most,
        "resourceId": target.resource,
        "scalableDimension": target.dimension,
        "serviceNamespace": target.namespace,
        "statusCode": status,
        "scaledToMax": after == target.most,
        "direction": "scale-out" if after > before else "scale-in",
    }
    entry = {
        "Source": "aws.application-autoscaling",
        "DetailType": "Application Auto Scaling Scaling Activity State Change",
        "Resources": [],
        "Time": datetime.fromtimestamp(now, UTC),
        "Detail": orjson.dumps(detail).decode(),
    }
    arn = target.arn(place.account, place.region)
    caller = Principal.of_service(place.account, SERVICE, f"application-autoscaling:{target.resource}", arn)
    try:
        await doorway.ask("events", "PutEvents", {"Entries": [entry]}, caller, place.region)
    except (AwsError, CallDropped) as error:
        logger.warning("the scaling of %s is not announced: %r", target.resource, error)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
