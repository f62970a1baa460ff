"""What the explorer of an API has to know: its name, its ways of authorization, and its keys.

It is told to pages of the platform's own only: not to other origins, not under host names that somebody else may let
point here (DNS rebinding), and not to other machines where policies are enforced. Where signatures are verified, keys
are told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from kumoi.doorway import Call, Principal
from kumoi.local_names import private_name
from kumoi.services.appsync import appsync
from kumoi.services.appsync.lookup import find_place
from kumoi.services.appsync.providers import providers
from kumoi.services.appsync.records import Api, ApiKey, apis, keys
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Request, Response


@appsync.data_plane("appsync-access")
async def access(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Who may ask the API whose `id` is in `attributes`, and how."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    if request.method != "GET" or path != "/":
        return _told(404, {"message": "There is nothing here."})
    if _foreign(request):
        return _told(403, {"message": "Pages of other origins are refused."})
    if call.doorway.identity.enforces and not request.local:
        return _told(403, {"message": "With --auth enforce, other machines are told nothing of an API."})
    place = await find_place(call.doorway.state.at("", ""), attributes.get("id", ""))
    if place is None:
        return _told(404, {"message": f"There is no API {attributes.get('id')}."})
    call.account, call.region, call.node = place.account, place.region, f"appsync:{place.api}"
    api, listed = await _read(call.state, place.api)
    if api is None:
        return _told(404, {"message": "The API is not found."})
    secrets = [] if call.doorway.identity.verifies else [key for key in listed if key.expires > call.now]
    return _told(
        200,
        {
            "name": api.properties["name"],
            "apiId": api.id,
            "modes": list(dict.fromkeys(one["authenticationType"] for one in providers(api.properties))),
            "keys": [{"id": key.id, "expires": key.expires, "description": key.description} for key in secrets],
            "client": await _client(call, api),
        },
    )


async def _client(call: Call, api: Api) -> str | None:
    """The client of the API's user pool that users may sign in at with a password."""
    looking = Principal.looking(call.account, "cognito-idp", call.node)
    for provider in providers(api.properties):
        pool = (provider.get("userPoolConfig") or {}).get("userPoolId")
        if pool is None:
            continue
        try:
            found = await call.to_as(looking, "cognito-idp", "ListUserPoolClients", UserPoolId=pool, MaxResults=10)
        except AwsError:
            return None  # The pool is gone: then nobody signs in.
        for client in found.get("UserPoolClients", ()):
            return str(client["ClientId"])
    return None


def _foreign(request: Request) -> bool:
    """Whether a page that is not the platform's own may have sent this."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return True
    return not private_name(urlsplit(f"//{request.host}").hostname)


def _told(status: int, content: Any) -> Response:
    fields = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(status, fields, orjson.dumps(content))


@transactional
async def _read(tx: Transaction, api_id: str) -> tuple[Api | None, list[ApiKey]]:
    return await apis.get(tx, api_id), await keys.list(tx, api_id)
