"""Budgets: what an hour may cost, and the guard that stops what would go beyond it, such as a loop that feeds itself.

Each call and charge is priced as it passes (list prices, nothing free) and counted to its minute of the platform's
clock. Once the last sixty minutes cost more than the budget, calls of the kinds that have cost something get the error
with which their service says that it is asked too often, until enough minutes have gone by. What takes something away,
and what functions write to their logs, is let through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kumoi.clock import Clock
from kumoi.doorway import Call, ChargeKey, Doorway, Hop
from kumoi.doorway.throttling import throttle_of
from kumoi.wire.errors import aws_error

EVERYBODY = ""
"""The account of a budget that is for all accounts together."""
MINUTES = 60
_SPARED = ("Delete", "End", "Describe", "WriteFunctionLogs")


@dataclass(slots=True)
class _Spent:
    """What one budget has spent lately: USD by minute; `refused` calls since it was set."""

    limit: float
    minutes: deque[tuple[int, float]] = field(default_factory=deque)
    total: float = 0.0
    refused: int = 0

    def add(self, minute: int, usd: float) -> None:
        self.forget(minute)
        if self.minutes and self.minutes[-1][0] == minute:
            self.minutes[-1] = (minute, self.minutes[-1][1] + usd)
        else:
            self.minutes.append((minute, usd))
        self.total += usd

    def forget(self, minute: int) -> None:
        while self.minutes and self.minutes[0][0] <= minute - MINUTES:
            self.total -= self.minutes.popleft()[1]
        if not self.minutes:
            self.total = 0.0

    @property
    def frees_at(self) -> int:
        """The minute in which the first of what was spent is an hour ago."""
        return self.minutes[0][0] + MINUTES if self.minutes else 0


class Budgets:
    """The budgets of a platform, in memory: a restart begins without what was spent."""

    def __init__(self, doorway: Doorway, clock: Clock) -> None:
        self._doorway = doorway
        self._clock = clock
        self._budgets: dict[str, _Spent] = {}
        self._dear: set[tuple[str, str]] = set()
        self._listening: list[Callable[[], None]] = []
        self._hop_cost: Callable[[Hop], float]
        self._charge_cost: Callable[[ChargeKey, Mapping[str, float]], float]

    def set(self, usd_per_hour: float, account: str = EVERYBODY) -> None:
        """Let an hour of an account (or of all together) cost so much; what was spent before counts no more."""
        from kumoi.cost.hop_cost import charge_cost, hop_cost  # prices are not read before somebody has a budget

        self._hop_cost, self._charge_cost = hop_cost, charge_cost
        self._budgets[account] = _Spent(usd_per_hour)
        if not self._listening:
            self._listening = [self._doorway.hops.listen(self._passed), self._doorway.charges.listen(self._charged)]
            self._doorway.limit = self._check

    def clear(self, account: str | None = None) -> None:
        """Take an account's budget back, or all."""
        if account is None:
            self._budgets.clear()
        else:
            self._budgets.pop(account, None)
        if not self._budgets:
            for stop in self._listening:
                stop()
            self._listening, self._doorway.limit = [], None

    def told(self) -> list[dict[str, Any]]:
        """Each budget with what was spent within the last hour, and whether it is used up."""
        minute = self._minute()
        found = []
        for account, spent in self._budgets.items():
            spent.forget(minute)
            found.append(
                {
                    "account": account or None,
                    "usd_per_hour": spent.limit,
                    "spent": spent.total,
                    "exceeded": spent.total > spent.limit,
                    "refused": spent.refused,
                }
            )
        return found

    def _minute(self) -> int:
        return int(self._clock.now() // 60)

    def _passed(self, hop: Hop) -> None:
        if hop.units:
            self._spend(hop.account, hop.service, hop.operation, self._hop_cost(hop))

    def _charged(self, key: ChargeKey, units: Mapping[str, float]) -> None:
        self._spend(key.account, key.service, "StartExecution", self._charge_cost(key, units))

    def _spend(self, account: str, service: str, operation: str, usd: float) -> None:
        if usd <= 0:
            return
        self._dear.add((service, operation))
        minute = self._minute()
        for one in (account, EVERYBODY):
            if one in self._budgets:
                self._budgets[one].add(minute, usd)

    def _check(self, call: Call) -> None:
        """Raise the throttling error of a call's service where its budget is used up."""
        if (call.service, call.operation) not in self._dear or call.operation.startswith(_SPARED):
            return
        for account in (call.account, EVERYBODY):
            spent = self._budgets.get(account)
            if spent is None or spent.total <= spent.limit:
                continue
            minute = self._minute()
            spent.forget(minute)
            if spent.total <= spent.limit:
                continue
            spent.refused += 1
            call.units.clear()
            call.warning = (
                f"stopped by the budget of ${spent.limit:g} an hour: the last hour cost ${spent.total:.4g};"
                f" calls pass again in {max(spent.frees_at - minute, 1)} min, or with another budget"
                " (kumoi cost --budget USD)"
            )
            code, status = throttle_of(call.service)
            raise aws_error(code, f"Rate exceeded. Kumoi: {call.warning}.", status=status)
