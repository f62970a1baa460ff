"""Metrics of AWS's own namespaces, derived from hops: what passes the doorway is counted here.

`AWS/Lambda` (by function, and of all): Invocations, Errors, Throttles, Duration. `AWS/DynamoDB` (by table and
operation): SuccessfulRequestLatency; UserErrors of all. `AWS/SQS` (by queue): NumberOfMessagesSent, Received and
Deleted, NumberOfEmptyReceives. `AWS/Logs` (by group, and of all): IncomingBytes. `AWS/CloudFront` (by distribution, in
us-east-1): Requests, BytesDownloaded, BytesUploaded, error rates; of those with additional metrics CacheHitRate and
OriginLatency; by function FunctionInvocations, FunctionComputeUtilization, FunctionExecutionErrors,
FunctionValidationErrors. They gather in memory and are put each second; a crash loses that second.

Every call comes by here, so nothing is worked out before that: hops of one kind are counted together.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from kumoi.doorway import Doorway, Hop
from kumoi.services.cloudwatch.records import Dimensions
from kumoi.services.cloudwatch.storage import Datum, put

_FLUSH_SECONDS = 1.0
_THROTTLED = "TooManyRequestsException"

Found = tuple[str, str, Dimensions, str, Sequence[float]]
"""Namespace, name, dimensions, unit, values."""
Place = tuple[str, str]
Key = tuple[str, str, Dimensions, str, int]
Kind = tuple[str, str, str, str, str, int]
"""What hops are gathered by: account, region, service, target, operation, and the minute (epoch seconds)."""


class DerivedMetrics:
    """Gathers metrics from hops and puts them."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._gathered: dict[Kind, list[Hop]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._putting: set[asyncio.Task[None]] = set()
        self._leave = doorway.hops.listen(self.see, _RULES.keys())

    def see(self, hop: Hop) -> None:
        """Take note of a hop."""
        kind = kind_of(hop)
        alike = self._gathered.get(kind)
        if alike is None:
            alike = self._gathered[kind] = []
        alike.append(hop)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._flush)

    def forget(self, account: str | None) -> None:
        """Drop what was gathered for an account, or all."""
        for kind in [kind for kind in self._gathered if account in (None, kind[0])]:
            del self._gathered[kind]

    async def stop(self) -> None:
        """Put what was gathered, and gather no more."""
        self._leave()
        self._flush()
        await asyncio.gather(*self._putting)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathered = self._gathered, {}
        for (account, region), found in counted(gathered).items():
            task = asyncio.create_task(self._put(account, region, found))
            self._putting.add(task)
            task.add_done_callback(self._putting.discard)

    async def _put(self, account: str, region: str, found: Mapping[Key, Mapping[float, float]]) -> None:
        state = self._doorway.state.at(account, region)
        by_namespace: dict[str, list[Datum]] = {}
        for (namespace, name, dimensions, unit, minute), values in found.items():
            datum = Datum(name, dimensions, minute, unit, 60, tuple(values.items()))
            by_namespace.setdefault(namespace, []).append(datum)
        for namespace, data in by_namespace.items():
            await put(state, namespace, data)


def kind_of(hop: Hop) -> Kind:
    """What a hop is gathered by."""
    return hop.account, hop.region, hop.service, hop.target, hop.operation, hop.time // 60_000 * 60


def counted(gathered: Mapping[Kind, Sequence[Hop]]) -> dict[Place, dict[Key, Counter[float]]]:
    """How often each value came, by place and metric."""
    found: dict[Place, dict[Key, Counter[float]]] = {}
    for (account, region, service, _target, _operation, minute), hops in gathered.items():
        here = found.setdefault((account, region), {})
        for namespace, name, dimensions, unit, values in _RULES[service](hops):
            if values:
                here.setdefault((namespace, name, dimensions, unit, minute), Counter()).update(values)
    return found


def _named(hops: Sequence[Hop]) -> str:
    """The name of what hops of one kind were to."""
    return hops[0].target.partition(":")[2]


def _function(hops: Sequence[Hop]) -> Iterator[Found]:
    invoked = [hop for hop in hops if "lambda:millisecond" in hop.units]
    throttles = [1.0 for hop in hops if hop.outcome == _THROTTLED]
    throttles += [0.0 for hop in invoked if hop.outcome != _THROTTLED]
    errors = [float(hop.outcome != "ok") for hop in invoked]
    durations = [hop.units["lambda:millisecond"] for hop in invoked]
    for dimensions in ((("FunctionName", _named(hops)),), ()):
        yield "AWS/Lambda", "Throttles", dimensions, "Count", throttles
        yield "AWS/Lambda", "Invocations", dimensions, "Count", [1.0] * len(invoked)
        yield "AWS/Lambda", "Errors", dimensions, "Count", errors
        yield "AWS/Lambda", "Duration", dimensions, "Milliseconds", durations


def _table(hops: Sequence[Hop]) -> Iterator[Found]:
    name = _named(hops)
    yield "AWS/DynamoDB", "UserErrors", (), "Count", [1.0 for hop in hops if hop.outcome != "ok"]
    if name:
        dimensions = (("Operation", hops[0].operation), ("TableName", name))
        latencies = [hop.duration_us / 1000 for hop in hops if hop.outcome == "ok"]
        yield "AWS/DynamoDB", "SuccessfulRequestLatency", dimensions, "Milliseconds", latencies


def _queue(hops: Sequence[Hop]) -> Iterator[Found]:
    metric = _QUEUE.get(hops[0].operation.removesuffix("Batch"))
    if metric is None:
        return
    counts = [hop.units["sqs:messages"] for hop in hops if "sqs:messages" in hop.units and hop.outcome == "ok"]
    dimensions = (("QueueName", _named(hops)),)
    yield "AWS/SQS", metric, dimensions, "Count", counts
    if metric == "NumberOfMessagesReceived":
        yield "AWS/SQS", "NumberOfEmptyReceives", dimensions, "Count", [float(not count) for count in counts]


def _log_group(hops: Sequence[Hop]) -> Iterator[Found]:
    sizes = [hop.units.get("ingested_bytes", hop.units.get("infrequent_bytes")) for hop in hops]
    known = [size for size in sizes if size is not None]
    for dimensions in ((("LogGroupName", _named(hops)),), ()):
        yield "AWS/Logs", "IncomingBytes", dimensions, "Bytes", known


_QUEUE: Mapping[str, str] = {
    "DeleteMessage": "NumberOfMessagesDeleted",
    "ReceiveMessage": "NumberOfMessagesReceived",
    "ReceiveMessages": "NumberOfMessagesReceived",
    "SendMessage": "NumberOfMessagesSent",
}


def _distribution(hops: Sequence[Hop]) -> Iterator[Found]:
    served = [hop for hop in hops if "cloudfront:status" in hop.units]
    whole = ("Region", "Global")
    dimensions = (("DistributionId", _named(hops)), whole)
    statuses = [hop.units["cloudfront:status"] for hop in served]
    yield "AWS/CloudFront", "Requests", dimensions, "None", [1.0] * len(served)
    yield "AWS/CloudFront", "BytesDownloaded", dimensions, "None", [float(hop.response_bytes) for hop in served]
    yield "AWS/CloudFront", "BytesUploaded", dimensions, "None", [float(hop.request_bytes) for hop in served]
    for name, least, most in (("4xxErrorRate", 400, 499), ("5xxErrorRate", 500, 599), ("TotalErrorRate", 400, 599)):
        yield "AWS/CloudFront", name, dimensions, "Percent", [100.0 * (least <= one <= most) for one in statuses]
    for unit, name, kind in (
        ("cloudfront:hit", "CacheHitRate", "Percent"),
        ("cloudfront:origin-millisecond", "OriginLatency", "Milliseconds"),
    ):
        yield "AWS/CloudFront", name, dimensions, kind, [hop.units[unit] for hop in served if unit in hop.units]
    for hop in served:
        for unit, amount in hop.units.items():
            kind, _, function = unit.removeprefix("cloudfront:").partition("/")
            if function and kind in _FUNCTION:
                of_function = (("FunctionName", function), whole)
                for name, measure, value in _FUNCTION[kind]:
                    yield "AWS/CloudFront", name, of_function, measure, [amount if value is None else value]


_FUNCTION: Mapping[str, tuple[tuple[str, str, float | None], ...]] = {
    "utilization": (("FunctionInvocations", "None", 1.0), ("FunctionComputeUtilization", "Percent", None)),
    "execution-error": (("FunctionExecutionErrors", "None", 1.0),),
    "validation-error": (("FunctionValidationErrors", "None", 1.0),),
}
"""What a CloudFront function's units mean: metric, unit, value (None: the amount itself)."""

_RULES: Mapping[str, Callable[[Sequence[Hop]], Iterator[Found]]] = {
    "lambda": _function,
    "dynamodb": _table,
    "logs": _log_group,
    "sqs": _queue,
    "cloudfront": _distribution,
}
"""What hops of one kind say: of each service."""
