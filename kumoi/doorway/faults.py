"""The guard that breaks calls on purpose: declared faults that delay, fail or drop what they match.

Whether a fault strikes is decided by its seed, the edge of the map and the number of the call on that edge, never
by the time or by what else is going on, so that a run replays exactly.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from kumoi.clock import Clock
from kumoi.names import hex_id
from kumoi.wire.errors import aws_error


class CallDropped(Exception):
    """The call, or its answer, is lost: the caller gets no answer at all."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A declared fault.

    It matches calls by glob patterns on `service`, `operation`, `resource` (the target's name without the service),
    `source` (the caller's node) and `caller` (the ARN of who calls). `phase` says whether it strikes before the service
    runs or after (the effect happened, the answer does not say so). `times` bounds how often it strikes, 0 meaning no
    bound.

    `point` says where: at the doorway, or where a function runs, however it was reached (a queue, a URL). There
    `resource` is `name:qualifier` as it was invoked, `fail` an error of the function's, and `answer` has the function
    answer `payload`.
    """

    action: Literal["delay", "fail", "drop", "answer"]
    point: Literal["call", "run"] = "call"
    service: str = "*"
    operation: str = "*"
    resource: str = "*"
    source: str = "*"
    phase: Literal["before", "after"] = "before"
    probability: float = 1.0
    seed: int = 0
    delay_ms: float = 0.0
    error: str = "ServiceUnavailable"
    message: str = "Injected by a declared fault."
    status: int | None = None
    times: int = 0
    payload: str = "null"
    account: str = "*"
    region: str = "*"
    caller: str = "*"
    id: str = msgspec.field(default_factory=lambda: f"fault-{hex_id(8)}")

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("probability lies between 0 and 1")
        if self.delay_ms < 0 or self.times < 0:
            raise ValueError("delay_ms and times are not negative")
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError("status lies between 400 and 599")
        if self.action == ("drop" if self.point == "run" else "answer"):
            raise ValueError(f"there is no fault {self.action} at the point {self.point}")

    def matches(
        self, account: str, source: str, service: str, operation: str, node: str, caller: str = "", region: str = ""
    ) -> bool:
        """Whether a call on the edge source → node is one of those this fault strikes."""
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(node.partition(":")[2], self.resource)
            and fnmatchcase(source, self.source)
            and fnmatchcase(account, self.account)
            and fnmatchcase(caller, self.caller)
            and fnmatchcase(region, self.region)
        )

    def strikes(self, edge: str, number: int) -> bool:
        """Whether the `number`-th matching call on `edge` is struck; the same answer for the same seed, always."""
        if self.probability >= 1.0:
            return True
        digest = hashlib.blake2b(f"{self.seed}|{edge}|{number}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64 < self.probability


class Faults:
    """The declared faults of a platform, in memory: a restart begins without any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: dict[str, Fault] = {}
        self._calls: Counter[tuple[str, str]] = Counter()
        self._struck: Counter[str] = Counter()

    @property
    def active(self) -> bool:
        """Whether any fault is declared: lets the hot path skip the rest."""
        return bool(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Declare a fault; one of the same id is replaced and counts anew."""
        self.remove(fault.id)
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: str) -> bool:
        """Take a fault back; whether it was there."""
        self._struck.pop(fault_id, None)
        for key in [key for key in self._calls if key[0] == fault_id]:
            del self._calls[key]
        return self._faults.pop(fault_id, None) is not None

    def clear(self, account: str | None = None) -> None:
        """Take all faults back, or those declared for one account alone."""
        for fault in list(self._faults.values()):
            if account is None or fault.account == account:
                self.remove(fault.id)

    def list(self) -> list[tuple[Fault, int]]:
        """Each fault with how often it has struck."""
        return [(fault, self._struck[fault.id]) for fault in self._faults.values()]

    def choose(
        self,
        account: str,
        source: str,
        service: str,
        operation: str,
        node: str,
        *,
        caller: str = "",
        region: str = "",
        point: Literal["call", "run"] = "call",
    ) -> Fault | None:
        """The fault that strikes this call, if any; the earliest declared wins. Counts the call."""
        edge = f"{source}>{node}#{operation}"
        for fault in self._faults.values():
            if fault.point != point or not fault.matches(account, source, service, operation, node, caller, region):
                continue
            if fault.times and self._struck[fault.id] >= fault.times:
                continue
            number = self._calls[fault.id, edge]
            self._calls[fault.id, edge] = number + 1
            if fault.strikes(edge, number):
                self._struck[fault.id] += 1
                return fault
        return None

    async def strike(self, fault: Fault) -> None:
        """Do to the call what the fault says: wait, raise its AwsError, or raise CallDropped."""
        if fault.delay_ms:
            await self._clock.sleep(fault.delay_ms / 1000)
        if fault.action == "fail":
            raise aws_error(fault.error, fault.message, status=fault.status)
        if fault.action == "drop":
            raise CallDropped
