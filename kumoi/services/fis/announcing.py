"""The event on the default bus when an experiment has another state. Best effort, as on AWS.

Source: "Monitor AWS FIS experiments using Amazon EventBridge".
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.services.fis.records import Experiment
from kumoi.services.fis.telling import experiment_arn, moment
from kumoi.state import State
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

SERVICE = "fis.amazonaws.com"
_STOPPING = {"status": "stopping", "reason": "Experiment is stopping."}


async def announce(doorway: Doorway, place: State, before: Experiment, after: Experiment, now: float) -> None:
    """Put the events of a step on the bus; a bus that takes none is warned of."""
    arn = experiment_arn(place.account, place.region, after.id)
    entries = [
        {
            "Source": "aws.fis",
            "DetailType": "FIS Experiment State Change",
            "Resources": [arn],
            "Time": moment(now),
            "Detail": orjson.dumps(detail).decode(),
        }
        for detail in details(before, after)
    ]
    if not entries:
        return
    caller = Principal.of_service(place.account, SERVICE, f"fis:{after.template.id}", arn)
    try:
        await doorway.ask("events", "PutEvents", {"Entries": entries}, caller, place.region)
    except (AwsError, CallDropped) as error:
        logger.warning("the states of experiment %s are not announced: %r", after.id, error)


def details(before: Experiment, after: Experiment) -> Iterator[dict[str, Any]]:
    """The details of a step's events. That an experiment is stopping is told of with that it has stopped."""
    if before.status == after.status:
        return
    named = {"experiment-id": after.id, "experiment-template-id": after.template.id}
    old, new = _state(before), _state(after)
    if before.status == "stopping":
        was = "initiating" if before.resolved is None else "running"
        first = {"status": was, "reason": f"Experiment is {was}."}
        yield {**named, "new-state": _STOPPING, "old-state": first}
        old = _STOPPING
    yield {**named, "new-state": new, "old-state": old}


def _state(one: Experiment) -> dict[str, str]:
    return {"status": one.status, "reason": one.reason}
