"""Flows that belong together: which are journeys of users, which follow from them, and which go by the clock.

A trace that begins inside of the platform (a poller, a stream, a timer) was caused by whoever called its source before:
its costs are shared out among the flows that did, by how often. So a journey is the request and all that comes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from kumoi.cost.observed import FlowKey, Observed
from kumoi.cost.rules import OUTSIDE

_PLANES = frozenset({"execute-api", "lambda-url", "appsync-api", "cloudfront-edge", "elb", "s3-website", "MqttPublish"})
"""Operations that are requests of an application's users and devices, not calls of AWS's API."""
_FOLLOWS = ("ServeWebSocket", "EndWebSocket")
"""Operations from outside that go on with what another has begun at the same target."""
_POLLS = ("AwaitRecords", "GetRecords", "Receive")
_WHOLE = {
    "athena": "athena",
    "events": "events",
    "iot": "iot-data",
    "iot-data": "iot-data",
    "stepfunctions": "stepfunctions",
}
"""Services whose parts are called by other names than those that they call under: what causes one causes all."""
_ACTS = ("BatchPut", "Execute", "Initiate", "Invoke", "Publish", "Put", "Send", "Start")
"""What begins something, where an application is used through AWS's API."""
_SETS_UP = (
    "PutBucket",
    "PutRetention",
    "PutRule",
    "PutTargets",
    "PutRole",
    "PutUserPolicy",
    "PutMetric",
    "PutParameter",
)


Caused = dict[FlowKey, Mapping[FlowKey, float]]
_CAUSE_NOTHING = (
    *(
        "Add",
        "Await",
        "ChangeMessage",
        "Create",
        "DeleteMessage",
        "Describe",
        "Get",
        "Head",
        "List",
        "Query",
        "Receive",
    ),
    *("Scan", "Set", "Tag"),
)
"""What reads and what sets up: nothing follows from it."""
_OPERATORS = (OUTSIDE, "cloudformation", "codedeploy")
"""Who acts from outside, or in place of those."""


@dataclass(frozen=True, slots=True)
class Shares:
    """For each flow of the journeys, which of the chosen flows caused it, and how much of it.

    `chosen` has the number of their traces. `beside` was done from outside, or caused by that, but is no journey; what
    is in neither went by the clock.
    """

    chosen: Mapping[FlowKey, int]
    of: Mapping[FlowKey, Mapping[FlowKey, float]]
    beside: frozenset[FlowKey] = frozenset()

    @property
    def journeys(self) -> int:
        """How many journeys there were."""
        return sum(self.chosen.values())


def shares(observed: Observed, wanted: Iterable[str] = ()) -> Shares:
    """What belongs to which journeys; `wanted` are patterns of the flows that are some, else they are guessed."""
    chosen, causes = _chosen(observed.traces, list(wanted)), _Causes.of(observed)
    inside = [
        flow
        for flow in observed.traces
        if flow not in chosen and (flow.source != OUTSIDE or flow.operation.startswith(_FOLLOWS))
    ]
    of = causes.settled({flow: {flow: 1.0} for flow in chosen}, inside)
    others = [flow for flow in observed.traces if flow not in of and flow.source.startswith(_OPERATORS)]
    left = [flow for flow in inside if flow not in of]
    return Shares(chosen, of, frozenset(causes.settled({flow: {flow: 1.0} for flow in others}, left)))


class _Causes(NamedTuple):
    """What may have caused a flow: who called a place, and which places a node polls; by account."""

    reached: Mapping[tuple[str, str], Mapping[FlowKey, float]]
    polled: Mapping[tuple[str, str], set[str]]

    @classmethod
    def of(cls, observed: Observed) -> _Causes:
        """The causes in a run."""
        reached: dict[tuple[str, str], dict[FlowKey, float]] = {}
        polled: dict[tuple[str, str], set[str]] = {}
        for row in observed.rows:
            source, target, _, operation = row.edge
            if operation.startswith(_POLLS) and row.flow.source == source != OUTSIDE:
                polled.setdefault((row.account, source), set()).add(_place(target))
            elif source != target and not operation.startswith(_CAUSE_NOTHING):
                place = reached.setdefault((row.account, _place(target)), {})
                place[row.flow] = place.get(row.flow, 0.0) + row.totals().get("requests", 0.0)
        return cls(reached, polled)

    def settled(self, known: Caused, waiting: list[FlowKey]) -> Caused:
        """What is known, with the flows that it caused, themselves causing others."""
        while True:
            settled = {flow: found for flow in waiting if (found := self._caused(flow, known)) is not None}
            if not settled:
                return known
            known = {**known, **settled}
            waiting = [flow for flow in waiting if flow not in settled]

    def _caused(self, flow: FlowKey, known: Caused) -> Mapping[FlowKey, float] | None:
        """Which known flows called what a flow begins from, and the share of each; None where none did."""
        origin = flow.target if flow.operation.startswith(_FOLLOWS) else flow.source
        found: dict[FlowKey, float] = {}
        for place in {_place(origin), *self.polled.get((flow.account, origin), ())}:
            for other, calls in self.reached.get((flow.account, place), {}).items():
                for one, share in known.get(other, {}).items():
                    found[one] = found.get(one, 0.0) + share * calls
        total = sum(found.values())
        return {one: calls / total for one, calls in found.items()} if total else None


def _chosen(traces: Mapping[FlowKey, int], wanted: list[str]) -> dict[FlowKey, int]:
    outside = {flow: count for flow, count in traces.items() if flow.source == OUTSIDE}
    if wanted:
        return {flow: count for flow, count in outside.items() if any(fnmatchcase(flow.name, one) for one in wanted)}
    planes = {flow: count for flow, count in outside.items() if flow.operation in _PLANES}
    return planes or {
        flow: count
        for flow, count in outside.items()
        if flow.operation.startswith(_ACTS) and not flow.operation.startswith(_SETS_UP)
    }


def _place(node: str) -> str:
    """The place whose changes a node tells of."""
    service, _, name = node.partition(":")
    return f"dynamodb:{name}" if service == "dynamodbstreams" else _WHOLE.get(service, node)
