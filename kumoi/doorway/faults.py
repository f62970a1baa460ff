"""The guard that breaks calls on purpose: declared faults that delay, fail, drop or repeat what they match.

Whether a fault strikes is decided by its seed, the edge of the map and the number of the call on that edge, never
by the time or by what else is going on, so that a run replays exactly; so is how long it delays. Every strike is noted
in a log, which reads the same for the same seed.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Literal, NamedTuple

import msgspec

from kumoi.clock import Clock
from kumoi.doorway.fault_errors import KINDS, named_error
from kumoi.names import hex_id
from kumoi.wire.errors import AwsError, aws_error

Action = Literal[
    "delay",
    "fail",
    "drop",
    "hang",
    "duplicate",
    "reorder",
    "answer",
    "cold",
    "kill",
    "freeze",
    "memory",
    "disk",
    "skew",
    "cut",
    "cpu",
    "truncate",
]
Point = Literal["call", "run"]

_AT_CALL: frozenset[Action] = frozenset({"delay", "fail", "drop", "hang", "duplicate", "reorder"})
_AT_RUN: frozenset[Action] = frozenset(
    {"delay", "fail", "answer", "cold", "kill", "freeze", "memory", "disk", "skew", "cut", "cpu", "truncate"}
)

HANG_SECONDS = 900.0
"""How long a call hangs that no delay bounds: longer than any function runs."""
REORDER_SECONDS = 1.0
"""How long a call waits, at most, for the one that is to overtake it."""
MOST_COPIES = 100
MOST_DELAY = 86_400_000.0
MOST_SKEW = 3650 * 86_400.0
LOG_SIZE = 100_000
REMEMBERED = 4096


class CallDropped(Exception):
    """The call, or its answer, is lost: the caller gets no answer at all."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A declared fault.

    It matches calls by glob patterns on `service`, `operation`, `resource` (the target's name without the service),
    `source` (the caller's node) and `caller` (the ARN of who calls). `phase` says whether it strikes before the service
    runs or after (the effect happened, the answer does not say so: a lost response). Which of the matching calls of an
    edge are struck say `skip` (so many go first), `every` (each n-th from there), `probability` with its `seed`, and
    `times`, which bounds how often it strikes in all, 0 meaning no bound. It holds from `begins` to `ends` (epoch
    seconds of the platform's clock). With `strikes_at`, the numbers of the calls on each edge that it struck before, it
    strikes those and no others: a run is replayed, and when it ends, or how often it strikes, is said by them alone.

    `delay_ms` is how long it delays, or the middle of a `distribution` whose width is `spread_ms`: uniform within ±,
    lognormal and pareto with the spread as their tail's measure. `error` is a code, or one of fault_errors.KINDS: then
    the service's own code for it, its status and, unless `message` is given, its text.

    Actions at the doorway (`point` call): `delay`, `fail`, `drop` (the connection is reset), `hang` (no answer comes),
    `duplicate` (the call comes `copies` times more), `reorder` (the next call on the edge overtakes it). Where a
    function runs (`point` run), however it was reached (a queue, a URL): `delay`, `fail` with an error of its own,
    `answer` with `payload`, `cold` (no warm environment is used), `kill` and `freeze` (its processes, `delay_ms` after
    it began; frozen for as long as that), `memory` and `disk` (it has `limit_mb` of them), `skew` (its clock is
    `skew_s` seconds fast, or slow), `cut` (it has no network), `cpu` (its processes run for a `share` of the time),
    `truncate` (half of its answer is lost). There `resource` is `name:qualifier` as it was invoked.
    """

    action: Action
    point: Point = "call"
    service: str = "*"
    operation: str = "*"
    resource: str = "*"
    source: str = "*"
    phase: Literal["before", "after"] = "before"
    probability: float = 1.0
    seed: int = 0
    skip: int = 0
    every: int = 1
    delay_ms: float = 0.0
    distribution: Literal["fixed", "uniform", "lognormal", "pareto"] = "fixed"
    spread_ms: float = 0.0
    error: str = "ServiceUnavailable"
    message: str = ""
    status: int | None = None
    times: int = 0
    copies: int = 1
    limit_mb: int = 1
    skew_s: float = 0.0
    share: float = 0.1
    payload: str = "null"
    account: str = "*"
    region: str = "*"
    caller: str = "*"
    begins: float | None = None
    ends: float | None = None
    strikes_at: dict[str, frozenset[int]] | None = None
    id: str = msgspec.field(default_factory=lambda: f"fault-{hex_id(8)}")

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("probability lies between 0 and 1")
        if not 0 <= self.delay_ms <= MOST_DELAY or not 0 <= self.spread_ms <= MOST_DELAY:
            raise ValueError("delay_ms and spread_ms lie between 0 and a day")
        if self.times < 0 or self.skip < 0 or self.every < 1:
            raise ValueError("times and skip are not negative, every is positive")
        if not 1 <= self.copies <= MOST_COPIES:
            raise ValueError(f"copies lies between 1 and {MOST_COPIES}")
        if not 1 <= self.limit_mb <= 10_240:
            raise ValueError("limit_mb lies between 1 and 10240")
        if not -MOST_SKEW <= self.skew_s <= MOST_SKEW or bool(self.skew_s) != (self.action == "skew"):
            raise ValueError("skew_s goes with the action skew, and is no more than ten years")
        if not 0.01 <= self.share <= 0.99:
            raise ValueError("share lies between 0.01 and 0.99")
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError("status lies between 400 and 599")
        if self.action not in (_AT_CALL if self.point == "call" else _AT_RUN):
            raise ValueError(f"there is no fault {self.action} at the point {self.point}")

    def matches(
        self, account: str, source: str, service: str, operation: str, node: str, caller: str = "", region: str = ""
    ) -> bool:
        """Whether a call on the edge source → node is one of those this fault may strike."""
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
        if self.strikes_at is not None:
            return number in self.strikes_at.get(edge, ())
        if number < self.skip or (number - self.skip) % self.every:
            return False
        return self.probability >= 1.0 or _chance(self.seed, edge, number) < self.probability

    def delay(self, edge: str, number: int) -> float:
        """How many milliseconds the `number`-th matching call on `edge` is delayed; the same for the same seed."""
        if self.distribution == "fixed" or not self.spread_ms:
            return self.delay_ms
        chance = _chance(self.seed, f"{edge}|delay", number)
        if self.distribution == "uniform":
            found = self.delay_ms + self.spread_ms * (2 * chance - 1)
        elif self.distribution == "lognormal":
            other = max(_chance(self.seed, f"{edge}|normal", number), 1e-12)
            normal = math.sqrt(-2 * math.log(other)) * math.cos(2 * math.pi * chance)
            found = self.delay_ms * math.exp(normal * math.log1p(self.spread_ms / max(self.delay_ms, 1.0)))
        else:
            found = self.delay_ms + self.spread_ms * ((1 - chance) ** -0.5 - 1)
        return min(max(found, 0.0), MOST_DELAY)

    def error_of(self, service: str) -> AwsError:
        """The error that a service answers."""
        if self.error in KINDS:
            code, status, message = named_error(self.error, service)
            return aws_error(code, self.message or message, status=self.status or status)
        return aws_error(self.error, self.message or "Injected by a declared fault.", status=self.status)


class Strike(NamedTuple):
    """One entry of the log: which fault struck the how-manieth matching call on which edge, and for how long."""

    fault: str
    edge: str
    number: int
    action: str
    delay_ms: float


class Faults:
    """The declared faults of a platform, in memory: a restart begins without any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: dict[str, Fault] = {}
        self._calls: Counter[tuple[str, str]] = Counter()
        self._struck: Counter[str] = Counter()
        self._matching: dict[tuple[str, ...], tuple[Fault, ...]] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._hanging: dict[str, set[asyncio.Future[None]]] = {}
        self._log: deque[Strike] = deque(maxlen=LOG_SIZE)

    @property
    def active(self) -> bool:
        """Whether any fault is declared: lets the hot path skip the rest."""
        return bool(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Declare a fault; one of the same id is replaced and counts anew."""
        self.remove(fault.id)
        self._faults[fault.id] = fault
        self._matching.clear()
        return fault

    def remove(self, fault_id: str) -> bool:
        """Take a fault back; whether it was there. Calls that hang by it are lost now."""
        for hanging in self._hanging.pop(fault_id, ()):
            if not hanging.done():
                hanging.set_result(None)
        self._struck.pop(fault_id, None)
        for key in [key for key in self._calls if key[0] == fault_id]:
            del self._calls[key]
        self._matching.clear()
        return self._faults.pop(fault_id, None) is not None

    def clear(self, account: str | None = None) -> None:
        """Take all faults back, or those declared for one account alone."""
        for fault in list(self._faults.values()):
            if account is None or fault.account == account:
                self.remove(fault.id)

    def list(self) -> list[tuple[Fault, int]]:
        """Each fault with how often it has struck."""
        return [(fault, self._struck[fault.id]) for fault in self._faults.values()]

    def log(self) -> Sequence[Strike]:
        """The last strikes, by edge and number: the same for the same seed, whatever happened side by side."""
        return sorted(self._log, key=lambda strike: (strike.edge, strike.number, strike.fault))

    def begin_anew(self) -> None:
        """Forget the log, and count the calls on every edge from nought again."""
        self._log.clear()
        self._calls.clear()
        self._struck.clear()

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
        point: Point = "call",
    ) -> Fault | None:
        """The fault that strikes this call, if any; the earliest declared wins. Counts the call.

        Its `delay_ms` is then how long this call is delayed.
        """
        key = (account, source, service, operation, node, caller, region, point)
        candidates = self._matching.get(key)
        if candidates is None:
            candidates = self._match(key, point)
        if not candidates:
            return None
        return self.choose_of(candidates, f"{source}>{node}#{operation}")

    def choose_of(self, candidates: Iterable[Fault], edge: str) -> Fault | None:
        """As `choose`, of faults that match the call, declared here or elsewhere."""
        for fault in candidates:
            if not self._holds(fault):
                continue
            number = self._calls[fault.id, edge]
            self._calls[fault.id, edge] = number + 1
            if fault.strikes(edge, number):
                self._struck[fault.id] += 1
                delay = fault.delay(edge, number)
                self._log.append(Strike(fault.id, edge, number, fault.action, round(delay, 3)))
                if delay == fault.delay_ms:
                    return fault
                return msgspec.structs.replace(fault, delay_ms=delay, distribution="fixed")
        return None

    def _holds(self, fault: Fault) -> bool:
        """Whether it may strike now: calls that come before or after are not counted."""
        if fault.begins is not None and self._clock.now() < fault.begins:
            return False
        if fault.strikes_at is not None:
            return True
        if fault.times and self._struck[fault.id] >= fault.times:
            return False
        return fault.ends is None or self._clock.now() < fault.ends

    def _match(self, key: tuple[str, ...], point: Point) -> tuple[Fault, ...]:
        found = tuple(fault for fault in self._faults.values() if fault.point == point and fault.matches(*key[:7]))
        if len(self._matching) >= REMEMBERED:
            self._matching.clear()
        self._matching[key] = found
        return found

    async def strike(self, fault: Fault, service: str = "", edge: str = "") -> None:
        """Do to the call what the fault says: wait, raise its AwsError, or raise CallDropped."""
        if fault.action == "reorder":
            await self._be_overtaken(edge, fault.delay_ms / 1000 or REORDER_SECONDS)
            return
        if fault.action == "hang":
            await self._hang(fault.id, fault.delay_ms / 1000 or HANG_SECONDS)
            raise CallDropped
        if fault.delay_ms:
            await self._clock.sleep(fault.delay_ms / 1000)
        if fault.action == "fail":
            raise fault.error_of(service)
        if fault.action == "drop":
            raise CallDropped

    def passed(self, edge: str) -> None:
        """A call on an edge is over: who waited to be overtaken goes on."""
        for waiting in self._waiting.pop(edge, ()):
            if not waiting.done():
                waiting.set_result(None)

    async def _be_overtaken(self, edge: str, seconds: float) -> None:
        overtaken = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(edge, []).append(overtaken)
        await self._wait(overtaken, seconds)

    async def _hang(self, fault_id: str, seconds: float) -> None:
        taken_back = asyncio.get_running_loop().create_future()
        self._hanging.setdefault(fault_id, set()).add(taken_back)
        try:
            await self._wait(taken_back, seconds)
        finally:
            self._hanging.get(fault_id, set()).discard(taken_back)

    async def _wait(self, happening: asyncio.Future[None], seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((happening, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            happening.cancel()


def _chance(seed: int, edge: str, number: int) -> float:
    digest = blake2b(f"{seed}|{edge}|{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
