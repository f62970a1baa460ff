"""A DNS server for the names of this platform: those of hosted zones, and Kumoi's own, which are this machine's.

It answers by UDP and TCP on one port, and refuses every other name: a resolver asks it for some domains alone. What a
name means is Route 53's to say, by a call like any other.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from contextlib import suppress
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.doorway.host_names import HostNames
from kumoi.gateway.dns_messages import (
    CODES,
    DATAGRAM,
    NOERROR,
    NOTIMP,
    REFUSED,
    SERVFAIL,
    TYPES,
    Malformed,
    Question,
    Record,
    answer,
    can_write,
    malformed,
    read_question,
)
from kumoi.names import DEFAULT_ACCOUNT, DEFAULT_REGION
from kumoi.wire import AwsError

logger = logging.getLogger(__name__)

_OWN = {"A": "127.0.0.1", "AAAA": "::1"}
_OWN_TTL = 60
_IDLE_SECONDS = 10.0
_AT_ONCE = 256
"""Questions by UDP that are answered side by side; what comes beyond is dropped, and asked again."""


class DnsServer(asyncio.DatagramProtocol):
    """One server. `port` 0 picks a free one."""

    def __init__(self, doorway: Doorway, hosts: HostNames, *, host: str = "127.0.0.1", port: int) -> None:
        self._doorway = doorway
        self._hosts = hosts
        self._host = host
        self.port = port
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. OSError where the port cannot be had."""
        self._server = await asyncio.start_server(self._converse, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        try:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, self.port))
        except OSError:
            self._server.close()
            raise

    async def stop(self) -> None:
        """Listen no longer."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def datagram_received(self, message: bytes, address: tuple[Any, ...]) -> None:
        """Answer a question by UDP."""
        if len(self._under_way) < _AT_ONCE:
            self._begin(self._reply(message, address))

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _reply(self, message: bytes, address: tuple[Any, ...]) -> None:
        reply = await self.answer(message, DATAGRAM)
        if reply and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(reply, address)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer questions by TCP, each behind its length, until nothing more comes."""
        try:
            while True:
                async with asyncio.timeout(_IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    message = await reader.readexactly(length)
                reply = await self.answer(message, 65_535)
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            logger.debug("a DNS client is gone")
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def answer(self, message: bytes, most: int) -> bytes:
        """The bytes that answer a message, `most` at most; none to what cannot be answered."""
        try:
            question = read_question(message)
        except Malformed:
            return malformed(message)
        kind = TYPES.get(question.kind)
        if not question.supported:
            return answer(question, NOTIMP, authoritative=False)
        try:
            return await self._answered(question, kind or "TXT", most, known=kind is not None)
        except AwsError as error:
            logger.warning("DNS: %s could not be answered: %s", question.name, error)
            return answer(question, SERVFAIL, authoritative=False)

    async def _answered(self, question: Question, kind: str, most: int, *, known: bool) -> bytes:
        caller = Principal.looking(DEFAULT_ACCOUNT, "route53", "dns")
        asked = {"Name": question.name, "Type": kind}
        found = await self._doorway.ask("route53", "Resolve", asked, caller, DEFAULT_REGION)
        if found["Zone"] is None:
            return self._own(question, kind)
        records = [Record(**one) for one in found["Records"]] if known else []
        authority = [Record(**one) for one in found["Authority"]]
        written = [one for one in records if can_write(one)]
        if len(written) < len(records):
            return answer(question, NOTIMP)
        return answer(question, CODES[found["Code"]], written, [one for one in authority if can_write(one)], most=most)

    def _own(self, question: Question, kind: str) -> bytes:
        """A name of no zone: one that Kumoi answers as a host is this machine's, any other is refused."""
        if not self._hosts.is_here(question.name.removesuffix(".")):
            return answer(question, REFUSED, authoritative=False)
        value = _OWN.get(kind)
        return answer(question, NOERROR, [] if value is None else [Record(question.name, kind, _OWN_TTL, value)])
