"""Functions that start themselves again, over queues, topics, buckets or at once, are stopped after sixteen runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

MOST = 16
LOOP = """
import json, os, boto3

def handler(event, context):
    print("RUN")
    {again}
"""


class Loop:
    """A function `f` that runs once more each time, by a statement of its own; how often it ran, what was stopped."""

    def __init__(self, kumoi: Any, create: Callable[..., dict[str, Any]]) -> None:
        self._kumoi = kumoi
        self._create = create
        self.arn = ""

    def make(self, again: str, **options: Any) -> str:
        self.arn = self._create(LOOP.format(again=again), Timeout=20, **options)["FunctionArn"]
        return self.arn

    @property
    def runs(self) -> int:
        logs = self._kumoi.client("logs")
        try:
            found = logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="RUN")
        except logs.exceptions.ResourceNotFoundException:
            return 0
        return len(found["events"])

    @property
    def stopped(self) -> int:
        now = self._kumoi.now()
        told = self._kumoi.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="RecursiveInvocationsDropped",
            Dimensions=[{"Name": "FunctionName", "Value": "f"}],
            StartTime=now - timedelta(days=1),
            EndTime=now + timedelta(days=1),
            Period=86_400,
            Statistics=["Sum"],
        )
        return int(sum(one["Sum"] for one in told["Datapoints"]))

    def until_stopped(self, times: int = 1) -> None:
        deadline = time.monotonic() + 60
        while self.stopped < times:
            assert time.monotonic() < deadline, f"it was not stopped; it ran {self.runs} times"
            time.sleep(0.1)

    def until_run(self, times: int) -> None:
        deadline = time.monotonic() + 60
        while self.runs < times:
            assert time.monotonic() < deadline, f"it ran {self.runs} times"
            time.sleep(0.1)


@pytest.fixture
def loop(kumoi: Any, create: Callable[..., dict[str, Any]]) -> Loop:
    return Loop(kumoi, create)


@pytest.fixture
def queue(kumoi: Any) -> Callable[..., tuple[str, str]]:
    """Make a queue; its URL and its ARN."""
    sqs = kumoi.client("sqs")

    def make(name: str, **attributes: str) -> tuple[str, str]:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, asked["Attributes"]["QueueArn"]

    return make


def arrival(kumoi: Any, url: str) -> str:
    """The body of the message that comes to a queue."""
    for _ in range(3):
        for message in kumoi.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", ()):
            return str(message["Body"])
    raise AssertionError("nothing came within 60 s")


def sends(url: str) -> str:
    return f"boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody='again')"


@pytest.mark.kumoi_clock
def test_a_message_that_goes_round_ends_in_the_queue_s_dead_letter_queue(
    kumoi: Any, client: Any, loop: Loop, queue: Callable[..., tuple[str, str]]
) -> None:
    dead, dead_arn = queue("dead")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, arn = queue("work", RedrivePolicy=policy)
    client.create_event_source_mapping(FunctionName=loop.make(sends(url)), EventSourceArn=arn)
    kumoi.client("sqs").send_message(QueueUrl=url, MessageBody="first")
    loop.until_stopped()
    kumoi.advance("31s")
    assert arrival(kumoi, dead) == "again"
    assert (loop.runs, loop.stopped) == (MOST, 1)


def test_a_topic_that_starts_its_publisher_ends_at_the_failure_destination(
    kumoi: Any, client: Any, loop: Loop, queue: Callable[..., tuple[str, str]]
) -> None:
    sns, (failed, failed_arn) = kumoi.client("sns"), queue("failed")
    topic = sns.create_topic(Name="round")["TopicArn"]
    loop.make(f"boto3.client('sns').publish(TopicArn={topic!r}, Message='again')")
    client.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": failed_arn}}
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=loop.arn)
    sns.publish(TopicArn=topic, Message="first")
    record = json.loads(arrival(kumoi, failed))
    assert record["requestPayload"]["Records"][0]["Sns"]["Message"] == "again"
    loop.until_stopped()
    assert (loop.runs, loop.stopped) == (MOST, 1)


def test_an_object_written_over_and_over_is_written_sixteen_times(kumoi: Any, client: Any, loop: Loop) -> None:
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket="round")
    loop.make("boto3.client('s3').put_object(Bucket='round', Key='again', Body=b'')")
    rules = [{"LambdaFunctionArn": loop.arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket="round", NotificationConfiguration={"LambdaFunctionConfigurations": rules}
    )
    s3.put_object(Bucket="round", Key="first", Body=b"")
    loop.until_stopped()
    assert loop.runs == MOST


def test_a_function_that_invokes_itself_is_told_so(kumoi: Any, loop: Loop, invoke: Any) -> None:
    loop.make("return json.load(boto3.client('lambda').invoke(FunctionName='f')['Payload'])")
    answer, _ = invoke()
    told = json.dumps(answer)
    assert "RecursiveInvocationException" in told
    loop.until_stopped()
    assert (loop.runs, loop.stopped) == (MOST, 1)


def test_two_functions_a_topic_and_a_queue_make_a_loop(
    kumoi: Any, client: Any, loop: Loop, create: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    sns, (_, arn) = kumoi.client("sns"), queue("between", VisibilityTimeout="20")
    topic = sns.create_topic(Name="between")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    create(LOOP.format(again="boto3.client('lambda').invoke(FunctionName='f', InvocationType='Event')"), name="g")
    client.create_event_source_mapping(FunctionName="g", EventSourceArn=arn)
    loop.make(f"boto3.client('sns').publish(TopicArn={topic!r}, Message='again')")
    client.invoke(FunctionName="f", InvocationType="Event")
    loop.until_stopped()
    assert loop.runs == MOST


@pytest.mark.parametrize("service", ["sqs", "lambda"])
def test_an_sdk_that_sends_a_trace_s_first_header_again_hides_no_loop(
    client: Any, loop: Loop, queue: Callable[..., tuple[str, str]], service: str
) -> None:
    """As Python's X-Ray SDK does, while an environment lives."""
    url, arn = queue("work", VisibilityTimeout="20")
    call = {
        "sqs": f"send_message(QueueUrl={url!r}, MessageBody='again')",
        "lambda": "invoke(FunctionName='f', InvocationType='Event')",
    }
    header = "os.environ['_X_AMZN_TRACE_ID']"
    stale = f"first.setdefault({header}.split(';')[0], {header})"
    sends = f"lambda request, **_: request.headers.update({{'X-Amzn-Trace-Id': {stale}}})"
    again = (
        f"first = globals().setdefault('FIRST', {{}}); client = boto3.client({service!r}); "
        f"client.meta.events.register('before-send', {sends}); client.{call[service]}"
    )
    loop.make(again, MemorySize=512)
    client.create_event_source_mapping(FunctionName="f", EventSourceArn=arn)
    client.invoke(FunctionName="f", InvocationType="Event")
    loop.until_stopped()
    assert loop.runs == MOST


def test_a_function_that_may_goes_on(kumoi: Any, client: Any, loop: Loop) -> None:
    again = "event and boto3.client('lambda').invoke(FunctionName='f', InvocationType='Event', Payload=str(event - 1))"
    loop.make(again)
    client.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b"20")
    loop.until_run(21)
    assert loop.stopped == 0


def test_a_loop_over_a_bus_is_not_seen_as_at_aws(kumoi: Any, client: Any, loop: Loop) -> None:
    events = kumoi.client("events")
    put = "boto3.client('events').put_events(Entries=[{'Source': 'me', 'DetailType': 'x', 'Detail': json.dumps(left)}])"
    loop.make(f"left = {{'left': event['detail']['left'] - 1}}; left['left'] and {put}")
    events.put_rule(Name="round", EventPattern='{"source": ["me"]}')
    events.put_targets(Rule="round", Targets=[{"Id": "f", "Arn": loop.arn}])
    events.put_events(Entries=[{"Source": "me", "DetailType": "x", "Detail": '{"left": 20}'}])
    loop.until_run(20)
    assert loop.stopped == 0


def test_a_failing_function_that_gets_its_own_dead_letters_is_stopped(client: Any, loop: Loop) -> None:
    arn = loop.make("raise ValueError('no')")
    client.update_function_configuration(FunctionName="f", DeadLetterConfig={"TargetArn": arn})
    client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    client.invoke(FunctionName="f", InvocationType="Event")
    loop.until_stopped(2)  # once more for the dead letter of what was stopped, which leaves none itself
    assert (loop.runs, loop.stopped) == (MOST, 2)
