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
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.storage import Place
from kumoi.services.xray.traces import Refused, parse

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
_RECEIVE_BYTES = 4 << 20


class Daemon(asyncio.DatagramProtocol):
    """Takes datagrams while the platform runs."""

    def __init__(self, intake: Intake, tracing: Tracing) -> None:
        self._intake = intake
        self._tracing = tracing
        self._transport: asyncio.DatagramTransport | None = None
        self.refused: Counter[str] = Counter()

    async def start(self) -> None:
        """Listen; where the port is taken on another one, which functions are told, and say so."""
        wanted = self._tracing.port
        if wanted is None:
            return
        try:
            receiver = _bound(wanted)
        except OSError as error:
            receiver = _bound(0)
            logger.warning(
                "the X-Ray daemon cannot listen on %s:%s (%s): functions reach it on port %s, other programs with"
                " AWS_XRAY_DAEMON_ADDRESS=%s:%s",
                *(HOST, wanted, error.strerror, receiver.getsockname()[1], HOST, receiver.getsockname()[1]),
            )
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=receiver)
        self._tracing.daemon = f"{HOST}:{receiver.getsockname()[1]}"

    def stop(self) -> None:
        """Listen no more."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, _address: tuple[str, int]) -> None:
        """Keep the document of one datagram; what is none is counted, and told of once for each reason."""
        try:
            text = _document(data)
            root = parse(text)["trace_id"]
        except Refused as refused:
            self._refuse(refused)
            return
        place = self._tracing.place(root) or (DEFAULT_ACCOUNT, DEFAULT_REGION)
        self._intake.write(Place(*place), [text])

    def _refuse(self, refused: Refused) -> None:
        self.refused[refused.code] += 1
        if self.refused[refused.code] == 1:
            logger.warning("the X-Ray daemon drops datagrams that are no valid segments: %s", refused.code)


def _bound(port: int) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
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
