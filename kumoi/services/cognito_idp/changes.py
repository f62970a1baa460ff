"""Changes of users in the key space: with their names, the attributes they sign in with, and their passwords."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.services.cognito_idp.errors import locked_out, no_user
from kumoi.services.cognito_idp.lookup import key_of
from kumoi.services.cognito_idp.policies import NEEDS_VERIFYING
from kumoi.services.cognito_idp.records import (
    Alias,
    Link,
    Pool,
    User,
    aliases,
    devices,
    links,
    refresh_tokens,
    revocations,
    users,
)
from kumoi.services.cognito_idp.srp import new_verifier
from kumoi.state import Key, Transaction, transactional
from kumoi.wire.errors import aws_error


@transactional
async def add(tx: Transaction, pool: Pool, user: User, *, take_over: bool = False) -> None:
    """Store a new user; UsernameExistsException, AliasExistsException (unless the alias is to be taken over)."""
    if await users.get(tx, pool.id, user.key) is not None:
        raise aws_error("UsernameExistsException", "User already exists")
    await _claim(tx, pool, user, take_over=take_over)
    await aliases.put(tx, Alias(pool.id, "sub", user.sub, user.key))
    for one in user.identities:
        await links.put(tx, Link(pool.id, one.provider, one.attribute, one.value, user.key))
    await users.put(tx, user)
    await tx.add(_counter(pool.id))


@transactional
async def change(tx: Transaction, pool: Pool, key: str, changes: Mapping[str, Any], *, take_over: bool = False) -> User:
    """Give a user other values; UserNotFoundException, AliasExistsException (unless it is to be taken over)."""
    user = await users.get(tx, pool.id, key)
    if user is None:
        raise no_user()
    after = msgspec.structs.replace(user, **changes, modified=tx.now)
    if "attributes" in changes:
        changed = {
            f"verify:{name}" for name in NEEDS_VERIFYING if user.attributes.get(name) != after.attributes.get(name)
        }
        codes = {
            name: msgspec.structs.replace(code, value="", expires=0.0) if name in changed else code
            for name, code in after.codes.items()
        }
        after = msgspec.structs.replace(after, codes=codes)
        await _release(tx, pool, user)
        await _claim(tx, pool, after, take_over=take_over)
    await users.put(tx, after)
    return after


@transactional
async def remove(tx: Transaction, pool: Pool, user: User) -> None:
    """Forget a user with what belongs to them."""
    await _release(tx, pool, user)
    await aliases.delete(tx, pool.id, "sub", user.sub)
    for one in user.identities:
        await links.delete(tx, pool.id, one.provider, one.attribute, one.value)
    if await users.delete(tx, pool.id, user.key):
        await tx.add(_counter(pool.id), -1)
    await refresh_tokens.delete_all(tx, pool.id, user.sub)
    await revocations.delete_all(tx, pool.id, user.sub)
    await devices.delete_all(tx, pool.id, user.sub)


@transactional
async def count(tx: Transaction, pool: str) -> int:
    """How many users a pool has."""
    return await tx.add(_counter(pool), 0)


@transactional
async def judge(tx: Transaction, user: User, *, right: bool) -> None:
    """Count a wrong guess: after five in a row, none is tried for ever longer, up to a quarter of an hour.

    NotAuthorizedException while none is, for a right one, too: many that are made at once are as good as one by one.
    """
    current = await users.get(tx, user.pool, user.key)
    if current is None:
        return
    if current.locked > tx.now:
        raise locked_out()
    if not right:
        failures = current.failures + 1
        pause = 0.0 if failures < 5 else min(900.0, 2.0 ** (failures - 5))
        await users.put(
            tx, msgspec.structs.replace(current, failures=failures, locked=tx.now + pause if pause else 0.0)
        )


@transactional
async def succeeded(tx: Transaction, user: User) -> None:
    """Forget the wrong passwords before a right one."""
    current = await users.get(tx, user.pool, user.key)
    if current is not None and current.failures:
        await users.put(tx, msgspec.structs.replace(current, failures=0, locked=0.0))


async def verifier_of(pool: Pool, name: str, password: str) -> dict[str, Any]:
    """The changes that give a user a password."""
    salt, verifier = await asyncio.to_thread(new_verifier, pool.short_name, name, password)
    return {"salt": salt, "verifier": verifier}


def _counter(pool: str) -> Key:
    return ("cognito.users", pool)


async def _claim(tx: Transaction, pool: Pool, user: User, *, take_over: bool) -> None:
    """Have the user found by the attributes that the pool signs in with: as user names, or once they are verified.

    Who comes from an identity provider signs in there, and may have the address of somebody else's user.
    """
    if user.status == "EXTERNAL_PROVIDER":
        return
    names = pool.definition.get("UsernameAttributes") or ()
    for attribute in pool.signs_in_with:
        value = user.attributes.get(attribute)
        flag = NEEDS_VERIFYING.get(attribute)
        verified = flag is None or user.attributes.get(flag) == "true"
        if not value or not (attribute in names or verified):
            continue
        key = key_of(pool, value)
        known = await aliases.get(tx, pool.id, attribute, key)
        if known is not None and known.user != user.key:
            if attribute in names:
                raise aws_error("UsernameExistsException", f"An account with the given {attribute} already exists.")
            if not take_over:
                raise aws_error("AliasExistsException", f"An account with the given {attribute} already exists.")
        await aliases.put(tx, Alias(pool.id, attribute, key, user.key))


async def _release(tx: Transaction, pool: Pool, user: User) -> None:
    for attribute in pool.signs_in_with:
        value = user.attributes.get(attribute)
        known = await aliases.get(tx, pool.id, attribute, key_of(pool, value)) if value else None
        if known is not None and known.user == user.key:
            await aliases.delete(tx, pool.id, attribute, known.value)
