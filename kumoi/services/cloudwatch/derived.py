"""Metrics of AWS's own namespaces, derived from hops: what passes the doorway is counted here.

`AWS/Lambda` (by function, and of all): Invocations, Errors, Throttles, Duration. `AWS/DynamoDB` (by table and
operation): SuccessfulRequestLatency; UserErrors of all. `AWS/SQS` (by queue): NumberOfMessagesSent, Received and
Deleted, NumberOfEmptyReceives. `AWS/Logs` (by group, and of all): IncomingBytes. `AWS/CloudFront` (by distribution, in
us-east-1): Requests, BytesDownloaded, BytesUploaded, error rates; of those with additional metrics CacheHitRate and
OriginLatency; by function FunctionInvocations, FunctionComputeUtilization, FunctionExecutionErrors,
FunctionValidationErrors. They gather in memory and are put each second; a crash loses that second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

from kumoi.doorway import Doorway, Hop
from kumoi.services.cloudwatch.records import Dimensions
from kumoi.services.cloudwatch.storage import Datum, put

_FLUSH_SECONDS = 1.0
_LONGEST = 150
_THROTTLED = "TooManyRequestsException"

Found = tuple[str, str, Dimensions, str, float]
"""Namespace, name, dimensions, unit, value."""
Place = tuple[str, str]
Key = tuple[str, str, Dimensions, str, int]


class DerivedMetrics:
    """Gathers metrics from hops and puts them."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._gathered: dict[Place, dict[Key, list[tuple[float, float]]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._putting: set[asyncio.Task[None]] = set()
        self._leave = doorway.hops.listen(self.see)

    def see(self, hop: Hop) -> None:
        """Take note of a hop."""
        rule = _RULES.get(hop.service)
        if rule is None:
            return
        gathered = self._gathered.setdefault((hop.account, hop.region), {})
        minute = hop.time // 60_000 * 60
        for namespace, name, dimensions, unit, value in rule(hop):
            gathered.setdefault((namespace, name, dimensions, unit, minute), []).append((value, 1.0))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._flush)

    def forget(self, account: str | None) -> None:
        """Drop what was gathered for an account, or all."""
        for place in [place for place in self._gathered if account in (None, place[0])]:
            del self._gathered[place]

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
        for (account, region), found in gathered.items():
            task = asyncio.create_task(self._put(account, region, found))
            self._putting.add(task)
            task.add_done_callback(self._putting.discard)

    async def _put(self, account: str, region: str, found: Mapping[Key, list[tuple[float, float]]]) -> None:
        state = self._doorway.state.at(account, region)
        by_namespace: dict[str, list[Datum]] = {}
        for (namespace, name, dimensions, unit, minute), values in found.items():
            for at in range(0, len(values), _LONGEST):
                datum = Datum(name, dimensions, minute, unit, 60, tuple(values[at : at + _LONGEST]))
                by_namespace.setdefault(namespace, []).append(datum)
        for namespace, data in by_namespace.items():
            await put(state, namespace, data)


def _function(hop: Hop) -> Iterator[Found]:
    milliseconds = hop.units.get("lambda:millisecond")
    if milliseconds is None and hop.outcome != _THROTTLED:
        return
    name = hop.target.partition(":")[2]
    for dimensions in ((("FunctionName", name),), ()):
        yield "AWS/Lambda", "Throttles", dimensions, "Count", float(hop.outcome == _THROTTLED)
        if milliseconds is not None:
            yield "AWS/Lambda", "Invocations", dimensions, "Count", 1.0
            yield "AWS/Lambda", "Errors", dimensions, "Count", float(hop.outcome != "ok")
            yield "AWS/Lambda", "Duration", dimensions, "Milliseconds", milliseconds


def _table(hop: Hop) -> Iterator[Found]:
    name = hop.target.partition(":")[2]
    if hop.outcome != "ok":
        yield "AWS/DynamoDB", "UserErrors", (), "Count", 1.0
    elif name:
        dimensions = (("Operation", hop.operation), ("TableName", name))
        yield "AWS/DynamoDB", "SuccessfulRequestLatency", dimensions, "Milliseconds", hop.duration_us / 1000


def _queue(hop: Hop) -> Iterator[Found]:
    count = hop.units.get("sqs:messages")
    metric = _QUEUE.get(hop.operation.removesuffix("Batch"))
    if count is None or metric is None or hop.outcome != "ok":
        return
    dimensions = (("QueueName", hop.target.partition(":")[2]),)
    yield "AWS/SQS", metric, dimensions, "Count", count
    if metric == "NumberOfMessagesReceived":
        yield "AWS/SQS", "NumberOfEmptyReceives", dimensions, "Count", float(not count)


def _log_group(hop: Hop) -> Iterator[Found]:
    size = hop.units.get("ingested_bytes", hop.units.get("infrequent_bytes"))
    if size is not None:
        for dimensions in ((("LogGroupName", hop.target.partition(":")[2]),), ()):
            yield "AWS/Logs", "IncomingBytes", dimensions, "Bytes", size


_QUEUE: Mapping[str, str] = {
    "DeleteMessage": "NumberOfMessagesDeleted",
    "ReceiveMessage": "NumberOfMessagesReceived",
    "ReceiveMessages": "NumberOfMessagesReceived",
    "SendMessage": "NumberOfMessagesSent",
}


def _distribution(hop: Hop) -> Iterator[Found]:
    status = hop.units.get("cloudfront:status")
    if status is None:
        return
    whole = ("Region", "Global")
    dimensions = (("DistributionId", hop.target.partition(":")[2]), whole)
    yield "AWS/CloudFront", "Requests", dimensions, "None", 1.0
    yield "AWS/CloudFront", "BytesDownloaded", dimensions, "None", float(hop.response_bytes)
    yield "AWS/CloudFront", "BytesUploaded", dimensions, "None", float(hop.request_bytes)
    for name, least, most in (("4xxErrorRate", 400, 499), ("5xxErrorRate", 500, 599), ("TotalErrorRate", 400, 599)):
        yield "AWS/CloudFront", name, dimensions, "Percent", 100.0 * (least <= status <= most)
    for unit, name, kind in (
        ("cloudfront:hit", "CacheHitRate", "Percent"),
        ("cloudfront:origin-millisecond", "OriginLatency", "Milliseconds"),
    ):
        if unit in hop.units:
            yield "AWS/CloudFront", name, dimensions, kind, hop.units[unit]
    for unit, amount in hop.units.items():
        kind, _, function = unit.removeprefix("cloudfront:").partition("/")
        if function and kind in _FUNCTION:
            of_function = (("FunctionName", function), whole)
            for name, measure, value in _FUNCTION[kind]:
                yield "AWS/CloudFront", name, of_function, measure, amount if value is None else value


_FUNCTION: Mapping[str, tuple[tuple[str, str, float | None], ...]] = {
    "utilization": (("FunctionInvocations", "None", 1.0), ("FunctionComputeUtilization", "Percent", None)),
    "execution-error": (("FunctionExecutionErrors", "None", 1.0),),
    "validation-error": (("FunctionValidationErrors", "None", 1.0),),
}
"""What a CloudFront function's units mean: metric, unit, value (None: the amount itself)."""

_RULES: Mapping[str, Callable[[Hop], Iterator[Found]]] = {
    "lambda": _function,
    "dynamodb": _table,
    "logs": _log_group,
    "sqs": _queue,
    "cloudfront": _distribution,
}
