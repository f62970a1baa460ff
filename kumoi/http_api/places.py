"""Where an API is found: from the id in an address, or from a custom domain name, to an account, a region and a stage.

Ids and domain names are unique on the whole platform, as they are at AWS. Each kind of API writes its place in the
transaction that makes the API; the addresses' service only reads them.
"""

from __future__ import annotations

import secrets
import string
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from kumoi.local_names import resolves_localhost
from kumoi.names import partition_of
from kumoi.state import Transaction, recalled, transactional
from kumoi.state.space import Space

Kind = Literal["HTTP", "REST", "WEBSOCKET"]

CUSTOM_ID = "_custom_id_"
"""The tag that fixes the id of a new API."""

_ALPHABET = string.ascii_lowercase + string.digits


class ApiPlace(msgspec.Struct, frozen=True):
    """Whose an API is, and of which kind."""

    id: str
    kind: Kind
    account: str
    region: str


class DomainName(msgspec.Struct, frozen=True, kw_only=True):
    """A custom domain name; `properties` are the members that clients gave."""

    name: str
    account: str
    region: str
    properties: dict[str, Any] = {}
    tags: dict[str, str] = {}


class ApiMapping(msgspec.Struct, frozen=True, kw_only=True):
    """Which API's stage answers below a path of a domain name; `key` is the path without slashes around it."""

    domain: str
    id: str
    key: str
    api: str
    stage: str


places: Space[ApiPlace] = Space(
    "execute-api.place", ApiPlace, lambda place: (place.id,), scope="global", remembered=True
)
domains: Space[DomainName] = Space("execute-api.domain", DomainName, lambda domain: (domain.name,), scope="global")
mappings: Space[ApiMapping] = Space(
    "execute-api.mapping", ApiMapping, lambda mapping: (mapping.domain, mapping.id), scope="global"
)


def new_id(length: int = 10) -> str:
    """An id as API Gateway gives them: lower-case letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


async def claim(tx: Transaction, kind: Kind, tags: dict[str, str]) -> str:
    """An id for a new API, its place written; the tag `_custom_id_` names it, where nobody else has that one."""
    wanted = tags.get(CUSTOM_ID, "")
    usable = bool(wanted) and len(wanted) <= 32 and all(character in _ALPHABET + "-" for character in wanted)
    api_id = wanted if usable and await places.get(tx, wanted) is None else new_id()
    await places.put(tx, ApiPlace(api_id, kind, tx.account, tx.region))
    return api_id


@recalled
async def find_place(tx: Transaction, api_id: str) -> ApiPlace | None:
    """The place of an API."""
    return await places.get(tx, api_id)


@transactional
async def find_domain(tx: Transaction, name: str) -> tuple[DomainName | None, list[ApiMapping]]:
    """A domain name and its mappings, the longest path first."""
    found = await mappings.list(tx, name)
    return await domains.get(tx, name), sorted(found, key=lambda mapping: -len(mapping.key))


def api_endpoint(endpoint: str, api_id: str, scheme: str | None = None) -> str:
    """The address of an API for clients on this machine: by host name where that resolves, else by path."""
    parts = urlsplit(endpoint)
    protocol = scheme or parts.scheme
    if resolves_localhost():
        return f"{protocol}://{api_id}.execute-api.localhost:{parts.port}"
    return f"{protocol}://{parts.netloc}/_kumoi/execute-api/{api_id}"


def execute_arn(region: str, account: str, api_id: str, rest: str) -> str:
    """The ARN that policies and permissions name a route of an API by."""
    return f"arn:{partition_of(region)}:execute-api:{region}:{account}:{api_id}/{rest}"
