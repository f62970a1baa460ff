"""Notifications end to end: what queues, functions and EventBridge are told, and what may be configured."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.s3.notification_rules import Subscription


@pytest.fixture
def sqs(kumoi: Any) -> Any:
    return kumoi.client("sqs")


@pytest.fixture
def queue(kumoi: Any, sqs: Any) -> tuple[str, str]:
    """(URL, ARN) of a queue."""
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:{kumoi.account}:told"


def received(sqs: Any, url: str, count: int = 1) -> list[dict[str, Any]]:
    """The next bodies of a queue, in the order of their sequencers."""
    bodies: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while len(bodies) < count and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, MaxNumberOfMessages=10).get("Messages", []):
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert len(bodies) == count, bodies
    if all("Records" in body for body in bodies):
        bodies.sort(key=lambda body: body["Records"][0]["s3"]["object"].get("sequencer", ""))
    return bodies


def listen(s3: Any, bucket: str, arn: str, *events: str, **filters: str) -> None:
    rules = [{"Name": name, "Value": value} for name, value in filters.items()]
    configuration: dict[str, Any] = {"Id": "told", "QueueArn": arn, "Events": list(events)}
    if rules:
        configuration["Filter"] = {"Key": {"FilterRules": rules}}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
    )


def test_a_queue_is_told_of_what_happens(kumoi: Any, s3: Any, sqs: Any, versioned: str, queue: tuple[str, str]) -> None:
    url, arn = queue
    listen(s3, versioned, arn, "s3:ObjectCreated:*", "s3:ObjectRemoved:*")
    (trial,) = received(sqs, url)
    assert trial.keys() == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}
    assert (trial["Service"], trial["Event"], trial["Bucket"]) == ("Amazon S3", "s3:TestEvent", versioned)

    version = s3.put_object(Bucket=versioned, Key="a b/ü.txt", Body=b"12345")["VersionId"]
    (body,) = received(sqs, url)
    (record,) = body["Records"]
    sequencer = record["s3"]["object"].pop("sequencer")
    assert len(sequencer) == 18
    assert record["responseElements"].keys() == {"x-amz-request-id", "x-amz-id-2"}
    assert record["s3"]["bucket"].pop("ownerIdentity").keys() == {"principalId"}
    assert record.pop("eventTime").endswith("Z")
    del record["responseElements"]
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{kumoi.account}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "told",
            "bucket": {"name": versioned, "arn": f"arn:aws:s3:::{versioned}"},
            "object": {
                "key": "a+b/%C3%BC.txt",
                "size": 5,
                "eTag": "827ccb0eea8a706c4c34a16891f84e7b",
                "versionId": version,
            },
        },
    }

    s3.copy_object(Bucket=versioned, Key="copy", CopySource={"Bucket": versioned, "Key": "a b/ü.txt"})
    s3.delete_object(Bucket=versioned, Key="copy")
    s3.delete_object(Bucket=versioned, Key="a b/ü.txt", VersionId=version)
    told = [body["Records"][0] for body in received(sqs, url, 3)]
    assert [one["eventName"] for one in told] == [
        "ObjectCreated:Copy",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRemoved:Delete",
    ]
    marker, gone = told[1]["s3"]["object"], told[2]["s3"]["object"]
    assert marker["eTag"] == "d41d8cd98f00b204e9800998ecf8427e"
    assert gone.keys() == {"key", "versionId", "sequencer"}


def test_parts_make_one_event(s3: Any, sqs: Any, bucket: str, queue: tuple[str, str]) -> None:
    url, arn = queue
    listen(s3, bucket, arn, "s3:ObjectCreated:CompleteMultipartUpload")
    received(sqs, url)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    (body,) = received(sqs, url)
    assert body["Records"][0]["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert body["Records"][0]["s3"]["object"]["eTag"].endswith("-1")


def test_tags_are_told_without_size(s3: Any, sqs: Any, bucket: str, queue: tuple[str, str]) -> None:
    url, arn = queue
    listen(s3, bucket, arn, "s3:ObjectTagging:*")
    received(sqs, url)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    (body,) = received(sqs, url)
    record = body["Records"][0]
    assert (record["eventName"], record["eventVersion"]) == ("ObjectTagging:Put", "2.3")
    assert record["s3"]["object"].keys() == {"key", "eTag"}


def test_filters_choose_keys(s3: Any, sqs: Any, bucket: str, queue: tuple[str, str]) -> None:
    url, arn = queue
    listen(s3, bucket, arn, "s3:ObjectCreated:Put", prefix="in/", SUFFIX=".jpg")
    received(sqs, url)
    for key in ("in/a.png", "out/a.jpg", "in/a.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    (body,) = received(sqs, url)
    assert body["Records"][0]["s3"]["object"]["key"] == "in/a.jpg"
    stored = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert stored[0]["Filter"]["Key"]["FilterRules"] == [
        {"Name": "Prefix", "Value": "in/"},
        {"Name": "Suffix", "Value": ".jpg"},
    ]


def test_a_function_is_invoked(
    kumoi: Any, s3: Any, sqs: Any, bucket: str, queue: tuple[str, str], zipped: Callable[[dict[str, str]], bytes]
) -> None:
    url, _ = queue
    code = f"""
import boto3, json
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl={url!r}, MessageBody=json.dumps(event))
"""
    function = kumoi.client("lambda").create_function(
        FunctionName="told",
        Runtime="python3.12",
        Handler="index.handler",
        Role=f"arn:aws:iam::{kumoi.account}:role/r",
        Code={"ZipFile": zipped({"index.py": code})},
        Timeout=60,
    )
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": function["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    (body,) = received(sqs, url)
    assert body["Records"][0]["s3"]["object"]["key"] == "k"


def test_eventbridge_is_told(kumoi: Any, s3: Any, sqs: Any, bucket: str, queue: tuple[str, str]) -> None:
    url, arn = queue
    events = kumoi.client("events")
    events.put_rule(Name="objects", EventPattern=json.dumps({"source": ["aws.s3"]}))
    events.put_targets(Rule="objects", Targets=[{"Id": "q", "Arn": arn}])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_object(Bucket=bucket, Key="a b", Body=b"123")
    (event,) = received(sqs, url)
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    detail = event["detail"]
    assert detail["bucket"] == {"name": bucket}
    assert detail["reason"] == "PutObject"
    assert detail["object"]["key"] == "a b"
    assert detail["object"]["size"] == 3
    assert detail.keys() == {
        "version", "bucket", "object", "request-id", "requester", "source-ip-address", "reason"
    }  # fmt: skip
    s3.delete_object(Bucket=bucket, Key="a b")
    (event,) = received(sqs, url)
    assert event["detail-type"] == "Object Deleted"
    assert event["detail"]["deletion-type"] == "Permanently Deleted"


def test_an_empty_configuration_ends_notifications(s3: Any, sqs: Any, bucket: str, queue: tuple[str, str]) -> None:
    url, arn = queue
    listen(s3, bucket, arn, "s3:ObjectCreated:*")
    received(sqs, url)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    answer = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "QueueConfigurations" not in answer
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    listen(s3, bucket, arn, "s3:ObjectCreated:*")
    assert received(sqs, url)[0]["Event"] == "s3:TestEvent"


def refused(s3: Any, bucket: str, *configurations: dict[str, Any], skip: bool = False) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={"QueueConfigurations": list(configurations)},
            SkipDestinationValidation=skip,
        )
    error: dict[str, Any] = raised.value.response["Error"]
    return error


CREATED = ["s3:ObjectCreated:*"]


def test_a_destination_must_exist_unless_that_is_skipped(kumoi: Any, s3: Any, bucket: str) -> None:
    arn = f"arn:aws:sqs:us-east-1:{kumoi.account}:none"
    error = refused(s3, bucket, {"QueueArn": arn, "Events": CREATED})
    assert error["Message"] == "Unable to validate the following destination configurations"
    assert error["ArgumentName1"] == arn
    assert error["ArgumentValue1"] == "The destination queue does not exist"
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": CREATED}]},
        SkipDestinationValidation=True,
    )
    assert refused(s3, bucket, {"QueueArn": "bad", "Events": CREATED}, skip=True)["Message"] == (
        "The ARN could not be parsed"
    )


def test_overlaps_are_refused(s3: Any, bucket: str, queue: tuple[str, str]) -> None:
    _, arn = queue

    def filtered(prefix: str, *events: str) -> dict[str, Any]:
        rules = [{"Name": "prefix", "Value": prefix}]
        return {"QueueArn": arn, "Events": list(events), "Filter": {"Key": {"FilterRules": rules}}}

    error = refused(s3, bucket, filtered("a", "s3:ObjectCreated:*"), filtered("ab", "s3:ObjectCreated:Put"))
    assert error["Message"] == (
        "Configurations overlap. Configurations on the same bucket cannot share a common event type."
    )
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [filtered("a", "s3:ObjectCreated:*"), filtered("b", "s3:ObjectCreated:*")]
        },
    )


def test_a_filter_is_a_prefix_or_a_suffix(s3: Any, bucket: str, queue: tuple[str, str]) -> None:
    _, arn = queue
    rules = {"Key": {"FilterRules": [{"Name": "middle", "Value": "x"}]}}
    error = refused(s3, bucket, {"QueueArn": arn, "Events": CREATED, "Filter": rules})
    assert error["Message"] == "filter rule name must be either prefix or suffix"
    assert error["ArgumentName"] == "FilterRule.Name"


@pytest.mark.parametrize(
    ("events", "prefix", "suffix", "event", "key", "wanted"),
    [
        (("s3:ObjectCreated:*",), "", "", "ObjectCreated:Copy", "k", True),
        (("s3:ObjectCreated:Put",), "", "", "ObjectCreated:Copy", "k", False),
        (("s3:ObjectRemoved:*",), "", "", "ObjectCreated:Put", "k", False),
        (("s3:LifecycleTransition",), "", "", "LifecycleTransition", "k", True),
        (("s3:ObjectCreated:*",), "a/", ".x", "ObjectCreated:Put", "a/b.x", True),
        (("s3:ObjectCreated:*",), "a/", ".x", "ObjectCreated:Put", "b/b.x", False),
    ],
)
def test_wants(events: tuple[str, ...], prefix: str, suffix: str, event: str, key: str, wanted: bool) -> None:
    assert Subscription("i", "sqs", "arn", events, prefix, suffix).wants(event, key) is wanted
