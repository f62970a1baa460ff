"""What an experiment writes to its log group and its bucket: a record for each thing that began or ended (schema 2).

Source: "Experiment logging for AWS FIS". Records follow what is stored: a crash between the two loses those of one
step.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.names import hex_id
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
        """Write what has happened from one state of an experiment to the next; a place that is gone is warned of."""
        configured = after.template.logs
        if configured is None:
            return
        version = str(configured["logSchemaVersion"])
        records = [
            orjson.dumps(
                {
                    "id": after.id,
                    "log_type": kind,
                    "event_timestamp": _stamp(now),
                    "version": version,
                    "details": details,
                }
            )
            for kind, details in happened(place.account, place.region, before, after, now)
        ]
        if not records:
            return
        writers = {"cloudWatchLogsConfiguration": self._to_group, "s3Configuration": self._to_bucket}
        for member, write in writers.items():
            if configured.get(member) is None:
                continue
            try:
                await write(place, configured[member], before, after, now, records)
            except (AwsError, CallDropped) as error:
                logger.warning("the experiment %s cannot be logged to %s: %r", after.id, configured[member], error)

    async def _to_group(
        self,
        place: State,
        configured: Mapping[str, str],
        before: Experiment,
        after: Experiment,
        now: float,
        records: Sequence[bytes],
    ) -> None:
        group = configured["logGroupArn"].removesuffix(":*").partition(":log-group:")[2]
        named = {"logGroupName": group, "logStreamName": f"{after.template.id}/{after.id}"}
        events = [{"timestamp": int(now * 1000), "message": record.decode()} for record in records]
        caller = _caller(place, after)
        if before.resolved is None and before.started is None:
            await self._doorway.ask("logs", "CreateLogStream", dict(named), caller, place.region)
        await self._doorway.ask("logs", "PutLogEvents", {**named, "logEvents": events}, caller, place.region)

    async def _to_bucket(
        self,
        place: State,
        configured: Mapping[str, str],
        _before: Experiment,
        after: Experiment,
        now: float,
        records: Sequence[bytes],
    ) -> None:
        """One object a step: gzipped lines, in a folder a day."""
        day = datetime.fromtimestamp(now, UTC)
        where = f"AWSLogs/{place.account}/fis/{place.region}/{day:%Y/%m/%d}"
        name = f"{place.account}_fis_{place.region}_{after.id}_{day:%Y%m%dT%H%M%SZ}_{hex_id(8)}.log.gz"
        prefix = configured.get("prefix", "").strip("/")
        params = {
            "Bucket": configured["bucketName"],
            "Key": "/".join(filter(None, (prefix, where, name))),
            "Body": gzip.compress(b"\n".join(records) + b"\n", mtime=0),
            "ContentType": "application/gzip",
        }
        await self._doorway.ask("s3", "PutObject", params, _caller(place, after), place.region)


def _caller(place: State, experiment: Experiment) -> Principal:
    source = f"fis:{experiment.template.id}"
    return Principal.of_service(
        place.account, SERVICE, source, experiment_arn(place.account, place.region, experiment.id)
    )


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
