"""The X-Ray daemon: SDKs send each segment as one datagram, and nobody answers.

A datagram is a line of JSON (`{"format": "json", "version": 1}`) and the document. It belongs to the account and region
that its trace was last seen in (a traced function's), else to the default ones. Source: "AWS X-Ray daemon" and
"Sending segment documents" of the developer guide.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter

import orjson

from kumoi.doorway import Tracing
from kumoi.names import DEFAULT_ACCOUNT, DEFAULT_REGION
from kumoi.services.xray.intake import Intake, Read
from kumoi.services.xray.storage import Place
from kumoi.services.xray.traces import Refused, parse

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
_RECEIVE_BYTES = 4 << 20
_FORCE_RECEIVE_BYTES = 33
"""Linux's SO_RCVBUFFORCE, which root may go beyond the system's limit with; Python has no name for it."""
_LARGEST = 65_536
_AT_ONCE = 128
_BYTES_AT_ONCE = 131_072
"""Datagrams, and bytes of them, that are read before the loop goes on: a few milliseconds of work."""
_AT_STOP = 1_000
_TRIES = 100


class Daemon:
    """Takes datagrams while the platform runs."""

    def __init__(self, intake: Intake, tracing: Tracing) -> None:
        self._intake = intake
        self._tracing = tracing
        self._receiver: socket.socket | None = None
        self.refused: Counter[str] = Counter()

    def start(self) -> None:
        """Listen; where the port is taken on another one, which functions are told, and say so."""
        wanted = self._tracing.port
        if wanted is None:
            return
        try:
            receiver = _bound(wanted) if wanted else _free()
        except OSError as error:
            receiver = _free()
            other = receiver.getsockname()[1]
            logger.warning(
                "the X-Ray daemon cannot listen on %s:%s (%s): functions reach it on port %s, other programs with"
                " AWS_XRAY_DAEMON_ADDRESS=%s:%s",
                *(HOST, wanted, error.strerror, other, HOST, other),
            )
        self._receiver = receiver
        asyncio.get_running_loop().add_reader(receiver, self._receive, receiver)
        self._tracing.daemon = f"{HOST}:{receiver.getsockname()[1]}"

    def stop(self) -> None:
        """Listen no more; what has arrived is kept."""
        if self._receiver is not None:
            asyncio.get_running_loop().remove_reader(self._receiver)
            for _ in range(_AT_STOP):
                if not self._receive(self._receiver):
                    break
            self._receiver.close()

    def _receive(self, receiver: socket.socket) -> bool:
        """Keep the documents of datagrams that have arrived; what is none is told of once for each reason.

        Answers whether more may be waiting.
        """
        found: dict[Place, list[Read]] = {}
        more, size = True, 0
        for _ in range(_AT_ONCE):
            if size >= _BYTES_AT_ONCE:
                break
            try:
                datagram = receiver.recv(_LARGEST)
            except BlockingIOError:
                more = False
                break
            except OSError as error:
                logger.warning("the X-Ray daemon could not receive: %s", error)
                more = False
                break
            size += len(datagram)
            try:
                text = _document(datagram)
                document = parse(text)
            except Refused as refused:
                self._refuse(refused)
                continue
            place = self._tracing.place(document["trace_id"]) or (DEFAULT_ACCOUNT, DEFAULT_REGION)
            found.setdefault(Place(*place), []).append(Read(document, text))
        for where, some in found.items():
            self._intake.write(where, some)
        return more

    def _refuse(self, refused: Refused) -> None:
        self.refused[refused.code] += 1
        if self.refused[refused.code] == 1:
            logger.warning("the X-Ray daemon drops datagrams that are no valid segments: %s", refused.code)


def _free() -> socket.socket:
    """A receiver on a port that is free for TCP, too: SDKs ask for sampling rules there, by HTTP."""
    for _ in range(_TRIES):
        receiver = _bound(0)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as http:
            http.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                http.bind(receiver.getsockname())
            except OSError:
                receiver.close()
            else:
                return receiver
    return _bound(0)


def _bound(port: int) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        try:
            receiver.setsockopt(socket.SOL_SOCKET, _FORCE_RECEIVE_BYTES, _RECEIVE_BYTES)
        except OSError:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        receiver.setblocking(False)
        receiver.bind((HOST, port))
    except OSError:
        receiver.close()
        raise
    return receiver


def _document(data: bytes) -> str:
    """The document behind the line that says what follows."""
    head, newline, text = data.partition(b"\n")
    try:
        said = orjson.loads(head)
        if newline and isinstance(said, dict) and said.get("format") == "json" and said.get("version") == 1:
            return text.decode()
    except (orjson.JSONDecodeError, UnicodeDecodeError):
        pass
    raise Refused("ParseError")
