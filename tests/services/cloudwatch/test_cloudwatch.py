"""boto3 and the AWS CLI's protocols: metrics, math, alarms and their actions on the platform's clock."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.pytest_plugin import KumoiAccount

SHOP = [{"Name": "shop", "Value": "1"}]


@pytest.fixture
def cloudwatch(kumoi: KumoiAccount) -> Any:
    return kumoi.client("cloudwatch")


def minute(kumoi: KumoiAccount, ago: int = 0) -> datetime:
    now = kumoi.now()
    return now.replace(second=0, microsecond=0) - timedelta(minutes=ago)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about within 60 s"
        time.sleep(0.05)


def test_values_become_statistics(kumoi: KumoiAccount, cloudwatch: Any) -> None:
    at = minute(kumoi, 10)
    data = [
        {"MetricName": "orders", "Dimensions": SHOP, "Timestamp": at, "Value": 3, "Unit": "Count"},
        {
            "MetricName": "orders",
            "Dimensions": SHOP,
            "Timestamp": at + timedelta(seconds=30),
            "Values": [1.0, 5.0],
            "Counts": [2.0, 1.0],
            "Unit": "Count",
        },
        {
            "MetricName": "orders",
            "Dimensions": SHOP,
            "Timestamp": at + timedelta(minutes=1),
            "StatisticValues": {"SampleCount": 2, "Sum": 8, "Minimum": 3, "Maximum": 5},
            "Unit": "Count",
        },
    ]
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
    answer = cloudwatch.get_metric_statistics(
        Namespace="Shop",
        MetricName="orders",
        Dimensions=SHOP,
        StartTime=at,
        EndTime=at + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum", "SampleCount", "Average", "Minimum", "Maximum"],
        ExtendedStatistics=["p50"],
    )
    first, second = sorted(answer["Datapoints"], key=lambda one: one["Timestamp"])
    assert (first["Sum"], first["SampleCount"], first["Average"]) == (10, 4, 2.5)
    assert (first["Minimum"], first["Maximum"], first["Unit"], first["Timestamp"]) == (1, 5, "Count", at)
    assert first["ExtendedStatistics"]["p50"] == 2.0
    assert (second["Sum"], second["Minimum"]) == (8, 3)
    assert "ExtendedStatistics" not in second


def test_queries_and_math(kumoi: KumoiAccount, cloudwatch: Any) -> None:
    at = minute(kumoi, 10)
    for name, values in {"errors": [1, 0, 2], "calls": [10, 10, 20]}.items():
        data = [
            {"MetricName": name, "Timestamp": at + timedelta(minutes=number), "Value": value}
            for number, value in enumerate(values)
        ]
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)

    def metric(name: str, **more: Any) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "Shop", "MetricName": name}, "Period": 60, "Stat": "Sum"}
        return {"Id": name, "MetricStat": stat, **more}

    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            metric("errors", ReturnData=False),
            metric("calls", ReturnData=False),
            {"Id": "rate", "Expression": "100 * errors / calls", "Label": "Error rate"},
            {"Id": "found", "Expression": "SEARCH('{Shop} MetricName=\"calls\"', 'Maximum', 60)"},
        ],
        StartTime=at,
        EndTime=at + timedelta(minutes=3),
        ScanBy="TimestampAscending",
    )
    rate, found = answer["MetricDataResults"]
    assert (rate["Label"], rate["Values"], rate["StatusCode"]) == ("Error rate", [10.0, 0.0, 10.0], "Complete")
    assert rate["Timestamps"][0] == at
    assert found["Values"] == [10, 10, 20]
    wrong = [{"Id": "e", "Expression": "m1 +"}]
    with pytest.raises(ClientError) as refused:
        cloudwatch.get_metric_data(MetricDataQueries=wrong, StartTime=at, EndTime=at + timedelta(minutes=3))
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_metrics_are_listed(kumoi: KumoiAccount, cloudwatch: Any) -> None:
    for number in range(3):
        dimensions = [{"Name": "shop", "Value": str(number)}]
        cloudwatch.put_metric_data(
            Namespace="Shop", MetricData=[{"MetricName": "orders", "Dimensions": dimensions, "Value": 1}]
        )
    cloudwatch.put_metric_data(Namespace="Other", MetricData=[{"MetricName": "x", "Value": 1}])
    assert len(cloudwatch.list_metrics()["Metrics"]) == 4
    assert len(cloudwatch.list_metrics(Namespace="Shop", Dimensions=[{"Name": "shop"}])["Metrics"]) == 3
    one = cloudwatch.list_metrics(Dimensions=[{"Name": "shop", "Value": "1"}])["Metrics"]
    assert [(metric["Namespace"], metric["Dimensions"][0]["Value"]) for metric in one] == [("Shop", "1")]


def test_many_metrics_are_listed_page_by_page(cloudwatch: Any) -> None:
    metrics = [{"MetricName": f"m{number:03}", "Value": 1} for number in range(600)]
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=metrics)
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Shop")
    names = [[one["MetricName"] for one in page["Metrics"]] for page in pages]
    assert [len(page) for page in names] == [500, 100]
    assert [name for page in names for name in page] == [one["MetricName"] for one in metrics]
    with pytest.raises(ClientError) as refused:
        cloudwatch.list_metrics(NextToken="eA==")
    assert refused.value.response["Error"]["Code"] == "InvalidNextToken"


@pytest.mark.parametrize(
    ("datum", "code"),
    [
        ({"MetricName": "x"}, "InvalidParameterCombination"),
        ({"MetricName": "x", "Value": 1, "Values": [1.0]}, "InvalidParameterCombination"),
        ({"MetricName": "x", "Value": 1, "Timestamp": datetime(2020, 1, 1)}, "InvalidParameterValue"),
        ({"MetricName": "x", "Value": 1, "StorageResolution": 5}, "InvalidParameterValue"),
        ({"MetricName": "x", "Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue"),
        ({"MetricName": "x", "Value": 1, "Dimensions": [{"Name": "a", "Value": " "}]}, "InvalidParameterValue"),
    ],
)
def test_what_is_no_value(cloudwatch: Any, datum: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    assert refused.value.response["Error"]["Code"] == code
    assert cloudwatch.list_metrics()["Metrics"] == []


def test_the_namespaces_of_aws_are_its_own(cloudwatch: Any) -> None:
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "x", "Value": 1}])
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


ALARM: dict[str, Any] = {
    "Namespace": "Shop",
    "MetricName": "errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 2,
    "DatapointsToAlarm": 1,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


@pytest.mark.kumoi_clock
def test_an_alarm_acts_and_calms_down(kumoi: KumoiAccount) -> None:
    cloudwatch, sns, sqs, events = (kumoi.client(name) for name in ("cloudwatch", "sns", "sqs", "events"))
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    events.put_rule(Name="alarms", EventPattern='{"source": ["aws.cloudwatch"]}')
    events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": queue}])
    cloudwatch.put_metric_alarm(AlarmName="errors", AlarmActions=[topic], **ALARM)
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("errors") AND TRUE')

    def states() -> list[str]:
        answer = cloudwatch.describe_alarms(AlarmNames=["errors", "both"])
        return [one["StateValue"] for one in (*answer["MetricAlarms"], *answer["CompositeAlarms"])]

    assert states() == ["INSUFFICIENT_DATA", "OK"]
    kumoi.advance("2m")
    assert states() == ["OK", "OK"]
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "errors", "Value": 9}])
    kumoi.advance("70s")
    assert states() == ["ALARM", "ALARM"]
    (alarm,) = cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert "9.0" in alarm["StateReason"]
    told: list[dict[str, Any]] = []

    def receive() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
            told.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return any("NewStateValue" in one for one in told) and any(
            one.get("detail", {}).get("state", {}).get("value") == "ALARM" for one in told
        )

    until(receive)
    (notice,) = [one for one in told if "NewStateValue" in one]
    assert (notice["NewStateValue"], notice["OldStateValue"], notice["Trigger"]["MetricName"]) == (
        "ALARM",
        "OK",
        "errors",
    )
    kumoi.advance("3m")
    assert states() == ["OK", "OK"]
    kinds = [
        one["HistoryItemType"] for one in cloudwatch.describe_alarm_history(AlarmName="errors")["AlarmHistoryItems"]
    ]
    assert kinds == ["StateUpdate", "Action", "StateUpdate", "StateUpdate", "ConfigurationUpdate"]


def test_a_state_that_is_set_starts_a_function(kumoi: KumoiAccount, zipped: Any) -> None:
    functions, logs, cloudwatch = (kumoi.client(name) for name in ("lambda", "logs", "cloudwatch"))
    code = "def handler(event, context):\n    print('told', event['alarmData']['state']['value'])\n"
    function = functions.create_function(
        FunctionName="told",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="told",
        StatementId="alarm",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
    )
    gone = "arn:aws:sns:us-east-1:000000000000:gone"
    cloudwatch.put_metric_alarm(AlarmName="a", AlarmActions=[function], OKActions=[gone], **ALARM)
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="a test")

    def seen() -> bool:
        try:
            found = logs.filter_log_events(logGroupName="/aws/lambda/told", filterPattern="told")["events"]
        except ClientError:
            return False
        return any("told ALARM" in one["message"] for one in found)

    until(seen)
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="OK", StateReason="a test")

    def actions() -> list[str]:
        history = cloudwatch.describe_alarm_history(AlarmName="a", HistoryItemType="Action")["AlarmHistoryItems"]
        return sorted(one["HistorySummary"] for one in history)

    wanted = [f"Failed to execute action {gone}", f"Successfully executed action {function}"]
    until(lambda: actions() == wanted)
    cloudwatch.disable_alarm_actions(AlarmNames=["a"])
    assert not cloudwatch.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]["ActionsEnabled"]


@pytest.mark.parametrize(
    "changed",
    [
        {"DatapointsToAlarm": 3},
        {"Statistic": None},
        {"ExtendedStatistic": "p99"},
        {"Period": 61},
        {"TreatMissingData": "sometimes"},
        {"AlarmActions": ["nonsense"]},
        {"Metrics": [{"Id": "m", "Expression": "1"}]},
        {"Period": 3600, "EvaluationPeriods": 200},
        {
            **dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period")),
            "EvaluationPeriods": 1_000_000,
            "Metrics": [{"Id": "m", "Expression": "1", "Period": 60}],
        },
    ],
)
def test_what_no_alarm_can_be(cloudwatch: Any, changed: dict[str, Any]) -> None:
    given = {name: value for name, value in {**ALARM, **changed}.items() if value is not None}
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_alarm(AlarmName="a", **given)
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_alarms_are_described_tagged_and_deleted(cloudwatch: Any) -> None:
    for number in range(3):
        cloudwatch.put_metric_alarm(AlarmName=f"a{number}", Tags=[{"Key": "k", "Value": "v"}], **ALARM)
    pages = cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["AlarmName"] for one in page["MetricAlarms"]] for page in pages] == [["a0", "a1"], ["a2"]]
    arn = cloudwatch.describe_alarms(AlarmNames=["a0"])["MetricAlarms"][0]["AlarmArn"]
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["k"])
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "x", "Value": "y"}])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "x", "Value": "y"}]
    found = cloudwatch.describe_alarms_for_metric(Namespace="Shop", MetricName="errors", Statistic="Sum")
    assert len(found["MetricAlarms"]) == 3
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="OK(a0) OR ALARM(a1)")
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName="c")["MetricAlarms"]
    assert [one["AlarmName"] for one in children] == ["a0", "a1"]
    with pytest.raises(ClientError):
        cloudwatch.delete_alarms(AlarmNames=["a0"])
    with pytest.raises(ClientError):
        cloudwatch.put_composite_alarm(AlarmName="d", AlarmRule="OK(none)")
    cloudwatch.put_composite_alarm(AlarmName="e", AlarmRule="ALARM(c)")
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="NOT ALARM(e)")
    assert "cannot be made of itself" in refused.value.response["Error"]["Message"]
    cloudwatch.delete_alarms(AlarmNames=["e"])
    cloudwatch.delete_alarms(AlarmNames=["a0", "a1", "a2", "c"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    with pytest.raises(ClientError) as refused:
        cloudwatch.set_alarm_state(AlarmName="a0", StateValue="OK", StateReason="x")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFound"


def test_powertools_metrics_in_a_functions_log_are_metrics(kumoi: KumoiAccount, zipped: Any) -> None:
    functions, cloudwatch = kumoi.client("lambda"), kumoi.client("cloudwatch")
    code = """
import json, time
def handler(event, context):
    print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
        {"Namespace": "Shop", "Dimensions": [["env", "service"]], "Metrics": [{"Name": "Orders", "Unit": "Count"}]}]},
        "env": "dev", "service": "pay", "order_id": "42", "Orders": [1.0, 3.0]}))
    print('{"_aws": "nonsense"}')
"""
    functions.create_function(
        FunctionName="pay",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="pay")
    functions.invoke(FunctionName="pay")
    dimensions = [{"Name": "env", "Value": "dev"}, {"Name": "service", "Value": "pay"}]
    until(lambda: bool(cloudwatch.list_metrics(Namespace="Shop", Dimensions=dimensions)["Metrics"]))
    end = kumoi.now() + timedelta(minutes=1)
    (point,) = cloudwatch.get_metric_statistics(
        Namespace="Shop",
        MetricName="Orders",
        Dimensions=dimensions,
        StartTime=end - timedelta(hours=1),
        EndTime=end,
        Period=3600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (4, 2, "Count")


def test_what_functions_do_is_a_metric(kumoi: KumoiAccount, cloudwatch: Any, zipped: Any) -> None:
    functions = kumoi.client("lambda")
    functions.create_function(
        FunctionName="shaky",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1 / event['by']\n"})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="shaky")
    for by in (1, 0, 2):
        functions.invoke(FunctionName="shaky", Payload=json.dumps({"by": by}))

    def total(name: str) -> float:
        end = kumoi.now() + timedelta(minutes=1)
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": "shaky"}],
            StartTime=end - timedelta(hours=1),
            EndTime=end,
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(one["Sum"] for one in answer["Datapoints"]))

    until(lambda: total("Invocations") == 3)
    assert (total("Errors"), total("Throttles")) == (1, 0)
    assert total("Duration") > 0


def test_a_template_makes_alarms(kumoi: KumoiAccount, cloudwatch: Any) -> None:
    template = {
        "Resources": {
            "Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": {**ALARM, "AlarmName": "errors"}},
            "Both": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {"AlarmName": "both", "AlarmRule": {"Fn::Sub": "ALARM(${Errors})"}},
            },
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Errors", "Arn"]}}},
    }
    cloudformation = kumoi.client("cloudformation")
    cloudformation.create_stack(StackName="alarms", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="alarms", WaiterConfig={"Delay": 1})
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    (stack,) = cloudformation.describe_stacks(StackName="alarms")["Stacks"]
    assert stack["Outputs"][0]["OutputValue"] == alarm["AlarmArn"]
    cloudformation.delete_stack(StackName="alarms")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="alarms", WaiterConfig={"Delay": 1})
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_dashboards_are_kept(cloudwatch: Any) -> None:
    body = json.dumps({"widgets": []})
    cloudwatch.put_dashboard(DashboardName="shop", DashboardBody=body)
    assert cloudwatch.get_dashboard(DashboardName="shop")["DashboardBody"] == body
    assert [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]] == ["shop"]
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_dashboard(DashboardName="shop", DashboardBody="no json")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterInput"
    cloudwatch.delete_dashboards(DashboardNames=["shop"])
    with pytest.raises(ClientError) as refused:
        cloudwatch.get_dashboard(DashboardName="shop")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFound"


def test_what_was_put_and_set_survives_a_crash(killable: Any) -> None:
    killable.start()
    cloudwatch = killable.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="a", **ALARM)
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="a test")
    for _ in range(10):
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "orders", "Value": 1}])
    killable.kill()
    killable.start()
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert alarm["AlarmName"] == "a"
    end = datetime.now(UTC) + timedelta(minutes=1)
    answer = cloudwatch.get_metric_statistics(
        Namespace="Shop",
        MetricName="orders",
        StartTime=end - timedelta(hours=1),
        EndTime=end,
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(one["Sum"] for one in answer["Datapoints"]) == 10


@pytest.mark.kumoi_clock
def test_an_alarm_on_the_depth_of_a_queue(kumoi: KumoiAccount, cloudwatch: Any) -> None:
    sqs = kumoi.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    watched = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "dead"}],
    }
    for name in ("not empty", "once more"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            **watched,
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )

    def states() -> set[str]:
        return {one["StateValue"] for one in cloudwatch.describe_alarms()["MetricAlarms"]}

    kumoi.advance(120)
    until(lambda: states() == {"OK"})
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    kumoi.advance(120)
    until(lambda: states() == {"ALARM"})
    now = kumoi.now()
    points = cloudwatch.get_metric_statistics(
        **watched, StartTime=now - timedelta(minutes=10), EndTime=now, Period=60, Statistics=["Sum", "SampleCount"]
    )["Datapoints"]
    assert {one["SampleCount"] for one in points} == {1.0}
    assert {one["Sum"] for one in points} == {0.0, 2.0}
    sqs.purge_queue(QueueUrl=url)
    kumoi.advance(120)
    until(lambda: states() == {"OK"})
