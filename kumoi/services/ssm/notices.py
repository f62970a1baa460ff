"""What EventBridge is told: changes of parameters and the actions of their policies.

An event is stored in the transaction it tells of and handed over once that has committed, again after a crash.
Source: "Configuring EventBridge notifications for Parameter Store events" of the user guide.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Outbox
from kumoi.doorway import Doorway, Principal
from kumoi.names import uuid
from kumoi.services.ssm.naming import parameter_arn
from kumoi.services.ssm.records import Policy, Version
from kumoi.state import Transaction
from kumoi.state.timers import TimerRunner

CHANGE, POLICY_ACTION = "Parameter Store Change", "Parameter Store Policy Action"
SERVICE = "ssm.amazonaws.com"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery holds: an event about a parameter."""

    name: str
    detail_type: str
    detail: dict[str, Any]
    time: float


class Notices:
    """Tells EventBridge of what happens to parameters. One of it belongs to a platform."""

    def __init__(self, doorway: Doorway, timers: TimerRunner) -> None:
        self._doorway = doorway
        self._decode = msgspec.msgpack.Decoder(Notice).decode
        self.outbox = Outbox(
            "ssm.notice",
            state=doorway.state,
            clock=doorway.clock,
            timers=timers,
            attempt=self._attempt,
            give_up=self._give_up,
        )

    async def changed(self, tx: Transaction, version: Version, operation: str) -> None:
        """A parameter was created, updated, deleted or labelled."""
        detail = {"operation": operation, "name": version.name, "type": version.type}
        if version.description:
            detail["description"] = version.description
        await self._tell(tx, version.name, CHANGE, detail)

    async def acted(self, tx: Transaction, version: Version, policy: Policy) -> None:
        """A policy of a parameter has acted."""
        detail = {
            "parameter-name": version.name,
            "parameter-type": version.type,
            "policy-type": policy.type,
            "policy-content": policy.text,
            "action-status": "Success",
        }
        await self._tell(tx, version.name, POLICY_ACTION, detail)

    async def _tell(self, tx: Transaction, name: str, detail_type: str, detail: dict[str, Any]) -> None:
        notice = Notice(name=name, detail_type=detail_type, detail=detail, time=tx.now)
        delivery = Delivery(
            id=uuid(),
            account=tx.account,
            region=tx.region,
            lane=f"{tx.account}/{tx.region}",
            content=msgspec.msgpack.encode(notice),
            accepted=tx.now,
        )
        await self.outbox.accept(tx, [delivery])

    async def _attempt(self, delivery: Delivery) -> None:
        notice = self._decode(delivery.content)
        entry = {
            "Source": "aws.ssm",
            "DetailType": notice.detail_type,
            "Detail": orjson.dumps(notice.detail).decode(),
            "Resources": [parameter_arn(delivery.account, delivery.region, notice.name)],
            "Time": datetime.fromtimestamp(notice.time, UTC),
        }
        caller = Principal.of_service(delivery.account, SERVICE, f"ssm:{notice.name}")
        answer = await self._doorway.ask("events", "PutEvents", {"Entries": [entry]}, caller, delivery.region)
        if answer["FailedEntryCount"]:
            raise DeliveryFailed("ERROR_FROM_TARGET", str(answer["Entries"][0].get("ErrorMessage")), retry=True)

    async def _give_up(self, delivery: Delivery, failure: Failure) -> None:
        """Parameter Store keeps nothing of an event that could not be told; the outbox has logged it."""
