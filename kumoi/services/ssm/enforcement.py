"""Policies that are due: the parameter is deleted, or EventBridge told, in the transaction that ends the timer."""

from __future__ import annotations

import msgspec

from kumoi.services.ssm import expiry
from kumoi.services.ssm.notices import Notices
from kumoi.services.ssm.policies import EXPIRATION
from kumoi.services.ssm.records import Policy, key_of, parameters
from kumoi.services.ssm.store import remove, replace_latest
from kumoi.state import State, Timer, Transaction, transactional


class Enforcement:
    """Has the policies of parameters act."""

    def __init__(self, state: State, notices: Notices) -> None:
        self._state = state
        self._notices = notices

    async def fire(self, timer: Timer) -> None:
        """Act for the parameter that a timer is for."""
        await _act(self._state.at(timer.account, timer.region), self._notices, timer)


@transactional
async def _act(tx: Transaction, notices: Notices, timer: Timer) -> None:
    tx.complete_timer(timer)
    parameter = await parameters.get(tx, *key_of(timer.payload.decode()))
    if parameter is None:
        return
    version, after = parameter.latest, list[Policy]()
    expired = False
    for policy in version.policies:
        if policy.status == "Pending" and policy.due <= tx.now:
            await notices.acted(tx, version, policy)
            expired = expired or policy.type == EXPIRATION
            policy = msgspec.structs.replace(policy, status="Finished")
        after.append(policy)
    if expired:
        await remove(tx, parameter, notices)
        return
    version = msgspec.structs.replace(version, policies=tuple(after))
    await replace_latest(tx, parameter, version)
    expiry.set_timer(tx, version)
