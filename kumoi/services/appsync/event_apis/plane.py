"""Publishing over HTTP: `POST /event`."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from kumoi.doorway import Call
from kumoi.services.appsync.event_apis.publishing import NotDone, Published, publish, read_event_api
from kumoi.services.appsync.records import Place


async def serve_publish(call: Call, place: Place, body: bytes, headers: Mapping[str, str]) -> Published:
    """Publish what a request asks for; raises NotDone."""
    api = await read_event_api(call.state, place.api)
    if api is None:
        raise NotDone(404, "NotFoundException", "The API is not found.")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise NotDone(400, "BadRequestException", "The request body is not a JSON object.")
    return await publish(call, api, given, headers)
