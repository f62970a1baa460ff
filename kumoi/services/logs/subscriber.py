"""Handing envelopes of log events to subscribers: functions, streams of both kinds, what a destination stands for."""

from __future__ import annotations

import logging
from random import Random

import msgspec

from kumoi.delivery import Delivery, DeliveryFailed, Failure
from kumoi.doorway import Doorway, Principal
from kumoi.names import Arn
from kumoi.services.logs.destination_records import find_destination
from kumoi.services.logs.envelope import function_event

logger = logging.getLogger(__name__)


class Handover(msgspec.Struct, frozen=True):
    """What a delivery holds: the group's ARN and the stream, the filter as it was then, the envelope."""

    group: str
    stream: str
    destination: str
    role: str | None
    distribution: str
    content: bytes


encode = msgspec.msgpack.Encoder().encode


class Subscribers:
    """Calls subscribers as CloudWatch Logs, or in the role that a filter names."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._decode = msgspec.msgpack.Decoder(Handover).decode

    async def attempt(self, delivery: Delivery) -> None:
        """Hand a delivery over; raises what its target answers."""
        handover = self._decode(delivery.content)
        key = handover.stream if handover.distribution == "ByLogStream" else f"{Random(delivery.id).getrandbits(64):x}"
        await self.hand_over(
            handover.group, handover.destination, handover.role, handover.content, key or "-", delivery.account
        )

    async def hand_over(
        self, group: str, destination: str, role: str | None, content: bytes, key: str, account: str
    ) -> None:
        """Give an envelope to a destination; `group` is the ARN of the group it comes from."""
        arn = Arn.parse(destination)
        if arn.service == "logs":
            found = await find_destination(self._doorway.state.at(arn.account, arn.region), arn)
            arn, role, account = Arn.parse(found.target), found.role, arn.account
        source = f"logs:{Arn.parse(group).resource.removeprefix('log-group:')}"
        if arn.service == "lambda":
            caller = Principal.of_service(arn.account or account, "logs.amazonaws.com", source, f"{group}:*")
            event = {"FunctionName": str(arn), "InvocationType": "Event", "Payload": function_event(content)}
            await self._doorway.ask("lambda", "Invoke", event, caller, arn.region)
            return
        if arn.service in ("kinesis", "firehose"):
            caller = (
                Principal.of_service(arn.account or account, "logs.amazonaws.com", source, f"{group}:*")
                if role is None
                else Principal.of_role(arn.account or account, role, "CloudWatchLogs", source)
            )
            record: dict[str, object] = {"StreamARN": str(arn), "Data": content, "PartitionKey": key[:256]}
            if arn.service == "firehose":
                record = {"DeliveryStreamName": arn.resource.partition("/")[2], "Record": {"Data": content}}
            await self._doorway.ask(arn.service, "PutRecord", record, caller, arn.region)
            return
        raise DeliveryFailed("INVALID_PARAMETER", f"Kumoi does not send log events to {arn}.", retry=False)

    async def give_up(self, delivery: Delivery, failure: Failure) -> None:
        """Events that could not be delivered are left out, as at AWS."""
        handover = self._decode(delivery.content)
        logger.warning(
            "log events of %s were not sent to %s: %s", handover.group, handover.destination, failure.message
        )
