"""Has events of mails told: to the destinations of configuration sets, and to the topics of identities. Durable.

What is to be told is stored in the transaction that accepts the mail and handed over once that has committed, again
after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Outbox
from kumoi.doorway import Doorway, Principal
from kumoi.names import Arn, arn, uuid
from kumoi.services.ses.events import DETAIL_TYPES, NAMES, event, notification
from kumoi.services.ses.records import ConfigurationSet, EventDestination, Identity
from kumoi.state import Transaction
from kumoi.state.timers import TimerRunner

SERVICE = "ses.amazonaws.com"
SUBJECT = "Amazon SES Email Event Notification"
_NOTIFIED = ("BOUNCE", "COMPLAINT", "DELIVERY")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery holds: an event of some type, where it goes (as the v2 API describes it), and who tells it."""

    kind: str
    event: dict[str, Any]
    target: dict[str, Any]
    source: str
    source_arn: str
    time: float


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a mail: `mail` and `told` as events have them. `node` is the sender on the map."""

    kind: str
    node: str
    mail: dict[str, Any]
    tags: dict[str, list[str]]
    told: dict[str, Any]


class Publisher:
    """Tells of what happens to mails. One of it belongs to a platform."""

    def __init__(self, doorway: Doorway, timers: TimerRunner) -> None:
        self._doorway = doorway
        self._decode = msgspec.msgpack.Decoder(Told).decode
        self.outbox = Outbox(
            "ses.event",
            state=doorway.state,
            clock=doorway.clock,
            timers=timers,
            attempt=self._attempt,
            give_up=self._give_up,
        )

    async def tell(
        self, tx: Transaction, what: Happened, configuration_set: ConfigurationSet | None, identity: Identity | None
    ) -> None:
        """Have it told in this transaction wherever it is wanted."""
        found: list[Told] = []
        if configuration_set is not None:
            own = arn("ses", tx.region, tx.account, f"configuration-set/{configuration_set.name}")
            document = event(what.kind, what.mail, what.tags, what.told)
            for one in configuration_set.destinations:
                if one.enabled and what.kind in one.types:
                    found.append(_told(what, document, one, own, tx.now))
        topic = "" if identity is None else identity.topics.get(NAMES[what.kind], "")
        if identity is not None and topic and what.kind in _NOTIFIED:
            headers = NAMES[what.kind] in identity.with_headers
            found.append(
                Told(
                    kind=what.kind,
                    event=notification(what.kind, what.mail, what.told, headers=headers),
                    target={"SnsDestination": {"TopicArn": topic}},
                    source=what.node,
                    source_arn=identity.arn,
                    time=tx.now,
                )
            )
        await self.outbox.accept(tx, [self._delivery(tx, one) for one in found])

    def _delivery(self, tx: Transaction, told: Told) -> Delivery:
        return Delivery(
            id=uuid(),
            account=tx.account,
            region=tx.region,
            lane=f"{tx.account}/{tx.region}/{next(iter(told.target), '')}",
            content=msgspec.msgpack.encode(told),
            accepted=tx.now,
        )

    async def _attempt(self, delivery: Delivery) -> None:
        told = self._decode(delivery.content)
        caller = Principal.of_service(delivery.account, SERVICE, told.source, told.source_arn)
        ask = self._doorway.ask
        text = orjson.dumps(told.event).decode()
        for kind, settings in told.target.items():
            if kind == "SnsDestination":
                topic = settings["TopicArn"]
                message = {"TopicArn": topic, "Subject": SUBJECT, "Message": text}
                await ask("sns", "Publish", message, caller, Arn.parse(topic).region)
            elif kind == "EventBridgeDestination":
                await self._to_bus(delivery, told, settings, caller)
            elif kind == "KinesisFirehoseDestination":
                stream = Arn.parse(settings["DeliveryStreamArn"])
                role = Principal.of_role(delivery.account, settings["IamRoleArn"], "ses", told.source)
                record = {
                    "DeliveryStreamName": stream.resource.rpartition("/")[2],
                    "Record": {"Data": f"{text}\n".encode()},
                }
                await ask("firehose", "PutRecord", record, role, stream.region)
            elif kind == "CloudWatchDestination":
                datum = _datum(told, settings.get("DimensionConfigurations") or ())
                await ask(
                    "cloudwatch",
                    "PutMetricData",
                    {"Namespace": "AWS/SES", "MetricData": [datum]},
                    caller,
                    delivery.region,
                )

    async def _to_bus(self, delivery: Delivery, told: Told, settings: Mapping[str, Any], caller: Principal) -> None:
        bus = str(settings.get("EventBusArn") or "default")
        entry = {
            "Source": "aws.ses",
            "DetailType": DETAIL_TYPES[told.kind],
            "Resources": [told.source_arn],
            "Time": datetime.fromtimestamp(told.time, UTC),
            "Detail": orjson.dumps(told.event).decode(),
            "EventBusName": bus,
        }
        region = Arn.parse(bus).region if bus.startswith("arn:") else delivery.region
        answer = await self._doorway.ask("events", "PutEvents", {"Entries": [entry]}, caller, region)
        if answer["FailedEntryCount"]:
            raise DeliveryFailed("ERROR_FROM_TARGET", str(answer["Entries"][0].get("ErrorMessage")), retry=True)

    async def _give_up(self, delivery: Delivery, failure: Failure) -> None:
        """SES keeps nothing of an event that could not be told; the outbox has logged it."""


def _told(what: Happened, document: dict[str, Any], to: EventDestination, source_arn: str, now: float) -> Told:
    return Told(kind=what.kind, event=document, target=to.target, source=what.node, source_arn=source_arn, time=now)


def _datum(told: Told, dimensions: Any) -> dict[str, Any]:
    """The metric of an event, with the dimensions that a destination asks for."""
    tags, headers = told.event["mail"]["tags"], told.event["mail"].get("headers") or []
    by_header = {one["name"].lower(): one["value"] for one in headers}
    link = told.event.get("click", {}).get("linkTags") or {}
    found = []
    for one in dimensions:
        name, source = one["DimensionName"], one["DimensionValueSource"]
        if source == "EMAIL_HEADER":
            value = by_header.get(name.lower())
        else:
            value = ((link if source == "LINK_TAG" else tags).get(name) or [None])[0]
        found.append({"Name": name, "Value": (value or one["DefaultDimensionValue"])[:1024]})
    return {
        "MetricName": NAMES[told.kind].replace(" ", ""),
        "Dimensions": found,
        "Timestamp": datetime.fromtimestamp(told.time, UTC),
        "Value": 1.0,
        "Unit": "Count",
    }
