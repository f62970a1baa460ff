"""Finds the API that an address means, and hands the request over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from kumoi.doorway import Call
from kumoi.http_api.places import ApiMapping, ApiPlace, find_domain, find_place
from kumoi.http_api.results import message
from kumoi.services.execute_api import execute_api
from kumoi.wire.http import Response

_SERVED_BY = {
    "HTTP": ("apigatewayv2", "ServeHttpApi"),
    "REST": ("apigateway", "ServeRestApi"),
    "WEBSOCKET": ("apigatewayv2", "ServeWebSocketApi"),
}


@execute_api.data_plane("execute-api")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer one request to an API.

    `attributes` has the `id` and perhaps the `stage` of an address that tells them, or the `domain` of one that is a
    custom domain name.
    """
    if "domain" in attributes:
        return await _of_domain(call, attributes["domain"], path)
    api_id = attributes.get("id", "")
    place = await find_place(call.doorway.state.at("", ""), api_id)
    if place is None:
        return _forbidden("no API has this id")
    host = attributes.get("host") or f"{api_id}.execute-api.{place.region}.amazonaws.com"
    return await _serve(call, place, {"Path": path, "Host": host, "Stage": attributes.get("stage")})


async def _of_domain(call: Call, name: str, path: str) -> Response:
    _, mappings = await find_domain(call.doorway.state.at("", ""), name)
    for mapping in mappings:
        rest = _below(path, mapping)
        if rest is None:
            continue
        place = await find_place(call.doorway.state.at("", ""), mapping.api)
        if place is not None:
            given = {"Path": rest, "Host": name, "Stage": mapping.stage, "BasePath": mapping.key, "Custom": True}
            return await _serve(call, place, given)
    return _forbidden("no API is mapped to this path of the domain name")


def _below(path: str, mapping: ApiMapping) -> str | None:
    """What follows a mapping's key in a path; None where the path does not lead there."""
    if not mapping.key:
        return path
    segments, key = path.lstrip("/").split("/"), mapping.key.split("/")
    if [unquote(segment) for segment in segments[: len(key)]] != key:
        return None
    return "/" + "/".join(segments[len(key) :])


async def _serve(call: Call, place: ApiPlace, given: dict[str, Any]) -> Response:
    service, operation = _SERVED_BY[place.kind]
    response: Response = await call.doorway.hand_on(
        call, service, operation, (place.account, place.region), f"{service}:{place.id}", ApiId=place.id, **given
    )
    return response


def _forbidden(reason: str) -> Response:
    result = message(403, "Forbidden", ("x-kumoi-reason", reason))
    return Response(result.status, result.headers, result.body)
