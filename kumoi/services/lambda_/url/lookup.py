"""What the data plane of function URLs looks up in state."""

from __future__ import annotations

from typing import NamedTuple

from kumoi.services.lambda_ import records
from kumoi.services.lambda_.records import UrlConfig, policies, url_places, urls
from kumoi.state import State, Transaction, transactional


class UrlPlace(NamedTuple):
    """A function URL, and whose it is."""

    account: str
    region: str
    config: UrlConfig


async def find_url(state: State, url_id: str) -> UrlPlace | None:
    """The function URL with an id."""
    place = await _place(state.at("", ""), url_id)
    if place is None:
        return None
    config = await _config(state.at(place.account, place.region), place.function, place.qualifier)
    return None if config is None else UrlPlace(place.account, place.region, config)


@transactional
async def _place(tx: Transaction, url_id: str) -> records.UrlPlace | None:
    return await url_places.get(tx, url_id)


@transactional
async def _config(tx: Transaction, function: str, qualifier: str) -> UrlConfig | None:
    return await urls.get(tx, function, qualifier)


@transactional
async def url_is_public(tx: Transaction, config: UrlConfig) -> bool:
    """Whether the function's policy lets everybody use its URL."""
    policy = await policies.get(tx, config.function, config.qualifier)
    return policy is not None and any(
        statement.get("Effect") == "Allow"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and statement.get("Action") in ("lambda:InvokeFunctionUrl", "lambda:*", "*")
        for statement in policy.statements
    )
