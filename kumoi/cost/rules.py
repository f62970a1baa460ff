"""What calls are billed by: from the units metered on an edge of the map to items of the price list. Pure, and linear.

Being linear (twice the units, twice the items), a rule serves for one call and for the sum of a million. What is
rounded call by call (chunks of 64 KB, milliseconds) was rounded where it was metered. Sources: AWS's pricing pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

OUTSIDE = "client"
"""The node of who calls from outside of the platform."""
GIB = 2.0**30
BYTES_IN, BYTES_OUT = "in", "out"
"""Units of an edge beside those that were metered: bytes of requests and of answers."""
_MB_MS = 1024.0 * 1000.0
_LCU_CONNECTIONS = 25 * 3600.0
"""New connections in an hour that make one LCU."""


class Edge(NamedTuple):
    """Who called what."""

    source: str
    target: str
    service: str
    operation: str


class Modes(NamedTuple):
    """Nodes that are billed otherwise than usual: tables with provisioned capacity, streams on demand."""

    provisioned: frozenset[str] = frozenset()
    on_demand_streams: frozenset[str] = frozenset()


Units = Mapping[str, float]
Billed = Iterator[tuple[str, float]]
_USUAL = Modes()


def billed(edge: Edge, units: Units, modes: Modes = _USUAL) -> dict[str, float]:
    """The items that calls on an edge are billed by, with how much of each; `units` are their sums."""
    rule = _RULES.get(edge.service)
    found: dict[str, float] = {}
    if rule is not None:
        for item, amount in rule(edge, units, modes):
            if amount:
                found[item] = found.get(item, 0.0) + amount
    for prefix, item in _BY_SOURCE:
        if edge.source.startswith(prefix) and units.get("requests"):
            found[item] = found.get(item, 0.0) + units["requests"]
    return found


_BY_SOURCE = (("scheduler:", "scheduler.invocations"),)


def _lambda(edge: Edge, units: Units, _modes: Modes) -> Billed:
    invocations = units.get("lambda:invocations", 0.0)
    x86, arm, provisioned = (units.get(f"lambda:MB-millisecond-{kind}", 0.0) for kind in ("x86", "arm", "provisioned"))
    if edge.source.startswith("cloudfront:"):
        yield "lambda.edge-requests", invocations
        yield "lambda.edge-gb-seconds", (x86 + arm) / _MB_MS
        return
    yield "lambda.requests", invocations
    yield "lambda.gb-seconds-x86", x86 / _MB_MS
    yield "lambda.gb-seconds-arm", arm / _MB_MS
    yield "lambda.gb-seconds-provisioned", provisioned / _MB_MS
    yield "lambda.ephemeral-gb-seconds", units.get("lambda:tmp-MB-millisecond", 0.0) / _MB_MS
    if edge.operation == "lambda-url":
        yield from _transfer(edge, units)


def _http_api(edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "apigateway.websocket-messages", units.get("websocket_messages", 0.0)
    yield "apigateway.websocket-minutes", units.get("websocket_minutes", 0.0)
    if edge.operation == "execute-api":
        calls = units.get("requests", 0.0) + units.get("more_requests", 0.0) - units.get("websocket_connects", 0.0)
        yield "apigateway.http-requests", calls
        yield from _transfer(edge, units)


def _rest_api(edge: Edge, units: Units, _modes: Modes) -> Billed:
    if edge.operation == "execute-api":
        yield "apigateway.rest-requests", units.get("requests", 0.0)
        yield from _transfer(edge, units)


def _sqs(edge: Edge, units: Units, _modes: Modes) -> Billed:
    kind = "fifo" if edge.target.endswith(".fifo") else "standard"
    yield f"sqs.{kind}-requests", units.get("requests", 0.0) + units.get("more_requests", 0.0)


def _sns(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "sns.publishes", units.get("publishes", 0.0)
    yield "sns.http-deliveries", units.get("deliveries_http", 0.0) + units.get("deliveries_https", 0.0)
    yield "sns.email-deliveries", units.get("deliveries_email", 0.0) + units.get("deliveries_email-json", 0.0)


def _ses(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "ses.messages", units.get("ses:recipients", 0.0)
    yield "ses.attachment-gb", units.get("ses:attached-bytes", 0.0) / GIB


def _dynamodb(edge: Edge, units: Units, modes: Modes) -> Billed:
    if edge.target not in modes.provisioned:
        yield "dynamodb.read-units", units.get("read_units", 0.0)
        yield "dynamodb.write-units", units.get("write_units", 0.0)


def _streams(edge: Edge, units: Units, _modes: Modes) -> Billed:
    if edge.operation == "GetRecords":
        yield "dynamodb.stream-reads", units.get("requests", 0.0)


_S3_FREE = ("Delete", "Abort")
_S3_CLASS_A = ("Put", "Post", "Copy", "Create", "Complete", "Upload", "List", "Restore", "Replicate")


def _s3(edge: Edge, units: Units, _modes: Modes) -> Billed:
    looked_up = edge.operation == "HeadBucket" and edge.source.startswith("cloudfront")  # AWS's edge knows its origins
    if edge.operation.startswith(_S3_FREE) or looked_up:
        return
    kind = "a" if edge.operation.startswith(_S3_CLASS_A) else "b"
    yield f"s3.class-{kind}", units.get("requests", 0.0)
    yield from _transfer(edge, units)


def _events(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "events.custom-events", units.get("custom_events", 0.0)
    yield "events.api-destinations", units.get("api_destinations", 0.0)


def _pipes(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "pipes.requests", units.get("pipe_requests", 0.0)


def _stepfunctions(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "stepfunctions.transitions", units.get("transitions", 0.0)
    yield "stepfunctions.express-requests", units.get("express_executions", 0.0)
    yield "stepfunctions.express-gb-seconds", units.get("express_MB_milliseconds", 0.0) / _MB_MS


def _appsync(edge: Edge, units: Units, _modes: Modes) -> Billed:
    if edge.operation == "appsync-api":
        yield "appsync.operations", units.get("requests", 0.0) - units.get("appsync_other_requests", 0.0)
        yield from _transfer(edge, units)
    yield "appsync.event-operations", units.get("appsync_event_operations", 0.0)
    yield "appsync.realtime-updates", units.get("appsync_realtime_messages", 0.0)
    yield "appsync.connection-minutes", units.get("appsync_connection_minutes", 0.0)


def _cloudfront(edge: Edge, units: Units, _modes: Modes) -> Billed:
    if edge.operation == "cloudfront-edge":
        yield "cloudfront.https-requests", units.get("requests", 0.0)
        yield "cloudfront.out-gb", units.get(BYTES_OUT, 0.0) / GIB
        yield "cloudfront.functions", units.get("cloudfront:function", 0.0)


def _logs(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "logs.ingested-gb", units.get("ingested_bytes", 0.0) / GIB
    yield "logs.ingested-infrequent-gb", units.get("infrequent_bytes", 0.0) / GIB
    yield "logs.scanned-gb", units.get("scanned_bytes", 0.0) / GIB


def _athena(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "athena.scanned-tb", units.get("scanned_MB", 0.0) / 1024 / 1024


def _cloudwatch(edge: Edge, units: Units, _modes: Modes) -> Billed:
    if edge.operation == "GetMetricData":
        yield "cloudwatch.metrics-read", units.get("metrics_read", 0.0)
    elif not edge.source.startswith("logs:"):
        yield "cloudwatch.requests", units.get("requests", 0.0)


def _kinesis(edge: Edge, units: Units, modes: Modes) -> Billed:
    if edge.target in modes.on_demand_streams:
        yield "kinesis.in-gb", units.get("put_kilobytes", 0.0) * 1024 / GIB
    else:
        yield "kinesis.put-units", units.get("put_units", 0.0)


def _firehose(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "firehose.ingested-gb", units.get("ingested_bytes", 0.0) / GIB
    yield "firehose.converted-gb", units.get("converted_bytes", 0.0) / GIB
    yield "firehose.partitioned-gb", units.get("partitioned_bytes", 0.0) / GIB
    yield "firehose.partition-objects", units.get("partition_objects", 0.0)


def _iot(edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "iot.rules", units.get("rules", 0.0)
    yield "iot.actions", units.get("actions", 0.0)
    if "Thing" in edge.operation:
        yield "iot.registry-and-shadow", units.get("requests", 0.0)


def _iot_data(edge: Edge, units: Units, modes: Modes) -> Billed:
    yield "iot.messages", units.get("messages", 0.0)
    yield "iot.connection-minutes", units.get("connection_minutes", 0.0)
    yield from _iot(edge, units, modes)


def _iotanalytics(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "iotanalytics.processed-gb", units.get("message_bytes", 0.0) / GIB


def _secretsmanager(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "secretsmanager.requests", units.get("requests", 0.0)


def _ssm(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "kms.requests", units.get("kms_requests", 0.0)


def _kms(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    asymmetric = units.get("asymmetric_requests", 0.0)
    yield "kms.requests", units.get("requests", 0.0) - asymmetric
    yield "kms.asymmetric-requests", asymmetric


def _route53(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "route53.queries", units.get("queries", 0.0)


def _rds_data(_edge: Edge, units: Units, _modes: Modes) -> Billed:
    yield "rds.data-api-requests", units.get("requests", 0.0)


def _elbv2(edge: Edge, units: Units, _modes: Modes) -> Billed:
    if edge.source == OUTSIDE and edge.operation == "elb":
        bytes_gb = (units.get(BYTES_IN, 0.0) + units.get(BYTES_OUT, 0.0)) / GIB
        yield "elb.lcu-hours", max(units.get("requests", 0.0) / _LCU_CONNECTIONS, bytes_gb)
        yield from _transfer(edge, units)


def _transfer(edge: Edge, units: Units) -> Billed:
    if edge.source == OUTSIDE:
        yield "transfer.out-gb", units.get(BYTES_OUT, 0.0) / GIB


_RULES: Mapping[str, Callable[[Edge, Units, Modes], Billed]] = {
    "apigateway": _rest_api,
    "apigatewaymanagementapi": _http_api,
    "apigatewayv2": _http_api,
    "appsync": _appsync,
    "athena": _athena,
    "cloudfront": _cloudfront,
    "cloudwatch": _cloudwatch,
    "dynamodb": _dynamodb,
    "dynamodbstreams": _streams,
    "elbv2": _elbv2,
    "events": _events,
    "iot": _iot,
    "iot-data": _iot_data,
    "iotanalytics": _iotanalytics,
    "firehose": _firehose,
    "kinesis": _kinesis,
    "kms": _kms,
    "lambda": _lambda,
    "logs": _logs,
    "pipes": _pipes,
    "rds-data": _rds_data,
    "route53": _route53,
    "s3": _s3,
    "secretsmanager": _secretsmanager,
    "ses": _ses,
    "sesv2": _ses,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "stepfunctions": _stepfunctions,
}
