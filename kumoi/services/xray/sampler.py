"""Decides for the platform's own services which requests are sampled: by the account's rules, as SDKs do.

Each rule has a reservoir of requests a second that are always sampled; of the others a share is. A request's share is
drawn by its trace id, so that the decision is the same whenever it is asked for.
"""

from __future__ import annotations

from hashlib import blake2b

from kumoi.doorway import Call, Sampled
from kumoi.services.xray.records import SamplingRule, rules
from kumoi.services.xray.sampling import rule_for
from kumoi.state import Transaction, transactional

Reservoir = tuple[str, str, str]


class Sampler:
    """The reservoirs of one platform, in memory: whom they serve starts anew with the platform."""

    def __init__(self) -> None:
        self._used: dict[Reservoir, tuple[int, int]] = {}

    async def decide(self, call: Call, request: Sampled) -> bool:
        """Whether a request is sampled."""
        rule = rule_for(await _rules(call.state), request)
        if rule.rate >= 1:
            return True
        return self._reserved((call.account, call.region, rule.name), rule, int(call.now)) or (
            _share(call.trace.root) < rule.rate
        )

    def _reserved(self, key: Reservoir, rule: SamplingRule, second: int) -> bool:
        """Take one of this second's reserved requests, where one is left."""
        last, used = self._used.get(key, (second, 0))
        if last != second:
            used = 0
        self._used[key] = (second, used + 1)
        return used < rule.reservoir


def _share(root: str) -> float:
    return int.from_bytes(blake2b(root.encode(), digest_size=4).digest(), "big") / 2**32


@transactional
async def _rules(tx: Transaction) -> list[SamplingRule]:
    return await rules.list(tx)
