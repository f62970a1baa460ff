"""A declared fault: which calls it may strike, which of those it does, and what becomes of them. A value; pure.

Whether it strikes is decided by its seed, the edge of the map and the number of the call on that edge, never by the
time or by what else is going on, so that a run replays exactly; so is how long it delays.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import msgspec

from kumoi.doorway.fault_errors import KINDS, named_error
from kumoi.names import hex_id
from kumoi.schedules import Schedule, parse
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
    "nameless",
    "cpu",
    "truncate",
    "corrupt",
    "stale",
    "out",
]
Point = Literal["call", "run", "edge"]
Damage = Literal["truncate", "corrupt"]
"""What is done to the bytes of an answer."""

OF_CALLS: frozenset[Action] = frozenset({"duplicate", "truncate", "corrupt", "stale"})
"""What only calls can have: they can be made again, and are answered."""

_AT: dict[Point, frozenset[Action]] = {
    "call": frozenset({"delay", "fail", "drop", "hang", "duplicate", "reorder", "truncate", "corrupt", "stale"}),
    "run": frozenset(
        {
            *("delay", "fail", "answer", "cold", "kill", "freeze", "memory", "disk", "skew", "cut", "nameless", "cpu"),
            *("truncate", "corrupt"),
        }
    ),
    "edge": frozenset({"out", "delay", "fail", "drop", "hang"}),
}

_BOOKKEEPING = frozenset({"WriteFunctionLogs"})
"""What the platform writes down by itself about those that run, whenever a batch is due: no call of theirs."""

MOST_COPIES = 100
MOST_DELAY = 86_400_000.0
MOST_SKEW = 3650 * 86_400.0
MOST_ATTRIBUTES = 10
_ATTRIBUTE = re.compile(r"caller|(header|query|claim|tag)\.[^\x00-\x20]{1,128}")
STALE_SECONDS, MOST_AGE = 1.0, 3600.0
"""How old what a stale read answers is, where nothing is said, and at most."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A declared fault.

    It matches calls by glob patterns on `service`, `operation`, `resource` (the target's name without the service),
    `source` (the caller's node) and `caller` (the ARN of who calls). With an `application` (a stack) it matches calls
    of its parts and to them: `nodes`, which the platform finds out. `attributes` are patterns on the request that the
    call's trace began with: `header.NAME`, `query.NAME`, `claim.NAME` (of its JWT), `tag.NAME` (of the session that
    signed it), `caller` (who that was, by ARN); only an empty pattern is about what a request does not have. That a
    function's log lines are stored matches where service, operation or resource are named, not among all of its calls:
    when a batch leaves is the platform's affair. `phase` says whether it strikes before the service runs or after (the
    effect happened, the answer does not say so: a lost response).

    Which of the matching calls of an edge are struck say `skip` (so many go first), `every` (each n-th from there),
    `probability` with its `seed`, and `times`, which bounds how often it strikes in all, 0 meaning no bound. It holds
    from `begins` to `ends` (epoch seconds of the platform's clock), and with a `schedule` (rate, cron or at) for
    `lasts_s` seconds whenever that is due. With `strikes_at`, the numbers of the calls on each edge that it struck
    before, it strikes those and no others: a run is replayed, and when it ends, or how often it strikes, is said by
    them alone.

    `delay_ms` is how long it delays, or the middle of a `distribution` whose width is `spread_ms`: uniform within ±,
    lognormal and pareto with the spread as their tail's measure. `error` is a code, or one of fault_errors.KINDS: then
    the service's own code for it, its status and, unless `message` is given, its text.

    Actions at the doorway (`point` call): `delay`, `fail`, `drop` (the connection is reset), `hang` (no answer comes),
    `duplicate` (the call comes `copies` times more), `reorder` (the next call on the edge overtakes it), `truncate` and
    `corrupt` (what the service answered arrives by half, or damaged; a part of the platform that cannot read an answer
    has none), `stale` (an eventually consistent read answers what was there `delay_ms` ago, a second without any; reads
    that are not are not struck, nor is what was before the fault known).

    Where a function runs (`point` run), however it was reached (a queue, a URL): `delay`, `fail` with an error of its
    own, `answer` with `payload`, `cold` (no warm environment is used), `kill` and `freeze` (its processes, `delay_ms`
    after it began; frozen for as long as that), `memory` and `disk` (it has `limit_mb` of them), `skew` (its clock is
    `skew_s` seconds fast, or slow), `cut` (it has no network), `nameless` (it does not find the names of other hosts),
    `cpu` (its processes run for a `share` of the time), `truncate` and `corrupt` (half of its answer is lost, or it is
    damaged). There `resource` is `name:qualifier` as it was invoked.

    Where viewers arrive (`point` edge): `out` (the location is not there: they arrive at the nearest that is), `delay`,
    `fail`, `drop`, `hang`. There `resource` is `distribution:location`, such as `*:NRT57-P1`.
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
    application: str = ""
    nodes: frozenset[str] | None = None
    attributes: dict[str, str] = {}
    schedule: str = ""
    lasts_s: float = 60.0
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
        if self.schedule:
            scheduled(self.schedule)
        if not 0 < self.lasts_s <= 7 * 86_400:
            raise ValueError("lasts_s is more than nothing, and a week at most")
        if len(self.attributes) > MOST_ATTRIBUTES or not all(map(_ATTRIBUTE.fullmatch, self.attributes)):
            raise ValueError(
                f"attributes are header.NAME, query.NAME, claim.NAME, tag.NAME or caller, at most {MOST_ATTRIBUTES}"
            )
        if self.application and self.nodes is None:
            raise ValueError("nodes are needed with an application")
        if self.action == "stale" and (self.age > MOST_AGE or self.phase == "after"):
            raise ValueError("a stale read answers what was there an hour ago at most, and has no phase")
        if self.action not in _AT[self.point]:
            raise ValueError(f"there is no fault {self.action} at the point {self.point}")

    @property
    def age(self) -> float:
        """How many seconds what a stale read answers is old at most; 0 for other faults."""
        if self.action != "stale":
            return 0.0
        if self.distribution == "uniform":
            return (self.delay_ms + self.spread_ms) / 1000
        return MOST_AGE if self.spread_ms and self.distribution != "fixed" else self.delay_ms / 1000 or STALE_SECONDS

    @property
    def steady(self) -> bool:
        """Whether it fails or drops each call that it matches, as long as it holds."""
        whenever = self.skip == 0 and self.every == 1 and self.times == 0 and self.probability >= 1.0
        return self.action in ("fail", "drop") and whenever and self.strikes_at is None and not self.delay_ms

    def matches(
        self, account: str, source: str, service: str, operation: str, node: str, caller: str = "", region: str = ""
    ) -> bool:
        """Whether a call on the edge source → node is one of those this fault may strike."""
        if operation in _BOOKKEEPING and self.service == self.operation == self.resource == "*":
            return False
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(node.partition(":")[2], self.resource)
            and fnmatchcase(source, self.source)
            and fnmatchcase(account, self.account)
            and fnmatchcase(caller, self.caller)
            and fnmatchcase(region, self.region)
        )

    def belongs(self, source: str, node: str, attributes: Mapping[str, str]) -> bool:
        """Whether a call that it matches is of its application, and of a trace that began as it asks."""
        if self.nodes is not None and source not in self.nodes and node not in self.nodes:
            return False
        return all(
            fnmatchcase(attributes[name], pattern) if name in attributes else pattern == ""
            for name, pattern in self.attributes.items()
        )

    def due(self, now: float) -> bool:
        """Whether its schedule has it strike now; always without one."""
        if not self.schedule:
            return True
        begun = _due_after(self.schedule, math.floor(now - self.lasts_s))
        return begun is not None and begun <= now

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


@lru_cache(256)
def scheduled(expression: str) -> Schedule:
    """A schedule; ScheduleError, which is a ValueError, for what is none."""
    return parse(expression)


@lru_cache(256)
def _due_after(expression: str, second: int) -> float | None:
    """When a schedule is due next, which it is at whole seconds; known for the many calls of one second."""
    return scheduled(expression).next_time(second)


def _chance(seed: int, edge: str, number: int) -> float:
    digest = blake2b(f"{seed}|{edge}|{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
