"""A function as the sink of an event source: batches are its events, its answers say what failed.

What was given up is told to the mapping's failure destination; a bucket gets the lost records, too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from kumoi.doorway import NO_TRACE, CallDropped, Doorway, Principal, Trace
from kumoi.event_sources import ALL, LostBatch, Outcome
from kumoi.event_sources.batch_result import failed_items
from kumoi.event_sources.sink import stamp
from kumoi.names import uuid
from kumoi.services.lambda_.destinations import Delivery, deliver
from kumoi.services.lambda_.event_sources.records import Mapping
from kumoi.services.lambda_.lookup import acting_for
from kumoi.services.lambda_.tracing import links_of
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

PROBLEM = "PROBLEM: Function call failed"


@dataclass(frozen=True, slots=True)
class FunctionSink:
    """Invokes `function_arn` with each batch; `node` is the source on the map.

    How the last batch of a mapping went is put into `results`, by the mapping's UUID.
    """

    doorway: Doorway = field(compare=False)
    results: dict[str, str] = field(compare=False)
    mapping: str
    account: str
    region: str
    function: str
    function_arn: str
    node: str
    reports_failures: bool
    on_failure: str | None

    service = "lambda.amazonaws.com"

    @classmethod
    def of(cls, doorway: Doorway, results: dict[str, str], mapping: Mapping) -> FunctionSink:
        """The sink of a mapping."""
        return cls(
            doorway,
            results,
            mapping.uuid,
            mapping.account,
            mapping.region,
            mapping.function,
            mapping.function_arn,
            mapping.source.node,
            mapping.reports_failures,
            mapping.on_failure,
        )

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function

    async def reader(self) -> Principal:
        """Lambda reads in the function's execution role."""
        return await acting_for(self.doorway.state, self.function_arn, self.node)

    async def take(self, event: dict[str, Any], identifiers: Sequence[str], trace: Trace | None = None) -> Outcome:
        """Invoke the function; what keeps it from running is no attempt."""
        params = {"FunctionName": self.function_arn, "Payload": orjson.dumps(event)}
        caller = Principal.of_service(self.account, self.service, self.node)
        try:
            answer = await self.doorway.ask(
                "lambda", "Invoke", params, caller, self.region, trace or NO_TRACE, attributes=links_of(event, trace)
            )
        except (AwsError, CallDropped) as error:
            logger.warning("%s could not be invoked for %s: %r", self.function, self.node, error)
            self.results[self.mapping] = PROBLEM
            return Outcome(ALL, counts=False)
        self.results[self.mapping] = PROBLEM if "FunctionError" in answer else "OK"
        if "FunctionError" in answer:
            return Outcome(ALL, payload=answer["Payload"], answer=answer)
        failed = failed_items(answer["Payload"], identifiers) if self.reports_failures else frozenset()
        return Outcome(failed, payload=answer["Payload"], answer=answer)

    async def lost(self, batch: LostBatch) -> None:
        """Tell the failure destination, if there is one."""
        if self.on_failure is None:
            return
        now = self.doorway.clock.now()
        body = loss_record(self.function_arn, batch, now, with_payload=":s3:" in self.on_failure)
        folder = f"aws/lambda/{batch.source.id}/{batch.shard}"
        delivery = Delivery("destination", self.on_failure, orjson.dumps(body), False, self.function_arn, folder=folder)
        await deliver(self.doorway, delivery, f"lambda:{self.function}", Trace.new(now), now)


def loss_record(function_arn: str, batch: LostBatch, now: float, *, with_payload: bool) -> dict[str, Any]:
    """The record for a failure destination."""
    told: dict[str, Any] = {
        "requestContext": {
            "requestId": uuid(),
            "functionArn": function_arn,
            "condition": batch.loss.condition,
            "approximateInvokeCount": batch.loss.attempts,
        },
        "version": "1.0",
        "timestamp": stamp(now),
        **batch.told(),
    }
    answer = batch.loss.answer
    if answer is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": answer["ExecutedVersion"]}
        if "FunctionError" in answer:
            context["functionError"] = answer["FunctionError"]
        told["responseContext"] = context
    if with_payload:
        told["payload"] = orjson.dumps({"Records": [record.event for record in batch.records]}).decode()
    return told
