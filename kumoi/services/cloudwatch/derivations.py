"""Which metrics of AWS's own namespaces hops, or a charge, tell of: the table of them, by service.

`AWS/Lambda` (by function, and of all), `AWS/ApiGateway` (by API and stage), `AWS/States` (by state machine), `AWS/SQS`
(by queue), `AWS/SNS` (by topic), `AWS/Events` (by rule), `AWS/DynamoDB` (by table and operation), `AWS/AppSync` (by
API), `AWS/Logs` (by group, and of all), `AWS/CloudFront` (by distribution and function, in us-east-1). Names, units and
dimensions are those of the services' own pages on CloudWatch metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from kumoi.doorway import ChargeKey, Hop
from kumoi.names import arn
from kumoi.services.cloudwatch.records import Dimensions

_THROTTLED = "TooManyRequestsException"

Found = tuple[str, str, Dimensions, str, Sequence[float]]
"""Namespace, name, dimensions, unit, values."""


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
    """By table, by table and operation; errors of requests by neither. Of operations on items alone, errors aside."""
    name, operation = _named(hops), hops[0].operation
    told = {outcome: sum(hop.outcome == outcome for hop in hops) for outcome in {hop.outcome for hop in hops}}
    conditions = told.get(_CONDITION, 0)
    throttles = sum(told.get(outcome, 0) for outcome in _TABLE_THROTTLES)
    broken = sum(told.get(outcome, 0) for outcome in _TABLE_BROKEN)
    others = len(hops) - told.get("ok", 0) - conditions - throttles - broken
    yield "AWS/DynamoDB", "UserErrors", (), "Count", [1.0] * others
    if not name:
        return
    table = (("TableName", name),)
    both = (("Operation", operation), *table)
    yield "AWS/DynamoDB", "ThrottledRequests", both, "Count", [1.0] * throttles
    yield "AWS/DynamoDB", "SystemErrors", both, "Count", [1.0] * broken
    yield "AWS/DynamoDB", "ConditionalCheckFailedRequests", table, "Count", [1.0] * conditions
    if operation in _ON_ITEMS:
        latencies = [hop.duration_us / 1000 for hop in hops if hop.outcome == "ok"]
        yield "AWS/DynamoDB", "SuccessfulRequestLatency", both, "Milliseconds", latencies
    for unit, metric in (("read_units", "ConsumedReadCapacityUnits"), ("write_units", "ConsumedWriteCapacityUnits")):
        yield "AWS/DynamoDB", metric, table, "Count", [hop.units[unit] for hop in hops if unit in hop.units]


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
        for unit, metric in _LOG_COUNTS.items():
            yield "AWS/Logs", metric, dimensions, "Count", [hop.units[unit] for hop in hops if unit in hop.units]


_LOG_COUNTS: Mapping[str, str] = {
    "log_events": "IncomingLogEvents",
    "emf_unparsed": "EMFParsingErrors",
    "emf_invalid": "EMFValidationErrors",
}
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

    statuses = _each(served, "cloudfront:status")
    yield "AWS/CloudFront", "Requests", dimensions, "None", [1.0] * len(statuses)
    for name, size in (("BytesDownloaded", "response_bytes"), ("BytesUploaded", "request_bytes")):
        sizes = [one for hop in served for one in [getattr(hop, size) / hop.calls] * hop.calls]
        yield "AWS/CloudFront", name, dimensions, "None", sizes
    for name, least, most in (("4xxErrorRate", 400, 499), ("5xxErrorRate", 500, 599), ("TotalErrorRate", 400, 599)):
        yield "AWS/CloudFront", name, dimensions, "Percent", [100.0 * (least <= one <= most) for one in statuses]
    for unit, name, kind in (
        ("cloudfront:hit", "CacheHitRate", "Percent"),
        ("cloudfront:origin-millisecond", "OriginLatency", "Milliseconds"),
    ):
        yield "AWS/CloudFront", name, dimensions, kind, _each(served, unit)
    for hop in served:
        for unit, amount in hop.units.items():
            kind, _, function = unit.removeprefix("cloudfront:").partition("/")
            if function and kind in _FUNCTION:
                of_function = (("FunctionName", function), whole)
                for name, measure, value in _FUNCTION[kind]:
                    yield "AWS/CloudFront", name, of_function, measure, [amount if value is None else value] * hop.calls


def _each(hops: Sequence[Hop], unit: str) -> list[float]:
    """The unit's value of each request: a hop may stand for many alike."""
    return [one for hop in hops if unit in hop.units for one in [hop.units[unit]] * hop.calls]


_FUNCTION: Mapping[str, tuple[tuple[str, str, float | None], ...]] = {
    "utilization": (("FunctionInvocations", "None", 1.0), ("FunctionComputeUtilization", "Percent", None)),
    "execution-error": (("FunctionExecutionErrors", "None", 1.0),),
    "validation-error": (("FunctionValidationErrors", "None", 1.0),),
}
"""What a CloudFront function's units mean: metric, unit, value (None: the amount itself)."""


def _http_api(hops: Sequence[Hop]) -> Iterator[Found]:
    """By API, and by API and stage; of WebSocket APIs connections and messages."""
    api = (("ApiId", _named(hops)),)
    for (stage, _), requests in _requests(hops).items():
        sizes = [float(hop.request_bytes + hop.response_bytes) for _, hop in requests]
        for dimensions in (api, (*api, ("Stage", stage))):
            yield from _answered(dimensions, requests, "4xx", "5xx")
            yield "AWS/ApiGateway", "DataProcessed", dimensions, "Bytes", sizes
    for unit, name in (("websocket_connects", "ConnectCount"), ("websocket_messages", "MessageCount")):
        yield "AWS/ApiGateway", name, api, "Count", [hop.units[unit] for hop in hops if unit in hop.units]


def _rest_api(hops: Sequence[Hop]) -> Iterator[Found]:
    """By the API's name, and by that and the stage."""
    for (stage, name), requests in _requests(hops).items():
        for dimensions in ((("ApiName", name),), (("ApiName", name), ("Stage", stage))):
            yield from _answered(dimensions, requests, "4XXError", "5XXError")


def _answered(
    dimensions: Dimensions, requests: Sequence[tuple[float, Hop]], fourth: str, fifth: str
) -> Iterator[Found]:
    yield "AWS/ApiGateway", "Count", dimensions, "Count", [1.0] * len(requests)
    yield "AWS/ApiGateway", fourth, dimensions, "Count", [float(400 <= status < 500) for status, _ in requests]
    yield "AWS/ApiGateway", fifth, dimensions, "Count", [float(status >= 500) for status, _ in requests]
    yield "AWS/ApiGateway", "Latency", dimensions, "Milliseconds", [hop.duration_us / 1000 for _, hop in requests]


def _requests(hops: Sequence[Hop]) -> Mapping[tuple[str, str], Sequence[tuple[float, Hop]]]:
    """The status of each request, by the stage and the API's name, as `execute-api:status/STAGE/NAME` tells them."""
    by_unit: dict[str, list[tuple[float, Hop]]] = {}
    telling: dict[tuple[str, ...], list[str]] = {}
    for hop in hops:
        names = tuple(hop.units)  # mostly those of the hop before
        if names not in telling:
            telling[names] = [unit for unit in names if unit.startswith("execute-api:status/")]
        for unit in telling[names]:
            by_unit.setdefault(unit, []).append((hop.units[unit], hop))
    named = ((unit.split("/", 2), requests) for unit, requests in by_unit.items())
    return {(stage, unquote(name)): requests for (_, stage, name), requests in named}


def _graphql_api(hops: Sequence[Hop]) -> Iterator[Found]:
    if hops[0].operation == "appsync-api":
        api = (("GraphQLAPIId", _named(hops)),)
        failed = [hop.units.get("appsync:status", 0.0) for hop in hops]
        yield "AWS/AppSync", "Latency", api, "Milliseconds", [hop.duration_us / 1000 for hop in hops]
        yield "AWS/AppSync", "4XXError", api, "Count", [float(400 <= status < 500) for status in failed]
        yield "AWS/AppSync", "5XXError", api, "Count", [float(status >= 500) for status in failed]


def _topic(hops: Sequence[Hop]) -> Iterator[Found]:
    topic = (("TopicName", _named(hops)),)
    published = [hop for hop in hops if "sns:messages" in hop.units and hop.outcome == "ok"]
    counts = [hop.units["sns:messages"] for hop in published]
    yield "AWS/SNS", "NumberOfMessagesPublished", topic, "Count", counts
    yield "AWS/SNS", "PublishSize", topic, "Bytes", [float(hop.request_bytes) for hop in published]


def _started(hops: Sequence[Hop]) -> Iterator[Found]:
    if hops[0].operation in ("StartExecution", "StartSyncExecution"):
        machine = _machine(hops[0].account, hops[0].region, _named(hops))
        yield "AWS/States", "ExecutionsStarted", machine, "Count", [1.0 for hop in hops if hop.outcome == "ok"]


def _ended(key: ChargeKey, units: Mapping[str, float]) -> Iterator[Found]:
    """How an execution has ended, and what it took."""
    machine = _machine(key.account, key.region, key.node.partition(":")[2])
    for unit, metric in _ENDS.items():
        if unit in units:
            yield "AWS/States", metric, machine, "Count", [units[unit]]
            yield "AWS/States", "ExecutionTime", machine, "Milliseconds", [units["states:milliseconds"]]


def _machine(account: str, region: str, name: str) -> Dimensions:
    return (("StateMachineArn", arn("states", region, account, f"stateMachine:{name}")),)


def _nothing(_hops: Sequence[Hop]) -> Iterator[Found]:
    return iter(())


def of_rules(hops: Sequence[Hop]) -> Iterator[Found]:
    """What rules have called: their targets."""
    for hop in hops:
        if hop.source.startswith("events:"):
            rule = (("RuleName", hop.source.partition(":")[2]),)
            yield "AWS/Events", "Invocations", rule, "Count", [1.0]
            yield "AWS/Events", "FailedInvocations", rule, "Count", [float(hop.outcome != "ok")]


_ENDS = {
    "states:succeeded": "ExecutionsSucceeded",
    "states:failed": "ExecutionsFailed",
    "states:aborted": "ExecutionsAborted",
    "states:timed_out": "ExecutionsTimedOut",
}
_CONDITION = "ConditionalCheckFailedException"
_TABLE_THROTTLES = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
_TABLE_BROKEN = ("InternalServerError", "InternalFailure", "ServiceUnavailable")
_ON_ITEMS = frozenset(
    (
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "Query",
        "Scan",
        "BatchGetItem",
        "BatchWriteItem",
        "TransactGetItems",
        "TransactWriteItems",
        "ExecuteStatement",
        "ExecuteTransaction",
        "BatchExecuteStatement",
    )
)

HOPS: Mapping[str, Callable[[Sequence[Hop]], Iterator[Found]]] = {
    "apigateway": _rest_api,
    "apigatewayv2": _http_api,
    "appsync": _graphql_api,
    "cloudfront": _distribution,
    "dynamodb": _table,
    "events": _nothing,
    "kinesis": _nothing,
    "lambda": _function,
    "logs": _log_group,
    "sns": _topic,
    "sqs": _queue,
    "stepfunctions": _started,
}
"""What hops of one kind (an operation on a resource) tell, by service; what rules have called tells `of_rules`."""
CHARGES: Mapping[str, Callable[[ChargeKey, Mapping[str, float]], Iterator[Found]]] = {"stepfunctions": _ended}
"""What a charge of a service tells."""
