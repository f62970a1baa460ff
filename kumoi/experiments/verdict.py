"""What an experiment has shown: values and the rules that judge them. Pure.

The ledger knows which ids users were told are accepted; what became of them is found where they must arrive. Who tried
again is read from the hops: the same caller asks the same thing again under the same parent after it failed.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from kumoi.experiments.model import Condition, Place

_EVENT_SOURCES = {"sqs", "kinesis", "dynamodbstreams"}
_DELIVERIES = {"sns", "events", "scheduler", "pipes", "s3", "iot", "cloudwatch", "logs"}
_QUIET = {"ReceiveMessages", "AwaitRecords", "WriteFunctionLogs", "GetShardIterator", "DescribeStream"}
"""What goes on when nothing does: pollers, and logs of what has been."""


_PASSING = (
    *("Throttl", "TooManyRequests", "LimitExceeded", "Throughput", "SlowDown"),
    *("Internal", "ServiceException", "Unavailable", "Timeout", "Dropped"),
)
"""Words in the names of errors after which one tries again."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A probe or an invariant: whether it held, what was seen, and which ids were lost or came more than once.

    Of numbers that do not add up it is not known which: `missing` and `surplus` say how many.
    """

    title: str
    held: bool
    seen: str = ""
    missing: int = 0
    surplus: int = 0
    lost: list[str] = []
    duplicated: list[str] = []


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """A fault: how often it struck, and what became of the requests in whose traces it did."""

    id: str
    title: str
    struck: int
    absorbed: int = 0
    degraded: int = 0
    failed: int = 0


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay compares with the run that it replays: whether the strikes are the same, and which are not.

    `verdict` is how that run ended.
    """

    strikes: int
    identical: bool
    missing: list[str] = []
    more: list[str] = []
    verdict: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment's outcome. Requests are absorbed when a fault met them and the user did not see it.

    `added_usd` is what the calls that were made again would cost at AWS, with all that they set going: list prices,
    nothing free. `unseen_calls` passed faster than they were looked at: what is counted by calls lacks them.
    `experiment` and `strikes` are what is needed to replay the run; `replay` is there when it was one.
    """

    title: str
    verdict: Literal["passed", "failed", "not started"]
    seed: int
    seconds: float
    requests: int = 0
    accepted: int = 0
    absorbed: int = 0
    degraded: int = 0
    failed: int = 0
    user_retries: int = 0
    retries: dict[str, int] = {}
    lost: int = 0
    duplicated: int = 0
    dead_letters: dict[str, int] = {}
    recovery_seconds: float | None = None
    added_usd: float = 0.0
    unseen_calls: int = 0
    faults: list[Injected] = []
    before: list[Check] = []
    after: list[Check] = []
    invariants: list[Check] = []
    problems: list[str] = []
    strikes: list[dict[str, Any]] = []
    experiment: dict[str, Any] | None = None
    replay: Replayed | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the load: its id, how it ended for the user, after how many retries, in which traces."""

    id: str
    accepted: bool
    slow: bool
    retries: int
    traces: list[str]
    seen: str = ""


def met(condition: Condition, status: int, body: Any, error: str) -> str:
    """Why an answer is not what is expected; empty when it is."""
    if error:
        return f"{status or 'no answer'}: {error}"
    wanted = condition.status
    good = range(200, 400) if wanted is None else wanted if isinstance(wanted, list) else [wanted]
    if status not in good:
        return f"status {status}"
    if condition.contains is not None and condition.contains not in (body if isinstance(body, str) else str(body)):
        return f"{condition.contains!r} is not in the answer"
    return _selected(condition, body)


def _selected(condition: Condition, body: Any) -> str:
    found = body
    if condition.select is not None:
        import jmespath
        from jmespath.exceptions import JMESPathError

        try:
            found = jmespath.search(condition.select, body)
        except JMESPathError as error:
            return f"{condition.select!r} is no JMESPath: {error}"
    elif condition.equals is None and condition.at_least is None and condition.at_most is None:
        return ""
    if condition.equals is not None and found != condition.equals:
        return f"{condition.select or 'the answer'} is {found!r}, not {condition.equals!r}"
    least, most = condition.at_least, condition.at_most
    if least is None and most is None:
        return ""
    if (
        not isinstance(found, int | float)
        or found < (-math.inf if least is None else least)
        or found > (math.inf if most is None else most)
    ):
        return f"{condition.select or 'the answer'} is {found!r}, which is not from {least} to {most}"  # noqa: S608
    return ""


def arrived(title: str, place: Place, accepted: Iterable[str], refused: Iterable[str], found: Counter[str]) -> Check:
    """Whether each accepted id is where it must be, as often as it may. An id that was refused may be there, or not."""
    accepted, known = list(accepted), set(refused)
    known.update(accepted)
    lost = [] if place.times == "at most once" else [one for one in accepted if not found[one]]
    often = (
        [] if place.times == "at least once" else [one for one, count in found.items() if count > 1 and one in known]
    )
    seen = f"{len(accepted)} accepted, {len(lost)} lost, {len(often)} more than once"
    return Check(
        title=title,
        held=not lost and not often,
        seen=seen,
        missing=len(lost),
        surplus=len(often),
        lost=lost,
        duplicated=often,
    )


def added_up(title: str, found: float, each: float, accepted: int, refused: int) -> Check:
    """Whether numbers add up to what was accepted; what was refused may be in them, or not."""
    least, most = sorted((each * accepted, each * (accepted + refused)))
    wanted = f"{least:g}" if least == most else f"{least:g} to {most:g}"
    unit = abs(each) or 1.0
    return Check(
        title=title,
        held=least <= found <= most,
        seen=f"{found:g}, expected {wanted}",
        missing=math.ceil(max(least - found, 0.0) / unit),
        surplus=math.ceil(max(found - most, 0.0) / unit),
    )


def retries_by_layer(hops: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Who tried again, and how often: `SDK in lambda:worker`, `event source sqs:queue`, `delivery sns:topic`, …"""
    return dict(sorted(Counter(layer for layer, _ in repeated(hops)).items()))


def repeated(hops: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The calls that there are because something failed, with who made them: an SDK's attempts after the first, and
    those of event sources and deliveries that failed.
    """
    asked: dict[tuple[str, ...], int] = defaultdict(int)
    for hop in hops:
        source, kind = hop["source"], hop["source"].partition(":")[0]
        failed = hop["outcome"] not in ("ok", "Cancelled")
        if kind in _EVENT_SOURCES:
            if failed and hop["operation"] == "Invoke":
                yield f"event source {source}", hop
            continue
        if kind in _DELIVERIES:
            if failed:
                yield f"delivery {source}", hop
            continue
        key = (hop["trace"], hop["parent"], source, hop["target"], hop["operation"])
        if asked[key]:
            asked[key] -= 1
            layer = {"lambda": "SDK in", "stepfunctions": "state machine", "states": "state machine"}.get(kind, kind)
            yield f"{layer} {source}", hop
        if failed and any(word in hop["outcome"] for word in _PASSING):
            asked[key] += 1


def busy(calls: Iterable[Mapping[str, Any]]) -> bool:
    """Whether anything but polling goes on, by calls that are under way, or by hops of those that were."""
    return any(call["operation"] not in _QUIET and call["source"] != "client" for call in calls)


def by_fault(
    faults: Mapping[str, tuple[str, int]], hops: Iterable[Mapping[str, Any]], outcomes: Iterable[Outcome]
) -> list[Injected]:
    """What became of the requests in whose traces each fault struck. `faults`: title and strikes by id."""
    traces: dict[str, set[str]] = defaultdict(set)
    for hop in hops:
        if hop["fault"]:
            traces[hop["fault"]].add(hop["trace"])
    outcomes = list(outcomes)
    found = []
    for name, (title, struck) in faults.items():
        hit = [one for one in outcomes if traces[name].intersection(one.traces)]
        failed = sum(not one.accepted for one in hit)
        degraded = sum(one.accepted and (one.slow or one.retries > 0) for one in hit)
        absorbed = len(hit) - failed - degraded
        found.append(Injected(id=name, title=title, struck=struck, absorbed=absorbed, degraded=degraded, failed=failed))
    return found
