"""What went wrong, for whoever looks: CloudWatch Logs where logging is on, and a channel for messages that were lost.

A pipeline with the tag `kumoi:deadLetterChannel` has them put into that channel, with the reason.
"""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.names import uuid
from kumoi.services.iotanalytics.activities.nesting import too_deep
from kumoi.services.iotanalytics.records import PipelineRecord, logging_options
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

GROUP = "/aws/iotanalytics"
DEAD_LETTERS = "kumoi:deadLetterChannel"
MOST_LINES = 100


class Reports:
    """Tells of what went wrong."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def passed(
        self,
        account: str,
        region: str,
        pipeline: PipelineRecord,
        wrong: Sequence[str],
        failed: Sequence[tuple[bytes, str]],
    ) -> None:
        """Tell of what went wrong in a pipeline."""
        reasons = dict.fromkeys(reason for _, reason in failed)
        await self.errors(account, region, f"pipelines/{pipeline.name}", [*wrong, *reasons])
        channel = pipeline.tags.get(DEAD_LETTERS)
        if channel and channel != pipeline.channel and failed:
            await self._dead_letters(account, region, pipeline.name, channel, failed)

    async def errors(self, account: str, region: str, stream: str, lines: Sequence[str]) -> None:
        """Write lines to a log stream, where logging is on."""
        if not lines:
            return
        options = await self._doorway.state.at(account, region).run(logging_options.get)
        if options is None or not options.enabled:
            return
        now = int(self._doorway.clock.now() * 1000)
        entries = [orjson.dumps({"logLevel": "ERROR", "eventName": stream, "message": line}) for line in lines]
        events = [{"timestamp": now, "message": entry.decode()} for entry in entries[:MOST_LINES]]
        caller = Principal.of_service(account, "iotanalytics.amazonaws.com", "iotanalytics")
        place = {"logGroupName": GROUP, "logStreamName": stream}
        try:
            await self._make(caller, region, "CreateLogGroup", {"logGroupName": GROUP})
            await self._make(caller, region, "CreateLogStream", place)
            await self._doorway.ask("logs", "PutLogEvents", {**place, "logEvents": events}, caller, region)
        except (AwsError, CallDropped) as error:
            logger.warning("errors of %s could not be logged: %s", stream, error)

    async def _make(self, caller: Principal, region: str, operation: str, params: dict[str, Any]) -> None:
        try:
            await self._doorway.ask("logs", operation, params, caller, region)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    async def _dead_letters(
        self, account: str, region: str, pipeline: str, channel: str, failed: Sequence[tuple[bytes, str]]
    ) -> None:
        caller = Principal.of_service(account, "iotanalytics.amazonaws.com", f"iotanalytics:{pipeline}")
        letters = [orjson.dumps({"pipeline": pipeline, "reason": why, **_shown(payload)}) for payload, why in failed]
        for at in range(0, len(letters), 100):
            messages = [{"messageId": uuid(), "payload": letter} for letter in letters[at : at + 100]]
            params = {"channelName": channel, "messages": messages}
            try:
                await self._doorway.ask("iotanalytics", "BatchPutMessage", params, caller, region)
            except (AwsError, CallDropped) as error:
                logger.warning("%d dead letters of %s could not be put: %s", len(messages), pipeline, error)


def _shown(payload: bytes) -> dict[str, Any]:
    with contextlib.suppress(orjson.JSONDecodeError):
        message = orjson.loads(payload)
        if not too_deep(payload, message):
            return {"payload": message}
    return {"payloadBase64": base64.b64encode(payload).decode()}
