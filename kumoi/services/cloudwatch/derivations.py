"""Which metrics of AWS's own namespaces hops, or a charge, tell of: the table of them, by service.

`AWS/Lambda` (by function, and of all), `AWS/ApiGateway` (by API and stage), `AWS/States` (by state machine), `AWS/SQS`
(by queue), `AWS/SNS` (by topic), `AWS/Events` (by rule), `AWS/DynamoDB` (by table, index and operation), `AWS/AppSync`
(by API), `AWS/Logs` (by group, and of all), `AWS/Firehose` (by delivery stream), `AWS/SES`, `AWS/CloudFront` (by
distribution and function, in us-east-1). Names, units and dimensions are those of the services' own pages on CloudWatch
metrics.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import add
from urllib.parse import unquote

from kumoi.doorway import ChargeKey, Hop, HopBatch
from kumoi.names import arn
from kumoi.services.cloudwatch.records import Dimensions

_THROTTLED = "TooManyRequestsException"
_RECURSIVE = "RecursiveInvocationException"

Found = tuple[str, str, Dimensions, str, Sequence[float]]
"""Namespace, name, dimensions, unit, values."""


def _named(batch: HopBatch) -> str:
    """The name of what hops of one kind were to."""
    return batch.first.target.partition(":")[2]


def _flags(count: int, total: int) -> list[float]:
    """Of so many, how many: as ones and zeros."""
    return [1.0] * count + [0.0] * (total - count)


def _delivery_stream(batch: HopBatch) -> Iterator[Found]:
    """What is put into a delivery stream."""
    put, name = batch.succeeded, (("DeliveryStreamName", _named(batch)),)
    operation = batch.first.operation
    if operation not in ("PutRecord", "PutRecordBatch") or put is None:
        return
    records, sizes = put.unit("records"), put.unit("bytes")
    yield "AWS/Firehose", "IncomingPutRequests", name, "Count", [1.0] * len(put)
    yield "AWS/Firehose", "IncomingRecords", name, "Count", records
    yield "AWS/Firehose", "IncomingBytes", name, "Bytes", sizes
    yield "AWS/Firehose", f"{operation}.Requests", name, "Count", [1.0] * len(put)
    yield "AWS/Firehose", f"{operation}.Bytes", name, "Bytes", sizes
    yield "AWS/Firehose", f"{operation}.Latency", name, "Milliseconds", _milliseconds(put)
    if operation == "PutRecordBatch":
        yield "AWS/Firehose", "PutRecordBatch.Records", name, "Count", records


def _delivered(key: ChargeKey, units: Mapping[str, float]) -> Iterator[Found]:
    """What a delivery stream has read and delivered."""
    name = (("DeliveryStreamName", key.node.partition(":")[2]),)
    for unit, (metric, kind) in _DELIVERED.items():
        if unit in units:
            yield "AWS/Firehose", metric, name, kind, [units[unit]]


_DELIVERED: Mapping[str, tuple[str, str]] = {
    "read_records": ("DataReadFromKinesisStream.Records", "Count"),
    "read_bytes": ("DataReadFromKinesisStream.Bytes", "Bytes"),
    **{
        f"{unit}_{part}": (f"{metric}.{name}", kind)
        for unit, metric in (("s3", "DeliveryToS3"), ("backup", "BackupToS3"), ("http", "DeliveryToHttpEndpoint"))
        for part, name, kind in (
            ("records", "Records", "Count"),
            ("bytes", "Bytes", "Bytes"),
            ("success", "Success", "Count"),
            ("freshness", "DataFreshness", "Seconds"),
        )
    },
    "partition_objects": ("DeliveryToS3.ObjectCount", "Count"),
    "converted_records": ("SucceedConversion.Records", "Count"),
    "unconverted_records": ("FailedConversion.Records", "Count"),
    "processed_records": ("SucceedProcessing.Records", "Count"),
    "processed_bytes": ("SucceedProcessing.Bytes", "Bytes"),
}


def _milliseconds(batch: HopBatch | None) -> list[float]:
    return [] if batch is None else [duration / 1000 for duration in batch.column("duration_us")]


def _function(batch: HopBatch) -> Iterator[Found]:
    invoked = batch.having("lambda:millisecond")
    told, outcomes = batch.column("outcome"), () if invoked is None else invoked.column("outcome")
    # What a function failed with is told as it names it: only what never ran was refused.
    throttled, recursive = (told.count(one) - outcomes.count(one) for one in (_THROTTLED, _RECURSIVE))
    throttles = _flags(throttled, throttled + len(outcomes))
    for dimensions in ((("FunctionName", _named(batch)),), ()):
        yield "AWS/Lambda", "Throttles", dimensions, "Count", throttles
        yield "AWS/Lambda", "RecursiveInvocationsDropped", dimensions, "Count", [1.0] * recursive
        yield "AWS/Lambda", "Invocations", dimensions, "Count", [1.0] * len(outcomes)
        yield "AWS/Lambda", "Errors", dimensions, "Count", _flags(len(outcomes) - outcomes.count("ok"), len(outcomes))
        yield "AWS/Lambda", "Duration", dimensions, "Milliseconds", batch.unit("lambda:millisecond")

    yield from _provisioned(batch)


def _provisioned(batch: HopBatch) -> Iterator[Found]:
    """By function, and version or alias: what share of the provisioned concurrency was in use as invocations began."""
    for unit, shares in batch.units.items():
        how, _, qualifier = unit.partition("/")
        if how in _PROVISIONED and qualifier:
            name = _named(batch)
            resource = (("FunctionName", name), ("Resource", f"{name}:{qualifier}"))
            yield "AWS/Lambda", "ProvisionedConcurrencyUtilization", resource, "Count", shares
            yield "AWS/Lambda", _PROVISIONED[how], resource, "Count", [1.0] * len(shares)


_PROVISIONED: Mapping[str, str] = {
    "lambda:provisioned": "ProvisionedConcurrencyInvocations",
    "lambda:spillover": "ProvisionedConcurrencySpilloverInvocations",
}


def _table(batch: HopBatch) -> Iterator[Found]:
    """By table, by table and operation; errors of requests by neither. Of operations on items alone, errors aside."""
    name, operation = _named(batch), batch.first.operation
    told = Counter(batch.column("outcome"))
    conditions = told[_CONDITION]
    throttles = sum(told[outcome] for outcome in _TABLE_THROTTLES)
    broken = sum(told[outcome] for outcome in _TABLE_BROKEN)
    others = len(batch) - told["ok"] - conditions - throttles - broken
    yield "AWS/DynamoDB", "UserErrors", (), "Count", [1.0] * others
    for unit, metric in _CAPACITY.items():
        yield from _consumed(batch, name, unit, metric)
    if not name:
        return
    table = (("TableName", name),)
    both = (("Operation", operation), *table)
    yield "AWS/DynamoDB", "ThrottledRequests", both, "Count", [1.0] * throttles
    yield "AWS/DynamoDB", "SystemErrors", both, "Count", [1.0] * broken
    yield "AWS/DynamoDB", "ConditionalCheckFailedRequests", table, "Count", [1.0] * conditions
    if operation in _ON_ITEMS:
        yield "AWS/DynamoDB", "SuccessfulRequestLatency", both, "Milliseconds", _milliseconds(batch.succeeded)


def _consumed(batch: HopBatch, name: str, unit: str, metric: str) -> Iterator[Found]:
    """By table without its global indexes, and by each of these.

    Where a call names its table, `unit` is what it took in all and `unit//INDEX` what indexes took of it; otherwise
    they are told apart as `unit/TABLE` and `unit/TABLE/INDEX`.
    """
    apart = [one for one in batch.units if one.startswith(f"{unit}/")]
    for one in apart:
        _, table, *index = one.split("/")
        dimensions: Dimensions = (("TableName", table or name),)
        if index:
            dimensions = (("GlobalSecondaryIndexName", index[0]), *dimensions)
        yield "AWS/DynamoDB", metric, dimensions, "Count", batch.unit(one)
    if not name:
        return
    totals = batch.unit(unit)
    if apart:
        with_them = [hop.units for hop in batch.hops if unit in hop.units]
        totals = [units[unit] - sum(units.get(one, 0.0) for one in apart) for units in with_them]
    yield "AWS/DynamoDB", metric, (("TableName", name),), "Count", totals


def _queue(batch: HopBatch) -> Iterator[Found]:
    metric = _QUEUE.get(batch.first.operation.removesuffix("Batch"))
    if metric is None or batch.succeeded is None:
        return
    counts, dimensions = batch.succeeded.unit("sqs:messages"), (("QueueName", _named(batch)),)
    yield "AWS/SQS", metric, dimensions, "Count", counts
    if metric == "NumberOfMessagesReceived":
        yield "AWS/SQS", "NumberOfEmptyReceives", dimensions, "Count", [float(not count) for count in counts]


def _log_group(batch: HopBatch) -> Iterator[Found]:
    sizes = batch.unit("ingested_bytes")
    if "infrequent_bytes" in batch.units:
        known = [hop.units.get("ingested_bytes", hop.units.get("infrequent_bytes")) for hop in batch.hops]
        sizes = [size for size in known if size is not None]
    for dimensions in ((("LogGroupName", _named(batch)),), ()):
        yield "AWS/Logs", "IncomingBytes", dimensions, "Bytes", sizes
        for unit, metric in _LOG_COUNTS.items():
            yield "AWS/Logs", metric, dimensions, "Count", batch.unit(unit)


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


def _distribution(batch: HopBatch) -> Iterator[Found]:
    served = [hop for hop in batch.hops if "cloudfront:status" in hop.units]
    whole = ("Region", "Global")
    dimensions = (("DistributionId", _named(batch)), whole)

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


def _http_api(batch: HopBatch) -> Iterator[Found]:
    """By API, and by API and stage; of WebSocket APIs connections and messages."""
    api = (("ApiId", _named(batch)),)
    for stage, _, statuses, answered in _answered(batch):
        sizes = map(add, answered.column("request_bytes"), answered.column("response_bytes"))
        processed = [*map(float, sizes)]
        for dimensions in (api, (*api, ("Stage", stage))):
            yield from _requests(dimensions, statuses, answered, "4xx", "5xx")
            yield "AWS/ApiGateway", "DataProcessed", dimensions, "Bytes", processed
    for unit, name in (("websocket_connects", "ConnectCount"), ("websocket_messages", "MessageCount")):
        yield "AWS/ApiGateway", name, api, "Count", batch.unit(unit)


def _rest_api(batch: HopBatch) -> Iterator[Found]:
    """By the API's name, and by that and the stage."""
    for stage, name, statuses, answered in _answered(batch):
        for dimensions in ((("ApiName", name),), (("ApiName", name), ("Stage", stage))):
            yield from _requests(dimensions, statuses, answered, "4XXError", "5XXError")


def _requests(
    dimensions: Dimensions, statuses: Counter[float], answered: HopBatch, fourth: str, fifth: str
) -> Iterator[Found]:
    yield "AWS/ApiGateway", "Count", dimensions, "Count", [1.0] * len(answered)
    for name, least, most in ((fourth, 400, 499), (fifth, 500, math.inf)):
        count = sum(times for status, times in statuses.items() if least <= status <= most)
        yield "AWS/ApiGateway", name, dimensions, "Count", _flags(count, len(answered))
    yield "AWS/ApiGateway", "Latency", dimensions, "Milliseconds", _milliseconds(answered)


def _answered(batch: HopBatch) -> Iterator[tuple[str, str, Counter[float], HopBatch]]:
    """The stage and the API's name, how often each status came, and the requests: `execute-api:status/STAGE/NAME`."""
    for unit, statuses in batch.units.items():
        answered = batch.having(unit) if unit.startswith("execute-api:status/") else None
        if answered is not None:
            _, stage, name = unit.split("/", 2)
            yield stage, unquote(name), Counter(statuses), answered


def _graphql_api(batch: HopBatch) -> Iterator[Found]:
    if batch.first.operation == "appsync-api":
        api = (("GraphQLAPIId", _named(batch)),)
        statuses = [hop.units.get("appsync:status", 0.0) for hop in batch.hops]
        yield "AWS/AppSync", "Latency", api, "Milliseconds", _milliseconds(batch)
        yield "AWS/AppSync", "4XXError", api, "Count", [float(400 <= status < 500) for status in statuses]
        yield "AWS/AppSync", "5XXError", api, "Count", [float(status >= 500) for status in statuses]


def _topic(batch: HopBatch) -> Iterator[Found]:
    topic = (("TopicName", _named(batch)),)
    published = None if batch.succeeded is None else batch.succeeded.having("sns:messages")
    if published is not None:
        yield "AWS/SNS", "NumberOfMessagesPublished", topic, "Count", published.unit("sns:messages")
        yield "AWS/SNS", "PublishSize", topic, "Bytes", [*map(float, published.column("request_bytes"))]


def _mails(batch: HopBatch) -> Iterator[Found]:
    """What was sent, and what became of it: of the whole account, as SES tells it without a configuration set."""
    for unit, metric in _OF_MAILS.items():
        yield "AWS/SES", metric, (), "Count", [one for one in batch.unit(unit) if one]


def _started(batch: HopBatch) -> Iterator[Found]:
    first = batch.first
    if first.operation in ("StartExecution", "StartSyncExecution"):
        machine = _machine(first.account, first.region, _named(batch))
        yield "AWS/States", "ExecutionsStarted", machine, "Count", [1.0] * batch.column("outcome").count("ok")


def _ended(key: ChargeKey, units: Mapping[str, float]) -> Iterator[Found]:
    """How an execution has ended, and what it took."""
    machine = _machine(key.account, key.region, key.node.partition(":")[2])
    for unit, metric in _ENDS.items():
        if unit in units:
            yield "AWS/States", metric, machine, "Count", [units[unit]]
            yield "AWS/States", "ExecutionTime", machine, "Milliseconds", [units["states:milliseconds"]]


def _machine(account: str, region: str, name: str) -> Dimensions:
    return (("StateMachineArn", arn("states", region, account, f"stateMachine:{name}")),)


def _nothing(_batch: HopBatch) -> Iterator[Found]:
    return iter(())


def of_rules(batch: HopBatch) -> Iterator[Found]:
    """What rules have called: their targets."""
    kind, _, name = batch.first.source.partition(":")
    if kind == "events" and name:
        rule, failed = (("RuleName", name),), len(batch) - batch.column("outcome").count("ok")
        yield "AWS/Events", "Invocations", rule, "Count", [1.0] * len(batch)
        yield "AWS/Events", "FailedInvocations", rule, "Count", _flags(failed, len(batch))


_OF_MAILS = {
    "ses:recipients": "Send",
    "ses:deliveries": "Delivery",
    "ses:bounces": "Bounce",
    "ses:complaints": "Complaint",
    "ses:rejects": "Reject",
    "ses:rendering-failures": "RenderingFailure",
}
_ENDS = {
    "states:succeeded": "ExecutionsSucceeded",
    "states:failed": "ExecutionsFailed",
    "states:aborted": "ExecutionsAborted",
    "states:timed_out": "ExecutionsTimedOut",
}
_CAPACITY: Mapping[str, str] = {
    "read_units": "ConsumedReadCapacityUnits",
    "write_units": "ConsumedWriteCapacityUnits",
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

HOPS: Mapping[str, Callable[[HopBatch], Iterator[Found]]] = {
    "apigateway": _rest_api,
    "apigatewayv2": _http_api,
    "appsync": _graphql_api,
    "cloudfront": _distribution,
    "dynamodb": _table,
    "events": _nothing,
    "firehose": _delivery_stream,
    "kinesis": _nothing,
    "lambda": _function,
    "logs": _log_group,
    "ses": _mails,
    "sesv2": _mails,
    "sns": _topic,
    "sqs": _queue,
    "stepfunctions": _started,
}
"""What hops of one kind (an operation on a resource) tell, by service; what rules have called tells `of_rules`."""
CHARGES: Mapping[str, Callable[[ChargeKey, Mapping[str, float]], Iterator[Found]]] = {
    "firehose": _delivered,
    "stepfunctions": _ended,
}
"""What a charge of a service tells."""
