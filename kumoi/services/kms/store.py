"""Keys in the key space: found as requests name them, ready to be used, or to be changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.services.kms import kms
from kumoi.services.kms.errors import bad_state, disabled, managed_by_aws, no_alias, no_key, wrong_usage
from kumoi.services.kms.managed import is_managed, make
from kumoi.services.kms.material import opened
from kumoi.services.kms.naming import Named, parse_key
from kumoi.services.kms.records import Key, Material, aliases, keys, materials
from kumoi.services.kms.specs import is_pair
from kumoi.services.kms.timers import schedule_rotation
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

_WAITING: Mapping[str, str] = {
    "PendingDeletion": "pending deletion",
    "PendingReplicaDeletion": "pending replica deletion",
    "PendingImport": "pending import",
}


class Found(NamedTuple):
    """A key, and the key space that it is in."""

    state: State
    key: Key


class Usable(NamedTuple):
    """A key with the material that it works with, which `secret` opens."""

    key: Key
    material: Material
    sealer: Sealer

    @property
    def secret(self) -> bytes:
        """The secret key, or the private key (DER)."""
        return opened(self.sealer, self.key, self.material)


def state_of(call: Call, named: Named) -> State:
    """The key space of a key's account and region."""
    return call.doorway.state.at(named.account, named.region)


async def seek(tx: Transaction, named: Named) -> Key | None:
    """The key, or None."""
    if not named.alias:
        return await keys.get(tx, named.key)
    alias = await aliases.get(tx, named.alias)
    return None if alias is None else await keys.get(tx, alias.key)


async def find(tx: Transaction, named: Named) -> Key:
    """The key; NotFoundException."""
    found = await seek(tx, named)
    if found is None:
        raise no_alias(named.arn) if named.alias else no_key(named.arn)
    return found


@transactional
async def _find_or_make(tx: Transaction, sealer: Sealer, named: Named, ours: bool) -> Key:
    found = await seek(tx, named)
    if found is not None or not ours or not is_managed(named):
        return found or await find(tx, named)
    made = make(sealer, named, tx.now)
    await keys.put(tx, made.key)
    await materials.put(tx, made.material)
    await aliases.put(tx, made.alias)
    schedule_rotation(tx, made.key)
    return made.key


async def locate(call: Call, named: Named) -> Key:
    """The key of a name; NotFoundException. The account's AWS managed keys are made when they are first asked for."""
    state = state_of(call, named)
    key_id = named.key
    if named.alias:
        alias = await aliases.look(state, named.alias)
        key_id = "" if alias is None else alias.key
    key = await keys.look(state, key_id) if key_id else None
    if key is None:
        ours = named.account == call.account
        key = await _find_or_make(state, call.doorway.identity.sealer, named, ours)
    call.node = kms.named(key.id)
    return key


async def find_key(call: Call, key_id: str, *, aliases: bool = True, foreign: bool = False) -> Found:
    """The key that a request names, which may be a `foreign` account's where the operation is one for those."""
    named = parse_key(key_id, call.account, call.region, aliases=aliases)
    if not foreign:
        check_own(call, named)
    return Found(state_of(call, named), await locate(call, named))


def check_own(call: Call, named: Named) -> None:
    """Raise for a key of another account, where an operation is not for those."""
    if named.account != call.account:
        raise aws_error(
            "AccessDeniedException",
            f"{call.operation} works on keys of the caller's own account, and {named.arn} is not one.",
            status=400,
        )


@transactional
async def change(tx: Transaction, named: Named, changed: Callable[[Key], Key]) -> Key:
    """Change a key that is not AWS's own; `changed` answers it as it is to be, or raises."""
    key = changed(await find_own(tx, named))
    await keys.put(tx, key)
    return key


async def find_own(tx: Transaction, named: Named) -> Key:
    """The key, to be changed; AccessDeniedException where AWS manages it."""
    key = await find(tx, named)
    if key.manager == "AWS":
        raise managed_by_aws(key.arn)
    return key


def own(call: Call, key_id: str) -> Named:
    """The key that a request means to change, by its id or ARN."""
    named = parse_key(key_id, call.account, call.region, aliases=False)
    check_own(call, named)
    call.node = kms.named(named.key)
    return named


def check_stays(key: Key) -> None:
    """Raise KMSInvalidStateException for a key that waits for its deletion."""
    if key.window is not None:
        raise bad_state(key.arn, _WAITING[key.state])


def check_enabled(key: Key) -> None:
    """Raise for a key that cannot be used as it is now: DisabledException, KMSInvalidStateException."""
    state = key.state
    if state in _WAITING:
        raise bad_state(key.arn, _WAITING[state])
    if state == "Disabled":
        raise disabled(key.arn)


async def use(call: Call, key_id: str, usage: str) -> Usable:
    """The key that a request wants to work with, and its current material; raises where it cannot be used so."""
    key = await locate(call, parse_key(key_id, call.account, call.region))
    check_use(call, key, usage)
    found = await with_material(call, key, key.material)
    if found is None:
        raise no_key(key.arn)
    return found


def check_use(call: Call, key: Key, usage: str) -> None:
    """Raise for a key that is for something else, or cannot be used as it is now."""
    if key.usage != usage:
        raise wrong_usage(key.arn, key.usage, call.operation)
    check_enabled(key)
    if is_pair(key.spec) and key.spec != "RSA_2048":
        call.meter("asymmetric_requests", 1)


async def with_material(call: Call, key: Key, material_id: str) -> Usable | None:
    """A key with one of its materials, None where it has none of that id."""
    material = await materials.look(call.doorway.state.at(key.account, key.region), key.id, material_id)
    return None if material is None else Usable(key, material, call.doorway.identity.sealer)
