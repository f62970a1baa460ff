"""Pages of what a pool has. Users are many: they are read some at a time, a transaction each."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.records import User, users
from kumoi.state import State, Transaction, transactional

ItemT = TypeVar("ItemT")
MOST = 60
_AT_ONCE = 200


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, most: int, member: str
) -> tuple[Sequence[ItemT], dict[str, str]]:
    """One page of items in the order of their keys, and the token of the next under `member` where more follow."""
    if token is not None:
        after = _read(token, member)
        items = [item for item in items if key(item) > after]
    found = items[: most or MOST]
    return found, {} if len(found) == len(items) else {member: _token(key(found[-1]))}


async def page_of_users(
    state: State, pool: str, wanted: Callable[[User], bool], token: str | None, most: int, member: str
) -> tuple[Sequence[User], dict[str, str]]:
    """One page of the users of a pool that are wanted, as `page` has it."""
    found: list[User] = []
    most = most or MOST
    async for some in all_users(state, pool, None if token is None else _read(token, member)):
        found += [user for user in some if wanted(user)]
        if len(found) > most:
            return found[:most], {member: _token(found[most - 1].key)}
    return found, {}


async def all_users(state: State, pool: str, after: str | None = None) -> AsyncIterator[list[User]]:
    """The users of a pool in the order of their keys, those behind `after`, some at a time."""
    while some := await _some(state, pool, after):
        yield some
        after = some[-1].key


@transactional
async def _some(tx: Transaction, pool: str, after: str | None) -> list[User]:
    return await users.list(tx, pool, after=None if after is None else (pool, after), limit=_AT_ONCE)


def _token(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _read(token: str, member: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid(f"Invalid {member}") from None
