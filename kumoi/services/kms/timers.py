"""The timers of keys: when they are rotated, deleted, and when imported material expires."""

from __future__ import annotations

from kumoi.services.kms.records import Key
from kumoi.state import Transaction

DAY = 86_400.0
DELETION, ROTATION, EXPIRY = "kms.deletion", "kms.rotation", "kms.expiry"


def schedule_rotation(tx: Transaction, key: Key) -> None:
    """Have a key rotated when it is time; that of a replica is its primary key's."""
    if key.rotation is None or key.is_replica:
        tx.cancel_timer(ROTATION, key.id)
    else:
        tx.timer(key.rotation.next, ROTATION, key.id.encode(), key=key.id)


def schedule_deletion(tx: Transaction, key: Key) -> None:
    """Have a key deleted when it is time, or no longer."""
    if key.deletes is None:
        tx.cancel_timer(DELETION, key.id)
    else:
        tx.timer(key.deletes, DELETION, key.id.encode(), key=key.id)


def schedule_expiry(tx: Transaction, key: Key) -> None:
    """Have imported material expire when it is time, or no longer."""
    if key.expires is None:
        tx.cancel_timer(EXPIRY, key.id)
    else:
        tx.timer(key.expires, EXPIRY, key.id.encode(), key=key.id)
