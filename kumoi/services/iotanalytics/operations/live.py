"""Live views: a query's answer as server-sent events, anew whenever rows have come into a data store (ours).

`GET /_kumoi/iotanalytics-live?sql=SELECT …`: each event is a JSON array of at most a thousand rows. `account` and
`region` say whose stores are meant. Where signatures are verified, there are no live views: links cannot be signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import process_time
from urllib.parse import parse_qs

import orjson

from kumoi.doorway import Call
from kumoi.presto.refusals import QueryRefused
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.content_maker import ContentMaker
from kumoi.services.iotanalytics.runner import STORED
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Response

MOST_ROWS = 1000
HEARTBEAT = 15.0
"""Real seconds until an idle view says that it is still there."""


@iotanalytics.data_plane("iotanalytics-live")
async def live_view(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer a query again and again."""
    if call.doorway.identity.verifies:
        raise aws_error("AccessDenied", "There are no live views where signatures are verified.")
    asked = {name: one[-1] for name, one in parse_qs(call.http.query if call.http is not None else "").items()}
    if "sql" not in asked:
        return _refused("Give the query: ?sql=SELECT …")
    call.account, call.region = asked.get("account", call.account), asked.get("region", call.region)
    try:
        first = await _event(call, asked["sql"])
    except QueryRefused as error:
        return _refused(str(error))
    headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
    return Response(200, headers, _events(call, asked["sql"], first))


def _refused(text: str) -> Response:
    return Response(400, [("Content-Type", "text/plain; charset=utf-8")], text.encode() + b"\n")


async def _events(call: Call, sql: str, first: bytes) -> AsyncIterator[bytes]:
    async with call.state.watch(STORED) as watch:
        yield first
        # What was stored before the watch began, while the first answer was made, has woken nobody.
        if (since := await _event(call, sql)) != first:
            yield since
        while True:
            if not await watch.wait(HEARTBEAT):
                yield b": still here\n\n"
                continue
            began = process_time()
            try:
                yield await _event(call, sql)
            except QueryRefused as error:
                yield b"event: error\ndata: " + orjson.dumps(str(error)) + b"\n\n"
            # Rest for as much CPU as that took: what came meanwhile is told together.
            await asyncio.sleep(process_time() - began)


async def _event(call: Call, sql: str) -> bytes:
    rows = await call.part(ContentMaker).rows(call.account, call.region, sql, MOST_ROWS)
    return b"data: [" + b",".join(rows) + b"]\n\n"
