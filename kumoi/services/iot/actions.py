"""The actions of rules, each one or a few calls. Source: developer guide, "AWS IoT rule actions"."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec
import orjson

from kumoi.delivery import DeliveryFailed, Failure
from kumoi.doorway import Doorway, Principal
from kumoi.http_client import HttpClient, Unreachable
from kumoi.iot_sql.rule_functions import World
from kumoi.iot_sql.rules import filled
from kumoi.names import arn, uuid
from kumoi.services.iot.dynamodb_values import typed
from kumoi.services.iot.reserved_topics import publishable
from kumoi.wire.errors import AwsError

if TYPE_CHECKING:
    from kumoi.services.iot.rule_engine import RuleEngine

MOST_BATCH = 100
MOST_RECORDS = 500
HTTP_SECONDS = 10.0


class StoredWorld(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message came from, as a delivery keeps it."""

    topic: str
    now: float
    payload: bytes
    account: str
    client_id: str | None
    principal: str | None
    source_ip: str | None
    trace_id: str
    user_properties: list[tuple[str, str]]
    properties: dict[str, Any]

    @classmethod
    def of(cls, world: World) -> StoredWorld:
        """What is kept of a world."""
        return cls(
            topic=world.topic,
            now=world.now,
            payload=world.payload,
            account=world.account,
            client_id=world.client_id,
            principal=world.principal,
            source_ip=world.source_ip,
            trace_id=world.trace_id,
            user_properties=list(world.user_properties),
            properties=dict(world.properties),
        )

    @property
    def world(self) -> World:
        """The world again."""
        return World(
            topic=self.topic,
            now=self.now,
            payload=self.payload,
            account=self.account,
            client_id=self.client_id,
            principal=self.principal,
            source_ip=self.source_ip,
            trace_id=self.trace_id,
            user_properties=tuple(self.user_properties),
            properties=self.properties,
        )


class ActionJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery holds: an action, what the rule made of the message, and the message's own facts.

    `together` are further messages of the same kind: what the rule made of each, and what was published. `failure` says
    why it is not to be tried (again).
    """

    rule: str
    action: dict[str, Any]
    payload: bytes
    world: StoredWorld
    error_action: dict[str, Any] | None = None
    hops: int = 0
    together: list[tuple[bytes, bytes]] = []
    failure: Failure | None = None


class Task:
    """One action at work: its settings with templates filled in, and its way to services."""

    def __init__(self, doorway: Doorway, account: str, region: str, job: ActionJob, engine: RuleEngine) -> None:
        ((self.kind, settings),) = job.action.items()
        self.job = job
        self.engine = engine
        self.account = account
        self.region = region
        self.doorway = doorway
        self._world = job.world.world
        self.settings: dict[str, Any] = self._filled(settings)
        source, role = f"iot:{job.rule}", settings.get("roleArn")
        if role:
            self._caller = Principal.of_role(account, role, job.rule, source)
        else:
            rule = arn("iot", region, account, f"rule/{job.rule}")
            self._caller = Principal.of_service(account, "iot.amazonaws.com", source, rule)

    async def ask(self, service: str, operation: str, **params: Any) -> Any:
        """Call a service in the action's role; as IoT, on account of the rule, where it has none."""
        return await self.doorway.ask(service, operation, params, self._caller, self.region)

    @property
    def text(self) -> str:
        """What the rule made of the message as text."""
        return self.job.payload.decode(errors="replace")

    def objects(self) -> list[Any]:
        """The elements of an array, or the one value."""
        found = orjson.loads(self.job.payload)
        return found if isinstance(found, list) else [found]

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return filled(value, self._world)
        if isinstance(value, dict):
            return {name: self._filled(one) for name, one in value.items()}
        return [self._filled(one) for one in value] if isinstance(value, list) else value


class Actor:
    """Does actions."""

    def __init__(self, doorway: Doorway, client: HttpClient) -> None:
        self._doorway = doorway
        self._client = client

    async def act(self, account: str, region: str, job: ActionJob, engine: RuleEngine) -> None:
        """Do one action; raises what it answers."""
        task = Task(self._doorway, account, region, job, engine)
        if task.kind == "http":
            await self._http(task)
            return
        try:
            await _ACTIONS[task.kind](task)
        except (orjson.JSONDecodeError, UnicodeDecodeError):
            raise DeliveryFailed("INVALID_PAYLOAD", "The payload is not JSON.", retry=False) from None

    async def _http(self, task: Task) -> None:
        headers = [(one["key"], one["value"]) for one in task.settings.get("headers", [])]
        headers = [("Content-Type", "application/json"), *headers]
        try:
            answer = await self._client.send(
                "POST", task.settings["url"], headers, task.job.payload, seconds=HTTP_SECONDS
            )
        except Unreachable as error:
            raise DeliveryFailed("HTTP_FAILED", str(error), retry=True) from None
        if not 200 <= answer.status < 300:
            retry = answer.status >= 500 or answer.status == 429
            raise DeliveryFailed("HTTP_FAILED", f"{task.settings['url']} answered {answer.status}.", retry=retry)


async def _lambda(task: Task) -> None:
    name = task.settings["functionArn"]
    await task.ask("lambda", "Invoke", FunctionName=name, InvocationType="Event", Payload=task.job.payload)


async def _dynamodb_columns(task: Task) -> None:
    item = orjson.loads(task.job.payload)
    if not isinstance(item, dict):
        raise DeliveryFailed("INVALID_PAYLOAD", "The payload is not a JSON object.", retry=False)
    columns = {name: typed(value) for name, value in item.items()}
    await task.ask("dynamodb", "PutItem", TableName=task.settings["putItem"]["tableName"], Item=columns)


async def _dynamodb(task: Task) -> None:
    settings = task.settings
    key = {settings["hashKeyField"]: _key(settings["hashKeyValue"], settings.get("hashKeyType"))}
    if settings.get("rangeKeyField"):
        key[settings["rangeKeyField"]] = _key(settings["rangeKeyValue"], settings.get("rangeKeyType"))
    operation = settings.get("operation", "INSERT").upper()
    table = settings["tableName"]
    if operation == "DELETE":
        await task.ask("dynamodb", "DeleteItem", TableName=table, Key=key)
        return
    field = settings.get("payloadField") or "payload"
    try:
        payload = typed(orjson.loads(task.job.payload))
    except orjson.JSONDecodeError:
        payload = {"B": task.job.payload}
    if operation == "UPDATE":
        await task.ask(
            "dynamodb",
            "UpdateItem",
            TableName=table,
            Key=key,
            UpdateExpression="SET #payload = :payload",
            ExpressionAttributeNames={"#payload": field},
            ExpressionAttributeValues={":payload": payload},
        )
    else:
        await task.ask("dynamodb", "PutItem", TableName=table, Item={**key, field: payload})


def _key(value: str, kind: str | None) -> dict[str, str]:
    return {"N" if (kind or "STRING").upper() == "NUMBER" else "S": value}


async def _s3(task: Task) -> None:
    await task.ask(
        "s3", "PutObject", Bucket=task.settings["bucketName"], Key=task.settings["key"], Body=task.job.payload
    )


async def _sqs(task: Task) -> None:
    body = base64.b64encode(task.job.payload).decode() if task.settings.get("useBase64") else task.text
    await task.ask("sqs", "SendMessage", QueueUrl=task.settings["queueUrl"], MessageBody=body)


async def _sns(task: Task) -> None:
    structure = {"MessageStructure": "json"} if task.settings.get("messageFormat") == "JSON" else {}
    await task.ask("sns", "Publish", TopicArn=task.settings["targetArn"], Message=task.text, **structure)


async def _kinesis(task: Task) -> None:
    key = task.settings.get("partitionKey") or uuid()
    await task.ask(
        "kinesis", "PutRecord", StreamName=task.settings["streamName"], Data=task.job.payload, PartitionKey=key
    )


async def _firehose(task: Task) -> None:
    separator = task.settings.get("separator", "").encode()
    name = task.settings["deliveryStreamName"]
    if not task.settings.get("batchMode"):
        record = {"Data": task.job.payload + separator}
        await task.ask("firehose", "PutRecord", DeliveryStreamName=name, Record=record)
        return
    records = [{"Data": orjson.dumps(one) + separator} for one in task.objects()]
    for at in range(0, len(records), MOST_RECORDS):
        batch = records[at : at + MOST_RECORDS]
        await task.ask("firehose", "PutRecordBatch", DeliveryStreamName=name, Records=batch)


async def _republish(task: Task) -> None:
    from kumoi.services.iot.rule_engine import MOST_HOPS

    if task.job.hops >= MOST_HOPS:
        raise DeliveryFailed("LOOP", f"The message was republished {MOST_HOPS} times.", retry=False)
    topic: str = task.settings["topic"]
    if topic.startswith("$$"):
        topic = topic[1:]
    if not publishable(topic):
        raise DeliveryFailed("RESERVED", f"The topic {topic} is reserved: rules cannot publish to it.", retry=False)
    headers = task.settings.get("headers", {})
    kept = {
        "content_type": headers.get("contentType"),
        "response_topic": headers.get("responseTopic"),
        "correlation_data": headers.get("correlationData"),
        "format_indicator": headers.get("payloadFormatIndicator"),
    }
    await task.ask(
        "iot-data",
        "MqttPublish",
        topic=topic,
        payload=task.job.payload,
        clientId=None,
        qos=int(task.settings.get("qos", 0)),
        properties={name: value for name, value in kept.items() if value is not None},
        userProperties=[(one["key"], one["value"]) for one in headers.get("userProperties", [])],
        hops=task.job.hops + 1,
    )


async def _iotanalytics(task: Task) -> None:
    channel = task.settings.get("channelName") or str(task.settings.get("channelArn", "")).rpartition("/")[2]
    payloads = [task.job.payload, *(result for result, _ in task.job.together)]
    if task.settings.get("batchMode"):
        payloads = [orjson.dumps(one) for one in task.objects()]
    for at in range(0, len(payloads), MOST_BATCH):
        messages = [
            {"messageId": f"{at + number}", "payload": payload}
            for number, payload in enumerate(payloads[at : at + MOST_BATCH])
        ]
        answer = await task.ask("iotanalytics", "BatchPutMessage", channelName=channel, messages=messages)
        for refused in answer["batchPutMessageErrorEntries"]:
            raise DeliveryFailed(refused["errorCode"], refused["errorMessage"], retry=False)


async def _stepfunctions(task: Task) -> None:
    machine = arn("states", task.region, task.account, f"stateMachine:{task.settings['stateMachineName']}")
    name = f"{task.settings.get('executionNamePrefix', '')}{uuid()}"
    await task.ask("stepfunctions", "StartExecution", stateMachineArn=machine, name=name, input=task.text)


async def _logs(task: Task) -> None:
    group, stream = task.settings["logGroupName"], f"iot_{task.job.rule}"
    place = {"logGroupName": group, "logStreamName": stream}
    try:
        await task.ask("logs", "CreateLogStream", **place)
    except AwsError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise
    now = int(task.doorway.clock.now() * 1000)
    lines = [task.text]
    if task.settings.get("batchMode"):
        lines = [orjson.dumps(one).decode() for one in task.objects()]
    events = [{"timestamp": now, "message": line} for line in lines]
    await task.ask("logs", "PutLogEvents", **place, logEvents=events)


async def _metric(task: Task) -> None:
    settings = task.settings
    try:
        value = float(settings["metricValue"])
        moment = float(settings["metricTimestamp"]) if settings.get("metricTimestamp") else None
    except ValueError:
        said = f"metricValue ({settings['metricValue']}) and metricTimestamp have to be numbers."
        raise DeliveryFailed("INVALID_METRIC", said, retry=False) from None
    datum = {"MetricName": settings["metricName"], "Value": value, "Unit": settings["metricUnit"]}
    if moment is not None:
        datum["Timestamp"] = moment
    await task.ask("cloudwatch", "PutMetricData", Namespace=settings["metricNamespace"], MetricData=[datum])


async def _alarm(task: Task) -> None:
    settings = task.settings
    await task.ask(
        "cloudwatch",
        "SetAlarmState",
        AlarmName=settings["alarmName"],
        StateValue=settings["stateValue"],
        StateReason=settings["stateReason"],
    )


_ACTIONS: Mapping[str, Callable[[Task], Awaitable[None]]] = {
    "cloudwatchAlarm": _alarm,
    "cloudwatchLogs": _logs,
    "cloudwatchMetric": _metric,
    "dynamoDB": _dynamodb,
    "dynamoDBv2": _dynamodb_columns,
    "firehose": _firehose,
    "iotAnalytics": _iotanalytics,
    "kinesis": _kinesis,
    "lambda": _lambda,
    "republish": _republish,
    "s3": _s3,
    "sns": _sns,
    "sqs": _sqs,
    "stepFunctions": _stepfunctions,
}


def takes_many(action: Mapping[str, Any]) -> bool:
    """Whether an action does for several messages at once what it does for each."""
    settings = action.get("iotAnalytics")
    return settings is not None and not settings.get("batchMode") and "${" not in resource_of(settings)


KINDS = frozenset((*_ACTIONS, "http"))
"""The actions that rules may have."""

_RESOURCES = (
    *("functionArn", "channelName", "queueUrl", "targetArn", "bucketName", "tableName", "streamName", "topic", "url"),
    *("stateMachineName", "deliveryStreamName", "logGroupName", "channelArn", "metricName", "alarmName"),
)


def resource_of(settings: Mapping[str, Any]) -> str:
    """What an action's settings name, for error messages and lanes."""
    inner = cast(Mapping[str, Any], settings.get("putItem", settings))
    return next((str(inner[name]) for name in _RESOURCES if inner.get(name)), "")
