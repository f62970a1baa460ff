"""The sweep: every edge of the map is broken in every way while users do what they do, each time from one snapshot.

First the flows run unbroken: what they touch is what there is to break, and how it went is what to compare with. Then
for each edge and each way the platform goes back to the snapshot, one fault is declared, the flow runs, the fault is
taken back, and what has become of the requests decides the cell. At the end the platform is as it was before.
"""

from __future__ import annotations

import glob
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

import msgspec

from kumoi.experiments.advice import Advice, advise
from kumoi.experiments.application import Application
from kumoi.experiments.breaking import Tell
from kumoi.experiments.fingerprint import Fingerprint, differ, fingerprint, stable
from kumoi.experiments.model import Experiment, HttpRequest, Load
from kumoi.experiments.running import Runner
from kumoi.experiments.verdict import Outcome
from kumoi.gateway.sweeps import Cell, Color, Row

Kind = Literal["error", "throttle", "slow", "lost", "duplicate", "reorder"]

KINDS: dict[Kind, dict[str, Any]] = {
    "error": {"action": "fail", "error": "internal"},
    "throttle": {"action": "fail", "error": "throttle", "probability": 0.3},
    "slow": {"action": "delay"},
    "lost": {"action": "drop", "phase": "after", "every": 2},
    "duplicate": {"action": "duplicate"},
    "reorder": {"action": "reorder", "probability": 0.5},
}
USUAL: tuple[Kind, ...] = ("error", "throttle", "slow", "lost", "duplicate")
"""The ways that are taken where none is named. Each order of `reorder` is a run of its own."""
_UNORDERED = ("sqs:", "sns:", "events:", "s3:")
"""Who may deliver in another order than things happened; FIFO queues and topics do not."""
_WORSE: tuple[Color, ...] = ("none", "green", "yellow", "red", "black")
SLOW_MS = 2000.0
LINGER = 10.0
STORM = 3.0
_READS = ("Get", "Describe", "List", "Receive", "Await", "Scan", "Query", "BatchGet", "Head", "WriteFunctionLogs")
_OURS = frozenset({"WriteFunctionLogs", "GetPolicy", "ListEventSourceMappings"})
"""What is no edge of the application: how the platform itself keeps its books."""


class Edge(NamedTuple):
    """Who calls what: two nodes of the map and an operation; `service` is whose operation it is."""

    source: str
    target: str
    operation: str
    service: str

    def __str__(self) -> str:
        return f"{self.source} → {self.target} {self.operation}"


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """The sweep's outcome."""

    flows: list[str]
    kinds: list[str]
    rows: list[Row]
    advice: list[Advice]
    seed: int
    seconds: float
    counts: dict[str, int]


class Seen(NamedTuple):
    """How one run of a flow went."""

    outcomes: list[Outcome]
    lost: int
    duplicated: int
    dead: int
    hops: list[dict[str, Any]]
    struck: int
    seconds: float
    print: Fingerprint


class Sweep:
    """Sweeps an application. `restore` puts the platform back to the snapshot, at the time it was taken."""

    def __init__(self, application: Application, restore: Callable[[], None], tell: Tell = lambda _: None) -> None:
        self._application = application
        self._runner = Runner(application)
        self._restore = restore
        self._tell = tell

    def run(
        self,
        flows: list[Experiment],
        *,
        requests: int,
        speed: float,
        seed: int,
        only: str = "*",
        kinds: Sequence[Kind] = USUAL,
        orders: int = 5,
    ) -> Matrix:
        """Break everything that the flows touch; `requests` bounds how many each run makes.

        `only` is a glob pattern of the edges that are meant (`source → target operation`), `kinds` are the ways.
        `orders` is in how many orders deliveries are made where they are reordered, each by a seed of its own.
        """
        began = time.monotonic()
        try:
            flows = [_bounded(flow, requests) for flow in flows]
            baselines = [self._baseline(flow, speed) for flow in flows]
            touched = [edges(seen.hops) for seen, _ in baselines]
            every = sorted({edge for found in touched for edge in found if fnmatchcase(str(edge), only)})
            self._tell(f"{len(every)} edges, {len(kinds)} ways, {len(flows)} flows")
            rows = []
            for number, edge in enumerate(every, 1):
                cells: dict[str, dict[str, Cell]] = {}
                for flow, (baseline, steady), found in zip(flows, baselines, touched, strict=True):
                    if edge in found:
                        cells[flow.title] = {
                            kind: self._worst(flow, edge, kind, baseline, steady, speed, range(seed, seed + orders))
                            for kind in kinds
                        }
                row = Row(source=edge.source, target=edge.target, operation=edge.operation, cells=cells)
                rows.append(row)
                self._tell(f"{number}/{len(every)} {edge}: {_colors(row)}")
        finally:
            self._restore()
        counts = Counter(cell.color for row in rows for cells in row.cells.values() for cell in cells.values())
        return Matrix(
            flows=[flow.title for flow in flows],
            kinds=list(kinds),
            rows=rows,
            advice=advise(rows, self._application),
            seed=seed,
            seconds=round(time.monotonic() - began, 3),
            counts={str(color): count for color, count in counts.items()},
        )

    def _baseline(self, flow: Experiment, speed: float) -> tuple[Seen, frozenset[str]]:
        """The flow unbroken, twice: what differs even then says nothing."""
        first, second = self._once(flow, None, speed), self._once(flow, None, speed)
        failed = [outcome.seen for outcome in (*first.outcomes, *second.outcomes) if not outcome.accepted]
        if failed or first.lost or first.duplicated:
            self._tell(f"{flow.title}: does not work unbroken ({'; '.join(sorted(set(failed)))[:200]})")
        hops = [*first.hops, *second.hops]
        return first._replace(hops=hops), stable(first.print, second.print)

    def _worst(
        self,
        flow: Experiment,
        edge: Edge,
        kind: Kind,
        baseline: Seen,
        steady: frozenset[str],
        speed: float,
        seeds: Sequence[int],
    ) -> Cell:
        """The cell of an edge broken in a way; of the worst order, where deliveries are made in several."""
        if kind != "reorder":
            return self._cell(flow, edge, kind, baseline, steady, speed, seeds[0])
        if not unordered(edge):
            return Cell(color="none", seen="it keeps its order, or has none")
        cells = [self._cell(flow, edge, kind, baseline, steady, speed, seed) for seed in seeds]
        worst = max(cells, key=lambda cell: _WORSE.index(cell.color))
        as_bad = sum(cell.color == worst.color for cell in cells)
        return msgspec.structs.replace(worst, seen=f"{as_bad} of {len(cells)} orders: {worst.seen or 'unaffected'}")

    def _cell(
        self,
        flow: Experiment,
        edge: Edge,
        kind: Kind,
        baseline: Seen,
        steady: frozenset[str],
        speed: float,
        seed: int,
    ) -> Cell:
        if kind in ("lost", "duplicate") and edge.operation.startswith(_READS):
            return Cell(color="none", seen="a read: nothing to repeat")
        return judged(self._once(flow, fault(edge, kind, seed), speed), baseline, steady, bool(flow.invariants))

    def _once(self, flow: Experiment, broken: Mapping[str, Any] | None, speed: float) -> Seen:
        """Run a flow from the snapshot, with a fault or without."""
        application, runner = self._application, self._runner
        self._restore()
        application.forget_messages()
        began = time.monotonic()
        start = runner.time.now()
        variables = runner.variables(flow)
        if speed != 1.0 and (broken is None or broken["action"] != "delay"):
            application.ask("POST", "clock", {"action": "scale", "factor": speed})
        if broken is not None:
            application.ask("POST", "faults", {**broken, "account": application.account})
        assert flow.load is not None, "flows have a load"
        with runner.time.watched(start) as passed:
            outcomes = runner.users.work(flow.load, variables)
            spent = time.monotonic() - began
            struck = 0
            if broken is not None:
                runner.time.linger(LINGER)
                [struck] = [one["struck"] for one in application.ask("GET", "faults")["faults"]]
                application.ask("DELETE", "faults")
            checks, _ = runner.settle(flow, variables, outcomes)
            passed.close()
        if passed.missed:
            self._tell(f"{flow.title}: {passed.missed} calls passed faster than they were looked at")
        return Seen(
            outcomes,
            max((check.missing for check in checks), default=0),
            max((check.surplus for check in checks), default=0),
            sum(runner.watch.dead_letters().values()),
            passed.hops,
            struck,
            spent,
            fingerprint(application) if not flow.invariants else {},
        )


def calls(hops: Iterable[Mapping[str, Any]]) -> int:
    """How many calls hops stand for: one may stand for many alike."""
    return sum(int(hop["units"].get("requests", 1)) for hop in hops)


def edges(hops: Iterable[Mapping[str, Any]]) -> set[Edge]:
    """The edges of the application that hops went over: not what we looked at, nor the platform's own books."""
    found = set()
    for hop in hops:
        source, target, operation = hop["source"], hop["target"], hop["operation"]
        looked = source == "client" and operation.startswith(_READS) and hop["service"] in ("dynamodb", "sqs", "lambda")
        packages = source.startswith("lambda:") and target.startswith("s3:") and not hop["parent"]
        if operation not in _OURS and not looked and not packages and hop["service"] != "cloudformation":
            found.add(Edge(source, target, operation, hop["service"]))
    return found


def unordered(edge: Edge) -> bool:
    """Whether an edge is deliveries that may come in another order."""
    return edge.source.startswith(_UNORDERED) and not edge.source.endswith(".fifo") and edge.source != edge.target


def fault(edge: Edge, kind: Kind, seed: int) -> dict[str, Any]:
    """The fault that breaks an edge in a way."""
    given = {
        "id": "sweep",
        "service": glob.escape(edge.service),
        "operation": glob.escape(edge.operation),
        "resource": glob.escape(edge.target.partition(":")[2]),
        "source": glob.escape(edge.source),
        "seed": seed,
        **KINDS[kind],
    }
    if kind == "slow":
        given["delay_ms"] = SLOW_MS
    return given


def judged(seen: Seen, baseline: Seen, steady: frozenset[str], exact: bool) -> Cell:
    """What a run says when it is compared with the unbroken one. `exact`: invariants have looked for what is lost."""
    failed = sum(not outcome.accepted for outcome in seen.outcomes)
    again = sum(outcome.retries > 0 for outcome in seen.outcomes)
    slow = sum(outcome.slow for outcome in seen.outcomes)
    lost, duplicated, dead = seen.lost, seen.duplicated, max(seen.dead - baseline.dead, 0)
    if not exact:
        lost, duplicated = differ(baseline.print, seen.print, steady, failed, len(seen.outcomes))
    amplification = round(calls(seen.hops) / max(calls(baseline.hops) / 2, 1.0), 2)
    color: Color = "green"
    words = []
    if not seen.struck:
        words.append("was not struck")
    if slow or again or seen.seconds > 2 * baseline.seconds + 1.5:
        color = "yellow"
        words.append(f"{slow} slow, {again} asked again")
    if failed:
        color = "red"
        words.append(f"{failed} of {len(seen.outcomes)} failed")
    if dead:
        color = "red"
        words.append(f"{dead} dead letters")
    if lost > dead or duplicated:
        color = "black"
        words.append(f"{lost} lost, {duplicated} counted twice")
    return Cell(
        color=color,
        seen="; ".join(words),
        struck=seen.struck,
        accepted=len(seen.outcomes) - failed,
        failed=failed,
        lost=lost,
        duplicated=duplicated,
        dead_letters=dead,
        amplification=amplification,
        seconds=round(seen.seconds, 3),
    )


def recorded(requests: Iterable[Mapping[str, Any]]) -> list[Experiment]:
    """The flows of requests that were recorded, one for each thing that users did."""
    flows: dict[str, list[HttpRequest]] = {}
    for request in requests:
        given = {name: value for name, value in request.items() if name != "flow"}
        flows.setdefault(str(request["flow"]), []).append(msgspec.convert(given, HttpRequest))
    return [Experiment(title=flow, load=Load(replay=found)) for flow, found in flows.items()]


def _bounded(flow: Experiment, requests: int) -> Experiment:
    assert flow.load is not None, "flows have a load"
    load = msgspec.structs.replace(flow.load, count=min(flow.load.count, requests), parallel=1, rate=0.0)
    if load.replay is not None:
        load = msgspec.structs.replace(load, replay=load.replay[:requests])
    return msgspec.structs.replace(flow, load=load)


def _colors(row: Row) -> str:
    return " ".join(
        f"{kind} {cell.color}" for cells in row.cells.values() for kind, cell in cells.items() if cell.color != "none"
    )
