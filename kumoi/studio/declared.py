"""What services are set up to call: resources, and the edges that their configuration declares.

A table says for each kind how its resources are listed and described. An edge is declared where a description names
another resource: by its ARN, a queue's URL, or, in variables of functions and definitions of state machines, by name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kumoi.studio.looking import Looker
from kumoi.studio.nodes import node_of
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of resource is listed, and where its description is: itself, or another operation's answer.

    `name` is the member that names it (None: the listed value itself), `title` the one that a person knows it by.
    `detail` is an operation with the member that takes the name, and further members.
    """

    service: str
    operation: str
    member: str
    name: str | None
    via: str
    title: str | None = None
    detail: tuple[str, str] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    listing: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, str] | None = None
    """A further listed member and the parameter that the detail takes it in."""


KINDS = (
    Kind("lambda", "ListFunctions", "Functions", "FunctionName", "environment"),
    Kind("dynamodb", "ListTables", "TableNames", None, "table"),
    Kind(
        "sqs",
        "ListQueues",
        "QueueUrls",
        None,
        "dead letters",
        detail=("GetQueueAttributes", "QueueUrl"),
        more={"AttributeNames": ["RedrivePolicy", "VisibilityTimeout"]},
    ),
    Kind("sns", "ListTopics", "Topics", "TopicArn", "topic"),
    Kind(
        "stepfunctions",
        "ListStateMachines",
        "stateMachines",
        "stateMachineArn",
        "definition",
        detail=("DescribeStateMachine", "stateMachineArn"),
    ),
    Kind("apigatewayv2", "GetApis", "Items", "ApiId", "route", title="Name", detail=("GetIntegrations", "ApiId")),
    Kind(
        "apigateway",
        "GetRestApis",
        "items",
        "id",
        "method",
        title="name",
        detail=("GetResources", "restApiId"),
        more={"embed": ["methods"]},
    ),
    Kind(
        "s3", "ListBuckets", "Buckets", "Name", "notification", detail=("GetBucketNotificationConfiguration", "Bucket")
    ),
    Kind(
        "firehose",
        "ListDeliveryStreams",
        "DeliveryStreamNames",
        None,
        "delivery",
        detail=("DescribeDeliveryStream", "DeliveryStreamName"),
        listing={"Limit": 10_000},
    ),
    Kind("kinesis", "ListStreams", "StreamNames", None, "stream"),
    Kind(
        "scheduler",
        "ListSchedules",
        "Schedules",
        "Name",
        "schedule",
        detail=("GetSchedule", "Name"),
        also=("GroupName", "GroupName"),
    ),
    Kind("cloudfront", "ListDistributions", "DistributionList.Items", "Id", "origin", title="Comment"),
    Kind(
        "appsync", "ListGraphqlApis", "graphqlApis", "apiId", "data source", "name", detail=("ListDataSources", "apiId")
    ),
    Kind("iot", "ListTopicRules", "rules", "ruleName", "action", detail=("GetTopicRule", "ruleName")),
    Kind(
        "cognito-idp",
        "ListUserPools",
        "UserPools",
        "Id",
        "trigger",
        title="Name",
        detail=("DescribeUserPool", "UserPoolId"),
        listing={"MaxResults": 60},
    ),
    Kind("rds", "DescribeDBClusters", "DBClusters", "DBClusterIdentifier", "cluster"),
    Kind(
        "iotanalytics",
        "ListPipelines",
        "pipelineSummaries",
        "pipelineName",
        "activity",
        detail=("DescribePipeline", "pipelineName"),
    ),
)

_NAMING = frozenset(
    [
        "TableName",
        "tableName",
        "FunctionName",
        "functionName",
        "Bucket",
        "bucket",
        "bucketName",
        "QueueUrl",
        "queueUrl",
        "TopicArn",
        "StreamName",
        "streamName",
        "StateMachineArn",
        "EventBusName",
    ]
)
"""Members whose value is a resource's name."""


@dataclass(slots=True)
class Declared:
    """Resources by node with what a person calls them, edges with how they are declared, and what could not be read.

    `details` are the descriptions that advice is given on.
    """

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[tuple[str, str], str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


async def declared(looker: Looker) -> Declared:
    """Read one region of one account."""
    found, described = Declared(), list[tuple[str, Kind, Any]]()
    for kind in KINDS:
        try:
            listed = await looker.every(kind.service, kind.operation, kind.member, **kind.listing)
        except AwsError as error:
            found.problems.append(f"{kind.service} {kind.operation}: {error}")
            continue
        for one in listed:
            name = one if kind.name is None else one[kind.name]
            node = node_of(name) or f"{kind.service}:{name}"
            found.nodes[node] = {"region": looker.region, "title": (kind.title and one.get(kind.title)) or ""}
            detail = await _detail(looker, kind, name, one, found.problems)
            if kind.service in ("lambda", "sqs"):
                found.details[node] = one if isinstance(one, dict) else detail or {}
            if detail is not None:
                described.append((node, kind, detail))
    names = {node.partition(":")[2]: node for node in found.nodes if len(node.partition(":")[2]) > 2}
    for node, kind, detail in described:
        for target in mentions(detail, found.nodes, names, any_key=kind.via == "environment"):
            if target != node:
                found.edges.setdefault((node, target), kind.via)
    await _connections(looker, found)
    return found


async def _detail(looker: Looker, kind: Kind, name: str, listed: Any, problems: list[str]) -> Any:
    if kind.detail is None:
        if kind.via == "environment":
            return [listed.get("Environment"), listed.get("DeadLetterConfig")]
        return listed if isinstance(listed, dict) and kind.service == "cloudfront" else None
    operation, member = kind.detail
    params = {member: name, **kind.more}
    if kind.also is not None:
        params[kind.also[1]] = listed[kind.also[0]]
    try:
        return await looker.ask(kind.service, operation, **params)
    except AwsError as error:
        problems.append(f"{kind.service} {operation} {name}: {error}")
        return None


async def _connections(looker: Looker, found: Declared) -> None:
    """Edges that are resources of their own: mappings, subscriptions, rules, pipes, destinations."""
    try:
        for mapping in await looker.every("lambda", "ListEventSourceMappings", "EventSourceMappings"):
            _add(found, mapping.get("EventSourceArn", ""), mapping.get("FunctionArn", ""), "event source")
        for subscription in await looker.every("sns", "ListSubscriptions", "Subscriptions"):
            _add(found, subscription["TopicArn"], subscription["Endpoint"], "subscription")
        for pipe in await looker.every("pipes", "ListPipes", "Pipes"):
            node = f"pipes:{pipe['Name']}"
            found.nodes[node] = {"region": looker.region, "title": ""}
            _add(found, pipe["Source"], node, "pipe")
            _add(found, node, pipe["Target"], "pipe")
        for node in [node for node in found.nodes if node.startswith("firehose:")]:
            name = node.partition(":")[2]
            told = await looker.ask("firehose", "DescribeDeliveryStream", DeliveryStreamName=name)
            source = told["DeliveryStreamDescription"].get("Source") or {}
            stream = (source.get("KinesisStreamSourceDescription") or {}).get("KinesisStreamARN", "")
            if stream:
                found.edges.pop((node, node_of(stream)), None)
                _add(found, stream, node, "source")
        for bus in await looker.every("events", "ListEventBuses", "EventBuses"):
            for rule in await looker.every("events", "ListRules", "Rules", EventBusName=bus["Name"]):
                targets = await looker.every(
                    "events", "ListTargetsByRule", "Targets", Rule=rule["Name"], EventBusName=bus["Name"]
                )
                origin, node = f"events:{bus['Name']}", f"events:{rule['Name']}"
                for one in [node, *([origin] if rule.get("EventPattern") else [])]:
                    found.nodes.setdefault(one, {"region": looker.region, "title": ""})
                if rule.get("EventPattern"):
                    _add(found, origin, node, "rule")
                for target in targets:
                    _add(found, node, target["Arn"], "target")
        for node in [node for node in found.nodes if node.startswith("lambda:")]:
            configs = await looker.every(
                "lambda",
                "ListFunctionEventInvokeConfigs",
                "FunctionEventInvokeConfigs",
                FunctionName=node.partition(":")[2],
            )
            for config in configs:
                for outcome, destination in (config.get("DestinationConfig") or {}).items():
                    _add(found, node, (destination or {}).get("Destination", ""), f"destination {outcome}")
    except AwsError as error:
        found.problems.append(f"connections: {error}")


def _add(found: Declared, source: str, target: str, via: str) -> None:
    ends = [end if not end.startswith(("arn:", "http")) else node_of(end) for end in (source, target)]
    if all(ends) and all(":" in end for end in ends):
        found.edges[ends[0], ends[1]] = via


def mentions(value: Any, nodes: Mapping[str, Any], names: Mapping[str, str], *, any_key: bool = False) -> list[str]:
    """The known nodes that a description names: by ARN or URL anywhere, by name under members that hold names.

    `any_key` takes names under every key, as functions' variables have them.
    """
    found: dict[str, None] = {}
    for key, text in _texts(value, ""):
        node = node_of(text)
        if node in nodes:
            found[node] = None
        elif (any_key or key in _NAMING) and text in names:
            found[names[text]] = None
        elif key == "DomainName" and text.partition(".")[0] in names:
            found[names[text.partition(".")[0]]] = None
    return list(found)


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, str(name).removesuffix(".$"))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, key)
    elif isinstance(value, str):
        if value[:1] in "{[" and len(value) < 1_000_000:
            try:
                yield from _texts(orjson.loads(value), key)
            except orjson.JSONDecodeError:
                yield key, value
        else:
            yield key, value
