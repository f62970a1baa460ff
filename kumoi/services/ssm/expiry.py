"""When policies act: one timer a parameter, for the policy that is due next."""

from __future__ import annotations

from kumoi.services.ssm.records import Version
from kumoi.state import Transaction

TOPIC = "ssm.policy"


def set_timer(tx: Transaction, version: Version) -> None:
    """Have the next policy of a latest version act when it is due; none where all of them have."""
    due = [policy.due for policy in version.policies if policy.status == "Pending"]
    if due:
        tx.timer(min(due), TOPIC, version.name.encode(), key=version.name)
    else:
        cancel_timer(tx, version.name)


def cancel_timer(tx: Transaction, name: str) -> None:
    """No policy of a parameter acts any more."""
    tx.cancel_timer(TOPIC, name)
