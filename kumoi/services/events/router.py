"""From an event to its deliveries: rules that match, archives that keep it, one stored delivery for each target."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from kumoi.clock import Clock
from kumoi.delivery import Delivery, Outbox, RetryPolicy
from kumoi.lake import Lake
from kumoi.names import uuid
from kumoi.services.events import archive_log
from kumoi.services.events.event import Event
from kumoi.services.events.naming import BusPlace, rule_arn
from kumoi.services.events.records import Rule
from kumoi.services.events.rule_index import ListeningRule, RuleIndexes
from kumoi.state import State, Transaction

logger = logging.getLogger(__name__)


class Handover(msgspec.Struct, frozen=True):
    """What a delivery holds: the rule, its target as it was then, and the event as JSON.

    `trace` is the header of the sender's trace, `hops` counts the buses that the event came through before this one,
    `ingested` is when the bus got it (epoch seconds).
    """

    rule: str
    rule_arn: str
    target: dict[str, Any]
    event: bytes
    trace: str
    hops: int
    ingested: float


class Arrival(NamedTuple):
    """An event on a bus. `only` are the ARNs of the rules it may meet, None when it may meet all."""

    place: BusPlace
    event: Event
    trace: str = ""
    hops: int = 0
    only: Sequence[str] | None = None


class Router:
    """Sends events to the targets of the rules they match."""

    def __init__(self, state: State, lake: Lake, clock: Clock, indexes: RuleIndexes, outbox: Outbox) -> None:
        self.outbox = outbox
        self._state = state
        self._lake = lake
        self._clock = clock
        self._indexes = indexes

    async def receive(self, arrivals: Sequence[Arrival]) -> list[str]:
        """Take events; once this returns they are archived and will be delivered. Answers the deliveries' ids.

        An event for a bus that does not exist is dropped.
        """
        matched: list[tuple[Arrival, list[ListeningRule]]] = []
        kept: list[dict[str, Any]] = []
        now = self._clock.now()
        indexes = {}
        for place in {arrival.place for arrival in arrivals}:
            indexes[place] = await self._indexes.of(self._state.at(place.account, place.region), place.name)
        for arrival in arrivals:
            index = indexes[arrival.place]
            if index is None:
                logger.warning("an event for the bus %s, which does not exist, is dropped", arrival.place.arn)
                continue
            document = arrival.event.document()
            listening = index.matching(document)
            if arrival.only is not None:
                listening = [one for one in listening if _arn(arrival.place, one.rule) in arrival.only]
            if listening:
                matched.append((arrival, listening))
            if arrival.event.replay is None:
                takers = [one.archive for one in index.archives if one.takes(document)]
                kept.extend(archive_log.row(archive, arrival.place, arrival.event, now) for archive in takers)
        if kept:
            await self._lake.append(archive_log.TABLE.name, kept)
        return await self._state.run(self._send_all, matched) if matched else []

    async def send(
        self,
        tx: Transaction,
        event: Event,
        rule: Rule,
        targets: Sequence[dict[str, Any]],
        trace: str = "",
        hops: int = 0,
    ) -> list[str]:
        """Store a delivery of an event to each target of a rule of the transaction's place; answers their ids."""
        arn, content = rule_arn(tx.account, tx.region, rule.bus, rule.name), event.json()
        deliveries = [
            Delivery(
                id=uuid(),
                account=tx.account,
                region=tx.region,
                lane=target["Arn"],
                content=msgspec.msgpack.encode(Handover(rule.name, arn, target, content, trace, hops, tx.now)),
                accepted=tx.now,
                policy=_policy(target.get("RetryPolicy", {})),
            )
            for target in targets
        ]
        await self.outbox.accept(tx, deliveries)
        return [delivery.id for delivery in deliveries]

    async def _send_all(self, tx: Transaction, matched: list[tuple[Arrival, list[ListeningRule]]]) -> list[str]:
        sent = []
        for arrival, listening in matched:
            place = tx.at(arrival.place.account, arrival.place.region)
            for one in listening:
                sent += await self.send(place, arrival.event, one.rule, one.targets, arrival.trace, arrival.hops)
        return sent


def _arn(place: BusPlace, rule: Rule) -> str:
    return rule_arn(place.account, place.region, rule.bus, rule.name)


def _policy(given: dict[str, int]) -> RetryPolicy:
    return RetryPolicy(given.get("MaximumRetryAttempts", 185), given.get("MaximumEventAgeInSeconds", 86_400))
