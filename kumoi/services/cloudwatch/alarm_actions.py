"""What follows a change of an alarm's state: its actions, and the event on the default bus. Durable, by an outbox.

Topics get a notification, functions an event, scaling policies the data points; what became of an action is in the
alarm's history. Policies are told each minute that the alarm stays in the state.
Source: "Alarm events and EventBridge", "Notify users on alarm changes", "Invoke a Lambda function from an alarm",
"Alarm actions", "SetAlarmState".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Outbox
from kumoi.doorway import Doorway, Principal
from kumoi.names import Arn, uuid
from kumoi.services.cloudwatch.alarm_history import note
from kumoi.services.cloudwatch.alarm_messages import event_detail, function_event, notification, scaling
from kumoi.services.cloudwatch.records import Alarm, StateValue
from kumoi.state import Transaction
from kumoi.state.timers import TimerRunner

SERVICE = "cloudwatch.amazonaws.com"
_OF_FUNCTIONS = "lambda.alarms.cloudwatch.amazonaws.com"
"""Who invokes functions for alarms, as their permissions name it."""

BUS = "events"
_SCALING = "autoscaling"
_MEMBERS: dict[StateValue, str] = {
    "OK": "OKActions",
    "ALARM": "AlarmActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}


class Told(msgspec.Struct, frozen=True):
    """What a delivery holds: an alarm after a change, what it was before, and whom to tell (an ARN, or the bus)."""

    alarm: Alarm
    before: StateValue
    before_reason: str
    target: str


class AlarmActions:
    """Carries out the actions of alarms."""

    def __init__(self, doorway: Doorway, timers: TimerRunner) -> None:
        self._doorway = doorway
        self._decode = msgspec.msgpack.Decoder(Told).decode
        self.outbox = Outbox(
            "cloudwatch.action",
            state=doorway.state,
            clock=doorway.clock,
            timers=timers,
            attempt=self._attempt,
            give_up=self._give_up,
        )

    async def changed(self, tx: Transaction, alarm: Alarm, before: Alarm) -> list[str]:
        """An alarm has another state: have it told in this transaction, and its actions follow. Their deliveries."""
        return await self._accept(tx, alarm, before, [BUS, *_actions(alarm)])

    async def stayed(self, tx: Transaction, alarm: Alarm) -> list[str]:
        """An alarm is in its state for another minute: scaling policies are told again. Their deliveries."""
        return await self._accept(tx, alarm, alarm, [one for one in _actions(alarm) if _scales(one)])

    async def _accept(self, tx: Transaction, alarm: Alarm, before: Alarm, targets: Iterable[str]) -> list[str]:
        deliveries = [
            Delivery(
                id=uuid(),
                account=tx.account,
                region=tx.region,
                lane=target,
                content=msgspec.msgpack.encode(Told(alarm, before.state, before.reason, target)),
                accepted=tx.now,
            )
            for target in targets
        ]
        await self.outbox.accept(tx, deliveries)
        return [one.id for one in deliveries]

    async def _attempt(self, delivery: Delivery) -> None:
        told = self._decode(delivery.content)
        await self._tell(delivery, told)
        await self._note(delivery, told, "Successfully executed", {"actionState": "Succeeded"})

    async def _tell(self, delivery: Delivery, told: Told) -> None:
        ask = self._doorway.ask
        place = (delivery.account, delivery.region)
        host = _OF_FUNCTIONS if ":lambda:" in told.target else SERVICE
        source = f"cloudwatch:{told.alarm.name}"
        caller = Principal.of_service(delivery.account, host, source, alarm_arn(*place, told.alarm.name))
        if told.target == BUS:
            entry = {
                "Source": "aws.cloudwatch",
                "DetailType": "CloudWatch Alarm State Change",
                "Resources": [alarm_arn(*place, told.alarm.name)],
                "Time": datetime.fromtimestamp(told.alarm.updated, UTC),
                "Detail": orjson.dumps(event_detail(told.alarm, told.before, told.before_reason)).decode(),
            }
            answer = await ask("events", "PutEvents", {"Entries": [entry]}, caller, delivery.region)
            if answer["FailedEntryCount"]:
                raise DeliveryFailed("ERROR_FROM_TARGET", str(answer["Entries"][0].get("ErrorMessage")), retry=True)
            return
        arn = Arn.parse(told.target)
        arn_of_alarm = alarm_arn(*place, told.alarm.name)
        if arn.service == "sns":
            subject = f'{told.alarm.state}: "{told.alarm.name}" in {delivery.region}'
            params: dict[str, Any] = {
                "TopicArn": told.target,
                "Subject": subject[:100],
                "Message": orjson.dumps(notification(told.alarm, told.before, arn_of_alarm, *place)).decode(),
            }
            await ask("sns", "Publish", params, caller, arn.region)
            return
        if arn.service == _SCALING:
            owner = Principal(delivery.account, f"arn:aws:iam::{delivery.account}:root", delivery.account, source)
            await ask("application-autoscaling", "ExecutePolicy", scaling(told.alarm, told.target), owner, arn.region)
            return
        event = function_event(told.alarm, told.before, told.before_reason, arn_of_alarm, *place)
        params = {"FunctionName": told.target, "InvocationType": "Event", "Payload": orjson.dumps(event)}
        await ask("lambda", "Invoke", params, caller, arn.region)

    async def _give_up(self, delivery: Delivery, failure: Failure) -> None:
        """Have it in the history that an action was not carried out."""
        told = self._decode(delivery.content)
        await self._note(delivery, told, "Failed to execute", {"actionState": "Failed", "error": failure.message})

    async def _note(self, delivery: Delivery, told: Told, verb: str, content: dict[str, Any]) -> None:
        if told.target != BUS:
            state = self._doorway.state.at(delivery.account, delivery.region)
            await note(state, told.alarm, "Action", f"{verb} action {told.target}", content)


def _actions(alarm: Alarm) -> list[str]:
    """The actions of the state that an alarm is in."""
    return list(alarm.definition.get(_MEMBERS[alarm.state]) or ()) if alarm.actions_enabled else []


def _scales(target: str) -> bool:
    return Arn.parse(target).service == _SCALING


def alarm_arn(account: str, region: str, name: str) -> str:
    """An alarm's ARN."""
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
