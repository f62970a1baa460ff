"""What would make it cheaper: levers computed from what was observed, each with its saving a month and what it assumes.

Savings are of list prices, nothing free, at the load asked for. A lever that depends on the program's behaviour (less
memory may mean slower) is given as a range that begins at nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.cost.bill import Line
from kumoi.cost.flows import Shares
from kumoi.cost.projection import Load
from kumoi.cost.rules import OUTSIDE
from kumoi.prices import PriceList, Range

SHOWN = 3
_SPARE = 1.5
"""Memory that a function shall have beyond the most it was seen to use."""
_MEMORY_STEP, _LEAST_MEMORY = 64, 128
_BATCH = 10
_EXPRESS_MS = 300_000
"""How long an Express execution lasts at most."""
_CACHED = 0.5
"""The share of reads that a cache at the edge is taken to answer."""
_READS = (
    "Get",
    "Query",
    "Scan",
    "List",
    "Head",
    "BatchGet",
    "Describe",
    "Invoke",
    "TransactGet",
    "Write",
    "execute-api",
)
_LAMBDA = ("lambda.gb-seconds-x86", "lambda.gb-seconds-arm")


class Lever(NamedTuple):
    """Something to change at `where`; `usd` is saved a month."""

    name: str
    where: str
    usd: Range
    why: str


class _Run(NamedTuple):
    """What levers look at: the lines of journeys, scaled to the month by `factor`."""

    lines: Sequence[Line]
    prices: PriceList
    factor: float

    def price(self, item: str, region: str) -> float:
        return self.prices[item].first(region)


def levers(lines: Iterable[Line], shares: Shares, load: Load, prices: PriceList) -> list[Lever]:
    """Every lever that saves something, the best first."""
    ours = [line for line in lines if line.flow in shares.of]
    run = _Run(ours, prices, load.journeys / max(shares.journeys, 1))
    found = [lever for find in _FINDERS for lever in find(run) if lever.usd.high > 0]
    return sorted(found, key=lambda one: -one.usd.middle)


def told(found: Iterable[Lever]) -> list[dict[str, Any]]:
    """Levers as a report has them."""
    return [{"name": one.name, "where": one.where, "usd": one.usd._asdict(), "why": one.why} for one in found]


def _by_target(run: _Run, service: str) -> Mapping[tuple[str, str], list[Line]]:
    found: dict[tuple[str, str], list[Line]] = {}
    for line in run.lines:
        if line.edge.service == service:
            found.setdefault((line.edge.target, line.region), []).append(line)
    return found


def _sum(lines: Iterable[Line], *units: str) -> float:
    return sum(line.units.get(unit, 0.0) for line in lines for unit in units)


def _items(lines: Iterable[Line], *items: str) -> float:
    return sum(line.items.get(item, 0.0) for line in lines for item in items)


def _memory(run: _Run) -> Iterator[Lever]:
    for (node, region), lines in _by_target(run, "lambda").items():
        used = max((line.most.get("lambda:used-MB", 0.0) for line in lines), default=0.0)
        milliseconds = _sum(lines, "lambda:millisecond")
        memory = max((_memory_of(line) for line in lines), default=0.0)
        if not used or not milliseconds:
            continue
        enough = max(_LEAST_MEMORY, math.ceil(used * _SPARE / _MEMORY_STEP) * _MEMORY_STEP)
        if enough >= memory:
            continue
        usd = sum(_items(lines, item) * run.price(item, region) for item in _LAMBDA) * run.factor
        saved = usd * (1 - enough / memory)
        why = (
            f"it used {used:.0f} MB of {memory:.0f} at most. Memory brings CPU with it: a function that computes gets"
            f" slower by as much, one that waits for others does not. Try {enough} MB."
        )
        yield Lever("less memory", node, Range(0.0, saved / 2, saved), why)


def _memory_of(line: Line) -> float:
    """The memory of a function, from what it was billed: whole milliseconds times MB."""
    billed = sum(line.units.get(f"lambda:MB-millisecond-{kind}", 0.0) for kind in ("x86", "arm", "provisioned"))
    milliseconds = line.units.get("lambda:billed-millisecond", 0.0)
    return billed / milliseconds if milliseconds else 0.0


def _arm(run: _Run) -> Iterator[Lever]:
    x86, arm = _LAMBDA
    for (node, region), lines in _by_target(run, "lambda").items():
        saved = _items(lines, x86) * (run.price(x86, region) - run.price(arm, region)) * run.factor
        yield Lever("arm64", node, Range.of(saved), "a GB-second of arm64 costs a fifth less; the code must run there.")


def _http_api(run: _Run) -> Iterator[Lever]:
    rest, http = "apigateway.rest-requests", "apigateway.http-requests"
    for (node, region), lines in _by_target(run, "apigateway").items():
        saved = _items(lines, rest) * (run.price(rest, region) - run.price(http, region)) * run.factor
        why = "an HTTP API costs less a call; it has no API keys, usage plans, request validation or templates."
        yield Lever("HTTP API instead of REST API", node, Range.of(saved), why)


def _batches(run: _Run) -> Iterator[Lever]:
    for (node, region), lines in _by_target(run, "lambda").items():
        from_queue = [line for line in lines if line.edge.source.startswith("sqs:")]
        invocations = _sum(from_queue, "lambda:invocations")
        for queue in {line.edge.source for line in from_queue}:
            sent = [line for line in run.lines if line.edge.target == queue and line.edge.operation.startswith("Send")]
            polled = [line for line in run.lines if line.edge == line.edge._replace(source=queue, target=queue)]
            messages = _sum(sent, "requests")
            if not messages or messages / max(invocations, 1) >= _BATCH / 2:
                continue
            fewer = 1 - messages / _BATCH / max(invocations, messages / _BATCH)
            requests = invocations * run.price("lambda.requests", region)
            kind = "sqs.fifo-requests" if queue.endswith(".fifo") else "sqs.standard-requests"
            requests += _items(polled, kind) * run.price(kind, region)
            why = (
                f"{invocations:.0f} invocations took {messages:.0f} messages. A batching window gathers up to {_BATCH}"
                " (fewer where they come slowly), at the price of a delay."
            )
            yield Lever(
                "larger batches", f"{queue} → {node}", Range(0.0, 0.7, 1.0).times(requests * fewer * run.factor), why
            )


def _logs(run: _Run) -> Iterator[Lever]:
    for (node, region), lines in _by_target(run, "logs").items():
        usd = _items(lines, "logs.ingested-gb") * run.price("logs.ingested-gb", region) * run.factor
        invocations = max(_sum(lines, "requests"), 1)
        why = (
            f"about {_sum(lines, 'ingested_bytes') / invocations:,.0f} bytes a batch of lines. Log less (a level of"
            " WARN leaves out START, END and REPORT too, in the JSON format), or use the class Infrequent Access."
        )
        yield Lever("less log", node, Range(usd * 0.25, usd * 0.5, usd * 0.9), why)


def _express(run: _Run) -> Iterator[Lever]:
    for (node, region), lines in _by_target(run, "stepfunctions").items():
        transitions = _items(lines, "stepfunctions.transitions")
        executions = _sum(lines, "standard_executions")
        milliseconds = _sum(lines, "standard_milliseconds")
        if not transitions or not executions or milliseconds / executions > _EXPRESS_MS:
            continue
        standard = transitions * run.price("stepfunctions.transitions", region)
        express = executions * run.price("stepfunctions.express-requests", region)
        express += milliseconds / 1000 * 64 / 1024 * run.price("stepfunctions.express-gb-seconds", region)
        why = (
            f"executions took {milliseconds / executions / 1000:.1f} s and {transitions / executions:.1f} transitions."
            " Express ones run at least once, five minutes at most, and keep no history of their own."
        )
        yield Lever("Express instead of Standard", node, Range.of((standard - express) * run.factor, 0.1), why)


def _edge_cache(run: _Run) -> Iterator[Lever]:
    flows = {line.flow: [one for one in run.lines if one.flow == line.flow] for line in run.lines}
    for flow, lines in flows.items():
        if flow.source != OUTSIDE or flow.operation not in ("execute-api", "lambda-url", "elb") or len(lines) < 2:
            continue
        if not all(line.edge.operation.startswith((*_READS, flow.operation)) for line in lines):
            continue
        requests = sum(line.calls for line in lines if line.edge.source == OUTSIDE)
        region = lines[0].region
        usd = sum(line.usd.middle for line in lines)
        cached = usd * _CACHED - requests * run.price("cloudfront.https-requests", region)
        why = f"the flow only reads. CloudFront in front, taken to answer {_CACHED:.0%} of the requests from its cache."
        yield Lever("caching at the edge", flow.name, Range(0.0, cached, cached * 1.8).times(run.factor), why)


_FINDERS: Sequence[Callable[[_Run], Iterator[Lever]]] = (
    _memory,
    _arm,
    _http_api,
    _batches,
    _logs,
    _express,
    _edge_cache,
)
