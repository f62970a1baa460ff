"""Notifications on their way: stored in the transaction of what they tell of, handed over once it has committed.

Each is a delivery of an outbox, tried again until its destination took it, so that none is lost at a crash. Those of
one key may overtake one another, as at AWS; their sequencers tell their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec
import orjson

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Outbox
from kumoi.doorway import NO_TRACE, Doorway, Principal, Trace
from kumoi.names import Arn, arn, uuid
from kumoi.services.s3.notification_events import Occasion, bridged, record, trial
from kumoi.services.s3.notification_rules import Subscription, subscriptions
from kumoi.services.s3.records import Bucket, ObjectVersion
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.settings import settings_of
from kumoi.state import Transaction
from kumoi.state.timers import TimerRunner

TOPIC = "s3.notification"
SUBJECT = "Amazon S3 Notification"
SERVICE = "s3.amazonaws.com"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery holds: a message for a destination, or (with `detail_type`) an event for EventBridge."""

    bucket: str
    destination: str
    body: str
    time: float
    trace: str = ""
    detail_type: str = ""


class Notifier:
    """Tells destinations of what happens in buckets. One of it belongs to a platform."""

    def __init__(self, doorway: Doorway, timers: TimerRunner, sequences: Sequences) -> None:
        self._doorway = doorway
        self._sequences = sequences
        self._decode = msgspec.msgpack.Decoder(Notice).decode
        self.outbox = Outbox(
            TOPIC,
            state=doorway.state,
            clock=doorway.clock,
            timers=timers,
            attempt=self._attempt,
            give_up=self._give_up,
        )

    async def tell(
        self,
        tx: Transaction,
        occasion: Occasion,
        bucket: Bucket,
        version: ObjectVersion,
        event: str,
        beside: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Store what is to be told of an event, in the event's own transaction at the bucket's home.

        `beside` are members of the record that this event alone has.
        """
        content = (await settings_of(tx, bucket)).get("Notification")
        if content is None:
            return
        wanted = [one for one in subscriptions(content) if one.wants(event, version.key)]
        to_bridge = content.get("EventBridgeConfiguration") is not None
        if not wanted and not to_bridge:
            return
        created = event.startswith("ObjectCreated:") or version.marker
        sequencer = f"{version.seq if created else await self._sequences.next(tx, bucket):018X}"
        notices = [_notice(occasion, bucket, version, event, one, sequencer, beside) for one in wanted]
        if to_bridge and (bridging := bridged(occasion, bucket, version, event, sequencer)) is not None:
            detail_type, detail = bridging
            bus = arn("events", bucket.region, bucket.account, "event-bus/default")
            notices.append(
                Notice(
                    bucket=bucket.name,
                    destination=bus,
                    body=orjson.dumps(detail).decode(),
                    time=occasion.time,
                    trace=occasion.trace,
                    detail_type=detail_type,
                )
            )
        await self._send(tx, bucket, notices)

    async def try_out(
        self, tx: Transaction, occasion: Occasion, bucket: Bucket, destinations: list[Subscription]
    ) -> None:
        """Send the test event to queues and topics that were configured."""
        body = orjson.dumps(trial(occasion, bucket.name)).decode()
        notices = [
            Notice(bucket=bucket.name, destination=one.arn, body=body, time=occasion.time)
            for one in destinations
            if one.service != "lambda"
        ]
        await self._send(tx, bucket, notices)

    async def _send(self, tx: Transaction, bucket: Bucket, notices: list[Notice]) -> None:
        deliveries = [
            Delivery(
                id=uuid(),
                account=bucket.account,
                region=bucket.region,
                lane=notice.destination,
                content=msgspec.msgpack.encode(notice),
                accepted=tx.now,
            )
            for notice in notices
        ]
        await self.outbox.accept(tx, deliveries)

    async def _attempt(self, delivery: Delivery) -> None:
        notice = self._decode(delivery.content)
        destination = Arn.parse(notice.destination)
        caller = Principal.of_service(
            destination.account, SERVICE, f"s3:{notice.bucket}", f"arn:aws:s3:::{notice.bucket}", delivery.account
        )
        trace = Trace.parse(notice.trace, notice.time) if notice.trace else NO_TRACE
        service, operation, params = _call(destination, notice)
        answer = await self._doorway.ask(service, operation, params, caller, destination.region, trace)
        if notice.detail_type and answer["FailedEntryCount"]:
            raise DeliveryFailed("ERROR_FROM_TARGET", str(answer["Entries"][0].get("ErrorMessage")), retry=True)

    async def _give_up(self, delivery: Delivery, failure: Failure) -> None:
        """S3 keeps nothing of what could not be delivered; the outbox has logged it."""


def _notice(
    occasion: Occasion,
    bucket: Bucket,
    version: ObjectVersion,
    event: str,
    to: Subscription,
    sequencer: str,
    beside: Mapping[str, Any],
) -> Notice:
    told = record(occasion, bucket, version, event, to.id, sequencer) | dict(beside)
    return Notice(
        bucket=bucket.name,
        destination=to.arn,
        body=orjson.dumps({"Records": [told]}).decode(),
        time=occasion.time,
        trace=occasion.trace,
    )


def _call(destination: Arn, notice: Notice) -> tuple[str, str, dict[str, object]]:
    """(service, operation, params) that hand a notice over."""
    if notice.detail_type:
        entry: dict[str, object] = {
            "Source": "aws.s3",
            "DetailType": notice.detail_type,
            "Detail": notice.body,
            "Resources": [arn("s3", "", "", notice.bucket)],
            "Time": datetime.fromtimestamp(notice.time, UTC),
        }
        if notice.trace:
            entry["TraceHeader"] = notice.trace
        return "events", "PutEvents", {"Entries": [entry]}
    if destination.service == "lambda":
        event: dict[str, object] = {
            "FunctionName": notice.destination,
            "InvocationType": "Event",
            "Payload": notice.body.encode(),
        }
        return "lambda", "Invoke", event
    if destination.service == "sns":
        published: dict[str, object] = {"TopicArn": notice.destination, "Message": notice.body, "Subject": SUBJECT}
        return "sns", "Publish", published
    message: dict[str, object] = {"QueueUrl": notice.destination, "MessageBody": notice.body}
    if notice.trace:
        header = {"DataType": "String", "StringValue": notice.trace}
        message["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return "sqs", "SendMessage", message
