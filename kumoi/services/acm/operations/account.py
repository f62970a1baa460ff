"""An account's settings: how many days before their end certificates are told of."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.acm import acm
from kumoi.services.acm.errors import invalid
from kumoi.services.acm.records import Account, accounts
from kumoi.state import Transaction, transactional

_MOST_DAYS = 45


@acm.operation
async def get_account_configuration(call: Call) -> dict[str, Any]:
    """The settings, or what they are without any."""
    return {"ExpiryEvents": {"DaysBeforeExpiry": (await _get(call.state)).days_before_expiry}}


@transactional
async def _get(tx: Transaction) -> Account:
    return await accounts.get(tx) or Account()


@acm.operation
async def put_account_configuration(
    call: Call, IdempotencyToken: str, ExpiryEvents: dict[str, int] | None = None
) -> None:
    """Change the settings; they are kept, and no events are sent."""
    days = (ExpiryEvents or {}).get("DaysBeforeExpiry", _MOST_DAYS)
    if days > _MOST_DAYS:
        raise invalid(f"DaysBeforeExpiry is at most {_MOST_DAYS}.")
    await _put(call.state, Account(days_before_expiry=days))


@transactional
async def _put(tx: Transaction, account: Account) -> None:
    await accounts.put(tx, account)
