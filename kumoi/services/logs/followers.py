"""What follows when events have been stored: metrics out of them, deliveries to subscribers, live tails.

Deliveries are stored before PutLogEvents answers, so that a subscriber gets every acknowledged event at least once.
Metrics are put once; those that CloudWatch refuses are lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from kumoi.delivery import Delivery, Outbox
from kumoi.doorway import Call, Doorway, Principal
from kumoi.names import Arn, uuid
from kumoi.services.logs.embedded_metrics import MARK, metrics_in
from kumoi.services.logs.events import message_of
from kumoi.services.logs.filter_records import GroupFilters, MetricFilter, SubscriptionFilter, group_filters
from kumoi.services.logs.live_tails import LiveTails
from kumoi.services.logs.rules import Place, event_id, group_arn
from kumoi.services.logs.subscriber import Handover, encode
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_METRICS_AT_ONCE = 1_000


class Stored(NamedTuple):
    """Events of one stream that were stored; the first has `first_seq`, the others follow."""

    group: str
    stream: str
    events: Sequence[dict[str, Any]]
    first_seq: int
    now: int


class Followers:
    """Has stored events followed. `outbox` holds deliveries to subscribers."""

    def __init__(self, doorway: Doorway, outbox: Outbox, tails: LiveTails) -> None:
        self._doorway = doorway
        self._outbox = outbox
        self._tails = tails
        self._minutes: dict[tuple[str, str, str, str], int] = {}

    async def follow(self, call: Call, group: str, stored: Sequence[Stored]) -> None:
        """Do what follows when events of a group's streams were stored; returns once deliveries are durable."""
        for one in stored:
            self._tails.offer(call.account, call.region, one)
        messages = list(chain.from_iterable(map(message_of, one.events) for one in stored))
        if MARK in "\n".join(messages):
            found = await asyncio.to_thread(metrics_in, messages)
            for unit, errors in (("emf_unparsed", found.unparsed), ("emf_invalid", found.invalid)):
                if errors:
                    call.meter(unit, errors)
            for namespace, data in found.data.items():
                await self._put_metrics(call, group, namespace, data)
        filters = await group_filters.look(call.state, group)
        if filters is None:
            return
        for events in stored:
            for one_filter in filters.metrics.values():
                await self._measure(call, events, one_filter)
            if filters.subscriptions:
                await self._send(call, events, filters)

    async def forget(self, account: str | None) -> None:
        """Drop deliveries and what else is known of an account, or of all."""
        await self._outbox.forget(account)
        for key in [key for key in self._minutes if account in (None, key[0])]:
            del self._minutes[key]

    async def _measure(self, call: Call, stored: Stored, one: MetricFilter) -> None:
        from kumoi.services.logs.metric_filter import data_of, default_datum

        data, missed = await asyncio.to_thread(data_of, one, stored.events)
        change = one.transformation
        key = call.account, call.region, stored.group, one.name
        if change.default is not None:
            known = self._minutes.get(key, -1)
            data += [default_datum(change, minute) for minute in sorted(missed) if minute > known]
        if data:
            self._minutes[key] = max(int(datum["Timestamp"] * 1000) for datum in data)
            await self._put_metrics(call, stored.group, change.namespace, data)

    async def _put_metrics(self, call: Call, group: str, namespace: str, data: list[dict[str, Any]]) -> None:
        caller = Principal.of_service(call.account, "logs.amazonaws.com", f"logs:{group}")
        for at in range(0, len(data), _METRICS_AT_ONCE):
            params = {"Namespace": namespace, "MetricData": data[at : at + _METRICS_AT_ONCE]}
            try:
                await self._doorway.ask("cloudwatch", "PutMetricData", params, caller, call.region)
            except AwsError as error:
                logger.warning("metrics in the log group %s were refused: %s", group, error)

    async def _send(self, call: Call, stored: Stored, filters: GroupFilters) -> None:
        deliveries = await asyncio.to_thread(_deliveries, call.account, call.region, stored, filters)
        if deliveries:
            await self._doorway.state.at(call.account, call.region).run(self._outbox.accept, deliveries)


def _deliveries(account: str, region: str, stored: Stored, filters: GroupFilters) -> list[Delivery]:
    from kumoi.services.logs.envelope import envelopes

    found: list[Delivery] = []
    for one in filters.subscriptions.values():
        events = _matching(one, stored)
        if not events:
            continue
        for content in envelopes(account, stored.group, stored.stream, one.name, events):
            handover = Handover(
                group_arn(account, region, stored.group),
                stored.stream,
                one.destination,
                one.role,
                one.distribution,
                content,
            )
            found.append(
                Delivery(
                    id=uuid(),
                    account=account,
                    region=region,
                    lane=one.destination,
                    content=encode(handover),
                    accepted=stored.now / 1000,
                )
            )
    return found


def _matching(one: SubscriptionFilter, stored: Stored) -> list[dict[str, Any]]:
    from kumoi.services.logs.filter_pattern import parse  # at its first use: a platform starts without it

    pattern = parse(one.pattern)
    delimited = one.pattern.lstrip().startswith("[")
    found = []
    for number, event in enumerate(stored.events):
        match = pattern.match(event["message"])
        if match is not None:
            place = Place(event["timestamp"], stored.first_seq + number)
            told = {"id": event_id(place), "timestamp": event["timestamp"], "message": event["message"]}
            if delimited:
                told["extractedFields"] = {name[1:]: value for name, value in match.fields.items()}
            found.append(told)
    return found


def own_function(group: str, destination: Arn) -> bool:
    """Whether a group is the one that a function itself writes to: its events must not be sent to it."""
    name = destination.resource.removeprefix("function:").partition(":")[0]
    return destination.service == "lambda" and group == f"/aws/lambda/{name}"
