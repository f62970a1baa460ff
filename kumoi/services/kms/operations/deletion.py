"""Keys are to be deleted, or kept after all."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.kms import deletion, kms
from kumoi.services.kms.errors import invalid
from kumoi.services.kms.naming import Named
from kumoi.services.kms.records import Key
from kumoi.services.kms.store import check_stays, find_own, own, state_of
from kumoi.state import Transaction, transactional


@kms.operation
async def schedule_key_deletion(call: Call, KeyId: str, PendingWindowInDays: int = deletion.LONGEST) -> dict[str, Any]:
    """Have a key deleted when its waiting period is over."""
    if not deletion.SHORTEST <= PendingWindowInDays <= deletion.LONGEST:
        raise invalid(f"PendingWindowInDays must be between {deletion.SHORTEST} and {deletion.LONGEST}.")
    named = own(call, KeyId)
    key = await _schedule(state_of(call, named), named, PendingWindowInDays)
    when = {} if key.deletes is None else {"DeletionDate": key.deletes}
    return {"KeyId": key.arn, "KeyState": key.state, "PendingWindowInDays": PendingWindowInDays, **when}


@transactional
async def _schedule(tx: Transaction, named: Named, days: int) -> Key:
    key = await find_own(tx, named)
    check_stays(key)
    return await deletion.schedule(tx, key, days)


@kms.operation
async def cancel_key_deletion(call: Call, KeyId: str) -> dict[str, Any]:
    """Keep a key; it is disabled then."""
    named = own(call, KeyId)
    key = await _cancel(state_of(call, named), named)
    return {"KeyId": key.arn}


@transactional
async def _cancel(tx: Transaction, named: Named) -> Key:
    return await deletion.cancel(tx, await find_own(tx, named))
