"""Flows that belong together: which are journeys of users, which follow from them, and which go by the clock.

A trace that begins inside of the platform (a poller, a stream, a timer) was caused by whoever called its source before:
its costs are shared out among the flows that did, by how often. So a journey is the request and all that comes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kumoi.cost.observed import FlowKey, Observed
from kumoi.cost.rules import OUTSIDE

_PLANES = frozenset({"execute-api", "lambda-url", "appsync-api", "cloudfront-edge", "elb", "s3-website", "iot-mqtt"})
"""Operations that are requests of an application's users, not calls of AWS's API."""
_ACTS = (
    "BatchPut",
    "Execute",
    "Initiate",
    "Invoke",
    "MqttPublish",
    "Publish",
    "Put",
    "Send",
    "ServeWebSocket",
    "Start",
)
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
_CAUSE_NOTHING = ("Add", "Create", "Describe", "Get", "Head", "List", "Query", "Scan", "Set", "Tag")
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
    chosen = _chosen(observed.traces, list(wanted))
    reached: dict[tuple[str, str], dict[FlowKey, float]] = {}
    for row in observed.rows:
        if row.edge.source != row.edge.target and not row.edge.operation.startswith(_CAUSE_NOTHING):
            calls = row.totals().get("requests", 0.0)
            node = reached.setdefault((row.account, _place(row.edge.target)), {})
            node[row.flow] = node.get(row.flow, 0.0) + calls
    inside = [flow for flow in observed.traces if flow not in chosen and flow.source != OUTSIDE]
    of = _settled({flow: {flow: 1.0} for flow in chosen}, inside, reached)
    others = [flow for flow in observed.traces if flow not in chosen and flow.source.startswith(_OPERATORS)]
    left = [flow for flow in inside if flow not in of]
    return Shares(chosen, of, frozenset(_settled({flow: {flow: 1.0} for flow in others}, left, reached)))


def _settled(
    known: Caused, waiting: list[FlowKey], reached: Mapping[tuple[str, str], Mapping[FlowKey, float]]
) -> Caused:
    """What is known, with the flows that it caused, themselves causing others."""
    while True:
        settled = {flow: found for flow in waiting if (found := _caused(flow, reached, known)) is not None}
        if not settled:
            return known
        known = {**known, **settled}
        waiting = [flow for flow in waiting if flow not in settled]


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


def _caused(
    flow: FlowKey,
    reached: Mapping[tuple[str, str], Mapping[FlowKey, float]],
    known: Mapping[FlowKey, Mapping[FlowKey, float]],
) -> Mapping[FlowKey, float] | None:
    """Which chosen flows caused a flow: those that called its source, themselves or through others. None: not known."""
    found: dict[FlowKey, float] = {}
    for other, calls in reached.get((flow.account, _place(flow.source)), {}).items():
        for one, share in known.get(other, {}).items():
            found[one] = found.get(one, 0.0) + share * calls
    total = sum(found.values())
    return {one: calls / total for one, calls in found.items()} if total else None


def _place(node: str) -> str:
    """The node whose changes another tells of."""
    service, _, name = node.partition(":")
    return f"dynamodb:{name}" if service == "dynamodbstreams" else node
