"""Messages to actions: every rule that a message means is evaluated, and its actions are stored as deliveries.

The publisher is answered once they are stored. An action that fails is tried again a few times; then the rule's error
action gets the message and the reason.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from kumoi.delivery import Delivery, Failure, Outbox, RetryPolicy
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

    async def publish(self, account: str, region: str, message: Message, more: Sequence[bytes] = ()) -> None:
        """Take a message, and others that have another payload alone; returns once what follows of them is stored."""
        topic, only = message.topic, None
        if topic.startswith(BASIC_INGEST):
            only, _, topic = topic.removeprefix(BASIC_INGEST).partition("/")
        messages = [message, *(msgspec.structs.replace(message, payload=payload) for payload in more)]
        deliveries: list[Delivery] = []
        meant = [
            (rule, compiled)
            for rule, compiled in await self._of(account, region)
            if not rule.disabled
            and (rule.name == only if only is not None else compiled.topic and matches(compiled.topic, topic))
        ]
        worlds = [self._world(account, topic, one) for one in messages] if meant else []
        for rule, compiled in meant:
            triggered(self._doorway.charges, account, region, rule.name, messages)
            results = []
            for world in worlds:
                result = await self._result(account, region, rule, compiled, world)
                if result is not None:
                    results.append((result, world))
            deliveries += [
                one for action in rule.actions for one in self._jobs(account, region, rule, action, results, message)
            ]
        keeps = message.retain and only is None
        waiting, direct = await self.broker.route(account, region, messages)
        if deliveries or keeps or waiting:
            await _store(
                self._doorway.state.at(account, region), self, deliveries, messages[-1] if keeps else None, waiting
            )
        self.broker.send(account, region, messages, direct)

    def _world(self, account: str, topic: str, message: Message) -> World:
        return World(
            topic=topic,
            now=self._doorway.clock.now(),
            payload=message.payload,
            account=account,
            client_id=message.client_id,
            principal=message.principal,
            source_ip=message.source_ip,
            trace_id=uuid(),
            user_properties=tuple((key, value) for key, value in message.user_properties),
            properties=message.properties,
        )

    def _jobs(
        self,
        account: str,
        region: str,
        rule: TopicRule,
        action: dict[str, Any],
        results: list[tuple[bytes, World]],
        message: Message,
    ) -> list[Delivery]:
        """The deliveries of an action: one for each message, or one for all where the action takes many at once."""
        if len(results) > 1 and takes_many(action):
            (first, world), *rest = results
            together = [(result, other.payload) for result, other in rest]
            return [self._delivery(account, region, rule, action, first, message, world, together)]
        return [self._delivery(account, region, rule, action, result, message, world) for result, world in results]

    async def attempt(self, delivery: Delivery) -> None:
        """Do the action of a delivery; raises what it answers."""
        job = self._decode(delivery.content)
        for payload in (job.payload, *(result for result, _ in job.together)):
            acted(self._doorway.charges, delivery.account, delivery.region, job.rule, payload)
        await self._actor.act(delivery.account, delivery.region, job, self)

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

    async def _result(self, account: str, region: str, rule: TopicRule, compiled: Rule, world: World) -> bytes | None:
        """What a rule makes of a message; what it needs of others is asked for, and it is evaluated again."""
        caller = Principal.of_service(account, "iot.amazonaws.com", f"iot:{rule.name}")
        for _ in range(MOST_ASKED):
            try:
                if "regexp" in rule.sql:
                    return await asyncio.to_thread(compiled.result, world)
                return compiled.result(world)
            except Pending as pending:
                world.known[pending.key] = await ask(self._doorway, caller, region, pending)
            except Exception:
                logger.exception("rule %s cannot be evaluated for a message", rule.name)
                return None
        logger.warning("rule %s asks others more than %d times for one message", rule.name, MOST_ASKED)
        return None

    def _delivery(
        self,
        account: str,
        region: str,
        rule: TopicRule,
        action: dict[str, Any],
        result: bytes,
        message: Message,
        world: World,
        together: list[tuple[bytes, bytes]] | None = None,
    ) -> Delivery:
        job = ActionJob(
            rule=rule.name,
            action=action,
            payload=result,
            world=StoredWorld.of(world),
            error_action=rule.error_action,
            hops=message.hops,
            together=together or [],
        )
        ((kind, settings),) = action.items()
        return Delivery(
            id=uuid(),
            account=account,
            region=region,
            lane=f"{kind}/{resource_of(settings)}",
            content=msgspec.msgpack.encode(job),
            accepted=self._doorway.clock.now(),
            policy=RetryPolicy(RETRIES, AGE),
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
