"""What is stored of data protection: the policy of a group, and that of an account. Times are epoch milliseconds.

Every write to a group reads both: they stay decoded in memory.
"""

from __future__ import annotations

import msgspec

from kumoi.state import State
from kumoi.state.space import Space

ACCOUNT = "DATA_PROTECTION_POLICY"


class GroupProtection(msgspec.Struct, frozen=True, kw_only=True):
    """A group's policy; the document is empty where it was taken back."""

    group: str
    document: str
    updated: int


class AccountPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy for all groups of an account in a region, by its kind: there is one of each."""

    kind: str
    name: str
    document: str
    updated: int


group_protections: Space[GroupProtection] = Space(
    "logs.protection", GroupProtection, lambda one: (one.group,), remembered=True
)
account_policies: Space[AccountPolicy] = Space("logs.account", AccountPolicy, lambda one: (one.kind,), remembered=True)


async def documents_for(state: State, group: str) -> list[str]:
    """The policies that events of a group fall under."""
    account, own = await account_policies.look(state, ACCOUNT), await group_protections.look(state, group)
    return [one.document for one in (account, own) if one is not None and one.document]
