"""Things, shadows, rules and their actions through boto3."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/iot"


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("iot")


@pytest.fixture
def data(kumoi: Any) -> Any:
    return kumoi.client("iot-data")


@pytest.fixture
def rule(client: Any) -> Callable[..., None]:
    def make(sql: str, *actions: dict[str, Any], name: str = "r", **more: Any) -> None:
        client.create_topic_rule(ruleName=name, topicRulePayload={"sql": sql, "actions": list(actions), **more})

    return make


@pytest.fixture
def queue(kumoi: Any) -> Callable[..., Any]:
    """A queue: its URL, and its messages once there are so many."""
    sqs = kumoi.client("sqs")

    def make(name: str = "q") -> tuple[str, Callable[[int], list[str]]]:
        url = str(sqs.create_queue(QueueName=name)["QueueUrl"])

        def messages(count: int) -> list[str]:
            found: list[str] = []
            deadline = time.monotonic() + 60
            while len(found) < count:
                assert time.monotonic() < deadline, f"{len(found)} of {count} messages"
                found += [
                    one["Body"] for one in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
                ]
            return found

        return url, messages

    return make


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


def test_things_are_kept_in_the_registry(client: Any, kumoi: Any) -> None:
    client.create_thing_type(thingTypeName="sensor", thingTypeProperties={"thingTypeDescription": "x"})
    made = client.create_thing(thingName="t", thingTypeName="sensor", attributePayload={"attributes": {"a": "1"}})
    assert made["thingArn"] == f"arn:aws:iot:us-east-1:{kumoi.account}:thing/t"
    same = client.create_thing(thingName="t", thingTypeName="sensor", attributePayload={"attributes": {"a": "1"}})
    assert same["thingId"] == made["thingId"]
    assert refused(lambda: client.create_thing(thingName="t")) == "ResourceAlreadyExistsException"
    assert refused(lambda: client.create_thing(thingName="u", thingTypeName="x")) == "ResourceNotFoundException"
    client.update_thing(thingName="t", attributePayload={"attributes": {"b": "2", "a": ""}, "merge": True})
    shown = client.describe_thing(thingName="t")
    assert (shown["attributes"], shown["version"], shown["thingTypeName"]) == ({"b": "2"}, 2, "sensor")
    assert refused(lambda: client.update_thing(thingName="t", expectedVersion=1)) == "VersionConflictException"
    assert [one["thingName"] for one in client.list_things(attributeName="b", attributeValue="2")["things"]] == ["t"]
    assert client.list_things(thingTypeName="other")["things"] == []
    client.delete_thing(thingName="t")
    assert refused(lambda: client.describe_thing(thingName="t")) == "ResourceNotFoundException"
    assert refused(lambda: client.delete_thing_type(thingTypeName="sensor")) == "InvalidRequestException"
    client.deprecate_thing_type(thingTypeName="sensor")
    client.delete_thing_type(thingTypeName="sensor")
    assert client.list_thing_types()["thingTypes"] == []
    assert client.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"] == kumoi.url.split("//")[1]


def test_shadows_are_merged_and_tell_what_differs(data: Any) -> None:
    def update(document: Any, **more: Any) -> Any:
        payload = json.dumps(document).encode()
        return json.loads(data.update_thing_shadow(thingName="t", payload=payload, **more)["payload"].read())

    def get(**more: Any) -> Any:
        return json.loads(data.get_thing_shadow(thingName="t", **more)["payload"].read())

    assert refused(get) == "ResourceNotFoundException"
    assert update({"state": {"desired": {"on": True, "c": {"r": 1, "g": 2}}}, "clientToken": "x"})["version"] == 1
    update({"state": {"reported": {"on": False, "c": {"r": 1}}}})
    shown = get()
    assert shown["state"]["delta"] == {"on": True, "c": {"g": 2}}
    assert shown["metadata"]["desired"]["c"]["g"]["timestamp"] > 0
    update({"state": {"desired": {"c": None}, "reported": {"on": True}}, "version": 2})
    shown = get()
    assert shown["state"] == {"desired": {"on": True}, "reported": {"on": True, "c": {"r": 1}}}
    assert shown["version"] == 3
    assert refused(lambda: update({"state": {}, "version": 1})) == "ConflictException"
    for wrong in ([], {}, {"state": 1}, {"state": {"x": {}}}, {"state": {"desired": []}}):
        assert refused(lambda wrong=wrong: update(wrong)) == "InvalidRequestException"
    update({"state": {"desired": {"n": 1}}}, shadowName="second")
    assert data.list_named_shadows_for_thing(thingName="t")["results"] == ["second"]
    data.delete_thing_shadow(thingName="t")
    assert refused(get) == "ResourceNotFoundException"
    assert get(shadowName="second")["state"]["desired"] == {"n": 1}
    assert update({"state": {"desired": {"on": False}}})["version"] == 5


def test_messages_start_the_rules_that_mean_them(data: Any, kumoi: Any, rule: Any, queue: Any) -> None:
    url, messages = queue()
    rule("SELECT *, topic(2) AS farm FROM 'farms/+/temp' WHERE t > 20", {"sqs": {"roleArn": ROLE, "queueUrl": url}})
    rule("SELECT * FROM 'farms/#'", {"sqs": {"roleArn": ROLE, "queueUrl": url}}, name="off", ruleDisabled=True)
    data.publish(topic="farms/7/temp", qos=1, payload=b'{"t": 21}')
    data.publish(topic="farms/7/temp", payload=b'{"t": 1}')
    data.publish(topic="farms/7", payload=b'{"t": 22}')
    data.publish(topic="$aws/rules/r/farms/9/temp", payload=b'{"t": 23}')
    found = sorted((json.loads(one) for one in messages(2)), key=lambda one: int(one["t"]))
    assert found == [{"t": 21, "farm": "7"}, {"t": 23, "farm": "9"}]


def test_actions_reach_their_services(data: Any, kumoi: Any, client: Any, rule: Any, queue: Any) -> None:
    url, messages = queue()
    s3, dynamodb = kumoi.client("s3"), kumoi.client("dynamodb")
    bucket = f"iot-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    dynamodb.create_table(
        TableName="seen",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    rule(
        "SELECT id, t FROM 'in/#'",
        {"s3": {"roleArn": ROLE, "bucketName": bucket, "key": "${topic(2)}/${t}.json"}},
        {"dynamoDBv2": {"roleArn": ROLE, "putItem": {"tableName": "seen"}}},
        {"republish": {"roleArn": ROLE, "topic": "out/${id}"}},
    )
    rule("SELECT * FROM 'out/#'", {"sqs": {"roleArn": ROLE, "queueUrl": url, "useBase64": True}}, name="second")
    data.publish(topic="in/a", payload=b'{"id": "x", "t": 4.5, "more": 1}')
    assert json.loads(base64.b64decode(messages(1)[0])) == {"id": "x", "t": 4.5}
    deadline = time.monotonic() + 60
    while not (item := dynamodb.get_item(TableName="seen", Key={"id": {"S": "x"}}).get("Item")):
        assert time.monotonic() < deadline
    assert item == {"id": {"S": "x"}, "t": {"N": "4.5"}}
    while not (listed := s3.list_objects_v2(Bucket=bucket).get("Contents")):
        assert time.monotonic() < deadline
    assert listed[0]["Key"] == "a/4.5.json"


def test_actions_write_metrics_and_set_alarms(data: Any, kumoi: Any, rule: Any) -> None:
    cloudwatch = kumoi.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="hot", Namespace="Farm", MetricName="heat", Statistic="Maximum", Period=60, EvaluationPeriods=1,
        Threshold=40, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    metric = {"metricNamespace": "Farm", "metricName": "${topic(2)}", "metricValue": "${t}", "metricUnit": "Count"}
    alarm = {"alarmName": "hot", "stateReason": "it has ${t} degrees", "stateValue": "ALARM"}
    rule(
        "SELECT t FROM 'farms/#'",
        {"cloudwatchMetric": {"roleArn": ROLE, **metric}},
        {"cloudwatchAlarm": {"roleArn": ROLE, **alarm}},
    )
    data.publish(topic="farms/temp", payload=b'{"t": 42.5}')
    deadline = time.monotonic() + 60
    while cloudwatch.describe_alarms(AlarmNames=["hot"])["MetricAlarms"][0]["StateReason"] != "it has 42.5 degrees":
        assert time.monotonic() < deadline
    now = kumoi.now()
    asked = {
        "Namespace": "Farm",
        "MetricName": "temp",
        "StartTime": now - timedelta(minutes=5),
        "EndTime": now + timedelta(minutes=5),
        "Period": 600,
        "Statistics": ["Sum"],
    }
    while not (points := cloudwatch.get_metric_statistics(**asked)["Datapoints"]):
        assert time.monotonic() < deadline
    assert (points[0]["Sum"], points[0]["Unit"]) == (42.5, "Count")


def test_expressions_ask_the_registry_and_shadows(data: Any, client: Any, rule: Any, queue: Any) -> None:
    url, messages = queue()
    client.create_thing(thingName="t", attributePayload={"attributes": {"farm": "7"}})
    data.update_thing_shadow(thingName="t", payload=b'{"state": {"desired": {"on": true}}}')
    sql = (
        "SELECT get_registry_data('DescribeThing', thing, 'r').attributes.farm AS farm,"
        " get_thing_shadow(thing, 'r').state.desired.on AS is_on, get_thing_shadow('gone', 'r') AS gone FROM 'a'"
    )
    rule(sql, {"sqs": {"roleArn": ROLE, "queueUrl": url}})
    data.publish(topic="a", payload=b'{"thing": "t"}')
    assert json.loads(messages(1)[0]) == {"farm": "7", "is_on": True}


@pytest.mark.kumoi_clock
def test_an_action_that_fails_has_the_error_action_told(data: Any, kumoi: Any, rule: Any, queue: Any) -> None:
    url, messages = queue()
    error = {"sqs": {"roleArn": ROLE, "queueUrl": url}}
    rule("SELECT * FROM 'a'", {"lambda": {"functionArn": "gone"}}, errorAction=error)
    data.publish(topic="a", payload=b'{"n": 1}')
    kumoi.advance("5m")
    told = json.loads(messages(1)[0])
    assert (told["ruleName"], told["topic"]) == ("r", "a")
    assert base64.b64decode(told["base64OriginalPayload"]) == b'{"n": 1}'
    assert told["failures"][0]["failedAction"] == "LambdaAction"
    assert told["failures"][0]["failedResource"] == "gone"


def test_topics_retain_a_message(data: Any) -> None:
    data.publish(topic="a/b", qos=1, retain=True, payload=b"x")
    assert data.get_retained_message(topic="a/b")["payload"] == b"x"
    assert [one["topic"] for one in data.list_retained_messages()["retainedTopics"]] == ["a/b"]
    data.publish(topic="a/b", retain=True, payload=b"")
    assert refused(lambda: data.get_retained_message(topic="a/b")) == "ResourceNotFoundException"


def test_what_is_wrong_is_refused(client: Any, data: Any, rule: Any) -> None:
    action = {"lambda": {"functionArn": "f"}}
    assert refused(lambda: rule("SELECT FROM", action)) == "SqlParseException"
    assert (
        refused(
            lambda: rule("SELECT * FROM 'a'", {"kafka": {"destinationArn": "x", "topic": "t", "clientProperties": {}}})
        )
        == "NotImplemented"
    )
    assert (
        refused(lambda: rule("SELECT * FROM 'a'", {**action, "sns": {"targetArn": "x", "roleArn": ROLE}}))
        == "InvalidRequestException"
    )
    rule("SELECT * FROM 'a'", action)
    assert refused(lambda: rule("SELECT * FROM 'a'", action)) == "ResourceAlreadyExistsException"
    client.disable_topic_rule(ruleName="r")
    (listed,) = client.list_topic_rules(ruleDisabled=True)["rules"]
    assert (listed["ruleName"], listed["topicPattern"]) == ("r", "a")
    client.replace_topic_rule(ruleName="r", topicRulePayload={"sql": "SELECT * FROM 'b'", "actions": [action]})
    assert client.get_topic_rule(ruleName="r")["rule"]["sql"] == "SELECT * FROM 'b'"
    client.delete_topic_rule(ruleName="r")
    assert refused(lambda: client.get_topic_rule(ruleName="r")) == "UnauthorizedException"
    for topic in ("a/#", "a/+", "x" * 300, "1/2/3/4/5/6/7/8/9"):
        assert refused(lambda topic=topic: data.publish(topic=topic, payload=b"")) == "InvalidRequestException"


def test_templates_make_rules_and_things(kumoi: Any, client: Any) -> None:
    template = {
        "Resources": {
            "Thing": {
                "Type": "AWS::IoT::Thing",
                "Properties": {"ThingName": "t", "AttributePayload": {"Attributes": {"Farm": "7"}}},
            },
            "Rule": {
                "Type": "AWS::IoT::TopicRule",
                "Properties": {
                    "TopicRulePayload": {
                        "Sql": "SELECT * FROM 'a'",
                        "RuleDisabled": "false",
                        "Actions": [{"DynamoDBv2": {"RoleArn": ROLE, "PutItem": {"TableName": "x"}}}],
                    }
                },
            },
        },
        "Outputs": {"Rule": {"Value": {"Ref": "Rule"}}},
    }
    stacks = kumoi.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    (output,) = stacks.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    rule = client.get_topic_rule(ruleName=output["OutputValue"])["rule"]
    assert rule["actions"] == [{"dynamoDBv2": {"roleArn": ROLE, "putItem": {"tableName": "x"}}}]
    assert client.describe_thing(thingName="t")["attributes"] == {"Farm": "7"}
