"""A pipe as the sink of its source: form, enrichment, form again, target."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from kumoi.delivery import DeliveryFailed, Payload, make_calls, target_calls
from kumoi.doorway import CallDropped, ChargeKey, Doorway, Principal, Trace
from kumoi.event_sources import ALL, LostBatch, Outcome
from kumoi.event_sources.batch_result import failed_items
from kumoi.event_sources.sink import stamp
from kumoi.names import Arn, uuid
from kumoi.services.pipes.enrichment import enriched
from kumoi.services.pipes.records import Pipe, acting
from kumoi.services.pipes.target import Failed, Target
from kumoi.services.pipes.templates import rendered
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

UNIT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class PipeSink:
    """Takes the batches of one pipe."""

    doorway: Doorway = field(compare=False)
    pipe: Pipe

    @property
    def name(self) -> str:
        """The pipe's name."""
        return self.pipe.name

    async def reader(self) -> Principal:
        """The pipe reads in its role."""
        return acting(self.pipe)

    async def take(self, event: dict[str, Any], identifiers: Sequence[str], trace: Trace | None = None) -> Outcome:
        """Pass a batch through the pipe."""
        pipe, records = self.pipe, event["Records"]
        self._charge(len(orjson.dumps(records)))
        facts = self._facts()
        try:
            if pipe.enrichment is not None:
                template = pipe.enrichment_parameters.get("InputTemplate")
                records = await enriched(self.doorway, pipe, [rendered(template, record, facts) for record in records])
                if not records:
                    return Outcome(frozenset())
            template = pipe.target_parameters.get("InputTemplate")
            formed = [rendered(template, record, facts) for record in records]
            answer = await Target(self.doorway, pipe).hand_over(formed)
        except (AwsError, CallDropped, DeliveryFailed, Failed, ValueError) as error:
            logger.warning("pipe %s: %r", pipe.name, error)
            return Outcome(ALL)
        if isinstance(answer, bytes):
            return Outcome(_named(answer, identifiers))
        if not answer:
            return Outcome(frozenset())
        same = len(formed) == len(identifiers)
        return Outcome(frozenset(identifiers[at] for at in answer)) if same else Outcome(ALL)

    def _charge(self, size: int) -> None:
        """Note a batch that came through the filter: a request for each 64 KB."""
        key = ChargeKey(self.pipe.account, self.pipe.region, "", f"pipes:{self.pipe.name}", "pipes", "Batch")
        self.doorway.charges.add(key, pipe_requests=-(-size // UNIT_BYTES))

    async def lost(self, batch: LostBatch) -> None:
        """Tell the dead-letter queue or topic of the source, if there is one."""
        target = self.pipe.dead_letters
        if target is None:
            return
        now = self.doorway.clock.now()
        body = {
            "context": {"partnerResourceArn": self.pipe.arn, "condition": batch.loss.condition},
            "version": "1.0",
            "timestamp": stamp(now),
            **batch.told(),
        }
        arn = Arn.parse(target)
        calls = target_calls(arn, Payload(orjson.dumps(body).decode(), uuid(), now))
        await make_calls(self.doorway, calls, acting(self.pipe), arn.region or self.pipe.region)

    def _facts(self) -> Mapping[str, Any]:
        pipe = self.pipe
        now = datetime.fromtimestamp(self.doorway.clock.now(), UTC)
        return {
            "aws.pipes.pipe-arn": pipe.arn,
            "aws.pipes.pipe-name": pipe.name,
            "aws.pipes.source-arn": pipe.source,
            "aws.pipes.enrichment-arn": pipe.enrichment or "",
            "aws.pipes.target-arn": pipe.target,
            "aws.pipes.event.ingestion-time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _named(answer: bytes, identifiers: Sequence[str]) -> frozenset[str] | None:
    """What a function's answer says failed; an answer that does not speak of failures is a success."""
    try:
        found = orjson.loads(answer or b"null")
    except orjson.JSONDecodeError:
        return frozenset()
    if not isinstance(found, dict) or "batchItemFailures" not in found:
        return frozenset()
    return failed_items(answer, identifiers)
