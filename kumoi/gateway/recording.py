"""What users ask of the applications while somebody listens: their requests, so that they can be made again.

Kept are requests to data planes (an API, a site, a function's URL) and the calls with which clients put something into
an application, if they were answered well and are not too large. Nothing is kept while nobody listens.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from kumoi.wire.http import BodyTooLarge, BufferedBody, Request, Response

MOST_REQUESTS = 1000
MOST_BYTES = 262_144
"""Bytes of a body; a larger one is not kept."""
MOST_KEPT_BYTES = 32 << 20
"""Bytes of all bodies together."""
PUTTING_IN = frozenset(
    {
        *(
            "Invoke",
            "SendMessage",
            "SendMessageBatch",
            "Publish",
            "PublishBatch",
            "PutEvents",
            "PutRecord",
            "PutRecords",
        ),
        *("StartExecution", "StartSyncExecution", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
        *("TransactWriteItems", "PutObject", "DeleteObject", "BatchPutMessage"),
    }
)
_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "transfer-encoding", "x-amzn-trace-id"}
)


class Recording:
    """The requests that were recorded, in the order in which they came.

    Meanwhile all must pass the front: `begun` is called whenever that begins, `ended` when it does no longer.
    """

    def __init__(self, begun: Callable[[], None] = lambda: None, ended: Callable[[], None] = lambda: None) -> None:
        self.active = False
        self._begun, self._ended = begun, ended
        self._under_way: dict[int, dict[str, Any]] = {}
        self._kept: list[dict[str, Any]] = []
        self._left = MOST_KEPT_BYTES

    def start(self) -> None:
        """Begin anew."""
        self._kept, self._left = [], MOST_KEPT_BYTES
        self.active = True
        self._begun()

    def stop(self) -> list[dict[str, Any]]:
        """Stop listening; what was heard."""
        if self.active:
            self._ended()
        self.active = False
        kept, self._kept = self._kept, []
        return kept

    async def begin(self, request: Request) -> None:
        """A request has come: have its body in memory, if it is to be kept."""
        length = request.headers.get("content-length") or "0"
        if request.websocket or not length.isdigit() or int(length) > min(MOST_BYTES, self._left):
            return
        if len(self._kept) >= MOST_REQUESTS:
            return
        if "transfer-encoding" in request.headers:
            return
        try:
            content = await request.body.read(MOST_BYTES)
        except BodyTooLarge:
            return
        request.body = BufferedBody(content, request.body.trailers)
        headers = {name: value for name, value in request.headers.items if name.lower() not in _CONNECTION}
        self._under_way[id(request)] = {
            "method": request.method,
            "path": request.path + (f"?{request.query}" if request.query else ""),
            "host": request.host,
            "headers": headers,
            "base64": base64.b64encode(content).decode(),
        }

    def label(self, request: Request, flow: str, source: str) -> None:
        """Say what a request is; one that a function makes is not a user's."""
        known = self._under_way.get(id(request))
        if known is not None and source == "client":
            known["flow"] = flow

    def end(self, request: Request, response: Response | None) -> None:
        """A request is answered: keep it where it was a user's, and well."""
        known = self._under_way.pop(id(request), None)
        if known is None or "flow" not in known or response is None:
            return
        if self.active and not response.abort and response.status < 400:
            self._left -= len(known["base64"])
            self._kept.append(known)
