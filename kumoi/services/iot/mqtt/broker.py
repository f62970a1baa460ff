"""The broker: who is connected, who subscribes to what, and the sessions that outlive connections.

A message goes through the doorway like one that comes over HTTPS, so rules see both, and subscribers get both. What a
persistent session is to get with QoS 1 is stored with the message, before the publisher is answered, and removed when
the client has acknowledged it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.iot_sql.rules import BASIC_INGEST, matches
from kumoi.services.iot.charging import connected, sent, subscribed
from kumoi.services.iot.custom_authorizers import Admitted
from kumoi.services.iot.mqtt import packets
from kumoi.services.iot.mqtt.admission import Admission, NotAdmitted, Shown, receiving
from kumoi.services.iot.mqtt.packets import Connect, Subscription
from kumoi.services.iot.mqtt.subscribers import SHARED, Subscribers
from kumoi.services.iot.records import Queued, Session, queued, retained, sessions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

if TYPE_CHECKING:
    from kumoi.services.iot.mqtt.connection import Connection
    from kumoi.services.iot.rule_engine import Message

logger = logging.getLogger(__name__)

WAITING_AT_ONCE = 50
"""Stored messages read for a client at once."""
EXPIRY = 3600
"""Seconds that a session of MQTT 3.1.1 outlives its connection."""
NOT_AUTHORIZED = 0x87
Place = tuple[str, str]


class Broker:
    """The connections and subscriptions of all places."""

    def __init__(self, doorway: Doorway, admission: Admission) -> None:
        self.clock = doorway.clock
        self._doorway = doorway
        self._admission = admission
        self._connections: dict[tuple[Place, str], Connection] = {}
        self._subscribers: dict[Place, Subscribers] = {}
        self._persistent: dict[Place, set[str]] = {}

    async def admit(self, connection: Connection, shown: Shown) -> Admitted | None:
        """Say who a client is, and ask whether it may connect; for how long, where an authorizer lets it in.

        Raises NotAdmitted, AwsError, CallDropped.
        """
        principal, region, admitted = await self._admission.principal(shown)
        await self._doorway.ask("iot-data", "MqttConnect", {"clientId": shown.client}, principal, region)
        self._let_in(connection, shown.client, principal, region)
        return admitted

    async def admit_again(self, connection: Connection, shown: Shown) -> Admitted:
        """Ask the authorizer of a client once more: its policies may have changed. Raises NotAdmitted."""
        admitted = await self._admission.authorized(shown)
        if admitted is None or (admitted.principal.account, admitted.principal.region) != connection.place:
            raise NotAdmitted("its authorizer is gone")
        self._let_in(connection, shown.client, admitted.principal, connection.place[1])
        return admitted

    def _let_in(self, connection: Connection, client: str, principal: Principal, region: str) -> None:
        connection.principal, connection.place = principal, (principal.account, region)
        connection.receiving = receiving(self._doorway, principal, region, client)

    async def connect(self, connection: Connection, hello: Connect) -> bool:
        """Take a client in; whether it has a session from before."""
        place, client = connection.place, connection.client
        older = self._connections.pop((place, client), None)
        if older is not None:
            await older.replaced()
        await self._load(place)
        persistent = not hello.clean if hello.level == 4 else bool(hello.properties.get("session_expiry"))
        expiry = EXPIRY if hello.level == 4 else min(int(hello.properties.get("session_expiry", 0)), 7 * 86_400)
        before = None
        if persistent or client in self._persistent[place]:
            before = await _open(self._state(place), client, hello.clean, expiry if persistent else None)
        subscribers = self._subscribers[place]
        if before is None:
            self._forget_subscriptions(place, client)
        else:
            connection.subscriptions = {topic: _subscription(topic, qos) for topic, qos in before.subscriptions.items()}
            for subscription in connection.subscriptions.values():
                subscribers.add(client, subscription)
        if persistent:
            self._persistent[place].add(client)
        else:
            self._persistent[place].discard(client)
        connection.persistent = persistent
        self._connections[place, client] = connection
        connection.since = self._doorway.clock.now()
        if not await self._admission.stands(connection.principal):
            connection.close(NOT_AUTHORIZED)
        return before is not None

    async def greet(self, connection: Connection) -> None:
        """Send a client that has come back what waits for it, and tell that it is there."""
        if connection.persistent:
            await connection.draw()
        await self._tell(connection, "presence/connected", {"eventType": "connected"})

    async def waiting(self, connection: Connection, after: int) -> list[Queued]:
        """The next stored messages of a client's session, behind those up to a number."""
        return await _waiting(self._state(connection.place), connection.client, after)

    async def may_subscribe(self, connection: Connection, topic_filter: str) -> None:
        """Ask whether a client may subscribe to a filter; raises AwsError and CallDropped."""
        params = {"topicFilter": topic_filter, "clientId": connection.client}
        await self._doorway.ask("iot-data", "MqttSubscribe", params, connection.principal, connection.place[1])

    async def subscribe(self, connection: Connection, subscriptions: list[Subscription]) -> None:
        """Subscribe; what topics retain follows."""
        place = connection.place
        fresh = [one.topic_filter for one in subscriptions if one.topic_filter not in connection.subscriptions]
        for one in subscriptions:
            connection.subscriptions[one.topic_filter] = one
            self._subscribers[place].add(connection.client, one)
        subscribed(self._doorway.charges, *place)
        await self._keep(connection)
        filters = [one.topic_filter for one in subscriptions]
        await self._tell(connection, "subscriptions/subscribed", {"eventType": "subscribed", "topics": filters})
        wanted = [
            one
            for one in subscriptions
            if not one.topic_filter.startswith(SHARED)
            and (one.retain_handling == 0 or (one.retain_handling == 1 and one.topic_filter in fresh))
        ]
        if wanted:
            for message in await self._state(place).run(retained.list):
                qos = [one.qos for one in wanted if matches(one.topic_filter, message.topic)]
                if qos and await connection.may_receive(message.topic):
                    connection.send(message.topic, message.payload, min(message.qos, max(qos)), retain=True)

    async def unsubscribe(self, connection: Connection, filters: list[str]) -> list[bool]:
        """Unsubscribe; for each filter whether it was subscribed to."""
        known = [one in connection.subscriptions for one in filters]
        for one in filters:
            connection.subscriptions.pop(one, None)
            self._subscribers[connection.place].remove(connection.client, one)
        await self._keep(connection)
        await self._tell(connection, "subscriptions/unsubscribed", {"eventType": "unsubscribed", "topics": filters})
        return known

    async def publish(self, connection: Connection, message: dict[str, Any]) -> None:
        """Publish a client's message; returns once what follows from it is stored."""
        params = {**message, "clientId": connection.client}
        await self._doorway.ask("iot-data", "MqttPublish", params, connection.principal, connection.place[1])

    async def gone(self, connection: Connection, *, said: bool) -> None:
        """A client has gone; without a word its will is published."""
        place, client = connection.place, connection.client
        connected(self._doorway.charges, *place, self._doorway.clock.now() - connection.since)
        current = self._connections.get((place, client)) is connection
        if current:
            del self._connections[place, client]
        if not said and connection.will is not None:
            will = connection.will
            message = {"topic": will.topic, "payload": will.payload, "qos": min(will.qos, 1), "retain": will.retain}
            try:
                await self.publish(connection, message)
            except (AwsError, CallDropped) as error:
                logger.warning("the will of %s could not be published: %s", client, error)
        if current and connection.persistent:
            await _leave(self._state(place), client)
        elif current:
            self._forget_subscriptions(place, client)
        reason = "CLIENT_INITIATED_DISCONNECT" if said else connection.ended_by or "CONNECTION_LOST"
        told = {"eventType": "disconnected", "clientInitiatedDisconnect": said, "disconnectReason": reason}
        await self._tell(connection, "presence/disconnected", told)

    async def acknowledge(self, connection: Connection, seqs: list[int]) -> None:
        """A client has stored messages."""
        await _acknowledge(self._state(connection.place), connection.client, seqs)

    # What is published, wherever it comes from

    async def route(
        self, account: str, region: str, message: Message, payloads: Sequence[bytes]
    ) -> tuple[list[Queued], list[dict[str, int]]]:
        """Who gets messages that differ in their payloads alone: what is to be stored for persistent sessions, and, for
        each message or all of them, the QoS for clients that are here."""
        place = (account, region)
        if message.topic.startswith(BASIC_INGEST):
            return [], []
        if place not in self._subscribers and not await _has_sessions(self._state(place)):
            return [], []
        await self._load(place)
        times = len(payloads) if self._subscribers[place].shares else 1
        found = [await self._receivers(place, message) for _ in range(times)]
        stored: list[Queued] = []
        if any(kept for kept, _ in found):
            for number, payload in enumerate(payloads):
                stored += [_queued(client, message, payload) for client in found[number % times][0]]
        receivers = sum(len(kept) + len(direct) for kept, direct in found) / times
        if receivers:
            sent(self._doorway.charges, account, region, message.topic, payloads, receivers)
        return stored, [direct for _, direct in found]

    async def _receivers(self, place: Place, message: Message) -> tuple[dict[str, int], dict[str, int]]:
        """The QoS for clients whose sessions store a message, and for others that are here."""
        kept: dict[str, int] = {}
        direct: dict[str, int] = {}
        for client, granted in self._subscribers[place].of(message.topic, message.client_id).items():
            qos = min(granted, message.qos)
            here = self._connections.get((place, client))
            if here is not None and here.receiving is not None and not await here.may_receive(message.topic):
                continue
            if qos and client in self._persistent[place]:
                kept[client] = qos
            elif here is not None:
                direct[client] = qos
        return kept, direct

    def send(
        self, account: str, region: str, message: Message, payloads: Sequence[bytes], direct: Sequence[dict[str, int]]
    ) -> None:
        """Send messages to clients that are here: `direct` says to which, each or all of them."""
        if len(direct) == 1:
            self._send(account, region, message, payloads, direct[0])
            return
        for payload, clients in zip(payloads, direct, strict=False):
            self._send(account, region, message, [payload], clients)

    def _send(
        self, account: str, region: str, message: Message, payloads: Sequence[bytes], clients: dict[str, int]
    ) -> None:
        encoded: dict[int, bytes] = {}
        for client, qos in clients.items():
            connection = self._connections.get(((account, region), client))
            if connection is None:
                continue
            if qos:
                for payload in payloads:
                    connection.send(message.topic, payload, qos, properties=_kept(message))
                continue
            level = connection.level
            if level not in encoded:
                encoded[level] = packets.publishes(message.topic, payloads, level, packets.as_sent(_kept(message)))
            connection.send_packets(encoded[level])

    async def reply(self, account: str, region: str, client: str, topic: str, payload: bytes) -> None:
        """Send a client, and nobody else, what it has asked for, if it is here and subscribes to the topic."""
        place = (account, region)
        connection = self._connections.get((place, client))
        qos = None if connection is None else self._subscribers[place].of(topic, None).get(client)
        if connection is not None and qos is not None and await connection.may_receive(topic):
            connection.send(topic, payload, qos)

    def send_stored(self, account: str, region: str, stored: list[Queued]) -> None:
        """Send stored messages to those of their clients that are here."""
        for one in stored:
            connection = self._connections.get(((account, region), one.client))
            if connection is not None and connection.persistent:
                connection.send_queued(one)

    async def expire(self, account: str, region: str, client: str) -> None:
        """A session's time is over."""
        place = (account, region)
        if (place, client) not in self._connections and place in self._subscribers:
            self._forget_subscriptions(place, client)
            self._persistent[place].discard(client)

    def turn_away(self, account: str, region: str, principal: str) -> None:
        """Close the connections of a principal."""
        for (place, _), connection in list(self._connections.items()):
            if place == (account, region) and connection.principal.arn == principal:
                connection.close(NOT_AUTHORIZED)

    async def stop(self) -> None:
        """Close every connection; persistent sessions stay."""
        for connection in list(self._connections.values()):
            connection.close(0x8B)
        self._connections.clear()

    def forget(self, account: str | None) -> None:
        """Close the connections of an account, or all."""
        for (place, client), connection in list(self._connections.items()):
            if account in (None, place[0]):
                del self._connections[place, client]
                connection.close(0x8B)
        for place in [place for place in self._subscribers if account in (None, place[0])]:
            del self._subscribers[place]
            del self._persistent[place]

    def _state(self, place: Place) -> Any:
        return self._doorway.state.at(*place)

    async def _load(self, place: Place) -> None:
        if place in self._subscribers:
            return
        listed = await self._state(place).run(sessions.list)
        subscribers = Subscribers()
        for session in listed:
            for topic, qos in session.subscriptions.items():
                subscribers.add(session.client, _subscription(topic, qos))
        if place not in self._subscribers:
            self._subscribers[place] = subscribers
            self._persistent[place] = {session.client for session in listed}

    def _forget_subscriptions(self, place: Place, client: str) -> None:
        self._subscribers[place].remove_all(client)

    async def _keep(self, connection: Connection) -> None:
        if connection.persistent:
            listed = {topic: one.qos for topic, one in connection.subscriptions.items()}
            await _subscribed(self._state(connection.place), connection.client, listed)

    async def _tell(self, connection: Connection, what: str, told: dict[str, Any]) -> None:
        event = {
            "clientId": connection.client,
            "timestamp": int(self._doorway.clock.now() * 1000),
            "sessionIdentifier": connection.session_id,
            "principalIdentifier": connection.principal.id,
            **told,
        }
        params = {
            "topic": f"$aws/events/{what}/{connection.client}",
            "payload": orjson.dumps(event),
            "clientId": None,
        }
        caller = Principal.of_service(connection.place[0], "iot.amazonaws.com", "iot")
        try:
            await self._doorway.ask("iot-data", "MqttPublish", params, caller, connection.place[1])
        except (AwsError, CallDropped) as error:
            logger.warning("an event of client %s could not be published: %s", connection.client, error)


def _subscription(topic: str, qos: int) -> Subscription:
    return Subscription(topic, qos)


def _queued(client: str, message: Message, payload: bytes) -> Queued:
    return Queued(client=client, seq=0, topic=message.topic, payload=payload, properties=_kept(message))


def _kept(message: Message) -> dict[str, Any]:
    """The properties that go on to subscribers."""
    found: packets.Properties = {
        name: value for name, value in message.properties.items() if name != "format_indicator"
    }
    if message.user_properties:
        found["user_properties"] = [list(pair) for pair in message.user_properties]
    return found


@transactional
async def _open(tx: Transaction, client: str, clean: bool, expiry: int | None) -> Session | None:
    """Open a client's session: the one from before, unless it starts clean or that one's time is over."""
    before = await sessions.get(tx, client)
    over = before is not None and before.left is not None and before.left + before.expiry <= tx.now
    if before is not None and (clean or over):
        await sessions.delete(tx, client)
        await queued.delete_all(tx, client)
        before = None
    tx.cancel_timer("iot.session", client)
    if expiry is None:
        if before is not None:
            await sessions.delete(tx, client)
            await queued.delete_all(tx, client)
        return before
    subscriptions = before.subscriptions if before else {}
    await sessions.put(tx, Session(client=client, expiry=expiry, subscriptions=subscriptions))
    return before


@transactional
async def _leave(tx: Transaction, client: str) -> None:
    session = await sessions.get(tx, client)
    if session is not None:
        await sessions.put(tx, msgspec.structs.replace(session, left=tx.now))
        tx.timer(tx.now + session.expiry, "iot.session", key=client)


@transactional
async def _subscribed(tx: Transaction, client: str, subscriptions: dict[str, int]) -> None:
    session = await sessions.get(tx, client)
    if session is not None:
        await sessions.put(tx, msgspec.structs.replace(session, subscriptions=subscriptions))


@transactional
async def _waiting(tx: Transaction, client: str, after: int) -> list[Queued]:
    return await queued.list(tx, client, after=(client, after), limit=WAITING_AT_ONCE)


@transactional
async def _acknowledge(tx: Transaction, client: str, seqs: list[int]) -> None:
    for seq in seqs:
        await queued.delete(tx, client, seq)


@transactional
async def _has_sessions(tx: Transaction) -> bool:
    return bool(await sessions.list(tx, limit=1))


@transactional
async def end_session(tx: Transaction, client: str) -> bool:
    """Remove a session whose time is over; False when its client has come back."""
    session = await sessions.get(tx, client)
    if session is None or session.left is None or session.left + session.expiry > tx.now:
        return False
    await sessions.delete(tx, client)
    await queued.delete_all(tx, client)
    return True
