"""What an experiment writes to its log group: a record for each thing that began or ended, in schema 2 of AWS.

Source: "Experiment logging for AWS FIS". Records follow what is stored: a crash between
the two loses those of one step.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from kumoi.doorway import Doorway, Principal
from kumoi.services.fis.records import ENDED, OVER, ActionRun, Experiment
from kumoi.services.fis.telling import experiment_arn
from kumoi.state import State
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

Record = tuple[str, dict[str, Any]]
SERVICE = "delivery.logs.amazonaws.com"


class Logbook:
    """Writes the records of experiments."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def write(self, place: State, before: Experiment, after: Experiment, now: float) -> None:
        """Write what has happened from one state of an experiment to the next; a group that is gone is warned of."""
        configured = (after.template.logs or {}).get("cloudWatchLogsConfiguration")
        if configured is None:
            return
        version = str((after.template.logs or {})["logSchemaVersion"])
        events = [
            {
                "timestamp": int(now * 1000),
                "message": orjson.dumps(
                    {
                        "id": after.id,
                        "log_type": kind,
                        "event_timestamp": _stamp(now),
                        "version": version,
                        "details": details,
                    }
                ).decode(),
            }
            for kind, details in happened(place.account, place.region, before, after, now)
        ]
        if not events:
            return
        group = str(configured["logGroupArn"]).removesuffix(":*").partition(":log-group:")[2]
        source = f"fis:{after.template.id}"
        caller = Principal.of_service(
            place.account, SERVICE, source, experiment_arn(place.account, place.region, after.id)
        )
        named = {"logGroupName": group, "logStreamName": f"{after.template.id}/{after.id}"}
        try:
            if before.resolved is None and before.started is None:
                await self._doorway.ask("logs", "CreateLogStream", dict(named), caller, place.region)
            await self._doorway.ask("logs", "PutLogEvents", {**named, "logEvents": events}, caller, place.region)
        except AwsError as error:
            logger.warning("the experiment %s cannot be logged to %s: %s", after.id, group, error)


def happened(account: str, region: str, before: Experiment, after: Experiment, now: float) -> Iterator[Record]:
    """The records of a step. Pure."""
    if before.started is None:
        details = {
            "experiment_template_id": after.template.id,
            "experiment_start_time": _stamp(after.started or now),
            "account_id": account,
        }
        yield "experiment-start", details
    if before.resolved is None and after.resolved is not None:
        yield from _resolved(after, now)
    known = {action.name: action for action in before.actions}
    for action in after.actions:
        was = known[action.name]
        if was.started is None and action.started is not None:
            yield "action-start", _told(action) | {"action_start_time": _stamp(action.started)}
        if action.status == "failed" and was.status != "failed":
            yield "action-error", _told(action) | {"error_information": action.reason}
        if action.status in OVER and was.status not in OVER and action.started is not None:
            yield "action-end", _told(action) | {"action_end_time": _stamp(action.ended or now)}
    if after.status in ENDED and before.status not in ENDED:
        state = {"status": after.status, "reason": after.reason}
        yield "experiment-end", {"experiment_end_time": _stamp(after.ended or now), "experiment_state": state}


def _resolved(after: Experiment, now: float) -> Iterator[Record]:
    for name, arns in sorted((after.resolved or {}).items()):
        named = {"target_name": name}
        yield "target-resolution-start", named | {"target_resolution_start_time": _stamp(now)}
        details = {
            "target_type": after.template.targets[name]["resourceType"],
            "page": 1,
            "total_pages": 1,
            "resolved_targets": [{"ARN": arn} for arn in arns],
        }
        yield "target-resolution-detail", named | details
        counts = {"resolved_targets_count": len(arns), "status": "completed"}
        yield "target-resolution-end", named | counts | {"target_resolution_end_time": _stamp(now)}


def _told(action: ActionRun) -> dict[str, Any]:
    return {
        "action_name": action.name,
        "action_id": action.definition["actionId"],
        "action_targets": action.definition.get("targets") or {},
        "parameters": action.definition.get("parameters") or {},
        "action_state": {"status": action.status, "reason": action.reason},
    }


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
