"""One client's connection: packets in, one after the other; packets out, with QoS 1 acknowledged.

As AWS: QoS 2 ends the connection, subscriptions get QoS 1 at most, eight filters a SUBSCRIBE, a keep-alive of at most
twenty minutes, at most a hundred messages unacknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from typing import Any, cast

from kumoi.doorway import CallDropped, Principal
from kumoi.iot_sql import SqlError
from kumoi.iot_sql.rules import check_filter
from kumoi.names import uuid
from kumoi.services.iot.mqtt import packets
from kumoi.services.iot.mqtt.admission import Handshake, NotAdmitted, Receiving, Shown
from kumoi.services.iot.mqtt.broker import Broker
from kumoi.services.iot.mqtt.lease import lasting
from kumoi.services.iot.mqtt.packets import Malformed, Publish, Subscription, Will
from kumoi.services.iot.mqtt.subscribers import SHARED
from kumoi.services.iot.naming import MOST_SLASHES, MOST_TOPIC
from kumoi.services.iot.records import Queued
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

MOST_BYTES = 160 * 1024
MOST_FILTERS = 8
MOST_INFLIGHT = 100
MOST_WAITING = 512
AT_A_TIME, TOGETHER = 16, 200
"""What is done for one client before others have their turn: so many times a packet, or packets that are alike."""
MOST_UNSENT = 8 << 20
"""Bytes that wait in memory for a client; beyond them what is stored waits in state, the rest is not kept."""
MOST_ALIASES = 8
MAX_KEEP_ALIVE, HELLO_SECONDS = 1200, 30.0
NOT_AUTHORIZED = {4: 5, 5: 0x87}


class Goodbye(Exception):
    """The connection ends; `said` when the client meant it, `reason` is MQTT 5's code."""

    def __init__(self, reason: int = 0, *, said: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.said = said


class Connection(asyncio.Protocol):
    """The protocol of one accepted connection.

    `handshake` is the WebSocket's, if it is one; `ended_by` the reason of presence events, where the client goes
    neither by itself nor by an accident.
    """

    def __init__(self, broker: Broker, handshake: Handshake | None = None) -> None:
        self._broker = broker
        self._handshake = handshake
        self._lease: asyncio.Task[None] | None = None
        self._buffer = bytearray()
        self._needed = 2
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._arrived = asyncio.Event()
        self._level = 4
        self._keep_alive = HELLO_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._lost = False
        self._paused = False
        self._next_id = 0
        self._inflight: dict[int, int | None] = {}
        self._unsent: deque[tuple[Publish, int | None]] = deque()
        self._unsent_bytes = 0
        self._drawn = 0
        self._behind = True
        self._missed = False
        self._most_inflight = MOST_INFLIGHT
        self._aliases: dict[int, str] = {}
        self.place: tuple[str, str] = ("", "")
        self.client = ""
        self.since = 0.0
        self.session_id = uuid()
        self.ended_by = ""
        self.principal = Principal.root("")
        self.receiving: Receiving | None = None
        self.persistent = False
        self.will: Will | None = None
        self.subscriptions: dict[str, Subscription] = {}

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._heard()
        self._task = self._loop.create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        self._heard()
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        try:
            found, taken, self._needed = packets.frames(data, MOST_BYTES)
        except Malformed:
            self.close(0x81)
            return
        if taken < len(data):
            self._buffer += data[taken:]
        self._waiting += found
        if len(self._waiting) > MOST_WAITING and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._arrived.set()

    def connection_lost(self, _error: Exception | None) -> None:
        """The connection is gone."""
        self._lost = True
        self._arrived.set()
        if self._timer is not None:
            self._timer.cancel()

    async def ended(self) -> None:
        """Return once the broker knows that the connection is gone."""
        if self._task is not None:
            await asyncio.wait([self._task])

    # The broker's side

    def close(self, reason: int = 0) -> None:
        """End the connection."""
        if not self._lost and not self._transport.is_closing():
            if self._level == 5 and self.client and reason:
                self._write(packets.disconnected(reason))
            self._transport.close()

    def _write(self, content: bytes) -> None:
        """Send bytes; nothing where the client has gone."""
        if not self._lost and not self._transport.is_closing():
            self._transport.write(content)

    async def replaced(self) -> None:
        """Another connection has the same client id: this one ends."""
        self.close(0x8E)

    def send(
        self, topic: str, payload: bytes, qos: int, *, retain: bool = False, properties: dict[str, Any] | None = None
    ) -> None:
        """Send a message that is not stored; QoS 0 is dropped for a client that does not read."""
        message = Publish(topic, payload, qos, retain, properties=packets.as_sent(properties))
        if qos:
            self._later(message, None)
            if self._unsent_bytes > MOST_UNSENT:
                logger.warning("client %s lets %d messages wait: it is cut off", self.client, len(self._unsent))
                self._unsent.clear()
                self._unsent_bytes = 0
                self.close(0x97)
        else:
            self.send_packets(packets.publish(message, self._level))

    @property
    def level(self) -> int:
        """The version of MQTT: 4 (3.1.1) or 5."""
        return self._level

    def send_packets(self, encoded: bytes) -> None:
        """Send packets that nobody acknowledges; they are dropped for a client that does not read."""
        closed = self._lost or self._transport.is_closing()
        if not closed and self._transport.get_write_buffer_size() < MOST_UNSENT:
            self._write(encoded)

    def send_queued(self, one: Queued) -> None:
        """Send a message just stored, which is removed once it is acknowledged; one that is behind draws it later."""
        if self._behind or self._unsent_bytes > MOST_UNSENT:
            self._behind = self._missed = True
            return
        self._send_stored(one)

    async def may_receive(self, topic: str) -> bool:
        """Whether the client's policies let it have messages of a topic."""
        return self.receiving is None or await self.receiving.allows(topic)

    async def draw(self) -> None:
        """Send what is stored, page by page and as far as the client acknowledges it."""
        self._behind = True
        while not self._lost and self._unsent_bytes <= MOST_UNSENT:
            self._missed = False
            page = await self._broker.waiting(self, self._drawn)
            for one in page:
                if await self.may_receive(one.topic):
                    self._send_stored(one)
                else:
                    self._drawn = one.seq
                    await self._broker.acknowledge(self, [one.seq])
            if not page and not self._missed:
                self._behind = False
                return

    def _send_stored(self, one: Queued) -> None:
        self._drawn = one.seq
        self._later(Publish(one.topic, one.payload, 1, properties=packets.as_sent(one.properties)), one.seq)

    def _later(self, message: Publish, seq: int | None) -> None:
        self._unsent.append((message, seq))
        self._unsent_bytes += len(message.payload)
        self._pump()

    def _pump(self) -> None:
        while self._unsent and len(self._inflight) < self._most_inflight and not self._lost:
            message, seq = self._unsent.popleft()
            self._unsent_bytes -= len(message.payload)
            self._next_id = self._next_id % 65_535 + 1
            while self._next_id in self._inflight:
                self._next_id = self._next_id % 65_535 + 1
            self._inflight[self._next_id] = seq
            self._write(packets.publish(replace(message, packet_id=self._next_id), self._level))

    # Packets in their order

    async def _run(self) -> None:
        said, greeted = False, False
        try:
            greeted = await self._hello()
            taken = 0
            while greeted:
                taken += await self._packet(*await self._next())
                if taken >= AT_A_TIME:
                    taken = 0
                    await asyncio.sleep(0)
        except Goodbye as goodbye:
            said = goodbye.said
            self.close(goodbye.reason)
        except CallDropped:
            self.close()
        except Malformed as error:
            logger.info("client %s sent no packet: %s", self.client or "?", error)
            self.close(0x81)
        except Exception:
            logger.exception("the connection of client %s failed", self.client or "?")
            self.close(0x80)
        finally:
            if self._lease is not None:
                self._lease.cancel()
            if greeted:
                await self._broker.gone(self, said=said)
            self.close()

    async def _next(self) -> tuple[int, bytes]:
        while not self._waiting:
            if self._lost:
                raise Goodbye
            self._arrived.clear()
            await self._arrived.wait()
        found = self._waiting.popleft()
        if self._paused and len(self._waiting) < MOST_WAITING // 2 and not self._lost:
            self._paused = False
            self._transport.resume_reading()
        return found

    async def _hello(self) -> bool:
        """The CONNECT; whether the client was taken in."""
        first, body = await self._next()
        if first >> 4 != packets.CONNECT:
            raise Malformed("a client begins with CONNECT")
        hello = packets.read_connect(body)
        self._level = hello.level
        if hello.will is not None and hello.will.qos > 1:
            raise Malformed("QoS 2 is not spoken here")
        properties: packets.Properties = {}
        client = hello.client_id
        if not client:
            if hello.level == 4 and not hello.clean:
                self._write(packets.connected(False, 2, 4, {}))
                return False
            client = properties["assigned_client_id"] = uuid()
        encrypted = self._transport.get_extra_info("ssl_object")
        certificate = None if encrypted is None else encrypted.getpeercert(binary_form=True)
        behind_tls = encrypted is not None if self._handshake is None else self._handshake.encrypted
        shown = Shown(certificate, self._handshake, behind_tls, hello.username, hello.password, client)
        try:
            admitted = await self._broker.admit(self, shown)
        except (NotAdmitted, AwsError) as error:
            logger.info("client %s is not let in: %s", client, error)
            self._write(packets.connected(False, NOT_AUTHORIZED[hello.level], hello.level, {}))
            return False
        self.client, self.will = client, hello.will
        if admitted is not None:
            self._lease = self._loop.create_task(lasting(self._broker, self, shown, admitted))
        keep_alive = min(hello.keep_alive or MAX_KEEP_ALIVE, MAX_KEEP_ALIVE)
        self._keep_alive = keep_alive * 1.5
        self._most_inflight = min(int(hello.properties.get("receive_maximum", MOST_INFLIGHT)) or 1, MOST_INFLIGHT)
        present = await self._broker.connect(self, hello)
        if hello.level == 5:
            if keep_alive != hello.keep_alive:
                properties["server_keep_alive"] = keep_alive
            properties |= {"maximum_qos": 1, "topic_alias_maximum": MOST_ALIASES, "subscription_ids": 0}
            properties |= {"receive_maximum": MOST_INFLIGHT, "maximum_packet_size": MOST_BYTES}
        self._write(packets.connected(present, 0, hello.level, properties))
        self._heard()
        await self._broker.greet(self)
        return True

    async def _packet(self, first: int, body: bytes) -> int:
        """Do what a packet says, and those that wait behind it and are alike; how much of a turn that was."""
        kind, flags = first >> 4, first & 15
        if kind == packets.PUBLISH:
            message = packets.read_publish(flags, body, self._level)
            more = packets.alike((first, body), self._waiting, self._level, TOGETHER - 1)
            await self._published(message, more)
            return AT_A_TIME if more else 1
        if kind == packets.PUBACK:
            ids = [int.from_bytes(body[:2], "big")]
            while self._waiting and self._waiting[0][0] >> 4 == packets.PUBACK and len(ids) < TOGETHER:
                ids.append(int.from_bytes(self._waiting.popleft()[1][:2], "big"))
            await self._acknowledged(ids)
            return 1 + len(ids) // AT_A_TIME
        await self._rare(kind, body)
        return 1

    async def _rare(self, kind: int, body: bytes) -> None:
        if kind == packets.SUBSCRIBE:
            await self._subscribe(body)
        elif kind == packets.UNSUBSCRIBE:
            packet_id, filters = packets.read_unsubscribe(body, self._level)
            known = await self._broker.unsubscribe(self, filters)
            codes = [0 if one else 0x11 for one in known]
            self._write(packets.results(packets.UNSUBACK, packet_id, codes, self._level))
        elif kind == packets.PINGREQ:
            self._write(packets.packet(packets.PINGRESP, b""))
        elif kind == packets.DISCONNECT:
            raise Goodbye(said=not body or body[0] != 4)
        else:
            raise Malformed(f"a client does not send packets of kind {kind}")

    async def _published(self, message: Publish, more: list[tuple[bytes, bytes]]) -> None:
        if message.qos > 1:
            raise Goodbye(0x9B)
        topic, alias = message.topic, message.properties.get("topic_alias")
        if alias is not None:
            if not 1 <= alias <= MOST_ALIASES:
                raise Goodbye(0x94)
            topic = topic or self._aliases.get(alias, "")
            self._aliases[alias] = topic
        kept = {
            name: message.properties[name]
            for name in ("content_type", "response_topic", "correlation_data", "format_indicator", "message_expiry")
            if name in message.properties
        }
        params = {
            "topic": topic,
            "payload": message.payload,
            "qos": message.qos,
            "retain": message.retain,
            "properties": kept,
            "userProperties": message.properties.get("user_properties", []),
            "more": [payload for _, payload in more],
        }
        try:
            await self._broker.publish(self, params)
        except AwsError as error:
            logger.info("a message of client %s was refused: %s", self.client, error)
            raise Goodbye(0x87 if error.code == "ForbiddenException" else 0x90) from None
        except CallDropped:
            raise Goodbye(0x80) from None
        if message.qos:
            ids = [message.packet_id.to_bytes(2, "big"), *(packet_id for packet_id, _ in more)]
            self._write(packets.acknowledged(ids))

    async def _acknowledged(self, ids: list[int]) -> None:
        seqs = [seq for one in ids if (seq := self._inflight.pop(one, None)) is not None]
        if seqs:
            await self._broker.acknowledge(self, seqs)
        self._pump()
        if self.persistent and self._behind and not self._unsent:
            await self.draw()

    async def _subscribe(self, body: bytes) -> None:
        packet_id, properties, asked = packets.read_subscribe(body, self._level)
        if len(asked) > MOST_FILTERS:
            raise Goodbye(0x97)
        if "subscription_id" in properties:
            raise Goodbye(0xA1)
        if any(one.qos > 2 for one in asked):
            raise Malformed("there is no QoS 3")
        granted, codes = [], []
        for one in asked:
            try:
                _check(one.topic_filter)
            except SqlError as error:
                logger.info("client %s cannot subscribe to %s: %s", self.client, one.topic_filter, error)
                codes.append(0x8F if self._level == 5 else 0x80)
                continue
            try:
                await self._broker.may_subscribe(self, _plain(one.topic_filter))
            except AwsError as error:
                logger.info("client %s may not subscribe to %s: %s", self.client, one.topic_filter, error)
                codes.append(0x87 if self._level == 5 else 0x80)
                continue
            granted.append(one._replace(qos=min(one.qos, 1)))
            codes.append(min(one.qos, 1))
        self._write(packets.results(packets.SUBACK, packet_id, codes, self._level))
        if granted:
            await self._broker.subscribe(self, granted)

    def _heard(self) -> None:
        """Note that the client lives; the timer looks at the note when it runs out, so that a packet costs no timer."""
        self._heard_at = self._loop.time()
        if self._timer is None or self._timer.when() > self._heard_at + self._keep_alive:
            self._watch(self._keep_alive)

    def _watch(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        left = self._heard_at + self._keep_alive - self._loop.time()
        if left > 0:
            self._watch(left)
        else:
            self.close(0x8D)


def _check(topic_filter: str) -> None:
    if topic_filter.startswith(SHARED):
        group = topic_filter.removeprefix(SHARED).partition("/")[0]
        if not group or "+" in group or "#" in group:
            raise SqlError("a group that shares has a name")
    plain = _plain(topic_filter)
    check_filter(plain)
    if len(plain.encode()) > MOST_TOPIC or plain.count("/") > MOST_SLASHES:
        raise SqlError(f"a filter has at most {MOST_TOPIC} bytes and {MOST_SLASHES} slashes")


def _plain(topic_filter: str) -> str:
    """The filter that a group shares, or the filter itself."""
    if topic_filter.startswith(SHARED):
        return topic_filter.removeprefix(SHARED).partition("/")[2]
    return topic_filter
