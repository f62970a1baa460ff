"""What else the same journeys could run on: containers, virtual machines, a Firebase-style backend; and break-even.

Only what computes and routes is replaced (functions, APIs, workflows); data, queues, logs and transfer stay as they are
for containers and machines. Sizes are assumptions, stated in `ASSUMED`, and each figure is a range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from kumoi.cost.bill import Line
from kumoi.cost.flows import Shares
from kumoi.cost.projection import Journey, Load, Quantities, month_cost, quantities
from kumoi.cost.standing import HOURS
from kumoi.prices import PriceList, Range

MB_OF_A_CPU = 1769.0
"""Memory of a function that comes with one vCPU."""
BUSY = 0.6
"""How busy a machine may be at the peak."""
TASK_CPUS, TASK_GB = 0.5, 1.0
MACHINE_CPUS, MACHINE_DISK_GB = 2.0, 30.0
LEAST = 2
"""Tasks or machines at least, so that one may fail."""
MOST_USERS = 10_000_000.0
WORTH_IT = 1.0
"""USD a month that another way has to save to count as cheaper."""
ASSUMED = (
    f"at most {BUSY:.0%} busy then; containers of {TASK_CPUS} vCPU and {TASK_GB:.0f} GB, machines of"
    f" {MACHINE_CPUS:.0f} vCPU, {LEAST} at least, day and night, behind a load balancer; work to run them (patches,"
    " scaling, being on call) is not counted"
)
_REPLACED = ("lambda.", "apigateway.", "stepfunctions.", "appsync.operations", "elb.")
_FIREBASE = ("dynamodb.", "s3.", "cognito.", "transfer.", "cloudfront.", *_REPLACED)


class Work(NamedTuple):
    """What a journey makes machines do (vCPU seconds), functions (GB-seconds), and a store of documents."""

    cpu_seconds: float
    gb_seconds: float
    invocations: float
    reads: float
    writes: float


def work_of(lines: Iterable[Line], shares: Shares) -> Work:
    """A journey's work."""
    cpu = gb_seconds = invocations = reads = writes = 0.0
    for line in lines:
        if line.flow not in shares.of:
            continue
        units = line.units
        mb_ms = sum(units.get(f"lambda:MB-millisecond-{kind}", 0.0) for kind in ("x86", "arm", "provisioned"))
        cpu += mb_ms / 1000 / MB_OF_A_CPU
        gb_seconds += mb_ms / 1000 / 1024
        invocations += units.get("lambda:invocations", 0.0)
        if line.edge.service == "dynamodb":
            reads += line.calls if units.get("read_units") else 0.0
            writes += line.calls if units.get("write_units") else 0.0
    count = max(shares.journeys, 1)
    return Work(*(one / count for one in (cpu, gb_seconds, invocations, reads, writes)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run's journeys on AWS's serverless services, and on what they are compared with."""

    journey: Journey
    work: Work
    prices: PriceList
    others: PriceList
    region: str

    def serverless(self, load: Load) -> Range:
        """USD a month as it is."""
        return month_cost(self.journey, load, self.prices)

    def containers(self, load: Load) -> Range:
        """USD a month on Fargate tasks."""
        count = self._count(load, TASK_CPUS)
        own = self._of(
            {
                "fargate.vcpu-hours": count * TASK_CPUS * HOURS,
                "fargate.gb-hours": count * TASK_GB * HOURS,
                "elb.alb-hours": HOURS,
            }
        )
        return own.plus(self._rest(load, _REPLACED))

    def machines(self, load: Load) -> Range:
        """USD a month on virtual machines."""
        count = self._count(load, MACHINE_CPUS)
        own = self._of(
            {
                "ec2.t4g-medium-hours": count * HOURS,
                "ec2.disk-gb-months": count * MACHINE_DISK_GB,
                "elb.alb-hours": HOURS,
            }
        )
        return own.plus(self._rest(load, _REPLACED))

    def firebase(self, load: Load) -> Range:
        """USD a month by a Firebase-style list: documents, invocations, storage and transfer; half of it at least."""
        _, month, _ = quantities(self.journey, load)
        stored = sum(amount for (_, item), amount in month.items() if item.endswith(".gb-months"))
        out = sum(amount for (_, item), amount in month.items() if item in ("transfer.out-gb", "cloudfront.out-gb"))
        own = self._of(
            {
                "firestore.reads": self.work.reads * load.journeys,
                "firestore.writes": self.work.writes * load.journeys,
                "firestore.gb-months": stored,
                "functions.invocations": self.work.invocations * load.journeys,
                "functions.gb-seconds": self.work.gb_seconds * load.journeys,
                "hosting.out-gb": out,
            },
            load.free_tier,
        )
        return Range(own.low / 2, own.middle, own.high).plus(self._rest(load, _FIREBASE))

    def _count(self, load: Load, cpus: float) -> int:
        peak = self.work.cpu_seconds * load.journeys / (HOURS * 3600) * load.peak
        return max(math.ceil(peak / (cpus * BUSY)), LEAST)

    def _of(self, items: dict[str, float], free_tier: str = "none") -> Range:
        given = {(self.region, item): amount for item, amount in items.items()}
        found = [usd for _, usd in self.others.month(given, free_tier).values()]
        return Range(sum(one.low for one in found), sum(one.middle for one in found), sum(one.high for one in found))

    def _rest(self, load: Load, without: Sequence[str]) -> Range:
        def kept(given: Quantities) -> Quantities:
            return {key: amount for key, amount in given.items() if not key[1].startswith(tuple(without))}

        journey = self.journey
        rest = Journey(
            (kept(journey.each[0]), kept(journey.each[1]), kept(journey.each[2])),
            (kept(journey.hour[0]), kept(journey.hour[1]), kept(journey.hour[2])),
            kept(journey.standing),
            kept(journey.grown),
            kept(journey.users),
        )
        return month_cost(rest, load, self.prices)


WAYS: dict[str, Callable[[Comparison, Load], Range]] = {
    "serverless": Comparison.serverless,
    "containers": Comparison.containers,
    "machines": Comparison.machines,
    "firebase": Comparison.firebase,
}
USERS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)


def curve(comparison: Comparison, load: Load, users: Sequence[float] = USERS) -> list[dict[str, Any]]:
    """USD a month for so many users, by way."""
    return [
        {"users": count, **{way: of(comparison, replace(load, users=count))._asdict() for way, of in WAYS.items()}}
        for count in users
    ]


def break_even(comparison: Comparison, load: Load) -> dict[str, float | None]:
    """The number of users from which each other way is cheaper; None where it is not up to ten million, or always was.

    Answers 1 where the other way is cheaper from the start.
    """
    found: dict[str, float | None] = {}
    for way, of in WAYS.items():
        if way != "serverless":
            found[way] = _crossing(partial(_gap, comparison, load, of))
    return found


def _gap(comparison: Comparison, load: Load, of: Callable[[Comparison, Load], Range], users: float) -> float:
    at = replace(load, users=users)
    return comparison.serverless(at).middle - of(comparison, at).middle - WORTH_IT


def _crossing(gap: Callable[[float], float]) -> float | None:
    """Where a difference that begins below nothing is above it, to one percent."""
    if gap(1.0) > 0:
        return 1.0
    low, high = 1.0, 1.0
    while gap(high) <= 0:
        low, high = high, high * 2
        if high > MOST_USERS:
            return None
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if gap(middle) <= 0 else (low, middle)
    return high
