"""Messages to actions: every rule that a message means is evaluated, and its actions are stored as deliveries.

The publisher is answered once they are stored; messages for a channel are put into it before that, all together. An
action that fails is tried again a few times; then the rule's error action gets the message and the reason.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Outbox, RetryPolicy
from kumoi.delivery.retry import failure_of
from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.iot_sql.rule_functions import Pending, World
from kumoi.iot_sql.rules import BASIC_INGEST, Rule, compiled_rule, matches
from kumoi.names import uuid
from kumoi.services.iot.actions import ActionJob, Actor, StoredWorld, resource_of, takes_many
from kumoi.services.iot.asking import ask
from kumoi.services.iot.charging import acted, triggered
from kumoi.services.iot.mqtt.broker import Broker
from kumoi.services.iot.records import Queued, Retained, TopicRule, queued, retained, rules
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

RETRIES = 2
AGE = 3600
MOST_ASKED = 16
MOST_HOPS = 8
"""Republished messages that start rules again."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A published message."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    client_id: str | None = None
    principal: str | None = None
    source_ip: str | None = None
    user_properties: list[tuple[str, str]] = []
    properties: dict[str, Any] = {}
    hops: int = 0


class Published:
    """Messages that differ in their payloads alone; what rules may want to know of one beside is made when asked."""

    def __init__(self, message: Message, payloads: Sequence[bytes], topic: str, now: float, account: str) -> None:
        self.message = message
        self.payloads = payloads
        self.topic = topic
        self._now = now
        self._account = account
        self._worlds: dict[int, World] = {}

    def world(self, number: int) -> World:
        """Where one of them came from."""
        found = self._worlds.get(number)
        if found is None:
            message = self.message
            found = self._worlds[number] = World(
                topic=self.topic,
                now=self._now,
                payload=self.payloads[number],
                account=self._account,
                client_id=message.client_id,
                principal=message.principal,
                source_ip=message.source_ip,
                trace_id=uuid(),
                user_properties=tuple((key, value) for key, value in message.user_properties),
                properties=message.properties,
            )
        return found


Results = list[tuple[int, bytes]]
"""What a rule makes of messages: the number of each that it does not drop, and what becomes of it."""


class RuleEngine:
    """The rules of all places, compiled, and their deliveries."""

    def __init__(self, doorway: Doorway, actor: Actor, broker: Broker) -> None:
        self.outbox: Outbox
        self.broker = broker
        self._doorway = doorway
        self._actor = actor
        self._rules: dict[tuple[str, str], list[tuple[TopicRule, Rule]]] = {}
        self._decode = msgspec.msgpack.Decoder(ActionJob).decode

    def changed(self, account: str, region: str) -> None:
        """The rules of a place are to be read anew."""
        self._rules.pop((account, region), None)

    async def forget(self, account: str | None) -> None:
        """Drop what is under way for an account, or for all."""
        self._rules = {place: found for place, found in self._rules.items() if account not in (None, place[0])}
        self.broker.forget(account)
        await self.outbox.forget(account)

    async def publish(
        self, account: str, region: str, message: Message, payloads: Sequence[bytes] | None = None
    ) -> None:
        """Take a message, or several that have these payloads; returns once what follows of them is stored."""
        topic, only = message.topic, None
        if topic.startswith(BASIC_INGEST):
            only, _, topic = topic.removeprefix(BASIC_INGEST).partition("/")
        payloads = payloads or [message.payload]
        published = Published(message, payloads, topic, self._doorway.clock.now(), account)
        deliveries: list[Delivery] = []
        for rule, compiled in await self._of(account, region):
            if rule.disabled or not (
                rule.name == only if only is not None else compiled.topic and matches(compiled.topic, topic)
            ):
                continue
            triggered(self._doorway.charges, account, region, rule.name, message.topic, payloads)
            results = await self._results(account, region, rule, compiled, published)
            for action in rule.actions if results else ():
                deliveries += await self._deliveries(account, region, rule, action, results, published)
        keep = None
        if message.retain and only is None:
            keep = msgspec.structs.replace(message, payload=payloads[-1])
        waiting, direct = await self.broker.route(account, region, message, payloads)
        if deliveries or keep is not None or waiting:
            await _store(self._doorway.state.at(account, region), self, deliveries, keep, waiting)
        self.broker.send(account, region, message, payloads, direct)

    async def _deliveries(
        self,
        account: str,
        region: str,
        rule: TopicRule,
        action: dict[str, Any],
        results: Results,
        published: Published,
    ) -> list[Delivery]:
        """What is left to do of an action: a delivery for each message, or none where it could be done at once.

        An action that stores messages itself is not stored before: that would store them twice. Where a fault is
        declared it waits its turn as the others do, so that no fault holds up a publisher.
        """
        if not takes_many(action):
            return [self._delivery(account, region, _job(rule, action, [one], published)) for one in results]
        job = _job(rule, action, results, published)
        if self._doorway.faults.concern(account):
            return [self._delivery(account, region, job)]
        try:
            await self._act(account, region, job)
        except Exception as error:  # noqa: BLE001  (whatever went wrong, the action failed)
            failure = failure_of(error)
            if failure.retry:
                return [self._delivery(account, region, job, attempts=1)]
            return [self._delivery(account, region, msgspec.structs.replace(job, failure=failure))]
        return []

    async def attempt(self, delivery: Delivery) -> None:
        """Do the action of a delivery; raises what it answers."""
        job = self._decode(delivery.content)
        if job.failure is not None:
            raise DeliveryFailed(job.failure.code, job.failure.message, retry=False)
        await self._act(delivery.account, delivery.region, job)

    async def _act(self, account: str, region: str, job: ActionJob) -> None:
        results = [job.payload, *(result for result, _ in job.together)]
        acted(self._doorway.charges, account, region, job.rule, results)
        await self._actor.act(account, region, job, self)

    async def give_up(self, delivery: Delivery, failure: Failure) -> None:
        """Have the rule's error action told, if it has one."""
        job = self._decode(delivery.content)
        if job.error_action is None:
            logger.warning("an action of rule %s failed: %s", job.rule, failure.message)
            return
        for original in (job.world.payload, *(payload for _, payload in job.together)):
            await self._tell(delivery, failure, job, job.error_action, original)

    async def _tell(
        self, delivery: Delivery, failure: Failure, job: ActionJob, action: dict[str, Any], original: bytes
    ) -> None:
        ((kind, settings),) = job.action.items()
        told = {
            "ruleName": job.rule,
            "topic": job.world.topic,
            "cloudwatchTraceId": job.world.trace_id,
            "clientId": job.world.client_id or "N/A",
            "base64OriginalPayload": base64.b64encode(original).decode(),
            "failures": [
                {
                    "failedAction": f"{kind[:1].upper()}{kind[1:]}Action",
                    "failedResource": resource_of(settings),
                    "errorMessage": failure.message,
                }
            ],
        }
        error = msgspec.structs.replace(job, action=action, payload=orjson.dumps(told), error_action=None, together=[])
        try:
            await self._actor.act(delivery.account, delivery.region, error, self)
        except (AwsError, CallDropped) as reason:
            logger.warning("the error action of rule %s failed: %s", job.rule, reason)

    async def _of(self, account: str, region: str) -> list[tuple[TopicRule, Rule]]:
        found = self._rules.get((account, region))
        if found is None:
            listed = await self._doorway.state.at(account, region).run(rules.list)
            found = self._rules[account, region] = [(rule, compiled_rule(rule.sql)) for rule in listed]
        return found

    async def _results(
        self, account: str, region: str, rule: TopicRule, compiled: Rule, published: Published
    ) -> Results:
        found: Results = []
        if compiled.worldly or compiled.patterns:
            for number in range(len(published.payloads)):
                result = await self._result(account, region, rule, compiled, published.world(number))
                if result is not None:
                    found.append((number, result))
            return found
        for number, payload in enumerate(published.payloads):
            try:
                result = compiled.result(payload)
            except Exception:
                logger.exception("rule %s cannot be evaluated for a message", rule.name)
                continue
            if result is not None:
                found.append((number, result))
        return found

    async def _result(self, account: str, region: str, rule: TopicRule, compiled: Rule, world: World) -> bytes | None:
        """What a rule makes of a message; what it needs of others is asked for, and it is evaluated again."""
        for _ in range(MOST_ASKED):
            try:
                if compiled.patterns:
                    return await asyncio.to_thread(compiled.result, world.payload, world)
                return compiled.result(world.payload, world)
            except Pending as pending:
                caller = Principal.of_service(account, "iot.amazonaws.com", f"iot:{rule.name}")
                world.known[pending.key] = await ask(self._doorway, caller, region, pending)
            except Exception:
                logger.exception("rule %s cannot be evaluated for a message", rule.name)
                return None
        logger.warning("rule %s asks others more than %d times for one message", rule.name, MOST_ASKED)
        return None

    def _delivery(self, account: str, region: str, job: ActionJob, attempts: int = 0) -> Delivery:
        ((kind, settings),) = job.action.items()
        return Delivery(
            id=uuid(),
            account=account,
            region=region,
            lane=f"{kind}/{resource_of(settings)}",
            content=msgspec.msgpack.encode(job),
            accepted=self._doorway.clock.now(),
            policy=RetryPolicy(RETRIES, AGE),
            attempts=attempts,
        )


def _job(rule: TopicRule, action: dict[str, Any], results: Results, published: Published) -> ActionJob:
    (number, result), *more = results
    return ActionJob(
        rule=rule.name,
        action=action,
        payload=result,
        world=StoredWorld.of(published.world(number)),
        error_action=rule.error_action,
        hops=published.message.hops,
        together=[(one, published.payloads[other]) for other, one in more],
    )


@transactional
async def _store(
    tx: Transaction, engine: RuleEngine, deliveries: list[Delivery], keep: Message | None, waiting: list[Queued]
) -> None:
    if keep is not None and not keep.payload:
        await retained.delete(tx, keep.topic)
    elif keep is not None:
        record = Retained(
            topic=keep.topic,
            payload=keep.payload,
            qos=keep.qos,
            updated=tx.now,
            user_properties=keep.user_properties,
        )
        await retained.put(tx, record)
    stored = [msgspec.structs.replace(one, seq=await tx.add(("iot.queued.seq",))) for one in waiting]
    for one in stored:
        await queued.put(tx, one)
    if stored:
        tx.on_commit(lambda: engine.broker.send_stored(tx.account, tx.region, stored))
    await engine.outbox.accept(tx, deliveries)
