"""What APIs of both kinds have in common: an id that is theirs on the whole platform, keys and data sources."""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.services.appsync.errors import bad_request
from kumoi.services.appsync.naming import CUSTOM_ID, new_id, usable_id
from kumoi.services.appsync.records import Place, data_sources, keys, places, versions
from kumoi.state import Transaction


async def take_place(tx: Transaction, tags: Mapping[str, str]) -> str:
    """The id of a new API, made or that of its tag `_custom_id_`; raises BadRequestException where that cannot be."""
    id = tags.get(CUSTOM_ID, "")
    if id and not usable_id(id):
        raise bad_request(f"The tag {CUSTOM_ID} has to be up to 32 lower-case letters and digits.")
    if id and await places.get(tx, id) is not None:
        raise bad_request(f"There is an API with the id {id} already.")
    id = id or new_id()
    await places.put(tx, Place(id, id, tx.account, tx.region))
    return id


async def leave_place(tx: Transaction, api_id: str) -> None:
    """Drop what stands under an API's id: its keys, its data sources and its place."""
    for key in await keys.list(tx, api_id):
        await places.delete(tx, key.id)
        await keys.delete(tx, api_id, key.id)
    await data_sources.delete_all(tx, api_id)
    await places.delete(tx, api_id)
    await versions.delete(tx, api_id)
