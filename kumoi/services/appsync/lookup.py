"""Finding APIs: in an account, or anywhere by an id."""

from __future__ import annotations

from kumoi.services.appsync.errors import not_found
from kumoi.services.appsync.event_apis.records import event_apis
from kumoi.services.appsync.records import Api, Place, Version, apis, places, versions
from kumoi.state import Transaction, transactional


@transactional
async def find_api(tx: Transaction, api_id: str) -> Api:
    """The API of that id; raises NotFoundException."""
    api = await apis.get(tx, api_id)
    if api is None:
        raise not_found(f"GraphQL API {api_id} not found.")
    return api


@transactional
async def find_any(tx: Transaction, api_id: str) -> None:
    """Raise NotFoundException unless there is an API of that id, of GraphQL or of events."""
    if await event_apis.get(tx, api_id) is None:
        await find_api(tx, api_id)


@transactional
async def find_version(tx: Transaction, api_id: str) -> Version | None:
    """The version that an API is in."""
    return await versions.get(tx, api_id)


@transactional
async def find_place(tx: Transaction, id: str) -> Place | None:
    """Whose the API or the key of that id is."""
    return await places.get(tx, id)


@transactional
async def forget(tx: Transaction, account: str | None) -> None:
    """Drop the places of an account, or all."""
    for place in await places.list(tx):
        if account is None or place.account == account:
            await places.delete(tx, place.id)
