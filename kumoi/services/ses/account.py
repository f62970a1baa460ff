"""An account's settings in a region."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.services.ses.records import Account, accounts
from kumoi.state import Transaction, transactional


@transactional
async def current(tx: Transaction) -> Account:
    """The settings as they are."""
    return await accounts.get(tx) or Account()


@transactional
async def change(tx: Transaction, /, **changed: Any) -> None:
    """Change some of them."""
    await accounts.put(tx, msgspec.structs.replace(await current(tx), **changed))
